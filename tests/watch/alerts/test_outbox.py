"""Alerts on their way from whoever notices something to the database: none lost, none twice."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
from structlog.testing import capture_logs
from tests.watch.alerts.conftest import alert_ids, make_alert, make_webhook
from tests.watch.alerts.receiver import Receiver

from penstock.core.clock import SystemClock
from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate
from penstock.testing.clock import FakeClock
from penstock.watch.alerts.alert import Alert, decode_alert
from penstock.watch.alerts.channel import Terms
from penstock.watch.alerts.courier import AlertCourier, LocalPlan
from penstock.watch.alerts.deliver import Deliverer
from penstock.watch.alerts.local import LocalAlerts
from penstock.watch.alerts.outbox import AlertOutbox
from penstock.watch.outgoing import is_anything_waiting, ship
from penstock.watch.store import DatabaseError

IDS = [make_alert(number).id for number in range(20)]


@pytest.fixture
def outbox(tmp_path: Path, clock: FakeClock) -> Iterator[AlertOutbox]:
    outbox = AlertOutbox(tmp_path, clock=clock)
    yield outbox
    outbox.close()


def courier_of(outbox: AlertOutbox, url: str | None, clock: FakeClock) -> AlertCourier:
    return AlertCourier(outbox.folder, lambda: url, clock=clock, outbox=outbox)


def test_an_alert_comes_out_of_the_database_as_it_was_offered(
    outbox: AlertOutbox, database_url: str, clock: FakeClock
) -> None:
    odd = make_alert(1, tenant=None, text="tab\t line\n ünï", facts={"a": 1.5, "b": True, "c": None, "d": 2**70})
    outbox.offer(odd)
    assert courier_of(outbox, database_url, clock).round() == 1
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT jsonb_build_object('id', id, 'kind', kind, 'severity', severity, 'tenant', tenant, 'subject',"
            " subject, 'text', text, 'facts', facts, 'at', extract(epoch FROM at))::text FROM alerts"
        ).fetchone()
    assert row is not None
    assert decode_alert(row[0].encode()) == odd
    assert not is_anything_waiting(outbox.folder)


def test_what_no_database_takes_does_not_stop_the_others(
    outbox: AlertOutbox, database_url: str, clock: FakeClock
) -> None:
    outbox.offer(make_alert(1, text="nul \0 and half a pair \ud800", at=float("1e300"), facts={"x": "\0", "y": 1e400}))
    outbox.offer(make_alert(2))
    assert courier_of(outbox, database_url, clock).round() == 2
    assert alert_ids(database_url) == IDS[1:3]


def test_the_same_alert_from_many_processes_is_one(database_url: str, tmp_path: Path, clock: FakeClock) -> None:
    outboxes = [AlertOutbox(tmp_path / str(number % 2), clock=clock) for number in range(4)]
    for number in range(20):
        for outbox in outboxes:
            outbox.offer(make_alert(number))
            outbox.offer(make_alert(number))
    for outbox in outboxes:
        courier_of(outbox, database_url, clock).round()
        outbox.close()
    assert sorted(alert_ids(database_url)) == sorted(IDS)


def test_what_was_shipped_and_not_yet_noted_is_shipped_again_and_is_one(
    outbox: AlertOutbox, database_url: str, clock: FakeClock
) -> None:
    for number in range(5):
        outbox.offer(make_alert(number))
    taken: list[Alert] = []

    def die_after(alerts: object) -> NoReturn:
        taken.extend(alerts)  # type: ignore[arg-type] # what `ship` hands on
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ship(outbox.folder, die_after, decode_alert)
    assert len(taken) == 5
    courier = courier_of(outbox, database_url, clock)
    assert courier.round() == 5
    for offset in outbox.folder.glob("*.offset"):
        offset.unlink()
    assert courier.round() == 5
    assert alert_ids(database_url) == IDS[:5]


def test_alerts_wait_for_the_database_for_as_long_as_it_takes(
    outbox: AlertOutbox, database_url: str, clock: FakeClock
) -> None:
    address: list[str | None] = [None]
    courier = AlertCourier(outbox.folder, lambda: address[0], clock=clock, outbox=outbox)
    courier.attempt()
    assert courier.problems() == ()
    outbox.offer(make_alert(1))
    courier.attempt()
    clock.advance(1800)
    address[0] = "postgresql://postgres@127.0.0.1:9/nobody?connect_timeout=1"
    with pytest.raises(DatabaseError):
        courier.round()
    outbox.offer(make_alert(2))
    clock.advance(1800)
    courier.attempt()
    assert "waiting for the database for 1.0 h" in courier.problems()[0]
    address[0] = database_url
    courier.attempt()
    assert courier.problems() == ()
    assert alert_ids(database_url) == IDS[1:3]


OFFERER = """
import os, sys
from pathlib import Path
from penstock.core.clock import SystemClock
from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.outbox import AlertOutbox
outbox = AlertOutbox(Path(sys.argv[1]), clock=SystemClock())
number = 0
while True:
    id = f"{os.getpid()}_{number}"
    outbox.offer(Alert(id=id, kind="k", severity="info", subject="s", text="t", at=1.0))
    os.write(int(sys.argv[2]), f"{id}\\n".encode())
    number += 1
