"""An answer that a person must see: held, handed over, decided over the admin API, and brought back to who asked."""

import json  # noqa: TID251 - the client's side
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest
from openai import OpenAI
from tests.system.conftest import Installation, running
from tests.watch.alerts.receiver import Receiver, receiving

SECRET = "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
MAIL = "ann.smith@example.com"
CONFIG = """\
models:
  help:
    targets: [{provider: sim, model: "sim:echo"}]
    cache: {exact: {}}
    guards:
      personal_data: {fail: closed, names: false}
  strict:
    targets: [{provider: sim, model: "sim:echo"}]
    guards:
      policy: {fail: closed, action: hold, terms: {internal: ["top secret"]}}
  late:
    targets: [{provider: sim, model: "sim:echo"}]
review:
  webhooks: [{name: app, url: "env:HOOK_URL", secret: "env:HOOK_SECRET"}]
  rules:
    - name: late
      when: {models: [late]}
      due_s: 0.5
      overdue: [{action: reject, text: {"": "Nobody could look at it."}}]
    - {name: watched, mode: shadow, when: {models: [help]}}
    - {name: person, when: {asks_for_person: true}, group: support}
    - name: money
      when: {amount: {above: 1000, currency: EUR}}
      group: finance
      hand_over: {"": "A colleague looks at it: {hold}"}
"""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("review") / "data"
    with running(folder, CONFIG, HOOK_URL=receiver.url, HOOK_SECRET=SECRET) as found:
        yield found


@pytest.fixture
def client(up: Installation) -> Iterator[OpenAI]:
    with OpenAI(base_url=up.url + "/v1", api_key=up.key, max_retries=0) as made:
        yield made


def asked(client: OpenAI, question: str, model: str = "help", **headers: str) -> tuple[str | None, str]:
    """The hold's id, if there is one, and what was said."""
    answer = client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": question}], extra_headers=headers
    )
    return answer.headers.get("x-penstock-hold"), answer.parse().choices[0].message.content or ""


def hold_of(up: Installation, hold: str) -> dict[str, Any]:
    request = Request(f"{up.url}/v1/holds/{hold}", headers={"authorization": f"Bearer {up.key}"})  # noqa: S310 - our own address
    with urlopen(request, timeout=10) as page:  # noqa: S310 - same
        return json.load(page)


