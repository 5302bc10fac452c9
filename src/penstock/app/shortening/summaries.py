"""Has models sum up conversations beside the requests: each time an exchange of its own, run by the engine like any.

It is the same caller's, so that its limits, budgets, regions and ledger hold, at the lowest priority.  Nobody waits for
it: what is refused, breaks off or fails leaves no summary, and is tried again when a later turn wants it.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from penstock.core.clock import Clock, Timer
from penstock.core.events import Event
from penstock.core.exchange import Exchange, Principal, Wishes
from penstock.core.facts import Summarised
from penstock.core.ids import ExchangeIds
from penstock.flow.engine import Engine
from penstock.flow.fold import Fold
from penstock.flow.stop import Stop

if TYPE_CHECKING:
    from penstock.routing.compaction.summaries import Summaries, Wanted

MOST_WAITING: Final = 32
_FIRST_PAUSE_S: Final = 30.0
_LONGEST_PAUSE_S: Final = 3_600.0
_MOST_PAUSES: Final = 10_000
_SWEEP_EVERY_S: Final = 60.0
_KEPT_NOWHERE: Final = Wishes(no_cache=True, no_store=True)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Jobs:
    """What jobs run on.  `stands` says whether a caller's credential still holds when its turn has come."""

    engine: Engine
    deadline_s: float
    config_hash: Callable[[], str]
    stands: Callable[[Principal], bool]


@dataclass(frozen=True, slots=True)
class _Job:
    """Holds what is to be summed up, and of the exchange that wanted it no more than whose it was."""

    exchange: str
    principal: Principal
    wanted: "Wanted"


@dataclass(slots=True)
class _Pause:
    """Until when a stretch that could not be summed up is left alone."""

    length_s: float
    until_s: float


@dataclass(slots=True)
class Counts:
    """Of one process since its start."""

    made: int = 0
    failed: int = 0
    dropped: int = 0


