"""What a response object repeats of its request."""

from msgspec.structs import replace

from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.core.json import JsonObject
from penstock.wire.openai_responses.envelope import response_object

RULE = "Write to ann@example.com."
ASKED = ChatRequest(
    dialect="openai-responses",
    model="m",
    messages=(Message("system", (TextPart(RULE),)), Message("user", (TextPart("Hello"),))),
    metadata={"mail": "bob@example.com"},
)
SENT = replace(
    ASKED,
    messages=(Message("system", (TextPart("Write to <EMAIL_ADDRESS_1>. Reference: abc"),)), *ASKED.messages[1:]),
    metadata={"mail": "<EMAIL_ADDRESS_2>"},
)
OF_PROVIDER: JsonObject = {
    "instructions": "Write to <EMAIL_ADDRESS_1>. Reference: abc",
    "metadata": {"mail": "<EMAIL_ADDRESS_2>"},
    "temperature": 0.7,
    "truncation": "auto",
}


def exchange(request: ChatRequest, asked: ChatRequest | None) -> Exchange:
    return Exchange(
        id=ExchangeId("ex_1"),
        principal=Principal(tenant="t", key="k"),
        request=request,
        asked=asked,
        dialect="openai-responses",
        started_at=0.0,
        began_s=0.0,
        deadline_s=60.0,
        gone_policy="abort",
    )


def test_what_the_provider_got_in_other_words_is_shown_in_the_callers() -> None:
    shown = response_object(exchange(SENT, ASKED), None, OF_PROVIDER, status="completed", output=[])
    assert shown["instructions"] == RULE
    assert shown["metadata"] == {"mail": "bob@example.com"}
    assert (shown["temperature"], shown["truncation"]) == (0.7, "auto")


def test_an_echo_of_what_was_not_changed_is_the_providers() -> None:
    own: JsonObject = {**OF_PROVIDER, "instructions": None}
    for asked in (ASKED, None):
        shown = response_object(exchange(ASKED, asked), None, own, status="completed", output=[])
        assert shown["instructions"] is None


def test_without_one_of_the_provider_it_is_made_of_what_was_asked() -> None:
    shown = response_object(exchange(SENT, ASKED), None, None, status="completed", output=[])
    assert shown["instructions"] == RULE
