"""Answers in the Responses dialect, read with the official SDK."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter, ValidationError

from penstock.core.chat import ChatRequest, Message, Reasoning, Request, ResponseFormat, TextPart, Tool
from penstock.core.errors import InternalError, PolicyBlocked, UpstreamThrottled, UpstreamUnavailable
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.core.json import JsonObject
from penstock.core.ports import ClientDialect
from penstock.core.usage import Usage
from penstock.flow.fold import Fold
from penstock.providers.dialect import Endpoint
from penstock.providers.openai_responses import OpenAIResponses as Upstream
from penstock.wire.openai_responses import OpenAIResponses

FIXTURES = Path(__file__).parent.parent / "fixtures" / "openai_responses"
RECORDED = sorted(p for p in FIXTURES.iterdir() if p.suffix in (".sse", ".json") and ".request" not in p.name)
EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
DIALECT: ClientDialect = OpenAIResponses()


def exchange(request: Request | None = None) -> Exchange:
    return Exchange(
        id=ExchangeId("ex_1"),
        principal=Principal("t", "k"),
        request=request or ChatRequest(dialect="openai-responses", model="asked", messages=()),
        dialect="openai-responses",
        started_at=1700000000.5,
        began_s=0.0,
        deadline_s=60.0,
        gone_policy="abort",
    )


def streamed(batches: Iterable[Sequence[Event]], request: Request | None = None) -> bytes:
    encoder = DIALECT.stream(exchange(request))
    return b"".join([*(encoder.feed(batch) for batch in batches), encoder.finish()])


def unary(events: Iterable[Event], request: Request | None = None) -> dict[str, Any]:
    folded = Fold()
    folded.feed(list(events))
    return msgspec.json.decode(DIALECT.encode(folded.answer(), exchange(request)))


def frames(body: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for block in body.split(b"\n\n")[:-1]:
        first, second = block.split(b"\n")
        data = msgspec.json.decode(second.removeprefix(b"data: "))
        assert first == b"event: " + data["type"].encode()
        assert data["sequence_number"] == len(found)
        found.append(data)
    return found


def read_with_sdk(body: bytes) -> Response:
    """The final response as the SDK's own accumulator has it."""
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    )
    client = openai.OpenAI(api_key="k", base_url="http://penstock/v1", http_client=httpx2.Client(transport=transport))
    with client.responses.stream(model="m", input="x") as stream:
        return stream.get_final_response()


def snapshot(body: bytes) -> list[dict[str, Any]]:
    """The items as the SDK puts them together from the pieces, without a look at the final response."""
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=openai.omit, text_format=openai.omit)
    taken: list[dict[str, Any]] = []
    for frame in frames(body):
        event = EVENT.validate_python(frame)
        state.handle_event(event)
        if frame["type"] == "response.output_item.done":
            taken.append(frame["item"])
    return taken


ANSWER: list[Event] = [
    Start("chatcmpl-1", "provider-model", 1700000001),
    Text("think", channel="reasoning", part=0),
    Text("ing", channel="reasoning", part=0, signature="anthropic:sig"),
    Text("Hel", part=1, logprobs=[{"token": "Hel", "bytes": [72], "logprob": -0.5, "top_logprobs": []}]),
    Text("lo \u2028", part=1, logprobs=[{"token": "lo", "bytes": [108], "logprob": -0.1, "top_logprobs": []}]),
    ToolCall(0, 0, "c1", "f", '{"a'),
    ToolCall(0, 1, "c2", "g", "fr", "custom"),
    ToolCall(0, 0, arguments='":1}'),
    ToolCall(0, 1, arguments="ee"),
    Text("done", part=2),
    Text("not that", channel="refusal", part=3),
    UsageReport(Usage(input_tokens=10, output_tokens=5, cache_read_tokens=4, reasoning_tokens=2)),
    Finish("tool_calls", native="tool_calls"),
]


