"""Answers that must be JSON: mended, asked for once more, then elsewhere, then refused."""

from collections.abc import Sequence
from typing import Literal

import msgspec
import pytest
from tests.guard.hearings import CLOCK, exchange_of

from penstock.core.chat import ChatRequest, Message, ResponseFormat, TextPart
from penstock.core.errors import GuardUnavailable, PolicyBlocked
from penstock.core.events import Event, Finish, Start, Text, ToolCall
from penstock.core.exchange import Exchange
from penstock.core.facts import GuardFailed, GuardJudged
from penstock.core.json import JsonObject
from penstock.core.ports import AskAgain, Fallback, Route, Target
from penstock.guard.form import FormPolicy, FormStage
from penstock.guard.stage import Guarded, Guards
from penstock.guard.ward import Fail, Mode, OnStream, Ward
from penstock.testing.scripted import ScriptedProvider

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"city": {"type": "string", "pattern": "^[A-Z]"}},
    "required": ["city"],
    "additionalProperties": False,
}
RIGHT = '{"city": "Oslo"}'
OTHER = Target("sim/other", ScriptedProvider(), "other")


def staged(
    *,
    repairs: bool = True,
    mode: Mode = "enforce",
    stream: OnStream = "window",
    fail: Fail = "closed",
    schema: JsonObject = SCHEMA,
    kind: Literal["text", "json_object", "json_schema"] = "json_schema",
    fallbacks: Sequence[Fallback] = (),
) -> tuple[FormStage, Exchange, Guarded]:
    ward = Ward(guard="answer_schema", mode=mode, fail=fail, action=lambda _: "block", stream=stream)
    stage = FormStage({"m": FormPolicy(ward=ward, repairs=repairs)}, None, CLOCK)
    exchange = exchange_of("where?", stream=True)
    form = ResponseFormat(kind, schema=schema)
    exchange.request = msgspec.structs.replace(exchange.request, response_format=form)
    exchange.attempts = 1
    exchange.route = Route("m", (OTHER,), fallbacks=tuple(fallbacks))
    left = Guarded(Guards(may_restore=lambda _, __: True))
    exchange.take(left, at_s=0.0)
    return stage, exchange, left


def run(stage: FormStage, exchange: Exchange, *texts: str) -> list[Event]:
    made = stage.filter(exchange)
    assert made is not None
    shown: list[Event] = []
    for event in (Start("i", "m"), *map(Text, texts), Finish("stop")):
        shown += made.feed([event])
    return [*shown, *made.finish()]


def said(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def test_what_is_right_passes_as_it_came() -> None:
    stage, exchange, _ = staged()
    shown = run(stage, exchange, RIGHT[:5], RIGHT[5:])
    assert [type(event) for event in shown] == [Start, Text, Text, Finish]
    assert said(shown) == RIGHT


def test_a_fence_is_taken_off() -> None:
    stage, exchange, _ = staged()
    assert said(run(stage, exchange, "Here:\n```json\n", RIGHT, "\n```")) == RIGHT


def test_it_is_asked_once_more_with_the_reason_then_elsewhere_then_refused() -> None:
    fallback = Fallback(frozenset({"invalid_answer"}), (OTHER,))
    stage, exchange, _ = staged(fallbacks=(fallback,))
    asked = exchange.request
    with pytest.raises(AskAgain) as again:
        run(stage, exchange, '{"city": 7}')
    request = again.value.request
    assert isinstance(request, ChatRequest)
    assert [message.role for message in request.messages] == ["user", "assistant", "user"]
    assert request.messages[1] == Message("assistant", (TextPart('{"city": 7}'),))
    (reason,) = request.messages[2].parts
    assert isinstance(reason, TextPart)
    assert "/city" in reason.text
    exchange.request = request
    with pytest.raises(AskAgain) as elsewhere:
        run(stage, exchange, "no JSON")
    assert elsewhere.value.targets == (OTHER,)
    assert elsewhere.value.request == asked
    exchange.request, exchange.route = asked, Route("m", (OTHER,))
    with pytest.raises(PolicyBlocked) as refused:
        run(stage, exchange, "no JSON")
    assert refused.value.field == "response_format"
    assert refused.value.last == ()


def test_without_repair_it_is_refused_at_once() -> None:
    stage, exchange, _ = staged(repairs=False)
    with pytest.raises(PolicyBlocked):
        run(stage, exchange, "no JSON")


def test_a_token_counts_for_the_value_that_the_caller_reads() -> None:
    stage, exchange, left = staged()
    token = left.tokens.token("PLACE", "Oslo")
    assert said(run(stage, exchange, f'{{"city": "{token}"}}')) == f'{{"city": "{token}"}}'
    lower = left.tokens.token("PLACE", "bergen")
    with pytest.raises(AskAgain):
        run(stage, exchange, f'{{"city": "{lower}"}}')


def test_a_call_of_a_tool_is_no_answer_yet() -> None:
    stage, exchange, _ = staged()
    made = stage.filter(exchange)
    assert made is not None
    events: list[Event] = [ToolCall(choice=0, index=0, id="c", name="f", arguments="{}"), Finish("tool_calls")]
    made.feed(events)
    assert made.finish() == events


@pytest.mark.parametrize(("mode", "stream"), [("shadow", "window"), ("enforce", "observe")])
def test_whoever_only_watches_says_what_it_was_worth(mode: Mode, stream: OnStream) -> None:
    stage, exchange, _ = staged(mode=mode, stream=stream)
    assert said(run(stage, exchange, "no ", "JSON")) == "no JSON"
    (fact,) = [each for each in exchange.facts if isinstance(each, GuardJudged)]
    assert (fact.action, fact.rule) == ("block", "answer_schema.invalid")


def test_a_schema_that_cannot_be_checked_is_a_guard_that_cannot_judge() -> None:
    stage, exchange, _ = staged(schema={"type": "unheard-of"})
    with pytest.raises(GuardUnavailable):
        stage.filter(exchange)
    stage, exchange, _ = staged(schema={"type": "unheard-of"}, fail="open")
    assert stage.filter(exchange) is None
    assert [fact.reason for fact in exchange.facts if isinstance(fact, GuardFailed)] == ["unusable_schema"]


def test_json_of_any_form_is_an_object() -> None:
    stage, exchange, _ = staged(kind="json_object")
    assert said(run(stage, exchange, '{"a": [1]}')) == '{"a": [1]}'
    stage, exchange, _ = staged(kind="json_object")
    with pytest.raises(AskAgain):
        run(stage, exchange, "[1]")


def test_where_no_form_is_asked_for_nothing_is_held() -> None:
    stage, exchange, _ = staged(kind="text")
    assert stage.filter(exchange) is None
