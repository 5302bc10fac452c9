"""Feedback to a whole Penstock: what a bad verdict changes, and what is refused."""

import re
from collections.abc import Callable, Iterator
from time import monotonic
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


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"exchange": "ex_" + "0" * 32}, b"verdict"),
        ({"exchange": "nothing", "verdict": "bad"}, b"exchange"),
        ({"exchange": "ex_" + "0" * 32, "verdict": "bad", "reason": "It said that Mr Smith …"}, b"reason"),
        ({"exchange": "ex_" + "0" * 32, "verdict": "bad", "text": "no"}, b"text"),
        ([], b"object"),
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
