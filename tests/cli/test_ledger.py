import csv
import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.records import completed
from typer.testing import CliRunner, Result

from penstock.cli.ledger import ledger
from penstock.core.clock import SystemClock
from penstock.core.facts import AttemptStarted
from penstock.core.record import Settled
from penstock.storage.embedded import EmbeddedPostgres, running_url
from penstock.storage.migrate import migrate
from penstock.watch.journal import JournalFile
from penstock.watch.ship import Shipper

CLOCK = SystemClock()


def record(number: int, *, tenant: str = "acme", model: str = "gpt-4o") -> Settled:
    return completed(
        id=f"ex_{number:026d}",
        started_at=1_795_000_000.125 + number,
        first_event_s=None,
        tenant=tenant,
        model=model,
        target="openai/gpt-4o",
        input_tokens=1000,
        output_tokens=50,
        usage_accuracy="estimated",
        cost_nanousd=3_000_500_007,
        facts=(AttemptStarted(at_s=0.25, attempt=1, target='a,"b"\\'),) if number % 2 else (),
    )


@pytest.fixture(scope="module")
def installation() -> Iterator[Path]:
    """A data directory with a stopped database; ten exchanges are in it."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-"))
    append(folder, *(record(number, tenant="acme" if number % 2 else "other") for number in range(10)))
    with EmbeddedPostgres(folder) as server:
        url = server.start()
        migrate(url)
        Shipper(folder / "journal", url, clock=CLOCK).drain_once()
    yield folder
    shutil.rmtree(folder)


def append(folder: Path, *records: Settled) -> None:
    """What a data plane leaves in the journal when it dies."""
    journal = JournalFile(folder / "journal", clock=CLOCK, fsync="never")
    for each in records:
        journal.append(each)
    journal.close()


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(ledger, ["export", *map(str, arguments)])


def ids(result: Result) -> list[str]:
    return [str(msgspec.json.decode(line)["id"]) for line in result.stdout.splitlines()]


def expected(*numbers: int) -> list[str]:
    return [record(number).id for number in numbers]


@pytest.mark.slow
def test_everything_is_there_with_the_servers_stopped(installation: Path) -> None:
    append(installation, *map(record, range(10, 15)))
    result = run("--data-dir", installation)
    assert result.exit_code == 0, result.output
    assert ids(result)[:15] == expected(*range(15))
    assert running_url(installation) is None


@pytest.mark.slow
def test_what_is_logged_is_no_part_of_what_is_exported(installation: Path) -> None:
    """As root, who has to let the database's user into the folder, which is worth a line of the log."""
    installation.chmod(0o700)
    command = [sys.executable, "-m", "penstock.cli", "ledger", "export", "--data-dir", str(installation)]
    done = subprocess.run([*command, "--format", "jsonl"], capture_output=True, text=True, check=True)
    assert all(line.startswith("{") for line in done.stdout.splitlines()), done.stdout[:300]
    assert ("search_permission_granted" in done.stderr) == (os.getuid() == 0)


@pytest.mark.slow
def test_everything_is_there_once_while_the_servers_run_and_ship(installation: Path) -> None:
    append(installation, *map(record, range(20, 25)))
    with EmbeddedPostgres(installation) as server:
        url, stop = server.start(), threading.Event()
        shipping = threading.Thread(target=Shipper(installation / "journal", url, clock=CLOCK).run, args=(stop,))
        shipping.start()
        found = ids(result := run("--data-dir", installation))
        stop.set()
        shipping.join()
        assert result.exit_code == 0, result.output
        assert set(expected(*range(10), *range(20, 25))) <= set(found)
        assert len(found) == len(set(found))
        assert running_url(installation) == url


@pytest.mark.slow
def test_without_a_database_the_journal_is_given_and_the_lack_of_the_rest_is_said(installation: Path) -> None:
    append(installation, *map(record, range(30, 35)))
    version = installation / "postgres" / "PG_VERSION"
    version.write_text("17\n")
    result = run("--data-dir", installation)
    version.write_text("18\n")
    assert result.exit_code == 1
    assert set(expected(*range(30, 35))) <= set(ids(result))
    assert not set(expected(*range(10))) & set(ids(result))
    assert "only what waits in the local journal" in result.stderr


@pytest.mark.slow
def test_rows_can_be_chosen_by_tenant_and_time(installation: Path) -> None:
    assert ids(run("--data-dir", installation, "--tenant", "other")) == expected(0, 2, 4, 6, 8)
    chosen = run("--data-dir", installation, "--since", "2026-11-18T11:06:43Z", "--until", "2026-11-18T11:06:46Z")
    assert ids(chosen) == expected(3, 4, 5)


@pytest.mark.slow
def test_money_is_exact_and_times_are_iso(installation: Path) -> None:
    row = msgspec.json.decode(run("--data-dir", installation).stdout.splitlines()[0])
    assert row["cost_nanousd"] == 3_000_500_007
    assert Decimal(row["cost_usd"]) * 10**9 == row["cost_nanousd"]
    assert row["time"] == "2026-11-18T11:06:40.125000Z"
    assert (row["tokens"], row["accuracy"], row["cost_accuracy"]) == (1050, "estimated", "exact")


@pytest.mark.slow
def test_csv_has_a_header_and_no_formula(installation: Path) -> None:
    append(installation, record(99, model='=HYPERLINK("http://example.org")'))
    rows = list(csv.DictReader(io.StringIO(run("--data-dir", installation, "--format", "csv").stdout)))
    assert [row["id"] for row in rows][:10] == expected(*range(10))
    assert rows[-1]["id"] == record(99).id
    assert rows[-1]["model"].startswith("'=HYPERLINK")
    assert rows[0]["cost_usd"] == "3.000500007"


@pytest.mark.slow
@pytest.mark.parametrize("is_waiting", [False, True])
def test_facts_are_exported_as_json_and_what_is_new_stands_last(installation: Path, *, is_waiting: bool) -> None:
    facts = [{"fact": "attempt_started", "at_s": 0.25, "attempt": 1, "target": 'a,"b"\\'}]
    number = 201 if is_waiting else 1
    if is_waiting:
        append(installation, record(number))
    lines = [msgspec.json.decode(line) for line in run("--data-dir", installation).stdout.splitlines()]
    by_id = {line["id"]: line for line in lines}
    assert by_id[record(number).id]["facts"] == facts
    assert by_id[record(0).id]["facts"] == []
    table = list(csv.reader(io.StringIO(run("--data-dir", installation, "--format", "csv").stdout)))
    assert table[0][-5:] == ["facts", "project", "release", "feature", "region"]
    assert all(len(row) == len(table[0]) for row in table)
    cells = {row[0]: row[-5] for row in table[1:]}
    assert msgspec.json.decode(cells[record(number).id]) == facts
    assert cells[record(0).id] == "[]"


def test_a_directory_without_a_ledger_is_an_error(tmp_path: Path) -> None:
    result = run("--data-dir", tmp_path)
    assert result.exit_code == 2
    assert "no ledger" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_time_that_is_none_is_an_error(tmp_path: Path) -> None:
    result = run("--data-dir", tmp_path, "--since", "yesterday")
    assert result.exit_code == 2
    assert "--since" in result.stderr
