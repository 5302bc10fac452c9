"""A conversation that is summed up in the background, over real sockets."""

from collections.abc import Iterator
from time import monotonic
from typing import Any
from urllib.request import urlopen

import pytest
from openai import OpenAI
from tests.system.conftest import Installation, running

CONFIG = """\
models:
  support:
    targets: [{provider: sim, model: "sim:echo"}]
    compaction:
      budget_tokens: 300
      after_tokens: 300
      keep_last: 0
      encoder_tokens: 0
      summaries: {model: recorder, max_tokens: 60, after_tokens: 100}
  recorder:
    targets: [{provider: sim, model: "sim:tokens=20"}]
    cache: {exact: {}}
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("summaries") / "data", CONFIG) as found:
        yield found


def until_made(up: Installation) -> None:
    deadline = monotonic() + 20
    while True:
        with urlopen(f"{up.url}/metrics", timeout=10) as page:  # noqa: S310 - our own address
            if "\npenstock_summaries_made 1" in page.read().decode():
                return
        assert monotonic() < deadline, "nothing was ever summed up"


def test_the_next_turn_has_a_summary_of_what_it_loses_and_the_ledger_has_its_price(up: Installation) -> None:
    turns: list[Any] = [
        {"role": role, "content": f"The {role} says {number} of the weather in the town and of the harbour."}
        for number in range(30)
        for role in ("user", "assistant")
    ]
    question: Any = {"role": "user", "content": "Which town?"}
    with OpenAI(base_url=up.url + "/v1", api_key=up.key, max_retries=0) as client:
        client.chat.completions.create(model="support", messages=[*turns, question])
        until_made(up)
        turns += [{"role": "user", "content": "And?"}, {"role": "assistant", "content": "Well."}]
        client.chat.completions.create(model="support", messages=[*turns, question])
    records = up.ledger()
    asked: list[Any] = [each for each in records if each["model"] == "support"]
    jobs: list[Any] = [each for each in records if each["model"] == "recorder"]
    (job,) = jobs
    wanted_by = [fact["exchange"] for fact in job["facts"] if fact["fact"] == "summarised"]
    compacted = {
        each["id"]: fact.get("summarised", 0) for each in asked for fact in each["facts"] if fact["fact"] == "compacted"
    }
    assert sorted(compacted.values()) == [0, 60]
    assert [compacted[each] for each in wanted_by] == [0]
    assert [fact["reason"] for fact in job["facts"] if fact["fact"] == "cache_bypassed"] == ["no_cache"]
    assert not [fact for fact in job["facts"] if fact["fact"] == "cache_stored"]
    assert (job["tenant"], job["outcome"], job["input_tokens"] > 400) == (asked[0]["tenant"], "completed", True)
