"""Each fault as a client's socket sees it: bytes are read with nothing in between."""

import re
from typing import TypeAlias

import pytest
from tests.testing.simulated import PATIENCE_S, Heard, hear, with_simulator

from penstock.core.json import JsonObject, dumps, loads
from penstock.testing import Behaviour, FakeClock
from penstock.testing.script import count_tokens
from penstock.testing.sim import Profile, Simulator

SILENCE_S = 0.4
Api: TypeAlias = tuple[str, JsonObject]
OPENAI: Api = (
    "/v1/chat/completions",
    {"messages": [{"role": "user", "content": "Where is my card?"}], "stream_options": {"include_usage": True}},
)
ANTHROPIC: Api = ("/v1/messages", {"max_tokens": 99, "messages": [{"role": "user", "content": "Where is my card?"}]})
RESPONSES: Api = ("/v1/responses", {"input": "Where is my card?"})
GEMINI: Api = ("", {"contents": [{"role": "user", "parts": [{"text": "Where is my card?"}]}]})
APIS = {"openai-chat": OPENAI, "anthropic": ANTHROPIC, "openai-responses": RESPONSES, "gemini": GEMINI}
ENDS = {
    "openai-chat": b"data: [DONE]",
    "anthropic": b"message_stop",
    "openai-responses": b"response.completed",
    "gemini": b'"finishReason":"STOP"',
}


def request(api: str, model: str, *, stream: bool) -> bytes:
    path, fields = APIS[api]
    body: JsonObject = {**fields}
    if api == "gemini":
        path = f"/v1beta/models/{model}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"
    else:
        body |= {"model": model, "stream": stream}
    payload = dumps(body)
    return b"POST %b HTTP/1.1\r\nhost: sim\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (
        path.encode(),
        len(payload),
        payload,
    )


def ask(api: str, model: str, *, stream: bool, silence_s: float = PATIENCE_S) -> Heard:
    async def scenario(simulator: Simulator) -> Heard:
        return await hear(simulator, request(api, model, stream=stream), silence_s=silence_s)

    return with_simulator(scenario)


def tally(simulator: Simulator) -> JsonObject:
    """The only model's counts."""
    models = simulator.stats()["models"]
    assert isinstance(models, dict)
    (counts,) = models.values()
    assert isinstance(counts, dict)
    return counts


@pytest.mark.parametrize("api", APIS)
def test_a_whole_stream_ends_as_its_dialect_says(api: str) -> None:
    heard = ask(api, "sim:tokens=4", stream=True)
    assert heard.status == 200
    assert heard.is_whole
    assert heard.end == "eof"
    assert ENDS[api] in b"".join(heard.data[-1:])


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("at", [1, 3, 999])
def test_a_cut_closes_in_order_without_an_end(api: str, at: int) -> None:
    heard = ask(api, f"sim:tokens=4,fault=cut@{at}", stream=True)
    assert heard.end == "eof"
    assert not heard.is_whole
    assert ENDS[api] not in heard.raw
    whole = ask(api, "sim:tokens=4", stream=True)
    assert (at == 1 and api == "gemini") or heard.data
    assert len(heard.data) < len(whole.data)


@pytest.mark.parametrize("api", APIS)
def test_a_reset_is_a_reset_after_what_was_sent(api: str) -> None:
    heard = ask(api, "sim:tokens=4,fault=reset@3", stream=True)
    assert heard.end == "reset"
    assert heard.status == 200
    assert b"About" in heard.raw
    assert ENDS[api] not in heard.raw


@pytest.mark.parametrize("api", APIS)
def test_a_stall_sends_nothing_more_and_stays_open(api: str) -> None:
    heard = ask(api, "sim:tokens=4,fault=stall@3", stream=True, silence_s=SILENCE_S)
    assert heard.end == "silence"
    assert b"About" in heard.raw
    assert not heard.is_whole


@pytest.mark.parametrize("stream", [True, False])
def test_before_the_head_nothing_is_sent_at_all(stream: bool) -> None:  # noqa: FBT001 - both ways of asking
    ends = {
        fault: ask("openai-chat", f"sim:fault={fault}@0", stream=stream, silence_s=SILENCE_S)
        for fault in ("stall", "cut", "reset")
    }
    assert {fault: heard.end for fault, heard in ends.items()} == {"stall": "silence", "cut": "eof", "reset": "reset"}
    assert all(heard.raw == b"" for heard in ends.values())


