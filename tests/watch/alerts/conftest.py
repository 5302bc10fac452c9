from collections.abc import Callable, Iterator

import psycopg
import pytest
from tests.watch.alerts.receiver import Receiver, receiving

from penstock.testing.clock import FakeClock
from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.channel import Terms, Wanted
from penstock.watch.alerts.deliver import Deliverer
from penstock.watch.alerts.store import PostgresAlerts
from penstock.watch.alerts.webhook import Webhook

KEY = bytes(range(32))
TERMS = Terms(timeout_s=5.0, give_up_after_s=86_400.0, allow_private=True)


def make_alert(number: int, **changes: object) -> Alert:
    fields: dict[str, object] = {
        "id": f"budget:team:{number}:90",
        "kind": "budget.threshold",
        "severity": "warning",
        "tenant": "acme",
        "subject": "team",
        "text": f"The budget team has reached 90 %, number {number}",
        "facts": {"percent": 90, "used_nanousd": 9_000_000_000, "project": None},
        "at": 1_800_000_000.25,
        **changes,
    }
    return Alert(**fields)  # type: ignore[arg-type] # a test names its changes


def make_webhook(receiver: Receiver, name: str = "ops", **changes: object) -> Webhook:
    chosen = {each: changes.pop(each) for each in ("kinds", "tenants", "min_severity") if each in changes}
    wanted = Wanted(**chosen)  # type: ignore[arg-type] # as above
    fields: dict[str, object] = {"name": name, "url": receiver.url, "keys": (KEY,), "wanted": wanted, **changes}
    return Webhook(**fields)  # type: ignore[arg-type] # as above


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


Plane = Callable[..., Deliverer]


@pytest.fixture
def plane(database_url: str, clock: FakeClock) -> Plane:
    """`plane(webhook, …)` is the deliverer of another control plane over the same database."""

    def make(*webhooks: Webhook) -> Deliverer:
        return Deliverer(webhooks, lambda: PostgresAlerts(database_url), TERMS, clock=clock)

    return make


def insert(database_url: str, *alerts: Alert, now: float = 1_800_000_000.0) -> None:
    store = PostgresAlerts(database_url)
    store.take(alerts, now)
    store.close()


def deliveries(database_url: str) -> list[tuple[str, str, int, int | None]]:
    """Webhook, state, attempts and last status of each."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            "SELECT webhook, state, attempts, last_status FROM alert_deliveries ORDER BY alert, webhook"
        ).fetchall()


def alert_ids(database_url: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM alerts ORDER BY place").fetchall()]
