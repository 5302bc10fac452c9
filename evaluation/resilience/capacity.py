"""A server with room for so many calls at once, asked for half as much again: whether Penstock finds that number."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.resilience.server import RoomyProvider
from evaluation.resilience.site import Settings, Site, play, route_to
from evaluation.resilience.traffic import Caller
from penstock.config.targets import ConcurrencySettings, GateSettings
from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider

ROOM = (20, 8, 20)
_ANSWER = "sim:first=lognormal(800ms/2s)"
_HOLD_S = 0.93
_DEMAND = 1.5
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """The second half of a phase in which the server had room for `places`.

    `limit` is the mean of what Penstock let through at once; `busy` the part of the places that had work; `refused`
    the part of the calls that came back 429.
    """

    places: int
    limit: float
    busy: float
    refused: float

    @property
    def off(self) -> float:
        return abs(self.limit / self.places - 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    phases: tuple[Phase, ...]
    causes: Counter[str]
    """Of the requests that got no answer."""


def find(seed: int, *, refuses: bool, initial: int, phase_s: float = 600.0, room: Sequence[int] = ROOM) -> Found:
    """`refuses` makes the server answer 429 to what it has no room for, without a word of when; else that waits there,
    and all calls become slower.
    """
    return asyncio.run(_run(seed, refuses=refuses, initial=initial, phase_s=phase_s, room=room))


async def _run(seed: int, *, refuses: bool, initial: int, phase_s: float, room: Sequence[int]) -> Found:
    clock = FakeClock()
    server = RoomyProvider(ScriptedProvider(clock=clock, seed=seed), clock, places=room[0], refuses=refuses)
    gates = GateSettings(concurrency=ConcurrencySettings(initial=initial))
    site = Site(clock, route_to([(server, _ANSWER)]), Settings(gates=gates, seed=seed))
    rate = _DEMAND * max(room) / _HOLD_S
    calls = Caller(rate=rate, streamed=0.0, deadline_s=30.0).for_seconds(phase_s * len(room), seed)
    watch = _Watch(site, server, room, phase_s)
    await play(clock, [(site, each) for each in calls], until_s=phase_s * len(room))
    causes = Counter(each.outcome_code or "none" for each in site.records if each.outcome != "completed")
    return Found(phases=watch.phases(), causes=causes)


class _Watch:
    """Looks at the limit every second, and changes the server's room at the turn of each phase."""

    def __init__(self, site: Site, server: RoomyProvider, room: Sequence[int], phase_s: float) -> None:
        self._site = site
        self._server = server
        self._room = room
        self._phase_s = phase_s
        self._start_s = site.clock.monotonic()
        self._limits: list[list[int]] = [[] for _ in room]
        self._marks: list[tuple[float, int, int]] = []
        for number, places in enumerate(room):
            begin_s = self._start_s + number * phase_s
            site.clock.call_at(begin_s, lambda places=places: self._set(places))
            site.clock.call_at(begin_s + phase_s / 2.0, self._mark)
            site.clock.call_at(begin_s + phase_s - 0.001, self._mark)
        site.clock.call_at(self._start_s + _LOOK_EVERY_S, self._look)

    def _set(self, places: int) -> None:
        self._server.places = places

    def _mark(self) -> None:
        self._marks.append((self._server.busy_s, self._server.calls, self._server.refused))

    def _look(self) -> None:
        elapsed_s = self._site.clock.monotonic() - self._start_s
        number = int(elapsed_s / self._phase_s)
        if number >= len(self._room):
            return
        if elapsed_s % self._phase_s >= self._phase_s / 2.0:
            self._limits[number] += [gate.limit for gate in self._site.gates]
        self._site.clock.call_at(self._site.clock.monotonic() + _LOOK_EVERY_S, self._look)

    def phases(self) -> tuple[Phase, ...]:
        found: list[Phase] = []
        for number, places in enumerate(self._room):
            (busy_before, calls_before, refused_before), (busy, calls, refused) = self._marks[2 * number :][:2]
            limits = self._limits[number]
            found.append(
                Phase(
                    places=places,
                    limit=sum(limits) / len(limits),
                    busy=(busy - busy_before) / (places * self._phase_s / 2.0),
                    refused=(refused - refused_before) / max(1, calls - calls_before),
                )
            )
        return tuple(found)
