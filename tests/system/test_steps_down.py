"""What an application gets, over real sockets, from a model whose provider fails or is late."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI
from tests.system.conftest import Installation, running

CONFIG = """\
models:
  down:
    targets: [{provider: sim, model: "sim:fault=status@503"}]
    max_attempts: 1
    fallbacks: [{on: [down, limited], answer: Please come back in an hour.}]
  elsewhere:
    targets: [{provider: sim, model: "sim:fault=status@503"}]
    max_attempts: 1
    fallbacks: [{on: [down], targets: [{provider: sim, model: sim}]}]
  late:
    targets: [{provider: sim, model: "sim:tokens=5,first=oneof(5ms/5ms/5ms/5ms/5ms/5ms/5ms/5ms/5ms/1s)"}]
    hedged: true
hedging: {max_calls: 1.0, max_spend: 1.0}
"""
QUESTION: Any = [{"role": "user", "content": "How do I find my card?"}]


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("steps") / "data", CONFIG) as up:
        yield up


@pytest.fixture
def client(failing: Installation) -> Iterator[OpenAI]:
    with OpenAI(base_url=failing.url + "/v1", api_key=failing.key, max_retries=0) as made:
        yield made


def test_a_canned_answer_is_an_answer_and_says_that_it_is_canned(failing: Installation, client: OpenAI) -> None:
    whole = client.chat.completions.with_raw_response.create(model="down", messages=QUESTION)
    assert whole.parse().choices[0].message.content == "Please come back in an hour."
    assert whole.headers["x-penstock-answer"] == "canned"
    assert "x-penstock-target" not in whole.headers
    stream = client.chat.completions.create(model="down", messages=QUESTION, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert text == "Please come back in an hour."
    with Anthropic(base_url=failing.url, api_key=failing.key, max_retries=0) as anthropic:
        message = anthropic.messages.create(model="down", max_tokens=50, messages=QUESTION)
    assert [block.text for block in message.content if block.type == "text"] == ["Please come back in an hour."]


def test_another_target_answers_in_its_place(client: OpenAI) -> None:
    answer = client.chat.completions.with_raw_response.create(model="elsewhere", messages=QUESTION)
    assert answer.parse().choices[0].message.content
    assert answer.headers["x-penstock-target"] == "sim/sim"
    assert "x-penstock-answer" not in answer.headers


def test_a_late_call_is_overtaken_and_the_ledger_has_both(failing: Installation, client: OpenAI) -> None:
    def ask(number: int) -> str | None:
        asked: Any = [{"role": "user", "content": f"Question number {number}"}]
        return client.chat.completions.create(model="late", messages=asked, timeout=15).choices[0].message.content

    for number in range(40):
        with ThreadPoolExecutor(10) as pool:
            assert all(pool.map(ask, range(10 * number, 10 * number + 10)))
        records = [each for each in failing.ledger() if each["model"] == "late"]
        hedged = [each for each in records if each["attempts"] == 2]
        if hedged:
            break
    else:
        pytest.fail("of 400 calls a tenth are late, and none was overtaken")
    alone = next(each for each in records if each["attempts"] == 1)
    assert (alone["accuracy"], hedged[0]["accuracy"]) == ("exact", "estimated")
    assert int(str(hedged[0]["input_tokens"])) > int(str(alone["input_tokens"]))
