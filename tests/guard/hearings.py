"""Guards before a hearing: an exchange with some texts, judged, and what came of it."""

import asyncio
from collections.abc import Sequence

from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.exchange import Exchange, Principal
from penstock.core.facts import GuardFailed, GuardJudged
from penstock.core.ids import new_exchange_id
from penstock.guard.hearing import Hearing
from penstock.guard.judging import Judging
from penstock.guard.texts import segments_of
from penstock.guard.ward import Ward
from penstock.testing.clock import FakeClock

CLOCK = FakeClock()


def exchange_of(*texts: str, stream: bool = False) -> Exchange:
    return Exchange(
        id=new_exchange_id(CLOCK),
        principal=Principal(tenant="t", key="k"),
        request=ChatRequest(
            dialect="openai-chat",
            model="m",
            messages=tuple(Message("user", (TextPart(text),)) for text in texts),
            stream=stream,
        ),
        dialect="openai-chat",
        started_at=CLOCK.now(),
        began_s=CLOCK.monotonic(),
        deadline_s=CLOCK.monotonic() + 60.0,
        gone_policy="abort",
    )


def judge_all(
    wards: Sequence[Ward], *texts: str, exchange: Exchange | None = None, unseen: Sequence[str] = ()
) -> Hearing:
    asked = exchange if exchange is not None else exchange_of(*texts)
    judging = Judging(CLOCK, None, most_chars=10_000)
    return asyncio.run(judging.judge(asked, wards, segments_of(asked.request), direction="input", unseen=unseen))


def failures(hearing: Hearing) -> list[GuardFailed]:
    return [fact for fact in hearing.exchange.facts if isinstance(fact, GuardFailed)]


def judgements(hearing: Hearing) -> list[GuardJudged]:
    return [fact for fact in hearing.exchange.facts if isinstance(fact, GuardJudged)]