"""

COURIER = """
import sys
from pathlib import Path
from penstock.core.clock import SystemClock
from penstock.watch.alerts.courier import AlertCourier
courier = AlertCourier(Path(sys.argv[1]), lambda: sys.argv[2], clock=SystemClock())
while True:
    courier.round()
"""


@pytest.mark.slow
def test_no_alert_is_lost_or_doubled_however_often_offerer_and_courier_are_killed(
    database_url: str, tmp_path: Path, clock: FakeClock
) -> None:
    offered: list[str] = []
    for _ in range(4):
        reading, writing = os.pipe()
        command = [sys.executable, "-c", OFFERER, str(tmp_path), str(writing)]
        offerer = subprocess.Popen(command, pass_fds=(writing,), stdout=subprocess.DEVNULL)
        os.close(writing)
        courier = subprocess.Popen([sys.executable, "-c", COURIER, str(tmp_path), database_url])
        said = b""
        while said.count(b"\n") < 300:
            said += os.read(reading, 65536)
        for process in (courier, offerer):
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        while rest := os.read(reading, 65536):
            said += rest
        os.close(reading)
        offered += said.decode().split("\n")[:-1]
    AlertCourier(tmp_path, lambda: database_url, clock=clock).round()
    there = alert_ids(database_url)
    assert set(offered) <= set(there)
    assert len(there) == len(set(there)) <= len(offered) + 4  # each killed one may have kept what it had not said yet
    assert not list(tmp_path.glob("*.journal"))


@contextmanager
def full_disk() -> Generator[None]:
    """No file takes more than a byte; the log would not either, and goes nowhere."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
    try:
        with capture_logs():
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_what_the_disk_does_not_take_is_kept_and_brought_from_memory(
    outbox: AlertOutbox, database_url: str, clock: FakeClock
) -> None:
    outbox.offer(make_alert(0))
    with full_disk():
        outbox.offer(make_alert(1))
        outbox.offer(make_alert(2))
    assert len(outbox.kept()) == 2
    assert "2 are in memory alone" in outbox.problems()[0]
    courier = courier_of(outbox, database_url, clock)
    assert courier.round() == 3
    assert outbox.kept() == ()
    outbox.offer(make_alert(3))
    assert outbox.problems() == ()
    assert courier.round() == 1
    assert sorted(alert_ids(database_url)) == sorted(IDS[:4])


def test_what_the_disk_did_not_take_goes_there_with_the_next_alert(outbox: AlertOutbox) -> None:
    with full_disk():
        outbox.offer(make_alert(1))
    outbox.offer(make_alert(2))
    assert outbox.kept() == ()
    taken: list[str] = []
    ship(outbox.folder, lambda alerts: taken.extend(alert.id for alert in alerts), decode_alert)
    assert taken == IDS[1:3]


def test_too_much_that_waits_is_dropped_and_said(tmp_path: Path, clock: FakeClock) -> None:
    outbox = AlertOutbox(tmp_path, clock=clock, max_waiting_bytes=20_000)
    for number in range(250):
        outbox.offer(make_alert(number))
    assert outbox.dropped > 0
    assert sum(path.stat().st_size for path in tmp_path.glob("*.journal")) < 70_000
    assert "alerts were dropped" in outbox.problems()[0]
    assert ship(tmp_path, lambda _: None, decode_alert) == 250 - outbox.dropped
    outbox.close()


