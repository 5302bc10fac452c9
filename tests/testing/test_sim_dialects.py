"""The simulator as the vendors' own SDKs understand it: what they parse is what a client of the vendor would see."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import anthropic
import jsonschema_rs
import openai
import pytest

from penstock.core.errors import ConfigError
from penstock.core.json import JsonObject, JsonValue, dumps, loads
from penstock.testing.sim import Profile, Simulator, read_profile

WEATHER: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city", "days"],
}
QUESTION = "How do I locate my card?"
CALLS = "call tool get_weather, then get_weather again"


def with_simulator(scenario: Callable[[Simulator], Awaitable[None]], profile: Profile | None = None) -> None:
    async def run() -> None:
        async with Simulator(profile=profile) as simulator:
            await scenario(simulator)

    asyncio.run(run())


def openai_client(simulator: Simulator) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{simulator.base_url}/v1", api_key="none", max_retries=0)


def anthropic_client(simulator: Simulator) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=simulator.base_url, api_key="none", max_retries=0)


def test_chat_completions_are_the_same_streamed_and_whole() -> None:
    async def scenario(simulator: Simulator) -> None:
        async with openai_client(simulator) as client:
            whole = await client.chat.completions.create(
                model="sim-reasoning:tokens=9,think=3", messages=[{"role": "user", "content": QUESTION}], n=2
            )
            stream = await client.chat.completions.create(
                model="sim-reasoning:tokens=9,think=3",
                messages=[{"role": "user", "content": QUESTION}],
                n=2,
                stream=True,
                stream_options={"include_usage": True},
            )
            chunks = [chunk async for chunk in stream]
            for index in (0, 1):
                pieces = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
                assert "".join(piece.delta.content or "" for piece in pieces) == whole.choices[index].message.content
                assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["stop"]
            assert chunks[-1].usage == whole.usage
            assert whole.usage is not None
            assert whole.usage.completion_tokens == 24
            assert all(chunk.usage is None for chunk in chunks[:-1])

    with_simulator(scenario)


def test_usage_is_shown_in_a_stream_only_where_it_was_asked_for() -> None:
    async def scenario(simulator: Simulator) -> None:
        async with openai_client(simulator) as client:
            stream = await client.chat.completions.create(
                model="sim", messages=[{"role": "user", "content": QUESTION}], stream=True
            )
            assert all(chunk.choices and chunk.usage is None for chunk in [chunk async for chunk in stream])

    with_simulator(scenario)


def test_tool_calls_of_all_apis_have_valid_arguments() -> None:
    async def scenario(simulator: Simulator) -> None:
        async with openai_client(simulator) as client:
            completion = await client.chat.completions.create(
                model="sim",
                messages=[{"role": "user", "content": CALLS}],
                tools=[{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}],
            )
            calls = completion.choices[0].message.tool_calls or []
            arguments = [loads(call.function.arguments) for call in calls if call.type == "function"]
            async with client.responses.stream(
                model="sim",
                input=CALLS,
                tools=[{"type": "function", "name": "get_weather", "parameters": WEATHER, "strict": True}],
            ) as stream:
                response = await stream.get_final_response()
            arguments += [loads(item.arguments) for item in response.output if item.type == "function_call"]
        async with anthropic_client(simulator) as client:
            async with client.messages.stream(
                model="sim",
                max_tokens=500,
                messages=[{"role": "user", "content": CALLS}],
                tools=[{"name": "get_weather", "input_schema": WEATHER}],
            ) as stream:
                message = await stream.get_final_message()
            assert message.stop_reason == "tool_use"
            arguments += [loads(dumps(block.input)) for block in message.content if block.type == "tool_use"]
        assert len(arguments) == 6
        for each in arguments:
            jsonschema_rs.validate(WEATHER, each)

    with_simulator(scenario)


def test_responses_are_the_same_streamed_and_whole() -> None:
    async def scenario(simulator: Simulator) -> None:
        async with openai_client(simulator) as client:
            whole = await client.responses.create(model="sim-reasoning:tokens=9", input=QUESTION)
            async with client.responses.stream(model="sim-reasoning:tokens=9", input=QUESTION) as stream:
                events = [event async for event in stream]
                final = await stream.get_final_response()
            assert final.output_text == whole.output_text
            assert final.usage == whole.usage
            assert [item.type for item in final.output] == ["reasoning", "message"]
            assert [event.sequence_number for event in events] == list(range(len(events)))
            cut = await client.responses.create(model="sim", input=QUESTION, max_output_tokens=3)
            assert cut.status == "incomplete"

    with_simulator(scenario)


def test_messages_are_the_same_streamed_and_whole() -> None:
    async def scenario(simulator: Simulator) -> None:
        async with anthropic_client(simulator) as client:
            whole = await client.messages.create(
                model="sim-reasoning:tokens=9",
                max_tokens=500,
                messages=[{"role": "user", "content": QUESTION}],
                stop_sequences=["never"],
            )
            async with client.messages.stream(
                model="sim-reasoning:tokens=9", max_tokens=500, messages=[{"role": "user", "content": QUESTION}]
            ) as stream:
                final = await stream.get_final_message()
            assert [block.type for block in final.content] == ["thinking", "text"]
            assert final.model_dump(exclude={"content"}) == whole.model_dump(exclude={"content"})
            assert [block.type for block in whole.content] == ["thinking", "text"]
            assert final.usage.output_tokens == 33
            stopped = await client.messages.create(
                model="sim",
                max_tokens=500,
                messages=[{"role": "user", "content": QUESTION}],
                stop_sequences=[" locate"],
            )
            assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", " locate")

    with_simulator(scenario)


def test_errors_are_what_the_sdks_expect_of_their_vendors() -> None:
    async def scenario(simulator: Simulator) -> None:
        async with openai_client(simulator) as client:
            with pytest.raises(openai.RateLimitError):
                await client.chat.completions.create(
                    model="sim:fault=throttle", messages=[{"role": "user", "content": QUESTION}]
                )
            with pytest.raises(openai.NotFoundError, match="sim-x"):
                await client.responses.create(model="sim-x", input=QUESTION)
        async with anthropic_client(simulator) as client:
            with pytest.raises(anthropic.APIStatusError) as caught:
                async with client.messages.stream(
                    model="sim:fault=error@2", max_tokens=99, messages=[{"role": "user", "content": QUESTION}]
                ) as stream:
                    await stream.get_final_message()
            assert "Overloaded" in str(caught.value)

    with_simulator(scenario)


def test_embeddings_come_as_floats_and_as_base64() -> None:
    async def scenario(simulator: Simulator) -> None:
        async with openai_client(simulator) as client:
            packed = await client.embeddings.create(model="sim", input=["a card", "a fee"], dimensions=16)
            floats = await client.embeddings.create(
                model="sim", input=["a card", "a fee"], dimensions=16, encoding_format="float"
            )
            for ours, theirs in zip(packed.data, floats.data, strict=True):
                assert ours.embedding == pytest.approx(theirs.embedding, abs=1e-6)
            assert packed.usage.prompt_tokens == 4

    with_simulator(scenario)


def test_models_are_listed_with_those_of_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text("default: tokens=3\nmodels:\n  primary: fault=status@500\n")

    async def scenario(simulator: Simulator) -> None:
        async with openai_client(simulator) as client:
            listed = [model.id async for model in client.models.list()]
            assert listed == ["sim", "sim-reasoning", "primary"]
            answer = await client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": QUESTION}])
            assert answer.usage is not None
            assert answer.usage.completion_tokens == 3
            with pytest.raises(openai.InternalServerError):
                await client.chat.completions.create(model="primary", messages=[{"role": "user", "content": QUESTION}])

    with_simulator(scenario, read_profile(path))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("models: [", "profile.yaml:1"),
        ("modles: {}", "modles"),
        ("- a", "expected the keys"),
        ("models:\n  fast: first=1\n", "models.fast"),
        ("models: 3", "models"),
        ("default: 3", "default"),
    ],
)
def test_a_wrong_profile_says_where(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_profile(path)
    assert place in str(caught.value)


def test_a_profile_that_is_not_there_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_profile(tmp_path / "none.yaml")


def test_gemini_answers_are_the_same_streamed_and_whole() -> None:
    async def scenario(simulator: Simulator) -> None:
        body: JsonObject = {
            "contents": [{"role": "user", "parts": [{"text": CALLS}]}],
            "tools": [{"functionDeclarations": [{"name": "get_weather", "parameters": {"type": "OBJECT"}}]}],
            "generationConfig": {"candidateCount": 2, "thinkingConfig": {"includeThoughts": True}},
        }
        unary = await _post(simulator, "sim-reasoning:think=4:generateContent", body)
        streamed = await _post(simulator, "sim-reasoning:think=4:streamGenerateContent?alt=sse", body)
        whole = loads(unary)
        chunks = [loads(line.removeprefix(b"data: ")) for line in streamed.split(b"\r\n") if line.startswith(b"data: ")]
        assert sorted(_calls(whole)) == sorted(call for chunk in chunks for call in _calls(chunk))
        assert len(_calls(whole)) == 4
        assert isinstance(whole, dict)
        assert isinstance(chunks[-1], dict)
        assert chunks[-1]["usageMetadata"] == whole["usageMetadata"]
        usage = whole["usageMetadata"]
        assert isinstance(usage, dict)
        assert usage["thoughtsTokenCount"] == 8

    with_simulator(scenario)


def _calls(body: JsonValue) -> list[str]:
    """The ids of all function calls, each once for each candidate."""
    return re.findall(r'"functionCall":{"id":"(\w+)"', dumps(body).decode())


async def _post(simulator: Simulator, call: str, body: JsonObject) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    payload = dumps(body)
    head = f"POST /v1beta/models/{call} HTTP/1.1\r\nconnection: close\r\ncontent-length: {len(payload)}\r\n\r\n"
    writer.write(head.encode() + payload)
    raw = await reader.read()
    writer.close()
    return raw.partition(b"\r\n\r\n")[2]
