"""One exchange from admission to settlement: this file is the order of things.

    admit ─► attempt ─► pump ─► settle ─► close the sink

Called by the server for every request on every route.  However an exchange ends (see `core.ends`), the source is closed
once, every lease is settled once, one record is written, and the sink is closed once, in this order.
"""

import asyncio
import random
from dataclasses import dataclass
from typing import Any, Protocol

from penstock.core.clock import Clock
from penstock.core.ends import End, StopReason
from penstock.core.errors import (
    CapacityError,
    ClientError,
    DeadlineExceeded,
    GuardUnavailable,
    InternalError,
    PenstockError,
    PolicyBlocked,
    ShuttingDown,
    UpstreamError,
)
from penstock.core.exchange import Exchange
from penstock.core.outcome import CANCELLED, Outcome
from penstock.core.ports import (
    Allowance,
    AskAgain,
    ClientGone,
    Gates,
    KeepFirst,
    Ledger,
    PriceList,
    SetAside,
    Sink,
    TokenCounter,
)
from penstock.flow.admit import admit
from penstock.flow.attempt import ask_again, attempt, opened_whole
from penstock.flow.call import NO_SOURCE, Opened
from penstock.flow.causes import outcome_of
from penstock.flow.gates import OPEN_ALLOWANCE, OPEN_GATES
from penstock.flow.meter import Meter
from penstock.flow.plan import Plan
from penstock.flow.pump import pump
from penstock.flow.second import Failed, Standing, Unseen, note, within
from penstock.flow.settle import Settlement
from penstock.flow.stop import Stop

LAST_BYTES_S = 30.0
"""How long a client may take to read the last bytes of an answer before its connection is given up."""


