"""A value that is written over two parts or messages leaves as little as one that stands in one."""

import asyncio
from itertools import chain

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.app.guards.opening import PlaneGuards, open_guards
from penstock.config import read
from penstock.core.chat import ChatRequest, Message, Role, TextPart
from penstock.core.events import Finish, Text
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import new_exchange_id
from penstock.testing.clock import FakeClock

CLOCK = FakeClock()
CONFIG = """\
models:
  m:
    targets: [{provider: sim, model: sim}]
    guards:
      personal_data: {fail: closed, names: false}
"""
VALUES = ("4242 4242 4242 4242", "DE89 3704 0044 0532 0130 00", "ann.smith@example.com", "+49 30 12345678")


@pytest.fixture(scope="module")
def guards(tmp_path_factory: pytest.TempPathFactory) -> PlaneGuards:
    path = tmp_path_factory.mktemp("seams") / "penstock.yaml"
    path.write_text(CONFIG)
    return open_guards(read(path, {}), None, CLOCK)


def asked(guards: PlaneGuards, *messages: tuple[Role, tuple[str, ...]]) -> tuple[Exchange, list[str]]:
    """What the model gets, text by text."""
    exchange = Exchange(
        id=new_exchange_id(CLOCK),
        principal=Principal(tenant="t", key="k"),
        request=ChatRequest(
            dialect="openai-chat",
            model="m",
            messages=tuple(Message(role, tuple(map(TextPart, texts))) for role, texts in messages),
        ),
        dialect="openai-chat",
        started_at=CLOCK.now(),
        began_s=CLOCK.monotonic(),
        deadline_s=CLOCK.monotonic() + 60.0,
        gone_policy="abort",
    )
    assert guards.stage is not None
    asyncio.run(guards.stage.enter(exchange))  # pyright: ignore[reportArgumentType]  # it never waits here
    assert isinstance(exchange.request, ChatRequest)
    parts = chain.from_iterable(message.parts for message in exchange.request.messages)
    return exchange, [part.text for part in parts if isinstance(part, TextPart)]


def restored(guards: PlaneGuards, exchange: Exchange, text: str) -> str:
    assert guards.restore is not None
    made = guards.restore.filter(exchange)
    assert made is not None
    events = [*made.feed([Text(text), Finish("stop")]), *made.finish()]
    return "".join(each.text for each in events if isinstance(each, Text))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.sampled_from(VALUES), share=st.floats(0.1, 0.9), are_parts=st.booleans())
def test_both_sides_of_a_seam_are_replaced_and_come_back(
    guards: PlaneGuards, value: str, share: float, *, are_parts: bool
) -> None:
    at = max(1, min(int(len(value) * share), len(value) - 1))
    one, other = f"mine is {value[:at]}", f"{value[at:]} and thanks"
    messages: list[tuple[Role, tuple[str, ...]]] = [("user", (one, other))]
    if not are_parts:
        messages = [("user", (one,)), ("user", (other,))]
    exchange, sent = asked(guards, *messages)
    # Whatever is left of it is no more than what says nothing: a side of fewer than four letters and digits.
    for side, text in ((value[:at], sent[0]), (value[at:], sent[1])):
        assert side.strip() not in text or sum(map(str.isalnum, side)) < 4, sent
    assert restored(guards, exchange, "".join(sent)) == one + other


def test_what_another_hand_wrote_is_another_text(guards: PlaneGuards) -> None:
    _, sent = asked(guards, ("user", ("write to ann@",)), ("assistant", ("example.com is down",)))
    assert sent == ["write to ann@", "example.com is down"]


def test_texts_that_only_meet_are_left_alone(guards: PlaneGuards) -> None:
    _, sent = asked(guards, ("user", ("I have 12", "3 apples and")), ("user", ("4 pears",)))
    assert sent == ["I have 12", "3 apples and", "4 pears"]
