"""Questions that mean the same, over real sockets: answered from what is kept where that is safe, and nowhere else."""

import re
from collections.abc import Iterator
from time import monotonic
from typing import Any
from urllib.request import urlopen

import pytest
from openai import OpenAI
from tests.system.conftest import Installation, running

CONFIG = """\
region: eu
models:
  elsewhere:
    targets: [{provider: sim, model: "sim:echo", region: us}]
    regions: [us]
    cache: {exact: {}, semantic: {start: shipped}}
  help:
    targets: [{provider: sim, model: "sim:echo"}]
    cache:
      exact: {}
      semantic: {start: shipped, check_share: 0.0001}
  checked:
    targets: [{provider: sim, model: "sim:echo"}]
    cache: {exact: {}, semantic: {start: shipped, check_share: 1}}
  long:
    targets: [{provider: sim, model: "sim:echo"}]
    compaction: {budget_tokens: 500, after_tokens: 600}
  level:
    tiers:
      fast: [{provider: sim, model: "sim:tokens=3"}]
      strong: [{provider: sim, model: "sim:tokens=9"}]
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("similar") / "data", CONFIG) as found:
        yield found


@pytest.fixture
def client(up: Installation) -> Iterator[OpenAI]:
    with OpenAI(base_url=up.url + "/v1", api_key=up.key, max_retries=0) as made:
        yield made


def gauge(up: Installation, name: str) -> int:
    with urlopen(f"{up.url}/metrics", timeout=10) as page:  # noqa: S310 - our own address
        found = re.search(rf"^penstock_cache_similar_{name} (\d+)", page.read().decode(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def questions_known(up: Installation) -> int:
    return gauge(up, "questions")


def until_known(up: Installation, *, questions: int) -> None:
    """What is kept is learned beside the requests, a moment after its answer; what the store has comes beside them."""
    deadline = monotonic() + 20
    while questions_known(up) < questions or gauge(up, "loading"):
        assert monotonic() < deadline, "the question was never learned"


def facts_of(record: Any, name: str) -> list[Any]:
    return [fact for fact in record["facts"] if fact["fact"] == name]


def asked(
    client: OpenAI, question: str, *, system: str = "You help customers of a bank.", model: str = "help"
) -> tuple[str, str]:
    """What the cache did, and the answer."""
    answer = client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "system", "content": system}, {"role": "user", "content": question}]
    )
    return answer.headers["x-penstock-cache"], answer.parse().choices[0].message.content or ""


def test_another_question_that_means_the_same_is_answered_from_what_is_kept(up: Installation, client: OpenAI) -> None:
    first = asked(client, "How do I reset the password of my online account?")
    assert first[0] == "miss"
    until_known(up, questions=1)
    said = asked(client, "How can I reset the password for my online account?")
    assert said == ("similar", first[1]), [facts_of(each, "cache_missed") for each in up.ledger()]
    [record] = [each for each in up.ledger() if facts_of(each, "cache_hit")]
    assert (record["cost_nanousd"], record["input_tokens"], record["accuracy"]) == (0, 0, "exact")
    [hit] = facts_of(record, "cache_hit")
    assert (hit["kind"], hit["saved_output_tokens"] > 0) == ("similar", True)


@pytest.mark.parametrize(
    ("kept", "other"),
    [
        ("How do I raise the limit of my card to 500 euros?", "How do I raise the limit of my card to 5000 euros?"),
        ("Can I use my card in Spain without a fee?", "Can I not use my card in Spain without a fee?"),
        ("How do I exchange dollars to euros in the app?", "How do I exchange euros to dollars in the app?"),
    ],
)
def test_what_differs_in_a_number_a_denial_or_a_direction_is_not(
    up: Installation, client: OpenAI, kept: str, other: str
) -> None:
    before = questions_known(up)
    asked(client, kept)
    until_known(up, questions=before + 1)
    assert asked(client, other)[0] == "miss"


def test_another_system_prompt_shares_nothing(up: Installation, client: OpenAI) -> None:
    question = "How do I open a second account for my daughter?"
    before = questions_known(up)
    asked(client, question)
    until_known(up, questions=before + 1)
    assert asked(client, question, system="You help customers of another bank.")[0] == "miss"


def test_what_may_not_rest_in_this_region_is_not_kept(up: Installation, client: OpenAI) -> None:
    before = questions_known(up)
    for _ in range(2):
        answer = client.chat.completions.with_raw_response.create(
            model="elsewhere", messages=[{"role": "user", "content": "How do I find my card?"}]
        )
        assert answer.headers["x-penstock-cache"] == "bypass"
    records = [each for each in up.ledger() if each["model"] == "elsewhere"]
    assert [fact["reason"] for each in records for fact in facts_of(each, "cache_bypassed")] == ["region"] * 2
    assert questions_known(up) == before


def test_a_long_conversation_is_cut_to_its_budget_and_its_question_is_whole(up: Installation, client: OpenAI) -> None:
    turns: list[Any] = [
        {"role": role, "content": f"{role} says {number}: " + "the weather of the day in the town. " * 10}
        for number in range(12)
        for role in ("user", "assistant")
    ]
    question: Any = {"role": "user", "content": "Which city did I name first?"}
    client.chat.completions.create(model="long", messages=[*turns, question])
    [record] = [each for each in up.ledger() if each["model"] == "long"]
    [compacted] = facts_of(record, "compacted")
    assert compacted["tokens_after"] <= 500 < compacted["tokens_before"]
    assert record["input_tokens"] < compacted["tokens_before"]


def test_a_tier_is_chosen_with_the_encoders_help(up: Installation, client: OpenAI) -> None:
    client.chat.completions.create(
        model="level", messages=[{"role": "user", "content": "What is the capital of France, and why was it chosen?"}]
    )
    [record] = [each for each in up.ledger() if each["model"] == "level"]
    [chosen] = facts_of(record, "tier_chosen")
    assert chosen["tier"] in {"fast", "strong"}
    assert chosen["by"] == "complexity"
    assert chosen.get("why") is None, "the encoder was asked"


def test_a_hit_that_is_checked_is_made_again_and_counted_by_model_and_tenant(up: Installation, client: OpenAI) -> None:
    before = questions_known(up)
    assert asked(client, "How do I reset the password of my online account?", model="checked")[0] == "miss"
    until_known(up, questions=before + 1)
    # The oftener a text is asked, the surer it is checked; then it has an answer of its own.
    again = "How can I reset the password for my online account?"
    seen = [asked(client, again, model="checked")[0]]
    while seen[-1] == "similar" and len(seen) < 100:
        seen.append(asked(client, again, model="checked")[0])
    assert seen[-1] == "miss"
    until_known(up, questions=before + 2)
    with urlopen(f"{up.url}/metrics", timeout=10) as page:  # noqa: S310 - our own address
        shown = page.read().decode()
    assert 'penstock_cache_similar_checks{model="checked",tenant="default"} 1.0' in shown
    assert 'penstock_cache_similar_checks_wrong{model="checked",tenant="default"}' in shown