def test_an_answer_of_another_dialect_gets_the_whole_sequence_of_events() -> None:
    kinds = [frame["type"].removeprefix("response.") for frame in frames(streamed([ANSWER]))]
    assert kinds == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "output_item.added",
        "custom_tool_call_input.delta",
        "function_call_arguments.delta",
        "custom_tool_call_input.delta",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "content_part.added",
        "refusal.delta",
        "function_call_arguments.done",
        "output_item.done",
        "custom_tool_call_input.done",
        "output_item.done",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


def test_the_sdk_reads_the_same_from_the_stream_its_pieces_and_the_unary_answer() -> None:
    body = streamed([ANSWER])
    whole = unary(ANSWER)
    response = read_with_sdk(body)
    assert response.output_text == "Hello \u2028done"
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.input_tokens_details.cached_tokens) == (10, 4)
    assert (response.usage.output_tokens, response.usage.output_tokens_details.reasoning_tokens) == (5, 2)
    assert (response.id, response.model, response.status) == ("chatcmpl-1", "provider-model", "completed")
    Response.model_validate(whole)
    assert frames(body)[-1]["response"] == whole
    assert sorted(snapshot(body), key=lambda item: item["id"]) == sorted(whole["output"], key=lambda item: item["id"])
    assert [item["type"] for item in whole["output"]] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
        "message",
    ]
    assert whole["output"][0]["encrypted_content"] == "anthropic:sig"
    assert whole["output"][2]["arguments"] == '{"a":1}'
    assert whole["output"][3]["input"] == "free"
    assert [entry["token"] for entry in whole["output"][1]["content"][0]["logprobs"]] == ["Hel", "lo"]
    assert len({item["id"] for item in whole["output"]}) == 5


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_the_outcome_does_not_depend_on_how_the_text_was_cut(data: st.DataObject) -> None:
    text = "The quick\nbrown fox says \u00e9\U0001f98a."
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1))))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    events: list[Event] = [Start("id", "m"), *(Text(piece) for piece in pieces), Finish("stop")]
    at = data.draw(st.integers(0, len(events)))
    body = streamed([events[:at], events[at:]])
    final = frames(body)[-1]["response"]
    assert final == unary(events)
    assert final["output"][0]["content"][0]["text"] == text
    assert "".join(f["delta"] for f in frames(body) if f["type"] == "response.output_text.delta") == text


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
@pytest.mark.parametrize("seed", range(3))
def test_a_recorded_answer_reaches_clients_of_the_same_dialect_unchanged(path: Path, seed: int) -> None:
    body = path.read_bytes()
    document = msgspec.json.decode((FIXTURES / f"{path.stem}.request.json").read_bytes())
    request = DIALECT.parse(msgspec.json.encode(document))
    reader = Upstream().decoder(request, Endpoint("openai", "https://x/v1"))
    size = (len(body), 17, 1000)[seed]
    batches = [reader.feed(body[at : at + size]) for at in range(0, len(body), size)] + [reader.finish()]
    said = msgspec.json.decode(
        body if path.suffix == ".json" else [x[6:] for x in body.splitlines() if x.startswith(b"data: {")][-1]
    )
    said = said.get("response", said)
    sent = streamed(batches, request)
    whole = unary([event for batch in batches for event in batch], request)
    assert frames(sent)[-1]["response"] == whole
    for name in said.keys() - {"output", "output_text"}:
        assert whole[name] == said[name], name
    assert [_settled(item) for item in whole["output"]] == [_settled(item) for item in said["output"]]
    if whole["status"] == "completed":
        assert [_settled(item.to_dict()) for item in read_with_sdk(sent).output] == [
            _settled(item) for item in said["output"]
        ]
    if path.suffix == ".sse":
        kinds = [msgspec.json.decode(x[6:])["type"] for x in body.splitlines() if x.startswith(b"data: {")]
        assert [frame["type"] for frame in frames(sent)] == kinds


