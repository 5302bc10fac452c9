"""Asks the questions at the trace's pace, whether or not earlier ones have been answered, as real users do."""

import asyncio
from collections.abc import Callable, Sequence

from penstock.core.clock import Clock
from penstock.demo.client import Client, Outcome
from penstock.demo.workload import Question


async def replay(
    questions: Sequence[Question],
    client: Client,
    *,
    clock: Clock,
    speed: float,
    on_done: Callable[[Outcome], None],
) -> list[Outcome]:
    """Ask all questions, `speed` times as fast as they came, and return once each has ended, in their order."""
    began_s = clock.monotonic()

    async def ask(question: Question) -> Outcome:
        await clock.sleep(max(0.0, began_s + question.at_s / speed - clock.monotonic()))
        outcome = await client.ask(question)
        on_done(outcome)
        return outcome

    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(ask(question)) for question in questions]
    return [task.result() for task in asked]
