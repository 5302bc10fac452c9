"""Agreement: whether a model that is asked the same again says what it said.

A fact that a model has from its sources it tends to say each time; one that it made up comes out differently.  So each
claim of the answer is held against each further answer as if that were its only source (as SelfCheckGPT does: Manakul
et al. 2023).  Further answers are seen by nobody and kept nowhere.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from penstock.config.knowledge import SampleSettings
from penstock.core.clock import Clock
from penstock.core.exchange import Exchange
from penstock.core.facts import AnswersSampled
from penstock.core.ports import Sampler
from penstock.guard.grounded.claims import Answer
from penstock.guard.grounded.tracer import Traced
from penstock.guard.ward import CannotJudge

TraceEach = Callable[[Answer, Sequence[str]], Awaitable[Sequence[Sequence[Traced]]]]
"""For each text a verdict for each claim, of that text alone.  Raises `CannotJudge`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What a model is asked again with, and what judges what it says then; `app` makes it."""

    ask: Sampler
    trace: TraceEach
    clock: Clock

    async def agreement(
        self, exchange: Exchange, answer: Answer, settings: SampleSettings, *, within_s: float, timeout_s: float
    ) -> float | None:
        """How far the model says the same again, with a fact of it.

        None where nothing came back, or it could not be judged in `timeout_s`: then nothing is known.
        """
        samples = await self.ask(exchange, count=settings.count, temperature=settings.temperature, within_s=within_s)
        found: float | None = None
        why: str | None = None
        if samples.texts:
            try:
                async with asyncio.timeout(timeout_s):
                    found = agreement(await self.trace(answer, samples.texts))
            except TimeoutError:
                why = "late"
            except CannotJudge as failure:
                why = failure.reason
        exchange.facts.append(
            AnswersSampled(
                at_s=self.clock.monotonic() - exchange.began_s,
                wanted=settings.count,
                asked=samples.asked,
                answered=len(samples.texts),
                agreement=found,
                why=why,
            )
        )
        return found


def agreement(traced: Sequence[Sequence[Traced]]) -> float | None:
    """The mean, over the further answers, of the mean chance of the answer's claims by each; None where there are none.

    The chance after the checks of single words: another figure or another name is no agreement, however alike the rest.
    """
    found = [sum(claim.chance for claim in claims) / len(claims) for claims in traced if claims]
    return sum(found) / len(found) if found else None
