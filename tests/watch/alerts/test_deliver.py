"""Alerts from the database to a real receiver: once, however often it fails and however many control planes run."""

import base64
import hashlib
import hmac
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
from tests.watch.alerts.conftest import KEY, TERMS, Plane, deliveries, insert, make_alert, make_webhook
from tests.watch.alerts.receiver import Receiver

from penstock.core.json import loads
from penstock.storage.embedded import EmbeddedPostgres
from penstock.testing.clock import FakeClock
from penstock.watch.alerts.deliver import Deliverer, Outcome
from penstock.watch.alerts.store import PostgresAlerts
from penstock.watch.alerts.webhook import message_id

HOUR_S = 3600.0


def turn(*planes: Deliverer) -> None:
    for each in planes:
        each.turn()
    for each in planes:
        each.join()


def pass_time(clock: FakeClock, deliverer: Deliverer, seconds: float, step_s: float = 60.0) -> None:
    """Let time pass with a turn after each step."""
    for _ in range(int(seconds / step_s)):
        clock.advance(step_s)
        turn(deliverer)


def test_an_alert_reaches_each_webhook_that_wants_it_once(database_url: str, plane: Plane, receiver: Receiver) -> None:
    ops, other = make_webhook(receiver), make_webhook(receiver, "other", tenants=frozenset({"globex"}))
    deliverer = plane(ops, other)
    insert(database_url, make_alert(1), make_alert(2))
    insert(database_url, make_alert(2), make_alert(1, text="noticed by another process"))
    for _ in range(3):
        turn(deliverer)
    assert sorted(receiver.ids()) == sorted(message_id(make_alert(number).id) for number in (1, 2))
    assert deliveries(database_url) == [("ops", "delivered", 1, 200)] * 2
    body = loads(receiver.messages[0].body)
    assert isinstance(body, dict)
    assert body["type"] == "budget.threshold"
    assert body["timestamp"] == "2027-01-15T08:00:00.250Z"
    assert body["data"] == {
        "id": "budget:team:1:90",
        "kind": "budget.threshold",
        "severity": "warning",
        "subject": "team",
        "text": "The budget team has reached 90 %, number 1",
        "at": 1_800_000_000.25,
        "tenant": "acme",
        "facts": {"percent": 90, "used_nanousd": 9_000_000_000, "project": None},
    }


def test_the_signature_is_that_of_standard_webhooks(
    database_url: str, plane: Plane, receiver: Receiver, clock: FakeClock
) -> None:
    old = bytes(range(100, 130))
    insert(database_url, make_alert(1))
    receiver.answers.append(503)
    deliverer = plane(make_webhook(receiver, keys=(KEY, old)))
    turn(deliverer)
    pass_time(clock, deliverer, 120)
    first, second = receiver.messages
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"]) == 1_800_000_000
    for message in (first, second):
        signed = f"{message.headers['webhook-id']}.{message.headers['webhook-timestamp']}.".encode() + message.body
        expected = [
            "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in (KEY, old)
        ]
        assert message.headers["webhook-signature"].split(" ") == expected
        assert "." not in message.headers["webhook-id"]
        assert message.headers["content-type"] == "application/json"


def test_what_is_not_taken_is_tried_again_until_it_is(
    database_url: str, plane: Plane, receiver: Receiver, clock: FakeClock
) -> None:
    insert(database_url, make_alert(1))
    receiver.answers.extend([500, -1, 302, 404, 429])
    deliverer = plane(make_webhook(receiver))
    turn(deliverer)
    assert deliveries(database_url) == [("ops", "waiting", 1, 500)]
    pass_time(clock, deliverer, HOUR_S)
    assert len(receiver.messages) == 6
    assert len(set(receiver.ids())) == 1
    assert {message.path for message in receiver.messages} == {"/hook"}
    assert deliveries(database_url) == [("ops", "delivered", 6, 200)]
    assert deliverer.problems() == ()


def test_pauses_grow_to_an_hour_and_are_drawn_from_the_whole(
    database_url: str, receiver: Receiver, clock: FakeClock
) -> None:
    class Longest(random.Random):
        def uniform(self, a: float, b: float) -> float:
            drawn.append((a, b))
            return b

    drawn: list[tuple[float, float]] = []
    insert(database_url, make_alert(1))
    receiver.status = 500
    webhook = make_webhook(receiver)
    deliverer = Deliverer([webhook], lambda: PostgresAlerts(database_url), TERMS, clock=clock, jitter=Longest())
    turn(deliverer)
    pass_time(clock, deliverer, 3 * HOUR_S)
    assert all(low == 0.0 for low, _ in drawn)
    longest = [high for _, high in drawn[1::2]]  # each attempt draws the webhook's rest and the delivery's pause
    assert longest == [min(HOUR_S, 5.0 * 2**n) for n in range(len(longest))]
    assert longest[-1] == HOUR_S


