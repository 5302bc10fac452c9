"""SAMPLES: what made an answer is asked again, a few times at once, to see whether its model says the same.

What comes back is nobody's answer.  It is asked as the answer was, in masked space, at the answer's own target; each
call has a place and a reservation of its own, and is paid for.  `app` hands `Sampling` to the stage that judges
answers.
"""

import asyncio
from contextlib import suppress
from typing import Final

import msgspec

from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.errors import BudgetExhausted, ClientError, Overloaded, RateLimited, UpstreamError
from penstock.core.events import Text
from penstock.core.exchange import Exchange, WhyExtra
from penstock.core.facts import TargetPassedOver
from penstock.core.outcome import CANCELLED
from penstock.core.ports import Allowance, Gates, Permit, Samples, Target
from penstock.flow.call import Beside, call, note_begun, whole
from penstock.flow.second import within

WHY: Final[WhyExtra] = "agreement"


class Sampling:
    """A `core.ports.Sampler`."""

    def __init__(self, gates: Gates, allowance: Allowance, clock: Clock) -> None:
        self._gates = gates
        self._allowance = allowance
        self._clock = clock

    async def __call__(self, exchange: Exchange, *, count: int, temperature: float, within_s: float) -> Samples:
        """As the port says.  An exchange that has no target, or asks for no text, is not sampled."""
        target, request = exchange.target, exchange.request
        if target is None or not isinstance(request, ChatRequest):
            return Samples()
        beside = Beside(once_more(request, temperature), WHY)
        texts: list[str] = []
        permits: list[Permit] = []
        asked = 0
        try:
            # Whatever is late when the time is up is dropped; what has come by then counts.
            with suppress(TimeoutError):
                async with within(within_s, self._clock), asyncio.TaskGroup() as calls:
                    while asked < count and await self._place(exchange, target, permits):
                        asked += 1
                        calls.create_task(self._ask(exchange, target, permits[-1], beside, texts))
        finally:
            for permit in permits:
                permit.close(CANCELLED)  # of a call that never began; of others it is closed, and this is nothing
        return Samples(tuple(texts), asked)

    async def _place(self, exchange: Exchange, target: Target, permits: list[Permit]) -> bool:
        """Whether there is a place and a reservation for one more call; the place is then the last of `permits`."""
        permit = self._gates.try_enter(exchange, target)
        if permit is None:
            return False
        permits.append(permit)
        try:
            await self._allowance.reserve_call(exchange, target, is_extra=True)
        except (Overloaded, RateLimited, BudgetExhausted) as error:
            at_s = self._clock.monotonic() - exchange.began_s
            exchange.facts.append(TargetPassedOver(at_s=at_s, target=target.name, code=error.code))
        else:
            # A budget at its end may let a call through and ask for cheaper ones: then this is one to do without.
            if exchange.budget_action is None:
                return True
        permit.close(CANCELLED)  # now, and not once the other calls are over: others wait for the place
        return False

    async def _ask(self, exchange: Exchange, target: Target, permit: Permit, beside: Beside, texts: list[str]) -> None:
        """One call.  How it fails is noted, and no failure of the exchange."""
        try:
            opened = await call(exchange, target, permit, self._clock, beside=beside)
            opened = await whole(exchange, opened, self._clock, WHY)
        except (UpstreamError, ClientError):
            return
        permit.close(opened.succeeded(self._clock))
        note_begun(exchange, opened, opened.first, WHY)
        text = "".join(each.text for each in opened.first if isinstance(each, Text) and each.channel == "answer")
        if text.strip():
            texts.append(text)


def once_more(request: ChatRequest, temperature: float) -> ChatRequest:
    """The same request, for one answer in text that need not be the same each time.

    A temperature that is lower is raised.  One that is not named is left to the provider, whose own is rarely lower,
    and which may know none.  What would make each answer like the last (a seed, the likeliest words alone) is left out.
    """
    asked = request.temperature
    return msgspec.structs.replace(
        request,
        choices=1,
        temperature=None if asked is None else max(asked, temperature),
        seed=None,
        top_p=None,
        top_k=None,
        logprobs=False,
        top_logprobs=None,
        tools=(),
        tool_choice=None,
        parallel_tool_calls=None,
        include_usage=request.stream,
    )
