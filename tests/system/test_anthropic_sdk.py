"""The official `anthropic` SDK with nothing changed but its base URL."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from anthropic.types import TextBlock, ToolUseBlock
from tests.system.conftest import Installation

QUESTION: Any = [{"role": "user", "content": "How do I find my card?"}]
WEATHER: Any = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def client(penstock: Installation) -> Iterator[Anthropic]:
    with Anthropic(base_url=penstock.url, api_key=penstock.key, max_retries=0) as made:
        yield made


def test_a_message(client: Anthropic) -> None:
    answer = client.messages.create(model="sim", max_tokens=500, messages=QUESTION)
    assert isinstance(answer.content[0], TextBlock)
    assert answer.content[0].text
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0


def test_a_stream_says_the_same_as_the_unary_answer(client: Anthropic) -> None:
    whole = client.messages.create(model="sim", max_tokens=500, messages=QUESTION)
    with client.messages.stream(model="sim", max_tokens=500, messages=QUESTION) as stream:
        final = stream.get_final_message()
    assert isinstance(whole.content[0], TextBlock)
    assert isinstance(final.content[0], TextBlock)
    assert final.content[0].text == whole.content[0].text
    assert final.usage.output_tokens == whole.usage.output_tokens


def test_thinking_comes_before_the_answer(client: Anthropic) -> None:
    answer = client.messages.create(model="sim-reasoning", max_tokens=500, messages=QUESTION)
    assert [block.type for block in answer.content] == ["thinking", "text"]


def test_max_tokens_cuts_the_answer(client: Anthropic) -> None:
    answer = client.messages.create(model="sim", max_tokens=3, messages=QUESTION)
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 3


@pytest.mark.parametrize("is_streamed", [False, True])
def test_tools(client: Anthropic, *, is_streamed: bool) -> None:
    asked: Any = [{"role": "user", "content": "call tool get_weather"}]
    if is_streamed:
        with client.messages.stream(model="sim", max_tokens=500, messages=asked, tools=[WEATHER]) as stream:
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(model="sim", max_tokens=500, messages=asked, tools=[WEATHER])
    call = next(block for block in answer.content if isinstance(block, ToolUseBlock))
    assert call.name == "get_weather"
    assert "city" in call.input
    assert answer.stop_reason == "tool_use"
    result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "12 degrees"}
    after = client.messages.create(
        model="sim",
        max_tokens=500,
        messages=[*asked, {"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}],
        tools=[WEATHER],
    )
    assert isinstance(after.content[0], TextBlock)
    assert "12 degrees" in after.content[0].text


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("no-such-model", anthropic.NotFoundError),
        ("sim:fault=throttle", anthropic.RateLimitError),
        ("sim:fault=status@500", anthropic.InternalServerError),
        ("sim:fault=status@400", anthropic.BadRequestError),
    ],
)
def test_errors_are_the_sdks_own(client: Anthropic, model: str, error: type[anthropic.APIStatusError]) -> None:
    with pytest.raises(error) as caught:
        client.messages.create(model=model, max_tokens=500, messages=QUESTION)
    assert caught.value.request_id


def test_a_wrong_key_is_an_authentication_error(penstock: Installation) -> None:
    client = Anthropic(base_url=penstock.url, api_key="pk_dev_wrong", max_retries=0)
    with pytest.raises(anthropic.AuthenticationError):
        client.messages.create(model="sim", max_tokens=5, messages=QUESTION)


def test_a_stream_that_breaks_is_an_error_and_not_a_short_answer(client: Anthropic) -> None:
    with (
        pytest.raises(anthropic.APIError),
        client.messages.stream(model="sim:fault=cut@5", max_tokens=500, messages=QUESTION) as stream,
    ):
        stream.until_done()
