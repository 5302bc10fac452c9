"""Old alerts are deleted, in batches, and none that anybody still has to hear of."""

from pathlib import Path

import psycopg
import pytest
from tests.watch.alerts.conftest import alert_ids, deliveries, insert, make_alert, make_webhook
from tests.watch.alerts.receiver import Receiver
from tests.watch.alerts.test_deliver import turn

from penstock.config.alerts import AlertSettings, WebhookSettings
from penstock.config.build import Builder
from penstock.config.document import Document
from penstock.config.secret import Secret, Text
from penstock.testing.clock import FakeClock
from penstock.watch.alerts.channel import Terms
from penstock.watch.alerts.deliver import Deliverer
from penstock.watch.alerts.opening import open_deliverer
from penstock.watch.alerts.retention import BATCH, EVERY_S, AlertRetention
from penstock.watch.alerts.store import PostgresAlerts

DAY_S = 86_400.0
KEEP_DAYS = 90.0


def planed(database_url: str, clock: FakeClock, receiver: Receiver, *, patience_days: float = 1.0) -> Deliverer:
    """A deliverer that also clears away."""
    terms = Terms(timeout_s=5.0, give_up_after_s=patience_days * DAY_S, allow_private=True)
    retention = AlertRetention(lambda: database_url, KEEP_DAYS, clock)
    store = lambda: PostgresAlerts(database_url)  # noqa: E731 - as the deliverer wants it
    return Deliverer((make_webhook(receiver),), store, terms, clock=clock, tend=retention.tend)


def test_an_alert_goes_once_it_is_old_and_told(database_url: str, receiver: Receiver, clock: FakeClock) -> None:
    deliverer = planed(database_url, clock, receiver)
    insert(database_url, make_alert(1), now=clock.now())
    turn(deliverer)
    clock.advance(KEEP_DAYS * DAY_S - 60.0)
    insert(database_url, make_alert(2), now=clock.now())
    turn(deliverer)
    assert alert_ids(database_url) == [make_alert(1).id, make_alert(2).id]
    clock.advance(EVERY_S)
    turn(deliverer)
    assert alert_ids(database_url) == [make_alert(2).id]
    assert deliveries(database_url) == [("ops", "delivered", 1, 200)]
    assert len(receiver.messages) == 2


def test_an_alert_that_still_waits_never_goes_however_old(
    database_url: str, receiver: Receiver, clock: FakeClock
) -> None:
    deliverer = planed(database_url, clock, receiver, patience_days=1000.0)
    receiver.answers.extend([503] * 3)
    insert(database_url, make_alert(1), now=clock.now())
    turn(deliverer)
    for _ in range(2):
        clock.advance(2 * KEEP_DAYS * DAY_S)
        turn(deliverer)
    assert [row[1] for row in deliveries(database_url)] == ["waiting"]
    for _ in range(2):
        clock.advance(EVERY_S + 1.0)
        turn(deliverer)
    assert alert_ids(database_url) == []  # told at last, and gone with the next look
    assert len(receiver.messages) == 4


def test_one_that_nobody_has_routed_yet_stays(database_url: str, clock: FakeClock) -> None:
    insert(database_url, make_alert(1), now=clock.now())
    clock.advance(2 * KEEP_DAYS * DAY_S)
    AlertRetention(lambda: database_url, KEEP_DAYS, clock).tend()
    assert alert_ids(database_url) == [make_alert(1).id]


def test_what_was_given_up_stays_until_somebody_has_acknowledged_it(
    database_url: str, receiver: Receiver, clock: FakeClock
) -> None:
    deliverer = planed(database_url, clock, receiver)
    receiver.answers.append(410)
    insert(database_url, make_alert(1), now=clock.now())
    turn(deliverer)
    clock.advance(2 * KEEP_DAYS * DAY_S)
    turn(deliverer)
    assert deliverer.problems() != ()
    assert alert_ids(database_url) == [make_alert(1).id]
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alerts SET acknowledged_at = now(), acknowledged_by = 'ada'")
    clock.advance(EVERY_S)
    turn(deliverer)
    assert alert_ids(database_url) == []


def test_many_go_in_batches_one_with_each_turn(database_url: str, clock: FakeClock) -> None:
    insert(database_url, *(make_alert(number) for number in range(BATCH + 7)), now=clock.now())
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alerts SET routed_at = arrived_at")
    retention = AlertRetention(lambda: database_url, KEEP_DAYS, clock)
    clock.advance(2 * KEEP_DAYS * DAY_S)
    retention.tend()
    assert len(alert_ids(database_url)) == 7
    retention.tend()
    assert alert_ids(database_url) == []


def test_the_control_planes_deliverer_clears_away_as_the_settings_say(
    database_url: str, receiver: Receiver, clock: FakeClock
) -> None:
    webhook = WebhookSettings(name="ops", url=Text("env:U", receiver.url), secret=Secret("env:S", "A" * 32))
    deliverer, _ = open_deliverer(AlertSettings(webhooks=(webhook,), keep_days=40.0), lambda: database_url, clock)
    insert(database_url, make_alert(1), now=clock.now())
    turn(deliverer)
    clock.advance(41.0 * DAY_S)
    turn(deliverer)
    assert alert_ids(database_url) == []


@pytest.mark.parametrize("days", [1, 34.9])
def test_a_retention_within_a_period_is_refused(days: float) -> None:
    builder = Builder(Document(file=str(Path("penstock.yaml"))), {})
    builder.struct(AlertSettings, {"keep_days": days}, "alerts")
    assert [problem.path for problem in builder.problems] == ["alerts.keep_days"]