def test_it_is_tried_for_a_day_and_then_given_up_and_shown(
    database_url: str, plane: Plane, receiver: Receiver, clock: FakeClock
) -> None:
    insert(database_url, make_alert(1), now=clock.now())
    receiver.status = 500
    deliverer = plane(make_webhook(receiver))
    turn(deliverer)
    pass_time(clock, deliverer, 23.9 * HOUR_S, 300)
    assert deliveries(database_url)[0][1] == "waiting"
    (problem,) = deliverer.problems()
    assert problem.startswith("1 alert waits for the webhook ops, the oldest for 23.")
    assert problem.endswith("it answered 500")
    pass_time(clock, deliverer, 3 * HOUR_S, 300)
    attempts = len(receiver.messages)
    assert deliveries(database_url) == [("ops", "given_up", attempts, 500)]
    assert attempts > 20
    pass_time(clock, deliverer, 3 * HOUR_S, 300)
    assert len(receiver.messages) == attempts
    assert "could not be delivered to the webhook ops" in deliverer.problems()[0]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alerts SET acknowledged_at = now()")
    turn(deliverer)
    assert deliverer.problems() == ()


def test_a_receiver_that_is_gone_is_not_asked_again(
    database_url: str, plane: Plane, receiver: Receiver, clock: FakeClock
) -> None:
    insert(database_url, make_alert(1))
    receiver.status = 410
    deliverer = plane(make_webhook(receiver))
    turn(deliverer)
    pass_time(clock, deliverer, HOUR_S)
    assert deliveries(database_url) == [("ops", "given_up", 1, 410)]
    assert len(receiver.messages) == 1


def test_retry_after_is_obeyed(database_url: str, plane: Plane, receiver: Receiver, clock: FakeClock) -> None:
    insert(database_url, make_alert(1))
    receiver.answers.append(429)
    receiver.headers = "retry-after: 1800\r\n"
    deliverer = plane(make_webhook(receiver))
    turn(deliverer)
    pass_time(clock, deliverer, 1740)
    assert len(receiver.messages) == 1
    pass_time(clock, deliverer, 120)
    assert len(receiver.messages) == 2


def test_a_failing_webhook_is_left_alone_however_many_alerts_wait_and_holds_up_no_other(
    database_url: str, plane: Plane, receiver: Receiver
) -> None:
    insert(database_url, *(make_alert(number) for number in range(30)))
    dead = make_webhook(receiver, "dead", url="http://127.0.0.1:9/")
    deliverer = plane(dead, make_webhook(receiver))
    for _ in range(5):
        turn(deliverer)
    assert len(receiver.messages) == 30
    attempts = sum(attempts for name, _, attempts, _ in deliveries(database_url) if name == "dead")
    assert attempts <= 5


def test_another_address_for_a_webhook_is_told_at_once_of_what_waits(
    database_url: str, plane: Plane, receiver: Receiver
) -> None:
    wrong = make_webhook(receiver, url=receiver.url.replace("/hook", "/nowhere"))
    receiver.answers.extend([404, 404])
    insert(database_url, make_alert(1), make_alert(2))
    deliverer = plane(wrong)
    turn(deliverer)
    turn(deliverer)
    assert [message.path for message in receiver.messages] == ["/nowhere"]
    deliverer.use((make_webhook(receiver),), TERMS)
    receiver.answers.clear()
    turn(deliverer)
    assert [message.path for message in receiver.messages] == ["/nowhere", "/hook", "/hook"]
    assert [row[1] for row in deliveries(database_url)] == ["delivered"] * 2