def _settled(item: dict[str, Any]) -> dict[str, Any]:
    """An item without what providers say differently each time they repeat it: proofs, logprobs, made-up ids."""
    kept = {name: value for name, value in item.items() if name not in ("encrypted_content", "parsed_arguments")}
    if item["type"] == "reasoning":
        del kept["id"]
    if item["type"] == "message":
        kept["content"] = [
            {name: value for name, value in part.items() if name not in ("logprobs", "parsed")}
            for part in item["content"]
        ]
    return kept


def test_every_event_of_our_own_making_is_one_that_the_sdk_knows() -> None:
    tool = Tool("f", "does", {"type": "object"}, strict=False)
    request = ChatRequest(
        dialect="openai-responses",
        model="m",
        messages=(Message("system", (TextPart("Be brief."),)),),
        tools=(tool,),
        response_format=ResponseFormat("json_schema", "s", {"type": "object"}),
        reasoning=Reasoning(effort="low", summary="auto"),
        max_tokens=9,
    )
    for frame in frames(streamed([ANSWER], request)):
        EVENT.validate_python(frame)
    response = Response.model_validate(unary(ANSWER, request))
    assert response.instructions == "Be brief."
    assert response.max_output_tokens == 9
    assert response.text is not None
    assert response.text.format is not None
    assert response.text.format.type == "json_schema"
    with pytest.raises(ValidationError):
        EVENT.validate_python({"type": "response.output_text.delta"})


@pytest.mark.parametrize(
    ("finish", "status", "details", "terminal"),
    [
        (Finish("stop"), "completed", None, "response.completed"),
        (Finish("length", native="max_tokens"), "incomplete", {"reason": "max_output_tokens"}, "response.incomplete"),
        (Finish("content_filter"), "incomplete", {"reason": "content_filter"}, "response.incomplete"),
        (Finish("pause", native="pause_turn"), "incomplete", None, "response.incomplete"),
        (Finish("error"), "failed", None, "response.failed"),
    ],
)
def test_how_an_answer_ended_is_said_in_this_dialect(
    finish: Finish, status: str, details: dict[str, str] | None, terminal: str
) -> None:
    events: list[Event] = [Start("id", "m"), Text("x"), finish]
    last = frames(streamed([events]))[-1]
    assert last["type"] == terminal
    assert last["response"]["status"] == status
    assert last["response"]["incomplete_details"] == details
    assert last["response"]["output"][0]["status"] == ("incomplete" if status == "incomplete" else "completed")
    assert (last["response"]["error"] is None) == (status != "failed")


def test_notices_of_other_dialects_and_further_choices_are_not_shown() -> None:
    events: list[Event] = [
        Start("id", "m"),
        Notice("anthropic", "item", {"n": 0, "item": {"type": "web_search_call", "id": "x"}}),
        Text("a"),
        Text("b", choice=1),
        Finish("stop"),
        Finish("length", choice=1),
    ]
    whole = unary(events)
    assert whole == frames(streamed([events]))[-1]["response"]
    assert [part["text"] for item in whole["output"] for part in item["content"]] == ["a"]


def test_text_that_a_filter_holds_back_beyond_its_item_is_not_lost() -> None:
    shell: JsonObject = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    call: JsonObject = {"type": "function_call", "id": "fc_1", "status": "completed"}
    notices: list[Notice] = [
        Notice("openai-responses", "item", {"n": 0, "item": {**shell, "status": "in_progress"}}, part=0),
        Notice("openai-responses", "item_done", {"n": 0, "item": shell}),
        Notice("openai-responses", "item", {"n": 1, "call": 0, "item": {**call, "status": "in_progress"}}, part=1),
        Notice("openai-responses", "item_done", {"n": 1, "item": call}),
    ]
    late: list[Event] = [Text("held"), ToolCall(0, 0, "c1", "f", "{}")]
    for events in ([*notices, *late], [*notices[:1], Text("un"), *notices[1:], *late]):
        answer: list[Event] = [Start("id", "m"), *events, Finish("stop", native="completed")]
        body = streamed([answer])
        output = frames(body)[-1]["response"]["output"]
        texts = [part["text"] for item in output if item["type"] == "message" for part in item["content"]]
        assert "".join(texts) == ("held" if len(events) == 6 else "unheld")
        calls = [item for item in output if item["type"] == "function_call"]
        assert [(item["id"], item["call_id"], item["arguments"]) for item in calls] == [("fc_1", "c1", "{}")]
        assert sorted(map(repr, map(_said, snapshot(body)))) == sorted(map(repr, map(_said, output)))