def test_a_spoilt_line_is_put_aside_and_holds_nothing_up(outbox: AlertOutbox) -> None:
    outbox.offer(make_alert(1))
    (path,) = outbox.folder.glob("*.journal")
    with path.open("ab") as file:
        file.write(b"00000002 00000000 {}\n")
    outbox.offer(make_alert(2))
    taken: list[str] = []
    ship(outbox.folder, lambda alerts: taken.extend(alert.id for alert in alerts), decode_alert)
    assert taken == IDS[1:3]
    assert len(list((outbox.folder / "rejected").iterdir())) == 1


def test_an_alert_is_on_the_disk_when_offer_returns_but_a_flood_does_not_hold_the_loop_up(tmp_path: Path) -> None:
    clock = SystemClock()
    outbox = AlertOutbox(tmp_path, clock=clock)
    begun_s = clock.monotonic()
    for number in range(2000):
        outbox.offer(make_alert(number))
    took_s = clock.monotonic() - begun_s
    outbox.close()
    assert ship(tmp_path, lambda _: None, decode_alert) == 2000
    assert took_s < 10.0  # with a look at the disk for each it is more than that on a slow one


# -- without a database


def local_plan(tmp_path: Path, receiver: Receiver, clock: FakeClock) -> LocalPlan:
    file = tmp_path / "local.json"
    webhook = make_webhook(receiver)

    def open_() -> tuple[LocalAlerts, Deliverer]:
        local = LocalAlerts(file, [webhook])
        return local, Deliverer([webhook], lambda: local, Terms(5.0, 86_400.0, True), clock=clock)

    return LocalPlan(file, lambda: True, open_)


def local_courier(outbox: AlertOutbox, plan: LocalPlan, clock: FakeClock) -> AlertCourier:
    return AlertCourier(outbox.folder, lambda: None, clock=clock, outbox=outbox, local=plan)


def local_round(courier: AlertCourier) -> None:
    courier.round()
    if courier.local is not None:
        courier.local[1].join()


def test_without_a_database_the_process_delivers_itself_once_also_over_a_restart(
    tmp_path: Path, receiver: Receiver, clock: FakeClock
) -> None:
    plan = local_plan(tmp_path, receiver, clock)
    receiver.answers.extend([200, 500])
    outbox = AlertOutbox(tmp_path, clock=clock)
    courier = local_courier(outbox, plan, clock)
    outbox.offer(make_alert(1))
    local_round(courier)
    outbox.offer(make_alert(2))
    local_round(courier)
    assert len(receiver.messages) == 2
    courier.close()
    outbox.close()

    outbox = AlertOutbox(tmp_path, clock=clock)
    courier = local_courier(outbox, plan, clock)
    outbox.offer(make_alert(1))  # noticed again, as it may be after a crash
    clock.advance(60)
    local_round(courier)
    local_round(courier)
    assert [*receiver.ids()].count(receiver.ids()[0]) == 1
    assert len(receiver.messages) == 3
    assert receiver.ids()[1] == receiver.ids()[2]
    outbox.close()
    courier.close()


def test_of_two_processes_without_a_database_one_delivers(tmp_path: Path, receiver: Receiver, clock: FakeClock) -> None:
    plan = local_plan(tmp_path, receiver, clock)
    outboxes = [AlertOutbox(tmp_path, clock=clock) for _ in range(2)]
    couriers = [local_courier(outbox, plan, clock) for outbox in outboxes]
    for outbox in outboxes:
        outbox.offer(make_alert(1))
    for _ in range(3):
        for courier in couriers:
            local_round(courier)
    assert len(receiver.messages) == 1
    assert [courier.local is None for courier in couriers] == [False, True]
    couriers[0].close()  # the first dies
    outboxes[1].offer(make_alert(2))
    local_round(couriers[1])
    local_round(couriers[1])
    assert len(receiver.messages) == 2
    for outbox in outboxes:
        outbox.close()


@pytest.mark.slow
def test_the_running_courier_ships_after_the_database_has_come_back(short_dir: Path, clock: FakeClock) -> None:
    server = EmbeddedPostgres(short_dir)
    url = server.start()
    migrate(url)
    server.stop()
    outbox = AlertOutbox(short_dir / "alerts", clock=clock)
    courier = AlertCourier(outbox.folder, lambda: url, clock=clock, outbox=outbox)
    courier.start()
    outbox.offer(make_alert(1))
    server.start()
    outbox.offer(make_alert(2))
    waiting = SystemClock()
    until_s = waiting.monotonic() + 20
    while is_anything_waiting(outbox.folder):
        assert waiting.monotonic() < until_s
    assert alert_ids(url) == IDS[1:3]
    outbox.close()
    courier.stop()
    server.stop()