def admin(up: Installation, method: str, path: str, body: object = None, *, key: str | None = None) -> Any:
    token = key or (up.data_dir / "admin-token").read_text("ascii").strip()
    base = "" if path.startswith("/admin/") else "/admin/v1/review"
    request = Request(
        f"http://127.0.0.1:{up.control_port}{base}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    with urlopen(request, timeout=10) as page:  # noqa: S310 - same
        return json.load(page)


def until_queued(up: Installation, hold: str) -> dict[str, Any]:
    """It is brought from the disk into the queue a moment later."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return admin(up, "GET", f"/holds/{hold}")
        except OSError:  # not there yet, or nobody there to say so
            if time.monotonic() > deadline:
                raise


def decide(up: Installation, hold: str, **order: object) -> None:
    version = admin(up, "POST", f"/holds/{hold}/claim")["version"]
    admin(up, "POST", f"/holds/{hold}/decision", {"version": version, **order})


def test_an_answer_about_much_money_waits_for_a_person_and_comes_back_with_its_values(
    up: Installation, client: OpenAI
) -> None:
    hold, said = asked(client, f"Send EUR 5,000 to {MAIL}, please.")
    assert hold is not None
    assert said == f"A colleague looks at it: {hold}"
    assert hold_of(up, hold)["status"] == "waiting"
    whole = until_queued(up, hold)
    # Who reviews sees tokens.
    assert whole["answer"] == "Send EUR 5,000 to <EMAIL_ADDRESS_1>, please."
    assert whole["question"][-1]["text"] == "Send EUR 5,000 to <EMAIL_ADDRESS_1>, please."
    assert (whole["hold"]["group"], whole["hold"]["rule"]) == ("finance", "money")
    decide(up, hold, outcome="edited", text="Sent 5,000 euros to <EMAIL_ADDRESS_1>.", reasons=["incomplete"])
    shown = hold_of(up, hold)
    assert (shown["status"], shown["answer"]) == ("released", f"Sent 5,000 euros to {MAIL}.")


def test_a_wish_for_a_person_asks_no_model(up: Installation, client: OpenAI) -> None:
    for question, headers in (("I want to talk to a human being.", {}), ("Hello", {"x-penstock-person": "wanted"})):
        hold, said = asked(client, question, **headers)
        assert hold is not None
        assert "colleague" in said
        records: list[Any] = up.ledger()
        record = next(each for each in records if any(fact.get("hold") == hold for fact in each["facts"]))
        assert (record["outcome"], record["attempts"], record["cost_nanousd"]) == ("held", 0, 0)


def test_what_a_guard_holds_waits_too(up: Installation, client: OpenAI) -> None:
    hold, said = asked(client, "This is top secret stuff.", "strict")
    assert hold is not None
    assert "secret" not in said
    assert until_queued(up, hold)["hold"]["rule"] == "guard"
    assert asked(client, "This is nothing special.", "strict") == (None, "This is nothing special.")


def test_a_stream_says_nothing_of_an_answer_that_is_held(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="help", messages=[{"role": "user", "content": "Pay 2.000,00 € to Bob."}], stream=True
    )
    said = "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)
    assert said.startswith("A colleague looks at it: hold_")
    assert "Bob" not in said


def test_held_answers_are_not_kept_and_others_are(client: OpenAI) -> None:
    first, _ = asked(client, "Refund EUR 3000 now.")
    second, _ = asked(client, "Refund EUR 3000 now.")
    assert None not in {first, second}
    assert first != second
    assert asked(client, "Refund EUR 30 now.") == (None, "Refund EUR 30 now.")


def test_a_rule_in_shadow_is_noted_and_changes_nothing(up: Installation, client: OpenAI) -> None:
    assert asked(client, "Only a little thing.") == (None, "Only a little thing.")
    records: list[Any] = up.ledger()
    record = max(records, key=lambda each: each["time"])
    facts: list[dict[str, Any]] = record["facts"]
    [fact] = [fact for fact in facts if fact["fact"] == "answer_held"]
    assert (fact["rule"], fact["mode"], fact["hold"], record["outcome"]) == ("watched", "shadow", None, "completed")


def test_nobody_else_sees_it(up: Installation, client: OpenAI) -> None:
    hold, _ = asked(client, "Refund EUR 4000 now.")
    assert hold is not None
    with pytest.raises(HTTPError) as unknown:
        hold_of(up, "hold_" + "0" * 32)
    assert json.load(unknown.value)["error"]["code"] == "unknown_hold"
    assert hold_of(up, hold)["id"] == hold


def test_an_answer_that_a_person_stands_for_is_given_again_without_them(up: Installation, client: OpenAI) -> None:
    question = f"Refund EUR 7000 to {MAIL}."
    hold, _ = asked(client, question)
    assert hold is not None
    until_queued(up, hold)
    decide(up, hold, outcome="edited", text="Done: <EMAIL_ADDRESS_1> has it.", reasons=["tone"], remember=True)
    deadline = time.monotonic() + 20
    while (answer := asked(client, question))[0] is not None:
        assert time.monotonic() < deadline, "it never entered the cache"
    assert answer == (None, f"Done: {MAIL} has it.")


def test_what_no_cache_keeps_cannot_be_remembered(up: Installation, client: OpenAI) -> None:
    hold, _ = asked(client, "This is top secret stuff.", "strict")
    assert hold is not None
    until_queued(up, hold)
    with pytest.raises(HTTPError) as refused:
        decide(up, hold, outcome="approved", remember=True)
    assert "nothing to remember it in" in json.load(refused.value)["error"]["message"]


def until(is_so: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.05)


def kill_the_control_plane(up: Installation) -> None:
    assert up.process is not None
    children = psutil.Process(up.process.pid).children()
    os.kill(next(child.pid for child in children if child.cmdline()[-1:] == ["control"]), signal.SIGKILL)


def insisting(up: Installation, method: str, path: str, body: object = None, *, key: str) -> Any:
    """What the control plane answers, once there is one; None where somebody has been quicker (409)."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return admin(up, method, path, body, key=key)
        except HTTPError as error:
            if error.code == 409:
                return None
            if error.code != 503:
                raise
        except OSError:
            pass
        assert time.monotonic() < deadline, "there is no control plane any more"
        threading.Event().wait(0.05)


def test_what_twenty_reviewers_decide_reaches_who_asked_though_the_control_plane_dies(
    up: Installation, client: OpenAI, receiver: Receiver
) -> None:
    reviewers = [
        admin(up, "POST", "/admin/v1/keys", {"tenant": "default", "name": f"r{at}", "roles": ["reviewer"]})
        for at in range(20)
    ]
    asked_for = {f"This is top secret stuff, number {at}.": "" for at in range(20)}
    for question in asked_for:
        hold, said = asked(client, question, "strict")
        assert hold is not None
        assert "secret" not in said
        asked_for[question] = hold
    kill_the_control_plane(up)  # whatever it had brought into the queue by then
    begin, half, decided = threading.Barrier(20), threading.Event(), list[str]()

    def review(key: str, name: str) -> None:
        begin.wait()
        while True:
            taken = insisting(up, "POST", "/holds/next", key=key)["hold"]
            if taken is None:  # or it was given one as the plane died, and never heard of it
                mine = insisting(up, "GET", f"/holds?claimed_by={name}", key=key)["items"]
                taken = next((each for each in mine if each["id"] in asked_for.values()), None)
            if taken is None:
                return
            if taken["id"] not in asked_for.values():
                continue  # it is another test's, and keeps its lease
            order = {
                "outcome": "edited",
                "version": taken["version"],
                "reasons": ["tone"],
                "text": f"Of {taken['id']}.",
            }
            insisting(up, "POST", f"/holds/{taken['id']}/decision", order, key=key)
            decided.append(taken["id"])
            if len(decided) >= 8:
                half.set()

    for hold in asked_for.values():
        until_queued(up, hold)
    until(lambda: insisting(up, "GET", "/holds", key=reviewers[-1]["key"]) is not None, "the keys are not known")
    threads = [threading.Thread(target=review, args=(each["key"], each["id"])) for each in reviewers]
    for thread in threads:
        thread.start()
    assert half.wait(60)
    kill_the_control_plane(up)
    for thread in threads:
        thread.join(60)
    for hold in asked_for.values():
        shown = hold_of(up, hold)
        assert (shown["status"], shown["answer"]) == ("released", f"Of {hold}."), shown
        kinds = [event["kind"] for event in insisting(up, "GET", f"/holds/{hold}", key=reviewers[0]["key"])["history"]]
        assert kinds.count("edited") == 1, kinds

    def told() -> set[str]:
        return {json.loads(message.body)["data"]["facts"]["hold"] for message in receiver.messages}

    until(lambda: told() >= set(asked_for.values()), "not everybody was told")


def test_what_nobody_looks_at_in_time_is_answered_all_the_same(up: Installation, client: OpenAI) -> None:
    hold, _ = asked(client, "Is anybody there?", "late")
    assert hold is not None
    until(lambda: hold_of(up, hold)["status"] == "released", "it is still held")
    assert hold_of(up, hold)["answer"] == "Nobody could look at it."