class Summariser:
    """Takes jobs on the event loop once it was started there; `aclose` ends those that run and forgets the others."""

    def __init__(self, summaries: "Summaries", clock: Clock, *, most_waiting: int = MOST_WAITING) -> None:
        self.counts = Counts()
        self._summaries = summaries
        self._clock = clock
        self._most_waiting = most_waiting
        self._ids = ExchangeIds(clock)
        self._on: Jobs | None = None
        self._waiting: deque[_Job] = deque()
        self._places: set[bytes] = set()
        self._pauses: OrderedDict[bytes, _Pause] = OrderedDict()
        self._at_work: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stops: set[Stop] = set()
        self._sweeping: Timer | None = None

    def start(self, on: Jobs) -> None:
        self._on = on
        self._sweep()

    def sum_up(self, exchange: Exchange, wanted: "Wanted") -> None:
        """Queue it, unless the same stretch is queued, under way or paused, or too many wait (`routing`'s port)."""
        if self._on is None or wanted.place in self._places or self._is_paused(wanted.place):
            return
        if len(self._waiting) >= self._most_waiting:
            self.counts.dropped += 1
            return
        self._places.add(wanted.place)
        self._waiting.append(_Job(exchange.id, exchange.principal, wanted))
        self._next()

    def rest(self) -> None:
        """Take and begin no more; those under way go on."""
        self._on = None
        self._waiting.clear()
        if self._sweeping is not None:
            self._sweeping.cancel()

    async def aclose(self) -> None:
        """Ends with every exchange settled."""
        self.rest()
        for stop in tuple(self._stops):
            stop.shutdown()
        await asyncio.gather(*self._tasks)

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        return (
            ("penstock_summaries", "Summaries of conversations that are kept.", len(self._summaries)),
            ("penstock_summaries_bytes", "About what they take in memory.", self._summaries.size_bytes),
            ("penstock_summaries_made", "Summaries that models wrote.", self.counts.made),
            ("penstock_summaries_failed", "Tries that left no summary.", self.counts.failed),
            ("penstock_summaries_dropped", "Those for which there was no room in the line.", self.counts.dropped),
            ("penstock_summaries_waiting", "Those that wait in it.", len(self._waiting)),
        )

    def _sweep(self) -> None:
        """Forget what is over also where nobody asks any more."""
        self._summaries.sweep()
        self._sweeping = self._clock.call_at(self._clock.monotonic() + _SWEEP_EVERY_S, self._sweep)

    def _next(self) -> None:
        """Begin, in their order, the jobs whose models have a place."""
        on = self._on
        if on is None:
            return
        held: deque[_Job] = deque()
        while self._waiting:
            job = self._waiting.popleft()
            settings = job.wanted.settings
            if self._at_work.get(settings.model, 0) >= settings.at_once:
                held.append(job)
                continue
            self._at_work[settings.model] = self._at_work.get(settings.model, 0) + 1
            task = asyncio.get_running_loop().create_task(self._work(job, on))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._waiting = held

    async def _work(self, job: _Job, on: Jobs) -> None:
        wanted, text = job.wanted, None
        try:
            if self._on is not None and on.stands(job.principal):
                text = await self._ask(job, on)
        except Exception as error:  # noqa: BLE001 - boundary: a background job; the next one goes on
            _log.error("summary_failed", exchange=job.exchange, exc_info=error)
        self._at_work[wanted.settings.model] -= 1
        self._places.discard(wanted.place)
        if text is None:
            self.counts.failed += 1
            self._pause(wanted.place)
        else:
            self._keep(wanted, text)
        self._next()

    async def _ask(self, job: _Job, on: Jobs) -> str | None:
        """The summary; None where there is none, whatever the reason.  The exchange's record has it."""
        from penstock.routing.compaction.transcript import asking, summary_in  # noqa: PLC0415 - as in `shorteners`

        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a job runs in a task")
        wanted, clock = job.wanted, self._clock
        before = None if wanted.before is None else wanted.before.text
        settings = wanted.settings
        exchange = Exchange(
            id=self._ids.new(),
            principal=replace(job.principal, priority="batch"),
            request=asking(settings.model, wanted.said, before, max_tokens=settings.max_tokens),
            dialect="openai-chat",
            started_at=clock.now(),
            began_s=clock.monotonic(),
            deadline_s=clock.monotonic() + on.deadline_s,
            gone_policy="abort",
            config_hash=on.config_hash(),
            facts=[Summarised(at_s=0.0, exchange=job.exchange)],
            wishes=_KEPT_NOWHERE,
        )
        sink = _Kept()
        stop = on.engine.begin(exchange, task)
        self._stops.add(stop)
        try:
            await on.engine.run(exchange, sink, stop)
        finally:
            self._stops.discard(stop)
        if exchange.end != "completed" or exchange.is_canned:
            return None
        return summary_in(sink.fold.answer())

    def _keep(self, wanted: "Wanted", text: str) -> None:
        from penstock.routing.compaction.summaries import Summary  # noqa: PLC0415 - as above

        self.counts.made += 1
        self._pauses.pop(wanted.place, None)
        self._summaries.keep(wanted.digest, Summary(text, wanted.messages), for_s=wanted.settings.retain_s)

    def _is_paused(self, place: bytes) -> bool:
        pause = self._pauses.get(place)
        return pause is not None and pause.until_s > self._clock.monotonic()

    def _pause(self, place: bytes) -> None:
        """Twice as long as the last time, each time."""
        last = self._pauses.pop(place, None)
        length_s = _FIRST_PAUSE_S if last is None else min(_LONGEST_PAUSE_S, 2 * last.length_s)
        self._pauses[place] = _Pause(length_s, self._clock.monotonic() + length_s)
        if len(self._pauses) > _MOST_PAUSES:
            self._pauses.popitem(last=False)


class _Kept:
    """A sink that has no client: it folds what comes."""

    __slots__ = ("fold",)

    def __init__(self) -> None:
        self.fold = Fold()

    async def write(self, events: Sequence[Event]) -> None:
        self.fold.feed(events)

    def complete(self, exchange: Exchange) -> None:
        """Nothing is written anywhere."""

    async def close(self, exchange: Exchange) -> None:
        """Nobody waits."""