def test_two_control_planes_at_once_send_each_alert_once(database_url: str, plane: Plane, receiver: Receiver) -> None:
    insert(database_url, *(make_alert(number) for number in range(100)))
    webhook = make_webhook(receiver)
    planes = (plane(webhook), plane(webhook), plane(webhook))
    start = threading.Barrier(3)

    def work(deliverer: Deliverer) -> None:
        start.wait()
        for _ in range(20):
            turn(deliverer)

    threads = [threading.Thread(target=work, args=(each,)) for each in planes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    turn(*planes)
    assert len(receiver.messages) == len(set(receiver.ids())) == 100
    assert deliveries(database_url) == [("ops", "delivered", 1, 200)] * 100


def test_a_claim_keeps_others_off_and_ends_with_its_holder(database_url: str, receiver: Receiver) -> None:
    insert(database_url, make_alert(1))
    one, two = PostgresAlerts(database_url), PostgresAlerts(database_url)
    now = 1_800_000_001.0
    one.route([make_webhook(receiver)], now)
    with one.claim("ops", now) as claim:
        assert claim is not None
        with two.claim("ops", now) as other:
            assert other is None
    with two.claim("ops", now) as claim:  # the first said nothing of an outcome: nothing has happened
        assert claim is not None
        assert (claim.attempts, claim.first_at) == (0, None)
        claim.outcome = Outcome("waiting", now, now + 10, 500, "it answered 500")
    with one.claim("ops", now) as claim:
        assert claim is None
    with one.claim("ops", now + 11) as claim:
        assert claim is not None
        assert (claim.attempts, claim.first_at) == (1, now)
    one.close()
    two.close()


def test_a_silent_receiver_is_cut_off_in_time(database_url: str, receiver: Receiver, clock: FakeClock) -> None:
    insert(database_url, make_alert(1))
    receiver.status = 0
    terms = type(TERMS)(timeout_s=0.3, give_up_after_s=86_400.0, allow_private=True)
    deliverer = Deliverer([make_webhook(receiver)], lambda: PostgresAlerts(database_url), terms, clock=clock)
    turn(deliverer)
    assert deliveries(database_url) == [("ops", "waiting", 1, None)]
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT last_error FROM alert_deliveries").fetchone() == ("no answer within 0.3 s",)


def test_a_delivery_that_the_database_did_not_hear_of_is_not_sent_again_by_this_process(
    database_url: str, plane: Plane, receiver: Receiver
) -> None:
    def end_the_claim() -> None:
        receiver.before_answer = None
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state = 'idle in transaction'"
            )

    insert(database_url, make_alert(1))
    receiver.before_answer = end_the_claim
    deliverer = plane(make_webhook(receiver))
    turn(deliverer)
    assert len(receiver.messages) == 1
    assert deliveries(database_url) == [("ops", "waiting", 0, None)]
    turn(deliverer)
    turn(deliverer)
    assert len(receiver.messages) == 1
    assert deliveries(database_url) == [("ops", "delivered", 1, 200)]


SENDER = """
import sys
from penstock.core.clock import SystemClock
from penstock.watch.alerts.channel import Terms
from penstock.watch.alerts.deliver import Deliverer
from penstock.watch.alerts.store import PostgresAlerts
from penstock.watch.alerts.webhook import Webhook
hook = Webhook(name="ops", url=sys.argv[2], keys=(b"k" * 32,))
deliverer = Deliverer([hook], lambda: PostgresAlerts(sys.argv[1]), Terms(30.0, 86400.0, True), clock=SystemClock())
deliverer.turn()
deliverer.join()
"""


@pytest.mark.slow
def test_what_a_killed_control_plane_was_sending_is_sent_by_another_under_the_same_id(
    database_url: str, plane: Plane, receiver: Receiver
) -> None:
    insert(database_url, make_alert(1))
    receiver.answers.append(0)
    process = subprocess.Popen([sys.executable, "-c", SENDER, database_url, receiver.url])
    waiting = threading.Event()
    while not receiver.messages:
        assert process.poll() is None
        waiting.wait(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deliverer = plane(make_webhook(receiver))
    for _ in range(100):  # until the server has noticed that its client died
        turn(deliverer)
        if len(receiver.messages) > 1:
            break
        waiting.wait(0.05)
    assert len(receiver.messages) == 2
    assert len(set(receiver.ids())) == 1
    assert deliveries(database_url) == [("ops", "delivered", 1, 200)]


@pytest.mark.slow
def test_the_database_may_go_away_and_come_back(short_dir: Path, receiver: Receiver, clock: FakeClock) -> None:
    from penstock.storage.migrate import migrate  # noqa: PLC0415 - only here

    server = EmbeddedPostgres(short_dir)
    url = server.start()
    migrate(url)
    deliverer = Deliverer([make_webhook(receiver)], lambda: PostgresAlerts(url), TERMS, clock=clock)
    thread = threading.Thread(target=deliverer.run)
    thread.start()
    server.stop()
    waiting = threading.Event()
    waiting.wait(0.1)
    server.start()
    insert(url, make_alert(1))
    for _ in range(200):
        if receiver.messages:
            break
        waiting.wait(0.05)
    deliverer.stop()
    thread.join()
    server.stop()
    assert len(receiver.messages) == 1
