"""What is handed over to be kept, and of whom: without the thread that makes it into rows."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from tests.watch.contents.test_kept import NOW, POLICY
from tests.watch.contents.test_kept import exchange as exchange_id

from penstock.config.contents import ContentPolicy
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.ends import End
from penstock.core.events import Event, Text
from penstock.core.exchange import Exchange, Principal, Wishes
from penstock.core.ids import ExchangeId
from penstock.watch.contents.content import Taken
from penstock.watch.contents.stage import AnsweredStage, AskedStage, BeginStage

ERRORS = msgspec.structs.replace(POLICY, keep="sampled", sample=0.0, always=("errors", "blocked"))
ANSWER: tuple[Event, ...] = (Text("It comes on Friday."),)


def passed(
    end: End,
    *,
    policy: ContentPolicy | None = POLICY,
    may_rest: Callable[[Exchange], bool] = lambda _: True,
    no_store: bool = False,
) -> list[Taken]:
    """What is kept of one exchange that comes to `end`."""
    taken: list[Taken] = []
    begin = BeginStage(lambda _model, _tenant: policy, may_rest, lambda _: True, taken.append)
    request = ChatRequest(
        dialect="openai-chat", model="m", messages=(Message("user", (TextPart("When does it come?"),)),)
    )
    exchange = Exchange(
        id=ExchangeId(exchange_id(1, NOW)),
        principal=Principal("acme", "key_1"),
        request=request,
        dialect="openai-chat",
        started_at=NOW,
        began_s=0.0,
        deadline_s=60.0,
        gone_policy="abort",
        wishes=Wishes(no_store=no_store),
    )

    async def main() -> None:
        for stage in (begin, AskedStage(), AnsweredStage()):
            await stage.enter(exchange)

    asyncio.run(main())
    noting = AnsweredStage().filter(exchange)
    if noting is not None:
        assert noting.feed(ANSWER) is ANSWER
        noting.finish()
    exchange.end = end
    while exchange.leases:
        exchange.leases.pop().settle(exchange)
    return taken


def test_all_is_handed_over_where_all_is_kept() -> None:
    [taken] = passed("completed")
    assert taken.request is not None
    assert tuple(taken.events) == ANSWER
    assert (taken.tenant, taken.end) == ("acme", "completed")


@pytest.mark.parametrize(("end", "count"), [("completed", 0), ("upstream_failed", 1), ("blocked", 1), ("held", 0)])
def test_what_is_not_in_the_sample_is_kept_for_how_it_ended(end: End, count: int) -> None:
    assert len(passed(end, policy=ERRORS)) == count


def test_of_whom_nothing_may_rest_here_nothing_is_kept() -> None:
    asked: list[str] = []

    def may_rest(exchange: Exchange) -> bool:
        asked.append(exchange.principal.tenant)
        return False

    assert passed("completed", may_rest=may_rest) == []
    assert passed("upstream_failed", policy=ERRORS, may_rest=may_rest) == []
    assert asked == ["acme", "acme"]


def test_a_caller_that_wants_nothing_kept_is_heeded() -> None:
    assert passed("completed", no_store=True) == []
    assert passed("completed", policy=None) == []
