import asyncio
from collections.abc import Sequence

import jsonschema_rs
import msgspec
import pytest
from tests.testing.asking import ask

from penstock.core.answer import Answer
from penstock.core.chat import (
    ChatRequest,
    EmbeddingRequest,
    Message,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
    ToolResultPart,
)
from penstock.core.errors import (
    UpstreamAuthFailed,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.core.events import Event, Finish, Text, ToolCall, UsageReport
from penstock.core.json import JsonObject, loads
from penstock.core.usage import Usage
from penstock.flow.fold import Fold
from penstock.testing import Behaviour, FakeClock, ScriptedProvider, ScriptedSource, check_provider
from penstock.testing.script import count_tokens

WEATHER: JsonObject = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["city", "days"],
}
TOOLS = (Tool("get_weather", parameters=WEATHER), Tool("get_time", parameters={"type": "object", "properties": {}}))


async def read(source: ScriptedSource) -> list[Event]:
    events: list[Event] = []
    try:
        while (batch := await source.read()) is not None:
            events += batch
    finally:
        source.close()
    return events


def answer(request: ChatRequest | EmbeddingRequest, model: str = "sim", seed: int = 0) -> Answer:
    async def scenario() -> Sequence[Event]:
        provider = ScriptedProvider(clock=FakeClock(), seed=seed)
        events = await read(await provider.open(request, model, timeout_s=10))
        assert (provider.opened, provider.closed) == (1, 1)
        return events

    fold = Fold()
    fold.feed(asyncio.run(scenario()))
    return fold.answer()


def usage_of(whole: Answer) -> Usage:
    assert whole.usage is not None
    return whole.usage


def test_it_keeps_to_the_contract_of_a_provider() -> None:
    async def scenario() -> None:
        provider = ScriptedProvider(clock=FakeClock())
        for model in ("sim", "sim-reasoning", "sim:per_event=5"):
            await check_provider(
                provider,
                model=model,
                failing_model="sim:fault=status@500",
                in_use=lambda: provider.opened - provider.closed,
            )
        assert provider.opened > 20
        assert all(source.closes == 1 for source in provider.sources)

    asyncio.run(scenario())


def test_equal_seeds_give_equal_answers_and_others_do_not() -> None:
    assert answer(ask(), seed=1) == answer(ask(), seed=1)
    assert answer(ask(), seed=1).choices[0].text() != answer(ask(), seed=2).choices[0].text()
    assert answer(ask(seed=5), seed=1).choices[0].text() == answer(ask(seed=5), seed=2).choices[0].text()


def test_streamed_and_unary_answers_say_the_same() -> None:
    assert answer(ask(stream=True)) == answer(ask(stream=False))


def test_usage_counts_what_was_said() -> None:
    whole = answer(ask(choices=3), "sim-reasoning:tokens=11,think=7")
    said = [choice.text() + choice.text("reasoning") for choice in whole.choices]
    assert len(said) == 3
    assert usage_of(whole).reasoning_tokens == 21
    assert usage_of(whole).output_tokens == 3 * 18
    assert [count_tokens(choice.text()) for choice in whole.choices] == [11] * 3
    assert usage_of(whole).input_tokens == count_tokens("How do I locate my card?") + 3


def test_max_tokens_bounds_reasoning_and_answer_together() -> None:
    whole = answer(ask(max_tokens=10), "sim-reasoning:tokens=100,think=7")
    assert whole.choices[0].finish == Finish("length")
    assert (usage_of(whole).output_tokens, usage_of(whole).reasoning_tokens) == (10, 7)
    none_left = answer(ask(max_tokens=4), "sim-reasoning:tokens=100,think=7")
    assert none_left.choices[0].text() == ""
    assert usage_of(none_left).output_tokens == 4


def test_an_answer_ends_before_its_stop_sequence() -> None:
    whole = answer(ask(stop=("nowhere", " locate")))
    assert whole.choices[0].text() == "About How do I"
    assert whole.choices[0].finish == Finish("stop", stop_sequence=" locate")


def test_echo_says_the_last_user_message_word_for_word() -> None:
    text = "Straße  \n\n 東京タワー🗼 a\tb "
    assert answer(ask(text), "sim:echo").choices[0].text() == text


def test_tools_are_called_with_arguments_that_their_schemas_accept() -> None:
    whole = answer(ask("Please call tool get_time and get_weather", tools=TOOLS))
    calls = whole.choices[0].tool_calls()
    assert [call.name for call in calls] == ["get_time", "get_weather"]
    assert len({call.id for call in calls}) == 2
    jsonschema_rs.validate(WEATHER, loads(calls[1].arguments))
    assert whole.choices[0].finish == Finish("tool_calls")


