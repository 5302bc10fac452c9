"""A board in memory, on any clock: in a few lines of Python what the other two do in SQL and Lua."""

from collections.abc import Callable
from dataclasses import dataclass, field

from penstock.admission.fleet.board import BoardLost, Finding, Member, Report, TargetState, View
from penstock.core.clock import Clock


@dataclass
class _Kept:
    finding: Finding
    process: str
    place: str
    changed_at: float
    open_until: float


@dataclass
class _Shared:
    clock: Clock
    skew_s: float = 0.0
    states: dict[str, _Kept] = field(default_factory=dict[str, _Kept])
    members: dict[str, tuple[float, Member]] = field(default_factory=dict[str, tuple[float, Member]])
    told: list["MemoryBoard"] = field(default_factory=list["MemoryBoard"])
    findings: int = 0
    notices: int = 0
    is_lost: bool = False

    @property
    def now(self) -> float:
        return self.clock.now() + self.skew_s


class MemoryBoard:
    """`Board`.  `another` gives a further process's; `shared` is what they have in common."""

    def __init__(self, clock: Clock, shared: _Shared | None = None) -> None:
        self.shared = shared or _Shared(clock)
        self.shared.told.append(self)
        self.is_told = False
        self.exchanges = 0
        self.on_told: Callable[[], None] = lambda: None

    def another(self) -> "MemoryBoard":
        return MemoryBoard(self.shared.clock, self.shared)

    def exchange(self, report: Report) -> View:
        shared = self.shared
        if shared.is_lost:
            raise BoardLost("it is away")
        self.exchanges += 1
        now = shared.now
        if report.is_leaving:
            shared.members.pop(report.process, None)
        elif report.process:
            shared.members[report.process] = (
                now,
                Member(process=report.process, place=report.place, targets=tuple(report.targets)),
            )
        taken = [self._take(finding, report, now) for finding in report.findings]
        if any(taken):
            for each in shared.told:
                if each is not self:
                    shared.notices += 1
                    each.is_told = True
                    each.on_told()
        shared.members = {
            name: (seen_at, member)
            for name, (seen_at, member) in shared.members.items()
            if abs(now - seen_at) <= report.silent_s
        }
        return View(
            states=tuple(_state(kept, now) for kept in shared.states.values()),
            members=tuple(member for _, member in shared.members.values()),
        )

    def wait(self, timeout_s: float) -> bool:
        is_told, self.is_told = self.is_told, False
        return is_told

    def close(self) -> None:
        """It ends with its last user."""

    def _take(self, finding: Finding, report: Report, now: float) -> bool:
        shared = self.shared
        shared.findings += 1
        before = shared.states.get(finding.target)
        changed_at = now - finding.age_s
        if before is not None and not finding.is_ordered:
            if before.finding.is_ordered and before.finding.state == "open" and before.open_until > now:
                return False
            is_later = before.changed_at <= changed_at or before.changed_at > now
            if not is_later and before.finding.stamp != finding.after:
                return False
        shared.states[finding.target] = _Kept(finding, report.process, report.place, changed_at, now + finding.left_s)
        return True


def _state(kept: _Kept, now: float) -> TargetState:
    finding = kept.finding
    return TargetState(
        target=finding.target,
        stamp=finding.stamp,
        state=finding.state,
        age_s=now - kept.changed_at,
        left_s=kept.open_until - now,
        openings=finding.openings,
        reason=finding.reason,
        process=kept.process,
        place=kept.place,
        is_ordered=finding.is_ordered,
    )
