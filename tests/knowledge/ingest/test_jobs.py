import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path

import psycopg
import pytest
from procrastinate.jobs import Job
from tests.knowledge.ingest.kept import KeptStore
from tests.knowledge.ingest.scene import Here, Scene

from penstock.core.sources import PUBLIC
from penstock.knowledge.document import BaseId
from penstock.knowledge.ingest.sources.rules import ReaderRule
from penstock.knowledge.ingest.sync import Stopped
from penstock.knowledge.jobs import store
from penstock.knowledge.jobs.queue import Again
from penstock.knowledge.jobs.specs import FolderSpec, Run, UploadSpec
from penstock.knowledge.jobs.store import enqueue
from penstock.knowledge.jobs.syncing import Means, bring_up_to_date
from penstock.knowledge.jobs.uploads import hand_in
from penstock.storage.pool import connect
from penstock.testing.clock import FakeClock

ROOT = Path(__file__).parents[3]
BASE = BaseId(1)
RULES = (ReaderRule("**", (PUBLIC,)),)
pytestmark = pytest.mark.usefixtures("encoder_folder")


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with connect(database_url, name="test") as opened:
        opened.autocommit = True
        yield opened


@pytest.fixture
def kept(connection: psycopg.Connection) -> KeptStore:
    return KeptStore(connection)


@pytest.fixture
def start(database_url: str) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    with ExitStack() as stack:

        def started() -> "subprocess.Popen[bytes]":
            command = [sys.executable, "-m", "tests.knowledge.ingest.worker_process", database_url]
            process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
            stack.callback(process.wait)
            stack.callback(_kill, process)
            return process

        yield started


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def until(is_so: Callable[[], bool], seconds: float = 40) -> None:
    for _ in range(int(seconds / 0.02)):
        if is_so():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it did not come to that")


def pages(root: Path, count: int) -> None:
    root.mkdir(exist_ok=True)
    for number in range(count):
        text = f"# Page {number}\n\n" + " ".join(f"Sentence {each} of page {number} says it." for each in range(25))
        (root / f"p{number:03}.md").write_text(text)


def run_of(connection: psycopg.Connection, source: int) -> Run:
    run = store.run_of(connection, source)
    assert run is not None
    return run


def queued(connection: psycopg.Connection, root: Path, name: str = "folder") -> int:
    source = store.add_source(connection, BASE, name, FolderSpec(str(root)), RULES)
    store.mark_waiting(connection, source, now=0)
    assert enqueue(connection, source)
    return source


@pytest.mark.slow
def test_a_worker_killed_half_way_is_followed_by_another_and_the_end_is_equal(
    connection: psycopg.Connection,
    kept: KeptStore,
    start: Callable[[], "subprocess.Popen[bytes]"],
    tmp_path: Path,
) -> None:
    pages(tmp_path / "a", 40)
    source = queued(connection, tmp_path / "a")
    first = start()
    until(lambda: len(kept.versions(BASE)) >= 5)
    os.kill(first.pid, signal.SIGKILL)  # itself alone: its children must end by themselves
    first.wait()
    before = kept.versions(BASE)
    assert len(before) < 40
    assert run_of(connection, source).state == "running"
    second = start()
    until(lambda: run_of(connection, source).state == "done")
    assert set(kept.versions(BASE).values()) == {1}  # nothing was read twice
    done = run_of(connection, source).progress
    assert (done.unchanged, done.read, done.failed) == (len(before), 40 - len(before), 0)
    whole = queued(connection, tmp_path / "a", "whole")
    killed = (kept.documents(BASE), kept.vectors(BASE))
    kept.remove(BASE, list(killed[0]))
    until(lambda: run_of(connection, whole).state == "done")
    assert {key: each.text for key, each in kept.documents(BASE).items()} == {
        key: each.text for key, each in killed[0].items()
    }
    assert kept.vectors(BASE) == killed[1]
    second.send_signal(signal.SIGTERM)
    assert second.wait(10) == 0


