"""One process's side of the fleet: what it has to tell, and what it makes of what it hears.

No I/O: `link.FleetLink` carries reports and views.  Everything but `report` and `put_back` belongs to the event loop of
the gates; those two are the link's thread's.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from penstock.admission.fleet.board import Finding, Found, Report, TargetState, View
from penstock.admission.targets.breaker import BreakerChange, BreakerSnapshot
from penstock.core.clock import Clock

CALLED_WITHIN_S: Final = 60.0
"""A process shares in the limits of what it called within this time."""
MOST_TARGETS: Final = 500
_CLOSE_ENOUGH: Final = 0.05


class SharedGates(Protocol):
    """What is asked of `targets.gates.TargetGates`."""

    def called_since(self, since_s: float) -> tuple[str, ...]: ...
    def apply(self, target: str, remote: BreakerSnapshot, reason: str = "") -> None: ...
    def set_parts(self, parts: Mapping[str, float]) -> None: ...


@dataclass(frozen=True, slots=True)
class _Own:
    """A finding of our own, in our own time."""

    stamp: str
    after: str
    state: Found
    found_s: float
    until_s: float
    openings: int
    reason: str


class Sharing:
    """`process` is the name of this process's life, `place` says where it is, for people."""

    def __init__(self, gates: SharedGates, clock: Clock, *, process: str, place: str, silent_s: float) -> None:
        self._gates = gates
        self._clock = clock
        self._process = process
        self._place = place
        self._silent_s = silent_s
        self._findings = 0
        self._untold: dict[str, _Own] = {}
        self._lock = threading.Lock()
        self._open: dict[str, _Own] = {}
        self._heard: dict[str, str] = {}
        self._parts: dict[str, float] = {}
        self.members = 0

    @property
    def has_news(self) -> bool:
        return bool(self._untold)

    def part(self, target: str) -> float:
        """The part of the target's announced limits that is this process's."""
        return self._parts.get(target, 1.0)

    def changed(self, target: str, change: BreakerChange) -> None:
        """A breaker changed.  What others have found, and that time has passed, is not ours to tell."""
        state = change.after
        if change.was_remote or state == "half_open":
            if change.was_remote:
                self._open.pop(target, None)
            return
        self._findings += 1
        now_s = self._clock.monotonic()
        own = _Own(
            stamp=f"{self._process}:{self._findings}",
            after=self._heard.get(target, ""),
            state=state,
            found_s=now_s,
            until_s=now_s + change.snapshot.left_s,
            openings=change.snapshot.openings,
            reason=change.reason,
        )
        if state == "open":
            self._open[target] = own
        else:
            self._open.pop(target, None)
        with self._lock:
            self._untold[target] = own

    def report(self, *, is_leaving: bool = False) -> "Told":
        """All that there is to say now; what it tells counts as told, unless it is `put_back`."""
        now_s = self._clock.monotonic()
        with self._lock:
            own, self._untold = self._untold, {}
        targets = () if is_leaving else self._gates.called_since(now_s - CALLED_WITHIN_S)[:MOST_TARGETS]
        report = Report(
            process=self._process,
            place=self._place,
            targets=targets,
            findings=[_finding(target, each, now_s) for target, each in own.items()],
            is_leaving=is_leaving,
            silent_s=self._silent_s,
        )
        return Told(report, own)

    def put_back(self, told: "Told") -> None:
        """The report may not have arrived; what is newer stands."""
        with self._lock:
            self._untold = {**told.own, **self._untold}

    def take(self, view: View) -> None:
        """Take in all that is known."""
        known: dict[str, str] = {}
        for state in view.states:
            if state.target in self._untold:
                # Ours is newer and on its way; what the store makes of the two, the next view says.
                known[state.target] = self._heard.get(state.target, "")
                continue
            known[state.target] = state.stamp
            if self._heard.get(state.target) != state.stamp and state.process != self._process:
                self._open.pop(state.target, None)
                self._gates.apply(state.target, _snapshot(state), _reason(state))
        self._heard = known
        self._tell_again(known)
        self._share(view)

    def _tell_again(self, known: Mapping[str, str]) -> None:
        """What a store has forgotten, with a restart of its own, it is told once more while it is still true."""
        now_s = self._clock.monotonic()
        self._open = {target: own for target, own in self._open.items() if own.until_s > now_s}
        forgotten = {target: own for target, own in self._open.items() if target not in known}
        with self._lock:
            self._untold = {**forgotten, **self._untold}

    def _share(self, view: View) -> None:
        """Divide the announced limits: a part goes down at once and up by halves, so that the sum stays within them."""
        others = [member for member in view.members if member.process != self._process]
        self.members = len(others) + 1
        callers = Counter(target for member in others for target in member.targets)
        parts: dict[str, float] = {}
        for target in {*self._parts, *callers}:
            wanted = 1.0 / (callers[target] + 1)
            part = _nearer(wanted, self.part(target))
            if part < 1.0:
                parts[target] = part
        if parts != self._parts:
            self._parts = parts
            self._gates.set_parts(parts)


@dataclass(frozen=True, slots=True)
class Told:
    """A report, and the findings in it as they were."""

    report: Report
    own: Mapping[str, _Own]


def _finding(target: str, own: _Own, now_s: float) -> Finding:
    return Finding(
        target=target,
        stamp=own.stamp,
        after=own.after,
        state=own.state,
        age_s=now_s - own.found_s,
        left_s=own.until_s - now_s,
        openings=own.openings,
        reason=own.reason,
    )


def _snapshot(state: TargetState) -> BreakerSnapshot:
    return BreakerSnapshot(
        state=state.state,
        age_s=state.age_s,
        left_s=state.left_s,
        openings=state.openings,
        is_ordered=state.is_ordered,
    )


def _reason(state: TargetState) -> str:
    return f"{state.place}: {state.reason}"


def _nearer(wanted: float, before: float) -> float:
    """Down at once, up half of the way and, where that is close enough, all of it."""
    part = (wanted + before) / 2.0
    return part if wanted - part > _CLOSE_ENOUGH * wanted else wanted
