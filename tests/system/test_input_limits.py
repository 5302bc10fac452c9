"""Limits on requests over HTTP: each dialect's own refusal, nothing sent to a provider, a fact in the ledger."""

import asyncio
import json  # noqa: TID251 - the application's side
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.system.conftest import Installation, running
from tests.system.rawhttp import exchange, request
from tests.system.records import facts, record

CONFIG = """
inputs: {text_bytes: 1000}
models:
  house: {targets: [{provider: sim, model: sim}], inputs: {messages: 2, max_tokens: 50, images: 0, choices: 1}}
  wide: {targets: [{provider: sim, model: sim}], inputs: {text_bytes: null}}
"""
LONG = "x" * 2_000
PICTURE = "data:image/png;base64,AAAA"
PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "embeddings": "/v1/embeddings",
}
REFUSED: list[tuple[str, dict[str, Any], str, str, int]] = [
    ("openai-chat", {"messages": [["user", LONG]]}, "messages[0].content", "text_bytes", 2000),
    ("openai-chat", {"messages": [["user", "a"], ["assistant", "b"], ["user", "c"]]}, "messages", "messages", 3),
    ("openai-chat", {"messages": [["user", "a"]], "max_completion_tokens": 51}, "max_tokens", "max_tokens", 51),
    ("openai-chat", {"messages": [["user", "a"]], "n": 2}, "n", "choices", 2),
    ("openai-chat", {"messages": [["user", "a"]], "stream": True, "n": 2}, "n", "choices", 2),
    (
        "openai-chat",
        {"messages": [["user", [{"type": "image_url", "image_url": {"url": PICTURE}}]]]},
        "messages[0].content",
        "images",
        1,
    ),
    ("openai-responses", {"input": LONG}, "input", "text_bytes", 2000),
    ("openai-responses", {"input": "a", "instructions": LONG}, "instructions", "text_bytes", 2001),
    ("openai-responses", {"input": "a", "max_output_tokens": 51}, "max_output_tokens", "max_tokens", 51),
    ("anthropic", {"messages": [["user", "a"]], "system": LONG, "max_tokens": 9}, "system", "text_bytes", 2001),
    ("anthropic", {"messages": [["user", LONG]], "max_tokens": 9}, "messages[0].content", "text_bytes", 2000),
    ("anthropic", {"messages": [["user", "a"]], "max_tokens": 51}, "max_tokens", "max_tokens", 51),
    ("anthropic", {"messages": [["user", "a"]], "max_tokens": 51, "stream": True}, "max_tokens", "max_tokens", 51),
    ("embeddings", {"input": ["a", LONG]}, "input[1]", "text_bytes", 2001),
]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("inputs") / "data", CONFIG) as made:
        yield made


def ask(up: Installation, dialect: str, body: dict[str, Any], model: str = "house") -> tuple[int, dict[str, str], Any]:
    document = {"model": model, **body}
    if "messages" in document:
        document["messages"] = [{"role": role, "content": content} for role, content in document["messages"]]
    headers = {"authorization": f"Bearer {up.key}"}
    reply = asyncio.run(exchange(up.port, request(PATHS[dialect], json.dumps(document).encode(), headers)))
    return reply.status, reply.headers, json.loads(reply.body)


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_over_a_limit_is_refused_in_its_dialect_with_the_field_and_both_figures(
    up: Installation, case: tuple[str, dict[str, Any], str, str, int]
) -> None:
    dialect, body, field, limit, actual = case
    status, headers, said = ask(up, dialect, body)
    assert (status, headers["x-should-retry"]) == (400, "false")
    error = said["error"]
    assert error["type"] == "invalid_request_error"
    told = (
        (error["details"]["error_code"], error["details"]["field"])
        if dialect == "anthropic"
        else (error["code"], error["param"])
    )
    assert told == ("input_too_large", field)
    if limit != "text_bytes":  # what stands beside the texts counts as well
        assert f" {actual} " in error["message"]
    assert " is the most." in error["message"]


def test_what_is_within_the_limits_of_its_assistant_is_answered(up: Installation) -> None:
    assert ask(up, "openai-chat", {"messages": [["user", "a"]], "max_tokens": 50})[0] == 200
    assert ask(up, "openai-chat", {"messages": [["user", LONG]]}, "wide")[0] == 200
    assert ask(up, "openai-chat", {"messages": [["user", "a"]] * 3, "n": 2, "max_tokens": 51}, "sim")[0] == 200
    assert ask(up, "anthropic", {"messages": [["user", "a"]], "max_tokens": 50})[0] == 200


def test_a_refusal_is_in_the_journal_with_its_figures_and_costs_nothing(up: Installation) -> None:
    assert ask(up, "openai-chat", {"messages": [["user", "a"]] * 7})[0] == 400
    row = record(up, lambda row: {"limit": "messages", "most": 2, "actual": 7} in facts(row, "input_refused"))
    assert (row["outcome"], row["outcome_code"], row["cost_nanousd"]) == ("rejected", "input_too_large", 0)
    assert facts(row, "stage_refused") == [{"stage": "inputs", "code": "input_too_large"}]
    assert facts(row, "lease_taken") == []
    assert facts(row, "route_chosen") == []


def test_explain_shows_the_refusal_and_why(up: Installation, tmp_path: Path) -> None:
    asked = tmp_path / "request.json"
    asked.write_text(json.dumps({"model": "house", "messages": [{"role": "user", "content": "a"}] * 3}))
    command = [sys.executable, "-m", "penstock.cli", "explain", str(asked), "--config", str(up.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "limit messages, most 2, actual 3" in " ".join(done.stdout.split())
