"""HEDGE: a second call beside one that is late.  The one that answers first is taken, the other is dropped and paid."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from penstock.core.clock import Clock
from penstock.core.errors import PenstockError
from penstock.core.exchange import Exchange, WhyExtra
from penstock.core.outcome import CANCELLED
from penstock.core.ports import Permit, Target
from penstock.flow.call import Contest, Opened, call, note_begun

Place: TypeAlias = tuple[Target, Permit]
"""Where a call is to be made, and the place it has there; whoever holds it must close the permit."""


@dataclass(frozen=True, slots=True, eq=False)
class _Runner:
    task: "asyncio.Task[Opened]"
    permit: Permit


async def race(
    exchange: Exchange, first: Place, second: Callable[[], Awaitable[Place | None]], *, after_s: float, clock: Clock
) -> Opened:
    """The answer of a call at `first`, or of one at the place that `second` finds once `after_s` have passed without.

    `second` returns None where there is to be no second call.  Where both calls fail, raises what the last of them
    raised.  All that was begun and is not returned has ended when this returns or raises, cancelled or not.
    """
    loop = asyncio.get_running_loop()
    runners: list[_Runner] = []
    contest = Contest()

    def start(place: Place) -> None:
        target, permit = place
        runners.append(_Runner(loop.create_task(call(exchange, target, permit, clock, contest)), permit))

    taken: Opened | None = None
    was_cancelled = False
    start(first)
    try:
        if not await _ends_within(runners[0].task, after_s, clock) and (rival := await second()) is not None:
            start(rival)
        taken = await _first_answer(runners)
        contest.is_decided = True
    finally:
        was_cancelled = await _end(runners)
        for runner in runners:
            if taken is None or runner.permit is not taken.permit:
                _drop(exchange, runner, "hedge" if contest.is_decided else "broken_off")
        if was_cancelled and taken is not None:
            taken.source.close()
            taken.permit.close(CANCELLED)
            note_begun(exchange, taken, taken.first, "broken_off")
    if was_cancelled or taken is None:
        raise asyncio.CancelledError
    return taken


async def _ends_within(task: "asyncio.Task[Opened]", after_s: float, clock: Clock) -> bool:
    is_late: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    timer = clock.call_at(clock.monotonic() + after_s, partial(is_late.set_result, None))
    try:
        await asyncio.wait((task, is_late), return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()
    return task.done()


async def _first_answer(runners: Sequence[_Runner]) -> Opened:
    failure: PenstockError | None = None
    left = {runner.task for runner in runners}
    while left:
        done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        for task in (runner.task for runner in runners if runner.task in done):
            try:
                return task.result()
            except PenstockError as error:
                failure = error
    if failure is None:
        raise RuntimeError("a race has no runner")
    raise failure


async def _end(runners: Sequence[_Runner]) -> bool:
    """Cancel what still runs and wait until it has cleaned up.

    True where this task itself was cancelled meanwhile: that has to wait, or something stayed open behind its back.
    """
    was_cancelled = False
    for runner in runners:
        runner.task.cancel()
    while left := [runner.task for runner in runners if not runner.task.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError:
            was_cancelled = True
    return was_cancelled


def _drop(exchange: Exchange, runner: _Runner, why: WhyExtra) -> None:
    """Leave nothing of a call that is not taken: an answer that came too late, or a place that it never got to use."""
    if not runner.task.cancelled() and runner.task.exception() is None:
        opened = runner.task.result()
        opened.source.close()
        note_begun(exchange, opened, opened.first, why)
    runner.permit.close(CANCELLED)
