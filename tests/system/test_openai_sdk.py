"""The official `openai` SDK with nothing changed but its base URL."""

import json  # noqa: TID251 - the application's side
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel
from tests.system.conftest import Installation

QUESTION: Any = [{"role": "user", "content": "How do I find my card?"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class City(BaseModel):
    name: str
    population: int


@pytest.fixture
def client(penstock: Installation) -> Iterator[OpenAI]:
    with OpenAI(base_url=penstock.url + "/v1", api_key=penstock.key, max_retries=0) as made:
        yield made


def test_models_are_listed(client: OpenAI) -> None:
    assert "sim" in [model.id for model in client.models.list()]
    assert client.models.retrieve("sim").id == "sim"


def test_a_chat_completion(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="sim", messages=QUESTION)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_a_stream_says_the_same_as_the_unary_answer(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="sim", messages=QUESTION, seed=3)
    chunks = list(client.chat.completions.create(model="sim", messages=QUESTION, seed=3, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert all(chunk.usage is None for chunk in chunks), "usage is metered, and shown only to those who ask"
    assert all(chunk.choices for chunk in chunks)


def test_a_stream_shows_usage_when_asked(client: OpenAI) -> None:
    options: Any = {"include_usage": True}
    *_, last = client.chat.completions.create(model="sim", messages=QUESTION, stream=True, stream_options=options)
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens > 0


def test_parallel_tool_calls_streamed(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model="sim",
        messages=[{"role": "user", "content": "call tool get_weather"}],
        tools=[WEATHER],
        tool_choice="required",
    ) as stream:
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert calls
    assert calls[0].function.name == "get_weather"
    assert "city" in json.loads(calls[0].function.arguments)
    assert final.choices[0].finish_reason == "tool_calls"


def test_a_tool_result_goes_back(client: OpenAI) -> None:
    asked = client.chat.completions.create(
        model="sim", messages=[{"role": "user", "content": "call tool get_weather"}], tools=[WEATHER]
    )
    message = asked.choices[0].message
    assert message.tool_calls
    messages: Any = [
        {"role": "user", "content": "call tool get_weather"},
        message,
        {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "12 degrees"},
    ]
    answer = client.chat.completions.create(model="sim", messages=messages, tools=[WEATHER])
    assert "12 degrees" in (answer.choices[0].message.content or "")


def test_structured_output_parses(client: OpenAI) -> None:
    answer = client.chat.completions.parse(model="sim", messages=QUESTION, response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)


def test_several_choices(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="sim", messages=QUESTION, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]


def test_a_response_unary_and_streamed(client: OpenAI) -> None:
    whole = client.responses.create(model="sim", input="How do I find my card?")
    assert whole.status == "completed"
    assert whole.output_text
    with client.responses.stream(model="sim", input="How do I find my card?") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert final.output_text == whole.output_text
    assert final.usage is not None
    assert final.usage.output_tokens > 0


def test_embeddings(client: OpenAI) -> None:
    answer = client.embeddings.create(model="sim", input=["one", "two"], dimensions=8)
    assert [len(item.embedding) for item in answer.data] == [8, 8]


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("no-such-model", openai.NotFoundError),
        ("sim:fault=throttle", openai.RateLimitError),
        ("sim:fault=status@500", openai.InternalServerError),
        ("sim:fault=status@400", openai.BadRequestError),
    ],
)
def test_errors_are_the_sdks_own(client: OpenAI, model: str, error: type[openai.APIStatusError]) -> None:
    with pytest.raises(error) as caught:
        client.chat.completions.create(model=model, messages=QUESTION)
    assert caught.value.request_id
    assert caught.value.code


def test_a_wrong_key_is_an_authentication_error(penstock: Installation) -> None:
    client = OpenAI(base_url=penstock.url + "/v1", api_key="pk_dev_wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(model="sim", messages=QUESTION)


def test_a_stream_that_breaks_is_an_error_and_not_a_short_answer(client: OpenAI) -> None:
    stream = client.chat.completions.create(model="sim:fault=cut@5", messages=QUESTION, stream=True)
    with pytest.raises(openai.APIError):
        list(stream)
