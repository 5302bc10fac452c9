"""The replay harness itself: it must notice every way in which an answer can go wrong."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from evaluation.conformance.client_requests import request_differences
from evaluation.conformance.cutting import pieces
from evaluation.conformance.recordings import EXCERPTS, Recording, load
from evaluation.conformance.replay import Case, Seen, expected_of, replay

from penstock.core.json import JsonObject, dumps, loads

TOOLS = "openllmetry/openai/test_chat/test_chat_tools_streaming#0"
PLAIN = "pydantic-ai/test_deepseek/test_deepseek_model_thinking_part#0"
REFUSED = "pydantic-ai/test_groq/test_tool_regular_error#0"
BROKEN = "pydantic-ai/test_openrouter/test_openrouter_stream_error#0"


class Scripted:
    """A transport that answers with the recording itself, changed by `change`."""

    def __init__(self, change: Callable[[bytes], bytes] = bytes, status: int | None = None) -> None:
        self._change = change
        self._status = status

    def model_for(self, recording: Recording, cutting: str) -> str:
        del cutting
        return str((recording.request or {})["model"])

    async def answer(self, client: str, request: JsonObject, recording: Recording, cutting: str) -> Seen:
        del client, cutting
        return Seen(self._status or recording.status, self._change(recording.content()), request)


@pytest.fixture(scope="module")
def excerpts() -> dict[str, Recording]:
    return {recording.id: recording for recording in load(EXCERPTS)[0]}


async def _reasons(recording: Recording, transport: Scripted) -> tuple[str, ...]:
    case = Case(recording, recording.dialect, "whole")
    return (await replay(case, transport, expected_of(recording))).reasons


def _run(recording: Recording, transport: Scripted) -> tuple[str, ...]:
    return asyncio.run(_reasons(recording, transport))


@pytest.mark.parametrize("name", [TOOLS, PLAIN, REFUSED, BROKEN])
def test_an_answer_passed_on_as_it_is_passes(name: str, excerpts: dict[str, Recording]) -> None:
    assert _run(excerpts[name], Scripted()) == ()


def _changed(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(body: bytes) -> bytes:
        assert old in body
        return body.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        (PLAIN, b'"content":"', b'"content":"x', "text"),
        (PLAIN, b'"reasoning_content":"', b'"reasoning_content":"x', "reasoning"),
        (PLAIN, b'"finish_reason":"stop"', b'"finish_reason":"length"', "finish"),
        (PLAIN, b'"prompt_tokens":', b'"prompt_tokens":1', "usage"),
        (TOOLS, b'"name":"', b'"name":"x', "tool calls"),
        (TOOLS, b'"location"', b'"lokation"', "tool calls"),
        (TOOLS, b"data: [DONE]", b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\ndata: [DONE]', "did not ask"),
    ],
)
def test_a_changed_answer_is_noticed(
    name: str, old: bytes, new: bytes, told: str, excerpts: dict[str, Recording]
) -> None:
    reasons = _run(excerpts[name], Scripted(_changed(old, new)))
    assert any(told in reason for reason in reasons), reasons


def test_a_cut_stream_is_noticed(excerpts: dict[str, Recording]) -> None:
    assert _run(excerpts[TOOLS], Scripted(lambda body: body[: len(body) // 2]))


def test_an_error_turned_into_an_answer_is_noticed(excerpts: dict[str, Recording]) -> None:
    whole = excerpts[PLAIN].content()
    assert _run(excerpts[REFUSED], Scripted(lambda _: whole, status=200)) == (
        "the provider's failure reached the client as a whole answer",
    )


def test_another_error_status_is_noticed(excerpts: dict[str, Recording]) -> None:
    assert _run(excerpts[REFUSED], Scripted(status=500)) == ("status 404 became 500, not [404]",)


def test_a_lost_request_field_is_noticed() -> None:
    sent: JsonObject = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "seed": 7}
    received: JsonObject = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    assert request_differences("openai-chat", sent, received) == ["request: seed = 7 was lost"]


def test_one_text_part_and_a_string_are_the_same_request() -> None:
    sent: JsonObject = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "n": 1}
    received: JsonObject = {"model": "x", "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}
    assert request_differences("openai-chat", sent, received) == []


def test_the_pieces_of_a_recording_join_to_it(excerpts: dict[str, Recording]) -> None:
    for recording in excerpts.values():
        cut = pieces(recording, recording.body, "cut")
        assert b"".join(cut) == recording.body
        assert cut == pieces(recording, recording.body, "cut")
        assert len(cut) > 1 or len(recording.body) < 48


def test_a_parsed_body_becomes_the_bytes_of_a_provider(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(
        """interactions:
- request: {method: POST, uri: 'https://api.openai.com/v1/chat/completions', parsed_body: {model: m}}
  response: {status: {code: 200}, headers: {Content-Type: [application/json]}, parsed_body: {choices: [], n: 1.5}}
"""
    )
    recordings, skipped = load(tmp_path)
    assert skipped == []
    assert loads(recordings[0].body) == {"choices": [], "n": 1.5}
    assert recordings[0].body == dumps({"choices": [], "n": 1.5})
    assert recordings[0].headers == (("content-type", "application/json"),)