@pytest.mark.parametrize("api", APIS)
def test_a_unary_answer_breaks_in_the_middle_of_its_body(api: str) -> None:
    whole = ask(api, "sim:tokens=4", stream=False)
    assert whole.is_whole
    for fault, end in (("stall", "silence"), ("cut", "eof"), ("reset", "reset")):
        heard = ask(api, f"sim:tokens=4,fault={fault}@3", stream=False, silence_s=SILENCE_S)
        assert (heard.status, heard.end, heard.is_whole) == (200, end, False)
        assert heard.body


@pytest.mark.parametrize("api", APIS)
def test_an_error_inside_a_stream_takes_the_place_of_the_rest(api: str) -> None:
    heard = ask(api, "sim:tokens=4,fault=error@3", stream=True)
    assert heard.is_whole
    assert b"error" in heard.data[-1]
    assert ENDS[api] not in heard.raw
    assert ask(api, "sim:tokens=4,fault=error@3", stream=False).status == 500


@pytest.mark.parametrize("api", APIS)
def test_one_frame_is_broken_and_the_stream_goes_on(api: str) -> None:
    heard = ask(api, "sim:tokens=4,fault=bad_sse@3", stream=True)
    broken = [event for event in heard.data if _is_broken(event)]
    assert len(broken) == 2
    assert ENDS[api] in heard.raw
    assert b"\xff" in heard.raw
    assert _is_broken(b"data: " + ask(api, "sim:tokens=4,fault=bad_sse@3", stream=False).body)