class Faults(Protocol):
    """Hears of errors that nobody foresaw; the client sees only the exchange id."""

    def unexpected(self, exchange: Exchange, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything the engine needs of the outside, put together in `app`."""

    ledger: Ledger
    prices: PriceList
    counter: TokenCounter
    clock: Clock
    faults: Faults
    drain_s: float = 30.0
    gates: Gates = OPEN_GATES
    allowance: Allowance = OPEN_ALLOWANCE


class Engine:
    """Runs exchanges.  Keeps the handles of those in flight, so that shutdown can wait for them and then stop them."""

    def __init__(self, plan: Plan, world: World, *, rng: random.Random | None = None) -> None:
        self.plan = plan
        self._world = world
        self._settlement = Settlement(
            ledger=world.ledger, prices=world.prices, counter=world.counter, clock=world.clock
        )
        self._rng = rng if rng is not None else random.Random()  # noqa: S311 - jitter, not a secret
        self._running: set[Stop] = set()
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    @property
    def in_flight(self) -> int:
        return len(self._running)

    def exchanges(self) -> tuple[Exchange, ...]:
        """Those in flight, for whoever has something to write down in them."""
        return tuple(stop.exchange for stop in self._running)

    def begin(self, exchange: Exchange, task: "asyncio.Task[Any]") -> Stop:
        """The handle that ends `exchange` early.  `task` is the caller's own, which goes on to `run` the exchange."""
        stop = Stop(exchange, task, clock=self._world.clock, drain_s=self._world.drain_s)
        self._running.add(stop)
        self._is_idle.clear()
        return stop

    async def run(self, exchange: Exchange, sink: Sink, stop: Stop) -> None:
        """Run the exchange to its end.  Returns with `exchange.end` set; raises nothing, cancelled or not."""
        clock = self._world.clock
        timer = clock.call_at(exchange.deadline_s, stop.deadline)
        meter = Meter()
        end: End
        error: PenstockError | None = None
        try:
            await self._answer(exchange, sink, stop, meter)
            if stop.is_client_gone:
                end = "client_gone"
            else:
                sink.complete(exchange)
                end = "blocked" if exchange.is_refused else "held" if exchange.hold is not None else "completed"
        except asyncio.CancelledError:
            end = stop.reason or "shutdown"
            error = _error_of_stop(end)
        except PenstockError as caught:
            end, error = _end_of(caught), caught
            if end == "failed":
                self._world.faults.unexpected(exchange, caught)
        except Exception as caught:  # noqa: BLE001 - boundary: the request edge; reported, settled, answered with 500
            self._world.faults.unexpected(exchange, caught)
            end, error = "failed", InternalError("internal error", detail=repr(caught))
        timer.cancel()
        await stop.over()
        self._settle(exchange, meter, end=end, error=error)
        # Only a stream can wait here, for a client that does not read on.
        closing = clock.call_at(clock.monotonic() + LAST_BYTES_S, stop.shutdown) if exchange.request.stream else None
        try:
            await sink.close(exchange)
        except asyncio.CancelledError:
            stop.absorb()
        except ClientGone:
            pass  # it left while the last bytes were under way: the exchange is settled, nobody is there to tell
        except Exception as caught:  # noqa: BLE001 - boundary: the request edge; what is settled stays settled
            self._world.faults.unexpected(exchange, caught)
        finally:
            if closing is not None:
                closing.cancel()
            self._running.discard(stop)
            if not self._running:
                self._is_idle.set()

    async def _answer(self, exchange: Exchange, sink: Sink, stop: Stop, meter: Meter) -> None:
        reply = await admit(self.plan, exchange, self._world.clock)
        if reply is not None:
            await self._pump(exchange, opened_whole(reply.events, reply.rest or NO_SOURCE), sink, stop, meter)
            return
        world = self._world
        while True:
            opened = await attempt(exchange, world.gates, world.clock, self._rng, world.allowance)
            try:
                await self._pump(exchange, opened, sink, stop, meter)
            except AskAgain as again:
                if again.aside is not None:
                    await self._second(exchange, again, again.aside, sink, stop, meter)
                    return
                meter.hand_over(exchange)
                ask_again(exchange, again, world.clock)
            else:
                return

    async def _second(  # noqa: PLR0917 - private, and called at one place
        self, exchange: Exchange, again: AskAgain, aside: SetAside, sink: Sink, stop: Stop, meter: Meter
    ) -> None:
        """Have another answer made; where there is none, or no better one, give the one that was set aside.

        Until one of the two is whole nothing of either was seen.
        """
        world = self._world
        standing = Standing.of(exchange)
        meter.hand_over(exchange, "second_opinion")
        first = exchange.extra_calls[-1]
        ask_again(exchange, again, world.clock)
        opened: Opened | None = None
        failed: Failed | None = None
        unseen = Unseen()
        try:
            async with within(aside.within_s, world.clock):
                opened = await attempt(exchange, world.gates, world.clock, self._rng, world.allowance)
                await self._pump(exchange, opened, unseen, stop, meter)
        except (PenstockError, AskAgain, KeepFirst, TimeoutError) as reason:
            if exchange.hold is not None:
                raise  # somebody will see to the second answer: the first must not go out beside it
            if isinstance(reason, InternalError):
                world.faults.unexpected(exchange, reason)
            failed = reason
        note(exchange, world.clock, failed)
        if failed is None:
            await pump(opened_whole(unseen.events), (), sink, stop)
            return
        if opened is not None:
            meter.hand_over(exchange, "second_opinion")
        meter.take_back(exchange, first)
        standing.restore(exchange, failed)
        events = aside.events()
        await pump(opened_whole(events), self.plan.filters(exchange, behind=aside.stage), sink, stop)

    async def _pump(self, exchange: Exchange, opened: Opened, sink: Sink, stop: Stop, meter: Meter) -> None:
        filters = [meter, *self.plan.filters(exchange)]
        outcome: Outcome = CANCELLED

        def give_back() -> None:
            opened.permit.close(opened.succeeded(self._world.clock))

        try:
            await pump(opened, filters, sink, stop, give_back)
            outcome = opened.succeeded(self._world.clock)
        except (AskAgain, KeepFirst):
            outcome = opened.succeeded(self._world.clock)  # the target did its part
            raise
        except asyncio.CancelledError:
            outcome = CANCELLED
            raise
        except PenstockError as error:
            outcome = outcome_of(error)
            raise
        finally:
            opened.source.close()
            opened.permit.close(outcome)

    def _settle(self, exchange: Exchange, meter: Meter, *, end: End, error: PenstockError | None) -> None:
        try:
            self._settlement.settle(exchange, meter, end=end, error=error)
            if exchange.route is not None and exchange.route.is_hedged:
                self._world.gates.settled(exchange)
        except CapacityError as unrecorded:
            # The journal cannot take the record: then the client must not get the answer as if it had been recorded.
            exchange.end, exchange.error = "failed", unrecorded
        except Exception as caught:  # noqa: BLE001 - boundary: the request edge; reported and answered with 500
            self._world.faults.unexpected(exchange, caught)
            exchange.end, exchange.error = "failed", InternalError("internal error", detail=repr(caught))

    async def drain(self, timeout_s: float) -> int:
        """Wait until nothing is in flight, at most `timeout_s`, then stop the rest.  Returns how many were stopped."""
        stopped = 0

        def stop_all() -> None:
            nonlocal stopped
            stopped = len(self._running)
            for stop in tuple(self._running):
                stop.shutdown()

        timer = self._world.clock.call_at(self._world.clock.monotonic() + timeout_s, stop_all)
        await self._is_idle.wait()
        timer.cancel()
        return stopped


def _end_of(error: PenstockError) -> End:
    match error:
        case PolicyBlocked() | GuardUnavailable():
            return "blocked"
        case ClientError() | CapacityError():
            return "rejected"
        case UpstreamError():
            return "upstream_failed"
        case DeadlineExceeded():
            return "deadline"
        case _:
            return "failed"


def _error_of_stop(reason: StopReason | End) -> PenstockError | None:
    match reason:
        case "deadline":
            return DeadlineExceeded("the request took longer than its deadline allows")
        case "shutdown":
            return ShuttingDown("the server is shutting down; try again", retry_after_s=1.0)
        case _:
            return None
