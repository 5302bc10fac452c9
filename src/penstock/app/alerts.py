"""The data plane's alerts: where any part of it puts one, and the thread that brings them away.

`serve` makes one `Alerts` in the process that serves, after any fork.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from penstock.admission.limits.book import Notice
from penstock.config.alerts import AlertSettings
from penstock.config.datadir import DataDir
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.storage.embedded import running_url
from penstock.watch.alerts.alert import Alert, Severity
from penstock.watch.alerts.courier import AlertCourier, LocalPlan, is_database_folder_there
from penstock.watch.alerts.opening import channels_of, open_local, terms_of
from penstock.watch.alerts.outbox import FOLDER, AlertOutbox

_NO_DATABASE_AFTER_S = 30.0
_NANO = 1e9


@dataclass(frozen=True, slots=True)
class Alerts:
    """`start` once, `close` once, on the event loop that serves; `offer` and `notice` on it too."""

    outbox: AlertOutbox
    courier: AlertCourier
    clock: Clock

    def start(self) -> None:
        self.courier.start()

    def offer(self, alert: Alert) -> None:
        """Tell people of it, once for each id.  Never raises and never waits for a network."""
        self.outbox.offer(alert)

    def notice(self, notice: Notice) -> None:
        """For `open_limits(on_notice=…)`: a budget has reached a threshold."""
        self.outbox.offer(budget_alert(notice, self.clock.now()))

    def use(self, settings: AlertSettings) -> None:
        """Whom to tell, where this process delivers itself."""
        self.courier.use(channels_of(settings), terms_of(settings))

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        return (*self.outbox.problems(), *self.courier.problems())

    def close(self) -> None:
        """Everything is on the disk, and in the database if that is there.  Takes up to ten seconds."""
        self.outbox.close()
        self.courier.stop()


def open_alerts(config: Config, data_dir: DataDir, clock: Clock) -> Alerts:
    """Everything but running.  Raises `OSError` where the data directory takes no file."""
    folder = data_dir.root / FOLDER
    outbox = AlertOutbox(folder, clock=clock)
    begun_s = clock.monotonic()

    def find_url() -> str | None:
        return config.database_url.reveal() if config.database_url is not None else running_url(data_dir.root)

    def is_without_database() -> bool:
        # `penstock up` makes the embedded one while we start, so that its absence means nothing at first.
        is_early = clock.monotonic() - begun_s < _NO_DATABASE_AFTER_S
        return config.database_url is None and not is_early and not is_database_folder_there(data_dir.root)

    file = folder / "local.json"
    local = LocalPlan(file, is_without_database, lambda: open_local(config.alerts, file, clock))
    return Alerts(outbox, AlertCourier(folder, find_url, clock=clock, outbox=outbox, local=local), clock)


def budget_alert(notice: Notice, now: float) -> Alert:
    """A budget's threshold as an alert: the same budget, threshold and period are the same alert."""
    scope = dict(notice.scope)
    whose = ", ".join(f"{name} {value}" for name, value in notice.scope if value is not None) or "the installation"
    reached = "its soft amount" if notice.percent is None else f"{notice.percent} %"
    until = datetime.fromtimestamp(notice.period_end, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Alert(
        id=f"budget:{notice.id}",
        kind="budget.threshold",
        severity=_severity(notice.percent),
        tenant=scope.get("tenant"),
        subject=notice.budget,
        text=(
            f"The budget {notice.budget} of {whose} has reached {reached}: ${notice.used_nanousd / _NANO:,.2f} used or"
            f" reserved, ${notice.threshold_nanousd / _NANO:,.2f} is the threshold.  Its period ends {until}."
        ),
        facts={
            "budget": notice.budget,
            **{f"scope.{name}": value for name, value in notice.scope},
            "percent": notice.percent,
            "threshold_nanousd": notice.threshold_nanousd,
            "used_nanousd": notice.used_nanousd,
            "period_start": notice.period_start,
            "period_end": notice.period_end,
        },
        at=now,
    )


def _severity(percent: int | None) -> Severity:
    if percent is None:
        return "warning"
    return "critical" if percent >= 100 else "warning" if percent >= 75 else "info"
