"""The review over the admin API: the whole way of a hold, who may do what, and what is left on record."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from tests.console.serving import Api, Reply, serving
from tests.console.test_cache_api import settle
from tests.console.test_identity_api import key_of, wait_until
from tests.review.holds import document, hold, source_of
from tests.watch.alerts.receiver import receiving

from penstock.core.feedback import Remark
from penstock.core.json import loads
from penstock.review import outbox, remarks
from penstock.review.hold import Hold, OverdueStep
from penstock.review.take import insert
from penstock.watch.journal import JournalFile

REVIEW = "/admin/v1/review"
HOLDS = f"{REVIEW}/holds"


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[Api]:
    with serving(tmp_path, database_url) as api:
        assert api.call("POST", "/admin/v1/tenants", {"id": "acme", "name": "Acme"}).status == 201
        yield api


def keep(url: str, api: Api, *holds: Hold) -> None:
    """As if they were held just now, with an hour to go."""
    now = api.plane.clock.now()
    late = [msgspec.structs.replace(each, created_at=now, due_at=each.due_at - 1_800_000_000.0 + now) for each in holds]
    with psycopg.connect(url) as connection:
        insert(connection, late)


def member(api: Api, *roles: str, group: str = "support") -> str:
    """A new key that is in the group."""
    key = key_of(api, "acme", *roles)
    name = api.plane.identities.authenticator.authenticate(f"Bearer {key}").key
    assert api.call("PUT", f"{REVIEW}/groups/{group}/members/key:{name}?tenant=acme").status == 204
    return key


def decided(api: Api, number: int, key: str, **order: Any) -> Reply:
    path = f"{HOLDS}/hold_{number:04}"
    version = api.call("POST", f"{path}/claim", token=key).json["version"]
    return api.call("POST", f"{path}/decision", {"version": version, **order}, token=key)


def test_a_hold_goes_from_the_disk_to_a_reviewer_and_back(api: Api) -> None:
    file = JournalFile(api.root / outbox.FOLDER, clock=api.plane.clock)
    now = api.plane.clock.now()
    file.append(hold(1, created_at=now, due_at=now + 3600))
    file.close()
    wait_until(lambda: len(api.get(HOLDS).json["items"]) == 1)
    eva = member(api, "reviewer")
    [listed] = api.call("GET", HOLDS, token=eva).json["items"]
    assert (listed["id"], listed["state"], listed["version"]) == ("hold_0001", "waiting", 1)
    taken = api.call("POST", f"{HOLDS}/next", token=eva).json["hold"]
    assert (taken["id"], taken["state"]) == ("hold_0001", "claimed")
    assert api.call("POST", f"{HOLDS}/next", token=eva).json == {"hold": None}
    whole = api.call("GET", f"{HOLDS}/hold_0001", token=eva).json
    assert whole["question"] == [{"role": "user", "text": "May I return order 1?"}]
    assert (whole["answer"], whole["released"]) == ("Yes, order 1 within 90 days.", None)
    assert whole["verdicts"][0]["rule"] == "ground.unsupported"
    assert api.call("POST", f"{HOLDS}/hold_0001/comments", {"text": "see page 3"}, token=eva).status == 201
    order = {
        "outcome": "edited",
        "version": 2,
        "text": "Within 30 days.",
        "reasons": ["hallucination"],
        "case": {"why": "It is 30."},
    }
    done = api.call("POST", f"{HOLDS}/hold_0001/decision", order, token=eva)
    assert (done.status, done.json["state"]) == (200, "edited")
    again = api.call("POST", f"{HOLDS}/hold_0001/decision", order, token=eva)
    assert (again.status, again.json["error"]["code"]) == (409, "hold_changed")
    whole = api.call("GET", f"{HOLDS}/hold_0001", token=eva).json
    assert whole["released"] == "Within 30 days."
    assert [each["kind"] for each in whole["history"]] == ["held", "claimed", "comment", "edited", "case"]
    actions = [row["action"] for row in api.get("/admin/v1/audit?subject=hold_0001").json["items"]]
    assert actions == ["hold.case_kept", "hold.decided", "hold.commented", "hold.claimed"]
    assert "Within" not in repr(api.get("/admin/v1/audit").json)


def test_twenty_reviewers_over_the_api_decide_each_hold_once(api: Api, database_url: str) -> None:
    keep(database_url, api, *(hold(number) for number in range(40)))
    keys = [member(api, "reviewer") for _ in range(3)]
    done, problems = list[str](), list[Any]()

    def work(key: str) -> None:
        while (row := api.call("POST", f"{HOLDS}/next", token=key).json["hold"]) is not None:
            order = {"outcome": "approved", "version": row["version"]}
            reply = api.call("POST", f"{HOLDS}/{row['id']}/decision", order, token=key)
            (done if reply.status == 200 else problems).append(row["id"])

    workers = [threading.Thread(target=work, args=(keys[number % 3],)) for number in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert problems == []
    assert sorted(done) == [f"hold_{number:04}" for number in range(40)]


@pytest.mark.parametrize(
    ("role", "read", "write", "manage"),
    [
        ("owner", 200, 200, 200),
        ("admin", 200, 200, 200),
        ("reviewer", 200, 200, 403),
        ("auditor", 200, 403, 403),
        ("developer", 403, 403, 403),
        ("viewer", 403, 403, 403),
    ],
)
def test_roles_may_what_they_are_for(api: Api, role: str, read: int, write: int, manage: int) -> None:
    key = key_of(api, "acme", role)
    for path in ("holds", "agreement", "taxonomy", "cases", "remarks"):
        assert api.call("GET", f"{REVIEW}/{path}", token=key).status == read, path
    assert api.call("POST", f"{HOLDS}/next", token=key).status == write
    assert api.call("POST", f"{REVIEW}/seconds/next", token=key).status == write
    assert api.call("GET", f"{REVIEW}/groups", token=key).status == manage
    assert api.call("DELETE", f"{REVIEW}?user=nobody", token=key).status == manage


def test_reviewers_see_their_groups_and_leaders_their_tenant(api: Api, database_url: str) -> None:
    keep(database_url, api, hold(1), hold(2, group="legal"), hold(3, tenant="umbra"), hold(4, group=""))
    support, legal = member(api, "reviewer"), member(api, "reviewer", group="legal")
    stranger, lead, auditor = (key_of(api, "acme", role) for role in ("reviewer", "admin", "auditor"))

    def names(key: str | None) -> list[int]:
        reply = api.call("GET", HOLDS, token=key) if key else api.get(HOLDS)
        return [int(each["id"][-1]) for each in reply.json["items"]]

    assert [names(key) for key in (support, legal, stranger, lead, auditor, None)] == [
        [1, 4],
        [2, 4],
        [4],
        [1, 2, 4],
        [1, 2, 4],
        [1, 2, 3, 4],
    ]
    for key, hidden in ((support, 2), (lead, 3), (stranger, 1)):
        unknown = api.call("GET", f"{HOLDS}/hold_9999", token=key)
        assert api.call("GET", f"{HOLDS}/hold_000{hidden}", token=key).json == unknown.json
        assert api.call("POST", f"{HOLDS}/hold_000{hidden}/claim", token=key).status == 404
    assert api.call("GET", f"{HOLDS}?tenant=umbra", token=lead).status == 404
    name = api.plane.identities.authenticator.authenticate(f"Bearer {support}").key
    assert api.get(f"{REVIEW}/groups?tenant=acme").json["groups"]["support"] == [f"key:{name}"]
    assert api.call("DELETE", f"{REVIEW}/groups/support/members/key:{name}?tenant=acme").status == 204
    assert names(support) == [4]


def test_reviewers_see_what_was_made_from_documents_that_they_may_read(api: Api, database_url: str) -> None:
    ours, theirs = document(database_url, "role:reviewer"), document(database_url, "group:support")
    keep(database_url, api, hold(1, sources=(source_of(ours),)), hold(2, sources=(source_of(theirs),)))
    # Its group of the queue is no group of documents.
    eva, lead = member(api, "reviewer"), key_of(api, "acme", "admin")
    statuses = {
        number: [api.call("GET", f"{HOLDS}/hold_000{number}", token=key).status for key in (eva, lead)]
        for number in (1, 2)
    }
    assert statuses == {1: [200, 200], 2: [404, 200]}
    assert [each["id"] for each in api.call("GET", HOLDS, token=eva).json["items"]] == ["hold_0001"]


def test_nobody_reviews_their_own_question(api: Api, database_url: str) -> None:
    eva = member(api, "reviewer")
    name = api.plane.identities.authenticator.authenticate(f"Bearer {eva}").key
    keep(database_url, api, hold(1, key=name, user=None))
    reply = api.call("POST", f"{HOLDS}/hold_0001/claim", token=eva)
    assert (reply.status, reply.json["error"]["code"]) == (403, "own_question")
    assert api.call("POST", f"{HOLDS}/next", token=eva).json == {"hold": None}


def test_a_rejected_answer_has_a_text_in_the_callers_language(api: Api, database_url: str) -> None:
    keep(database_url, api, hold(1, language="de"), hold(2))
    for number, words in ((1, "Diese Frage"), (2, "We cannot")):
        assert decided(api, number, api.token, outcome="rejected", reasons=["policy"]).status == 200
        assert api.get(f"{HOLDS}/hold_000{number}").json["released"].startswith(words)


def test_a_conversation_is_taken_over_and_written_to(api: Api, database_url: str) -> None:
    keep(database_url, api, hold(1))
    assert decided(api, 1, api.token, outcome="taken_over", text="This is Eva.").status == 200
    written = api.call("POST", f"{HOLDS}/hold_0001/messages", {"text": "How can I help?"})
    assert (written.status, [each["text"] for each in written.json["messages"]]) == (
        201,
        ["This is Eva.", "How can I help?"],
    )


@pytest.mark.parametrize(
    "order",
    [
        {"outcome": "approved"},
        {"outcome": "fine", "version": 2},
        {"outcome": "edited", "version": 2, "text": "x", "reasons": ["boring"]},
        {"outcome": "edited", "version": 2, "text": "x"},
        {"outcome": "edited", "version": 2, "reasons": ["tone"]},
        {"outcome": "approved", "version": 2, "stars": 5},
    ],
)
def test_what_is_no_decision_is_refused_and_changes_nothing(api: Api, database_url: str, order: Any) -> None:
    keep(database_url, api, hold(1))
    api.call("POST", f"{HOLDS}/hold_0001/claim")
    assert api.call("POST", f"{HOLDS}/hold_0001/decision", order).status == 400
    assert api.get(f"{HOLDS}/hold_0001").json["hold"]["version"] == 2


def test_the_second_look_cases_and_counts(api: Api, database_url: str) -> None:
    keep(database_url, api, hold(1, is_sampled=True), hold(2))
    eva, bob = member(api, "reviewer"), member(api, "reviewer")
    order = {"outcome": "rejected", "reasons": ["policy"], "text": "No.", "case": {"expected": "No, sorry."}}
    assert decided(api, 1, eva, **order).status == 200
    assert decided(api, 2, eva, outcome="approved", case={}).status == 200
    assert api.call("POST", f"{REVIEW}/seconds/next", token=eva).json == {"hold": None}
    blind = api.call("POST", f"{REVIEW}/seconds/next", token=bob).json["hold"]
    assert blind["id"] == "hold_0001"
    assert not {"rejected", "No.", "policy"} & {str(value) for value in blind.values()}
    assert [each["id"] for each in api.call("GET", f"{HOLDS}?order=newest", token=bob).json["items"]] == ["hold_0002"]
    judged = f"{REVIEW}/seconds/hold_0001"
    assert api.call("POST", judged, {"outcome": "rejected", "reasons": ["policy"]}, token=eva).status == 409
    assert api.call("POST", judged, {"outcome": "rejected", "reasons": ["policy"]}, token=bob).status == 204
    found = api.get(f"{REVIEW}/agreement").json
    assert (found["holds"], found["agreed"], found["same_reasons"], found["alpha"]) == (1, 1.0, 1.0, None)
    counts = {(each["verdict"], each["reason"]): each["holds"] for each in api.get(f"{REVIEW}/taxonomy").json["items"]}
    assert counts == {("rejected", "policy"): 1, ("approved", None): 1}
    lines = exported(api)
    assert [(line["id"], line["expected"]) for line in lines] == [
        ("hold_0001", "No, sorry."),
        ("hold_0002", "Yes, order 2 within 90 days."),
    ]


def exported(api: Api) -> list[Any]:
    import http.client  # noqa: PLC0415 - the one call whose answer is no JSON document

    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=20)
    connection.request("GET", f"{REVIEW}/cases", headers={"authorization": f"Bearer {api.token}"})
    response = connection.getresponse()
    assert response.getheader("content-type", "").startswith("application/x-ndjson")
    lines: list[Any] = [loads(line) for line in response.read().splitlines()]
    connection.close()
    return lines


def test_remarks_come_from_the_disk_and_are_shown(api: Api, database_url: str) -> None:
    settle(database_url, "acme", number=1)
    file = JournalFile(api.root / remarks.FOLDER, clock=api.plane.clock)
    file.append(Remark(exchange="ex_1", tenant="acme", key="app", rating=2, comment="late", at=api.plane.clock.now()))
    file.close()
    wait_until(lambda: api.get(f"{REVIEW}/remarks").json["items"] != [])
    [shown] = api.get(f"{REVIEW}/remarks?exchange=ex_1&most_rating=2").json["items"]
    assert (shown["rating"], shown["comment"]) == (2, "late")


def test_erasing_is_for_a_tenant_or_its_user_and_on_record(api: Api, database_url: str) -> None:
    keep(database_url, api, hold(1), hold(2, user="bob"), hold(3, tenant="umbra"))
    assert api.call("DELETE", REVIEW).status == 400
    admin = key_of(api, "acme", "admin")
    assert api.call("DELETE", f"{REVIEW}?tenant=umbra", token=admin).status == 404
    assert api.call("DELETE", f"{REVIEW}?tenant=acme&user=ada").json == {"holds": 1}
    assert api.call("DELETE", "/admin/v1/tenants/acme").status == 204
    assert [each["id"] for each in api.get(HOLDS).json["items"]] == ["hold_0003"]
    rows = [row for row in api.get("/admin/v1/audit").json["items"] if row["action"] == "review.erased"]
    assert len(rows) == 2
    assert re.search(r"\bada\b", repr(rows)) is None  # a digest may have these letters in it


def test_overdue_steps_are_taken_in_the_background(api: Api, database_url: str) -> None:
    step = OverdueStep(action="reject", text="Please call us.")
    keep(database_url, api, hold(1, due_at=1_800_000_000.0 - 1.0, overdue=(step,)))
    wait_until(lambda: api.get(f"{HOLDS}/hold_0001").json["hold"]["state"] == "expired")
    assert api.get(f"{HOLDS}/hold_0001").json["released"] == "Please call us."


def test_a_webhook_is_told_that_something_was_released_and_never_what(tmp_path: Path, database_url: str) -> None:
    file = tmp_path / "penstock.yaml"
    with receiving() as receiver:
        receiver.answers.append(503)
        file.write_text(
            "review:\n  webhooks:\n"
            f"    - {{name: app, url: '{receiver.url}', secret: 'env:HOOK', tenants: [acme]}}\n"
            f"    - {{name: none, url: '{receiver.url}', secret: 'env:HOOK', kinds: [alert.*]}}\n"
        )
        secret = {"HOOK": "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
        with serving(tmp_path / "data", database_url, secret, file=file) as api:
            keep(database_url, api, hold(1), hold(2, tenant="umbra"))
            assert decided(api, 1, api.token, outcome="approved").status == 200
            assert decided(api, 2, api.token, outcome="approved").status == 200
            wait_until(lambda: len(receiver.messages) == 1)
            with psycopg.connect(database_url, autocommit=True) as connection:
                # The pause before the next attempt is others' business: let it be over.
                wait_until(lambda: waiting(connection) == ("waiting", 1))
                connection.execute("UPDATE hold_deliveries SET next_at = 0")
                wait_until(lambda: waiting(connection) == ("delivered", 2))
    first, second = receiver.messages
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"].startswith("v1,")
    body: Any = loads(second.body)
    assert body["type"] == "review.released"
    assert body["data"]["facts"] == {
        "hold": "hold_0001",
        "exchange": "ex_1",
        "model": "desk",
        "state": "approved",
        "user": "ada",
        "conversation": "c1",
    }
    assert b"90 days" not in second.body


def waiting(connection: psycopg.Connection) -> tuple[str, int] | None:
    return connection.execute("SELECT state, attempts FROM hold_deliveries").fetchone()