@pytest.mark.slow
def test_a_worker_that_is_told_to_stop_puts_the_rest_back(
    connection: psycopg.Connection,
    kept: KeptStore,
    start: Callable[[], "subprocess.Popen[bytes]"],
    tmp_path: Path,
) -> None:
    pages(tmp_path / "a", 40)
    source = queued(connection, tmp_path / "a")
    first = start()
    until(lambda: len(kept.versions(BASE)) >= 3)
    first.send_signal(signal.SIGTERM)
    assert first.wait(10) == 0
    assert len(kept.versions(BASE)) < 40
    assert run_of(connection, source).state == "stopped"
    start()
    until(lambda: run_of(connection, source).state == "done")
    assert set(kept.versions(BASE).values()) == {1}
    assert len(kept.versions(BASE)) == 40


def test_of_one_source_one_job_waits(connection: psycopg.Connection, tmp_path: Path) -> None:
    source = queued(connection, tmp_path)
    assert not enqueue(connection, source)
    assert connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (1,)


def test_one_at_a_time_brings_a_source_up_to_date(
    database_url: str, connection: psycopg.Connection, kept: KeptStore, tmp_path: Path
) -> None:
    pages(tmp_path / "a", 1)
    source = store.add_source(connection, BASE, "a", FolderSpec(str(tmp_path / "a")), RULES)
    with store.held(connection, source), pytest.raises(store.SourceBusy):
        _here(database_url, source, kept)
    _here(database_url, source, kept)
    assert kept.versions(BASE) == {"p000.md": 1}


def test_what_is_handed_in_is_read_once_and_stays(
    database_url: str, connection: psycopg.Connection, kept: KeptStore
) -> None:
    source = store.add_source(connection, BASE, "files", UploadSpec(), ())
    hand_in(connection, source, "a*.md", BytesIO(b"# A\n\nold"), (PUBLIC,), now=1)
    hand_in(connection, source, "a*.md", BytesIO(b"# A\n\nnew"), (PUBLIC,), now=2)
    hand_in(connection, source, "bad", BytesIO(b"\x01\x02\xff\x00\x03" * 99), (PUBLIC,), now=2)
    _here(database_url, source, kept)
    assert {key: each.text for key, each in kept.documents(BASE).items()} == {"a*.md": "# A\n\nnew"}
    assert [each.key for each in run_of(connection, source).progress.failures] == ["bad"]
    assert store.uploads(connection, source) == []
    _here(database_url, source, kept)
    assert kept.versions(BASE) == {"a*.md": 1}
    assert [each.key for each in run_of(connection, source).progress.failures] == ["bad"]  # until it comes again
    hand_in(connection, source, "bad", BytesIO(b"# Good"), (PUBLIC,), now=3)
    _here(database_url, source, kept)
    assert run_of(connection, source).progress.failures == []
    with pytest.raises(ValueError, match="needs readers"):
        hand_in(connection, source, "c", BytesIO(b"c"), (), now=1)


def _here(database_url: str, source: int, kept: KeptStore) -> None:
    means = Means(documents=kept, reader=Here(), embedder=Scene.embedder(), clock=FakeClock())
    bring_up_to_date(partial(connect, database_url, name="test"), source, means)
    means.embedder.close()


def test_what_passes_is_tried_again_and_what_does_not_is_not() -> None:
    again = Again()

    def pause_s(error: Exception, attempts: int) -> float | None:
        job = Job(id=1, queue="q", lock=None, queueing_lock=None, task_name="t", attempts=attempts)
        decision = again.get_retry_decision(exception=error, job=job)
        if decision is None or decision.retry_at is None:
            return None
        return round((decision.retry_at - datetime.now(UTC)).total_seconds())

    away = psycopg.OperationalError("the database is away")
    assert [pause_s(away, attempts) for attempts in range(3)] == [2, 4, 8]
    assert pause_s(away, 8) is None
    assert pause_s(Stopped(), 100) == 1
    assert pause_s(store.SourceBusy(), 100) == 1
    assert pause_s(ValueError("ours"), 0) is None