@pytest.mark.parametrize(
    ("text", "choice", "parallel", "called"),
    [
        ("call tool get_weather and get_time", None, False, ["get_weather"]),
        ("call tool get_weather twice: get_weather", None, None, ["get_weather", "get_weather"]),
        ("what is the weather", None, None, []),
        ("what is the weather", ToolChoice("required"), None, ["get_weather"]),
        ("what is the weather", ToolChoice("named", name="get_time"), None, ["get_time"]),
        ("call tool get_time", ToolChoice("none"), None, []),
        ("call tool get_time", ToolChoice("required", allowed=("get_weather",)), None, ["get_weather"]),
        ("call tool get_weather_forecast", None, None, []),
    ],
)
def test_which_tools_are_called(text: str, choice: ToolChoice | None, parallel: bool | None, called: list[str]) -> None:  # noqa: FBT001 - a row of the table
    whole = answer(ask(text, tools=TOOLS, tool_choice=choice, parallel_tool_calls=parallel))
    assert [call.name for call in whole.choices[0].tool_calls()] == called


def test_a_tool_result_is_answered_and_no_tool_is_called_again() -> None:
    result = Message("tool", (ToolResultPart("call_1", (TextPart("sunny, 21 degrees"),)),))
    request = ask("call tool get_weather", tools=TOOLS)
    whole = answer(msgspec.structs.replace(request, messages=(*request.messages, result)))
    assert whole.choices[0].text().startswith("According to the tool: sunny, 21 degrees.")


def test_a_structured_answer_obeys_its_schema() -> None:
    whole = answer(ask(response_format=ResponseFormat("json_schema", name="weather", schema=WEATHER)))
    jsonschema_rs.validate(WEATHER, loads(whole.choices[0].text()))
    assert isinstance(loads(answer(ask(response_format=ResponseFormat("json_object"))).choices[0].text()), dict)


def test_logprobs_are_those_of_the_text() -> None:
    async def scenario() -> list[Event]:
        provider = ScriptedProvider(clock=FakeClock())
        request = ask(logprobs=True, top_logprobs=2)
        return await read(await provider.open(request, "sim:per_event=4", timeout_s=1))

    for event in asyncio.run(scenario()):
        if isinstance(event, Text):
            assert isinstance(event.logprobs, list)
            entries = [entry for entry in event.logprobs if isinstance(entry, dict)]
            assert "".join(str(entry["token"]) for entry in entries) == event.text
            assert all(isinstance(entry["top_logprobs"], list) and len(entry["top_logprobs"]) == 2 for entry in entries)


def test_embeddings_are_unit_vectors_and_likeness_shows() -> None:
    texts = ("where is my new card", "where is my card", "exchange rates")
    whole = answer(EmbeddingRequest(dialect="openai-chat", model="sim", inputs=texts, dimensions=512))
    vectors = [vector.values for vector in whole.vectors]
    floats = [values for values in vectors if isinstance(values, list)]
    products = [sum(a * b for a, b in zip(floats[0], other, strict=True)) for other in floats]
    assert [len(values) for values in floats] == [512] * 3
    assert products[0] == pytest.approx(1.0)
    assert products[1] > 0.7
    assert products[2] < 0.2


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        ("throttle", UpstreamThrottled, 429),
        ("status@401", UpstreamAuthFailed, 401),
        ("status@404", UpstreamRefused, 404),
        ("status@500", UpstreamUnavailable, 500),
        ("reset@0", UpstreamUnavailable, None),
        ("cut@0", UpstreamProtocolError, None),
        ("stall", UpstreamTimeout, None),
    ],
)
def test_a_call_that_fails_leaves_nothing_open(fault: str, error: type[UpstreamError], status: int | None) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        provider = ScriptedProvider(clock=clock)
        async with asyncio.TaskGroup() as tasks:
            opening = tasks.create_task(_outcome(provider, f"sim:fault={fault}"))
            await clock.run_for(10)
            caught = await opening
        assert type(caught) is error
        assert isinstance(caught, UpstreamError)
        assert caught.upstream_status == status
        assert (provider.calls, provider.opened, provider.failed) == (1, 0, 1)
        assert clock.pending == 0

    asyncio.run(scenario())


