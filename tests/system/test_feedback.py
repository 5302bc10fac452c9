"""Feedback to a whole Penstock: what a bad verdict changes, and what is refused."""

import json  # noqa: TID251 - the client's side
import re
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any
from urllib.request import Request, urlopen

import pytest
from tests.system.conftest import Installation, running
from tests.system.test_cache import ask

CONFIG = """\
models:
  kept:
    targets: [{provider: sim, model: sim}]
    cache: {exact: {ttl_s: 600}}
  level:
    tiers:
      fast: [{provider: sim, model: "sim:tokens=3"}]
      strong: [{provider: sim, model: "sim:tokens=9"}]
    routing: {learn: {enabled: true}}
guards: {default: {personal_data: {fail: closed, names: false}}}
"""
FEEDBACK = "/v1/feedback"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("feedback") / "data", CONFIG) as up:
        yield up


def chat(up: Installation, text: str, model: str = "kept") -> tuple[str, str | None]:
    """The exchange's id, and what the cache did."""
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    status, headers, data = ask(up, "/v1/chat/completions", body)
    assert status == 200, data
    return headers["x-request-id"], headers.get("x-penstock-cache")


def metric(up: Installation, name: str) -> float:
    with urlopen(f"{up.url}/metrics", timeout=10) as page:  # noqa: S310 - our own address
        found = re.search(rf"^{name} (\S+)", page.read().decode(), re.MULTILINE)
    assert found is not None
    return float(found[1])


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = monotonic() + 30
    while not condition():
        assert monotonic() < deadline, what


def test_an_answer_that_somebody_called_bad_is_not_given_again(up: Installation) -> None:
    assert chat(up, "good or bad?")[1] == "miss"
    hit, status = chat(up, "good or bad?")
    assert status == "hit"
    status, _, data = ask(up, FEEDBACK, {"exchange": hit, "verdict": "bad", "reason": "hallucination"})
    assert (status, b'"accepted"' in data) == (202, True)
    until(lambda: chat(up, "good or bad?")[1] == "miss", "the bad answer is still given")


def test_a_good_verdict_leaves_the_answer_where_it_is(up: Installation) -> None:
    made, _ = chat(up, "well done")
    before = metric(up, "penstock_routing_outcomes")
    fast, _ = chat(up, "Hi there, my friend, how are you today?", model="level")
    assert ask(up, FEEDBACK, {"exchange": made, "verdict": "good"})[0] == 202
    assert ask(up, FEEDBACK, {"exchange": fast, "verdict": "bad"})[0] == 202
    until(lambda: metric(up, "penstock_routing_outcomes") > before, "the dial has not heard of it")
    assert chat(up, "well done")[1] == "hit"


def remarks(up: Installation) -> list[Any]:
    """As a reviewer sees them."""
    token = (up.data_dir / "admin-token").read_text("ascii").strip()
    headers = {"authorization": f"Bearer {token}"}
    url = f"http://127.0.0.1:{up.control_port}/admin/v1/review/remarks"
    with urlopen(Request(url, headers=headers), timeout=10) as page:
        return json.load(page)["items"]


def test_what_people_write_is_masked_before_it_rests_and_shown_to_reviewers(up: Installation) -> None:
    answer, _ = chat(up, "How long do I wait?")
    nobodys = "ex_" + "0" * 32
    first = {"exchange": answer, "user": "ada", "rating": 1, "comment": "I am ada@example.com and still waiting."}
    assert ask(up, FEEDBACK, first)[0] == 202
    assert ask(up, FEEDBACK, {**first, "exchange": nobodys})[0] == 202
    waiting = b"".join(path.read_bytes() for path in (up.data_dir / "remarks").iterdir())
    assert b"ada@example.com" not in waiting
    until(
        lambda: [each["comment"] for each in remarks(up)] == ["I am <EMAIL_ADDRESS_1> and still waiting."], "not there"
    )
    second = {"exchange": answer, "user": "ada", "correction": "Call +49 30 901820, two days at most."}
    assert ask(up, FEEDBACK, second)[0] == 202
    until(lambda: remarks(up)[0]["comment"] is None, "the second remark does not take the first one's place")
    [shown] = remarks(up)
    assert (shown["exchange"], shown["user"], shown["rating"]) == (answer, "ada", None)
    assert shown["correction"] == "Call <PHONE_NUMBER_1>, two days at most."


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"exchange": "ex_" + "0" * 32}, b"verdict"),
        ({"exchange": "nothing", "verdict": "bad"}, b"exchange"),
        ({"exchange": "ex_" + "0" * 32, "verdict": "bad", "reason": "It said that Mr Smith …"}, b"reason"),
        ({"exchange": "ex_" + "0" * 32, "verdict": "bad", "text": "no"}, b"text"),
        ([], b"object"),
        ({"exchange": "ex_" + "0" * 32, "rating": 6}, b"rating"),
        ({"exchange": "ex_" + "0" * 32, "rating": 1, "reason": "tone"}, b"reason"),
        ({"exchange": "ex_" + "0" * 32, "comment": "x" * 8001}, b"comment"),
    ],
)
def test_what_is_no_feedback_is_refused_with_its_field(up: Installation, body: object, field: bytes) -> None:
    status, _, data = ask(up, FEEDBACK, body)
    assert status == 400
    assert field in data


def test_feedback_needs_a_key_and_a_post(up: Installation) -> None:
    body = b'{"exchange": "ex_00000000000000000000000000000000", "verdict": "bad"}'
    nameless = Request(f"{up.url}{FEEDBACK}", body, {"content-type": "application/json"})  # noqa: S310 - as below
    with pytest.raises(OSError, match="401"):
        urlopen(nameless, timeout=10)  # noqa: S310 - our own address
    with pytest.raises(OSError, match="405"):
        urlopen(f"{up.url}{FEEDBACK}", timeout=10)  # noqa: S310 - our own address