def _said(item: dict[str, Any]) -> tuple[Any, ...]:
    return item["id"], item.get("content"), item.get("arguments")


def test_each_proof_of_another_provider_gets_an_item_of_its_own() -> None:
    events: list[Event] = [
        Start("id", "m"),
        Text("one", channel="reasoning", part=0, signature="anthropic:1"),
        Text("", channel="reasoning", part=1, signature="anthropic:hidden"),
        Text("two", channel="reasoning", part=2, signature="anthropic:2"),
        Text("hi", part=3),
        Finish("stop"),
    ]
    whole = unary(events)
    assert [
        (item.get("encrypted_content"), [entry["text"] for entry in item["summary"]]) for item in whole["output"][:-1]
    ] == [("anthropic:1", ["one"]), ("anthropic:hidden", []), ("anthropic:2", ["two"])]
    assert frames(streamed([events]))[-1]["response"] == whole


def test_a_failure_after_the_beginning_ends_the_stream_with_response_failed() -> None:
    failed = exchange()
    encoder = DIALECT.stream(failed)
    sent = encoder.feed([Start("id", "m"), Text("half")])
    failed.error = UpstreamThrottled("The provider's rate limit is reached.", detail="secret")
    sent += encoder.fail(failed)
    last = frames(sent)[-1]
    EVENT.validate_python(last)
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"] == {
        "code": "rate_limit_exceeded",
        "message": "The provider's rate limit is reached.",
        "type": "upstream_throttled",
        "param": None,
    }
    assert last["response"]["output"][0]["content"][0]["text"] == "half"
    assert b"secret" not in sent


def test_a_failure_before_the_beginning_is_an_error_event() -> None:
    failed = exchange()
    failed.error = PolicyBlocked("The answer was withheld by policy.")
    sent = DIALECT.stream(failed).fail(failed)
    event = frames(sent)[0]
    EVENT.validate_python(event)
    assert (event["type"], event["code"]) == ("error", "policy_blocked")


def test_a_fault_of_our_own_shows_the_exchange_id_and_nothing_else() -> None:
    failed = exchange()
    failed.error = InternalError("internal error", detail="KeyError: secret")
    encoder = DIALECT.stream(failed)
    sent = encoder.feed([Start("id", "m")]) + encoder.fail(failed)
    assert b"secret" not in sent
    assert b"ex_1" in frames(sent)[-1]["response"]["error"]["message"].encode()
    body = DIALECT.encode_error(failed.error, failed.id)
    assert b"secret" not in body
    assert msgspec.json.decode(body)["error"]["code"] == "internal_error"


def test_an_http_error_is_one_that_the_sdk_raises() -> None:
    body = DIALECT.encode_error(UpstreamUnavailable("The provider failed."), "ex_1")
    transport = httpx2.MockTransport(lambda _: httpx2.Response(502, content=body))
    client = openai.OpenAI(
        api_key="k", base_url="http://penstock/v1", max_retries=0, http_client=httpx2.Client(transport=transport)
    )
    with pytest.raises(openai.InternalServerError) as caught:
        client.responses.create(model="m", input="x")
    assert caught.value.code == "upstream_unavailable"
