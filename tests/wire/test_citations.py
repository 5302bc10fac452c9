"""Citations of our own sources, read with the official SDKs, whole and streamed, in every client dialect."""

import json  # noqa: TID251 - the client's side
from typing import Any

import pytest
from anthropic.types import Message
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from penstock.core.answer import Answer
from penstock.core.chat import ChatRequest, Dialect
from penstock.core.events import Citation, Event, Finish, Start, Text, UsageReport
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.core.ports import ClientDialect
from penstock.core.usage import Usage
from penstock.flow.fold import Fold
from penstock.wire.anthropic import AnthropicClient
from penstock.wire.openai_chat.dialect import OpenAIChat
from penstock.wire.openai_responses.dialect import OpenAIResponses

SAID = "Leave is 30 days [1]. Ask your lead [2]."
ON_A_PAGE = Citation(
    document="doc_1",
    title="Leave",
    quote="Everybody has 30 days.",
    start=0,
    end=21,
    source_start=40,
    source_end=62,
    uri="https://example.com/leave.pdf",
    page=3,
)
IN_A_TEXT = Citation(
    document="doc_2", title="Leads", quote="Leads grant it.", start=22, end=40, source_start=5, source_end=20, number=1
)
EVENTS: tuple[Event, ...] = (
    Start("a1", "m", 1),
    Text("Leave is 30 days [1]."),
    ON_A_PAGE,
    Text(" Ask your lead [2]."),
    IN_A_TEXT,
    Finish("stop"),
    UsageReport(Usage(input_tokens=3, output_tokens=4)),
)
DIALECTS: dict[Dialect, ClientDialect] = {
    "openai-chat": OpenAIChat(),
    "openai-responses": OpenAIResponses(),
    "anthropic": AnthropicClient(),
}


def exchange(dialect: Dialect, *, stream: bool) -> Exchange:
    return Exchange(
        id=ExchangeId("ex_019f8a3c5d1e7b2f4a6c8e0d2f4a6c8e"),
        principal=Principal(tenant="t", key="k"),
        request=ChatRequest(dialect=dialect, model="help", messages=(), stream=stream),
        dialect=dialect,
        started_at=1.0,
        began_s=0.0,
        deadline_s=9.0,
        gone_policy="abort",
    )


def whole(dialect: Dialect) -> Any:
    fold = Fold()
    fold.feed(EVENTS)
    answer: Answer = fold.answer()
    return json.loads(DIALECTS[dialect].encode(answer, exchange(dialect, stream=False)))


def frames(dialect: Dialect) -> list[Any]:
    encoder = DIALECTS[dialect].stream(exchange(dialect, stream=True))
    data = b"".join(encoder.feed([event]) for event in EVENTS) + encoder.finish()
    lines = [line[6:] for line in data.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_chat_completions_have_annotations() -> None:
    message = ChatCompletion.model_validate(whole("openai-chat")).choices[0].message
    assert message.content == SAID
    assert message.annotations is not None
    first, second = (each.url_citation for each in message.annotations)
    assert (first.url, first.title) == ("https://example.com/leave.pdf", "Leave")
    assert message.content[first.start_index : first.end_index] == "Leave is 30 days [1]."
    assert message.content[second.start_index : second.end_index] == "Ask your lead [2]."
    assert second.url == "urn:penstock:document:doc_2"
    assert first.model_extra == {
        "document_id": "doc_1",
        "quote": "Everybody has 30 days.",
        "source_start": 40,
        "source_end": 62,
        "page": 3,
    }


def test_a_streamed_chat_completion_has_the_same() -> None:
    found = [
        annotation
        for each in frames("openai-chat")
        for choice in each["choices"]
        for annotation in choice["delta"].get("annotations", ())
    ]
    assert found == whole("openai-chat")["choices"][0]["message"]["annotations"]


def test_responses_have_annotations() -> None:
    response = Response.model_validate(whole("openai-responses"))
    said: Any = response.output[0]
    annotations: list[Any] = said.content[0].annotations
    assert [(each.type, each.model_extra["document_id"]) for each in annotations] == [
        ("url_citation", "doc_1"),
        ("file_citation", "doc_2"),
    ]
    added = [each for each in frames("openai-responses") if each["type"] == "response.output_text.annotation.added"]
    assert [each["annotation"] for each in added] == whole("openai-responses")["output"][0]["content"][0]["annotations"]


def test_anthropic_has_citation_blocks() -> None:
    [block] = Message.model_validate(whole("anthropic")).content
    assert block.type == "text"
    assert block.citations is not None
    page, place = block.citations
    assert page.type == "page_location"
    assert (page.start_page_number, page.end_page_number, page.document_index) == (3, 4, 0)
    assert place.type == "char_location"
    assert (place.start_char_index, place.end_char_index, place.cited_text) == (5, 20, "Leads grant it.")
    assert place.document_index == 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_cited_changes_no_text(dialect: Dialect) -> None:
    bare = [event for event in EVENTS if not isinstance(event, Citation)]
    encoder = DIALECTS[dialect].stream(exchange(dialect, stream=True))
    before = encoder.feed(bare) + encoder.finish()
    for word in ("Leave is 30 days [1].", " Ask your lead [2]."):
        assert json.dumps(word) in before.decode()
        assert any(json.dumps(word) in json.dumps(each) for each in frames(dialect))


def test_a_streamed_anthropic_answer_has_the_same() -> None:
    found = [
        each["delta"]["citation"]
        for each in frames("anthropic")
        if each["type"] == "content_block_delta" and each["delta"]["type"] == "citations_delta"
    ]
    assert found == whole("anthropic")["content"][0]["citations"]
