"""The data plane's alerts as `app` puts them together, fed by real budgets."""

from pathlib import Path

from tests.console.serving import settings
from tests.watch.alerts.conftest import alert_ids

from penstock.admission.limits.book import Notice
from penstock.app.alerts import budget_alert, open_alerts
from penstock.config.datadir import DataDir
from penstock.config.types import Config
from penstock.core.clock import SystemClock
from penstock.testing.clock import FakeClock

NOTICE = Notice(
    id="team:0a1b@2027-01:90",
    budget="team",
    scope=(("tenant", "acme"), ("project", None)),
    percent=90,
    threshold_nanousd=9_000_000_000,
    used_nanousd=9_012_000_000,
    period_start=1_798_761_600.0,
    period_end=1_801_440_000.0,
)


def test_a_budgets_threshold_says_whose_it_is_and_how_far() -> None:
    alert = budget_alert(NOTICE, 1.0)
    assert (alert.id, alert.kind, alert.severity, alert.tenant) == (
        "budget:team:0a1b@2027-01:90",
        "budget.threshold",
        "warning",
        "acme",
    )
    assert alert.text == (
        "The budget team of tenant acme has reached 90 %: $9.01 used or reserved, $9.00 is the threshold."
        "  Its period ends 2027-02-01 00:00 UTC."
    )
    assert alert.facts["scope.project"] is None


def test_what_is_noticed_twice_in_two_processes_arrives_once(tmp_path: Path, database_url: str) -> None:
    config = settings(tmp_path, database_url, {})
    planes = [open_alerts(config, DataDir(tmp_path), SystemClock()) for _ in range(2)]
    for plane in planes:
        plane.start()
        plane.notice(NOTICE)
        plane.notice(NOTICE)
    for plane in planes:
        plane.close()
        assert plane.problems() == ()
    assert alert_ids(database_url) == ["budget:team:0a1b@2027-01:90"]


def test_a_process_without_a_database_delivers_itself_only_once_that_is_certain(tmp_path: Path) -> None:
    clock = FakeClock()
    alerts = open_alerts(Config(data_dir=str(tmp_path)), DataDir(tmp_path), clock)
    alerts.notice(NOTICE)
    assert not alerts.courier.attempt()
    clock.advance(31)
    assert alerts.courier.attempt()
    assert (tmp_path / "alerts" / "local.json").exists()
    alerts.outbox.close()
    alerts.courier.close()


def test_a_process_whose_embedded_database_is_down_waits_for_it(tmp_path: Path) -> None:
    clock = FakeClock()
    (tmp_path / "postgres").mkdir()
    alerts = open_alerts(Config(data_dir=str(tmp_path)), DataDir(tmp_path), clock)
    alerts.notice(NOTICE)
    for _ in range(2):
        assert not alerts.courier.attempt()
        clock.advance(100)
    assert "waiting for the database" in alerts.problems()[0]
    alerts.outbox.close()