async def _outcome(provider: ScriptedProvider, model: str) -> BaseException | None:
    try:
        await read(await provider.open(ask(), model, timeout_s=10))
    except UpstreamError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("cut", UpstreamProtocolError),
        ("reset", UpstreamUnavailable),
        ("error", UpstreamUnavailable),
        ("bad_sse", UpstreamProtocolError),
        ("wrong_json", UpstreamProtocolError),
    ],
)
@pytest.mark.parametrize("at", [1, 3, 999])
def test_an_answer_breaks_before_the_event_that_was_named(fault: str, error: type[UpstreamError], at: int) -> None:
    async def scenario() -> None:
        provider = ScriptedProvider(clock=FakeClock())
        source = await provider.open(ask(), f"sim:tokens=4,fault={fault}@{at}", timeout_s=1)
        with pytest.raises(error):
            await read(source)
        assert source.given == min(at, 7)
        assert not source.is_complete
        assert (provider.opened, provider.closed) == (1, 1)

    asyncio.run(scenario())


def test_a_flaky_model_answers_at_the_second_try() -> None:
    async def scenario() -> None:
        provider = ScriptedProvider(clock=FakeClock())
        model = "sim:fault=flaky,retry_after=2s"
        with pytest.raises(UpstreamThrottled) as caught:
            await provider.open(ask(), model, timeout_s=1)
        assert caught.value.retry_after_s == 2
        assert await read(await provider.open(ask(), model, timeout_s=1))

    asyncio.run(scenario())


def test_usage_may_be_missing_or_zero() -> None:
    assert answer(ask(), "sim:fault=missing_usage").usage is None
    assert answer(ask(), "sim:fault=zero_usage").usage == Usage()


def test_a_content_filter_bills_what_was_said_before_it() -> None:
    whole = answer(ask(), "sim:fault=content_filter@2")
    assert whole.choices[0].finish == Finish("content_filter")
    assert whole.choices[0].text() == "About How"
    assert usage_of(whole).output_tokens == 2


def test_own_model_names_and_outages() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        provider = ScriptedProvider(clock=clock, behaviours={"shaky": Behaviour.parse("outage=10s/2s")})
        (await provider.open(ask(), "shaky", timeout_s=1)).close()
        clock.advance(8.5)
        with pytest.raises(UpstreamUnavailable):
            await provider.open(ask(), "shaky", timeout_s=1)
        clock.advance(2)
        (await provider.open(ask(), "shaky", timeout_s=1)).close()

    asyncio.run(scenario())


def test_a_limit_counts_each_window_anew_and_says_how_long_to_wait() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        provider = ScriptedProvider(clock=clock)
        clock.advance(0.25)
        for _ in range(2):
            (await provider.open(ask(), "sim:limit=2/1s", timeout_s=1)).close()
        with pytest.raises(UpstreamThrottled) as caught:
            await provider.open(ask(), "sim:limit=2/1s", timeout_s=1)
        assert caught.value.retry_after_s == pytest.approx(0.75)
        clock.advance(0.75)
        (await provider.open(ask(), "sim:limit=2/1s", timeout_s=1)).close()

    asyncio.run(scenario())


def test_a_rate_strikes_that_share_of_questions_whatever_their_order() -> None:
    async def struck(order: Sequence[int]) -> set[int]:
        provider = ScriptedProvider(clock=FakeClock(), seed=3)
        failed: set[int] = set()
        for number in order:
            try:
                (await provider.open(ask(f"question {number}"), "sim:fault=throttle,rate=6%", timeout_s=1)).close()
            except UpstreamThrottled:
                failed.add(number)
        return failed

    forwards = asyncio.run(struck(range(1000)))
    assert forwards == asyncio.run(struck(range(999, -1, -1)))
    assert 40 <= len(forwards) <= 80


def test_an_unknown_simulated_model_is_refused_as_a_provider_would() -> None:
    async def scenario() -> None:
        provider = ScriptedProvider(clock=FakeClock())
        with pytest.raises(UpstreamRefused) as caught:
            await provider.open(ask(), "sim:frist=1s", timeout_s=1)
        assert caught.value.status == 404
        assert "frist" in caught.value.public

    asyncio.run(scenario())


def test_pieces_of_a_tool_call_come_after_its_name() -> None:
    events = asyncio.run(_events_of_a_call())
    pieces = [event for event in events if isinstance(event, ToolCall)]
    assert pieces[0].name == "get_weather"
    assert all(not piece.name for piece in pieces[1:])
    assert isinstance(events[-1], UsageReport)


async def _events_of_a_call() -> list[Event]:
    provider = ScriptedProvider(clock=FakeClock())
    return await read(await provider.open(ask("call tool get_weather", tools=TOOLS), "sim", timeout_s=1))