def _is_broken(event: bytes) -> bool:
    lines = event.split(b"\n")
    data = [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: ")]
    if not data:
        return True
    try:
        loads(data[0])
    except (ValueError, UnicodeDecodeError):
        return data[0] != b"[DONE]"
    return False


@pytest.mark.parametrize("api", APIS)
def test_wrong_json_is_json_of_another_shape(api: str) -> None:
    heard = ask(api, "sim:tokens=4,fault=wrong_json@3", stream=True)
    assert not any(_is_broken(event) for event in heard.data)
    assert any(b":7" in event for event in heard.data)
    assert ENDS[api] in heard.raw
    unary = loads(ask(api, "sim:tokens=4,fault=wrong_json@3", stream=False).body)
    assert isinstance(unary, dict)
    assert 7 in unary.values()


@pytest.mark.parametrize("api", APIS)
def test_a_status_has_the_vendors_error_body(api: str) -> None:
    heard = ask(api, "sim:fault=status@503,retry_after=1.2s", stream=True)
    assert heard.status == 503
    assert b"retry-after: 2\r\n" in heard.head + b"\r\n"
    assert b"retry-after-ms: 1200" in heard.head
    body = loads(heard.body)
    assert isinstance(body, dict)
    assert isinstance(body["error"], dict)


def test_flaky_answers_each_credential_and_question_at_the_second_try() -> None:
    async def scenario(simulator: Simulator) -> list[int]:
        sent = request("openai-chat", "sim:fault=flaky", stream=False)
        other = sent.replace(b"host: sim", b"host: sim\r\nauthorization: Bearer other")
        return [(await hear(simulator, each)).status for each in (sent, other, sent, other, sent)]

    assert with_simulator(scenario) == [429, 429, 200, 200, 200]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("stream", [True, False])
def test_usage_is_missing_or_zero_where_that_is_the_fault(api: str, stream: bool) -> None:  # noqa: FBT001 - both ways
    async def scenario(simulator: Simulator) -> list[Heard]:
        sent = request(api, "sim:tokens=4", stream=stream)
        faults = (b"missing_usage", b"zero_usage")
        return [await hear(simulator, sent.replace(b"host: sim", b"x-sim-fault: " + fault)) for fault in faults]

    missing, zero = with_simulator(scenario)
    assert missing.is_whole
    assert zero.is_whole
    counts = [_counted(heard.raw) for heard in (missing, zero)]
    assert counts[0] == set()
    assert counts[1] == {0}
    assert max(_counted(ask(api, "sim:tokens=4", stream=stream).raw)) > 4


def _counted(raw: bytes) -> set[int]:
    """Every number of tokens in the answer, whatever its name."""
    return {int(number) for number in re.findall(rb'"\w*(?:_tokens|TokenCount)":(\d+)', raw)}


@pytest.mark.parametrize(
    ("api", "word"),
    [
        ("openai-chat", b'"finish_reason":"content_filter"'),
        ("anthropic", b'"stop_reason":"refusal"'),
        ("openai-responses", b'"incomplete_details":{"reason":"content_filter"}'),
        ("gemini", b'"finishReason":"SAFETY"'),
    ],
)
def test_a_content_filter_ends_the_answer_in_the_vendors_words(api: str, word: bytes) -> None:
    for stream in (True, False):
        heard = ask(api, "sim:fault=content_filter@1", stream=stream)
        assert word in heard.raw
        assert heard.is_whole
        assert b"About" in heard.raw
        assert b"Where" not in heard.raw


def test_a_late_first_event_comes_late_and_an_early_head_does_not() -> None:
    late = ask("openai-chat", "sim:fault=slow_first@30s", stream=True, silence_s=SILENCE_S)
    assert (late.raw, late.end) == (b"", "silence")
    early = ask("openai-chat", "sim:first=30s,early_head", stream=True, silence_s=SILENCE_S)
    assert (early.status, early.body, early.end) == (200, b"", "silence")


def test_an_outage_resets_every_call_and_passes() -> None:
    clock = FakeClock()

    async def scenario(simulator: Simulator) -> list[str]:
        sent = request("openai-chat", "shaky", stream=False)
        ends: list[str] = []
        for _ in range(3):
            ends.append((await hear(simulator, sent)).end)
            clock.advance(5)
        return ends

    profile = Profile(models={"shaky": Behaviour.parse("outage=10s/5s")})
    assert with_simulator(scenario, profile=profile, clock=clock) == ["eof", "reset", "eof"]


def test_headers_change_what_the_model_name_says() -> None:
    async def scenario(simulator: Simulator) -> list[int]:
        sent = request("openai-chat", "sim", stream=False)
        headers = (b"x-sim: fault=status@500", b"x-sim-fault: status@502", b"x-sim-fault: none", b"x-sim-echo: 1")
        return [(await hear(simulator, sent.replace(b"host: sim", header))).status for header in headers]

    assert with_simulator(scenario) == [500, 502, 404, 200]


def test_calls_are_counted_by_how_they_ended() -> None:
    async def scenario(simulator: Simulator) -> JsonObject:
        model = "sim:tokens=4,gap=150ms"
        await hear(simulator, request("openai-chat", model, stream=True))
        await hear(simulator, request("openai-chat", model, stream=True), silence_s=0.05)
        for fault in (b"status@500", b"reset@0", b"cut@3"):
            sent = request("openai-chat", model, stream=True).replace(b"host: sim", b"x-sim-fault: " + fault)
            await hear(simulator, sent)
        return tally(simulator)

    assert with_simulator(scenario) == {
        "calls": 5,
        "answered": 1,
        "refused": {"500": 1},
        "broken": {"cut": 1, "reset": 1},
        "left": 1,
        "input_tokens": 4 * (count_tokens("Where is my card?") + 3),
        "output_tokens": 4 + 0 + 2,
    }


def test_equal_seeds_give_equal_bytes_after_a_reset() -> None:
    async def scenario(simulator: Simulator) -> tuple[list[bytes], list[bytes]]:
        async def run() -> list[bytes]:
            model = "sim:fault=status@500|cut@2|missing_usage,rate=50%"
            sent = request("openai-chat", model, stream=False)
            return [(await hear(simulator, sent)).body for _ in range(12)]

        first = await run()
        await hear(simulator, b"POST /sim/reset HTTP/1.1\r\nconnection: close\r\n\r\n")
        return first, await run()

    first, second = with_simulator(scenario, clock=FakeClock())
    assert first == second
    assert len(set(first)) > 2
