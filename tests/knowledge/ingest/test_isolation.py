import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.knowledge.ingest import files

from penstock.knowledge.ingest.isolation.readers import Readers
from penstock.knowledge.ingest.unreadable import Limits, Unreadable


def test_one_child_reads_many_files() -> None:
    with Readers(children=1) as readers:
        for number in range(5):
            assert readers.read(b"Number %d" % number, "a.txt").text == f"Number {number}"
            with pytest.raises(Unreadable, match="binary"):
                readers.read(bytes(100) + b"x", "a.txt")
        assert readers.started == 1


def test_a_crash_costs_one_file() -> None:
    busy = b"".join(b"- item %d **bold** [x](y)\n" % number for number in range(400_000))
    with Readers(children=1) as readers, ThreadPoolExecutor(1) as pool:
        assert readers.read(b"before", "a.txt").text == "before"
        reading = pool.submit(readers.read, busy, "busy.md")
        (pid,) = readers.pids
        while _seconds_used(pid) < 0.3 and not reading.done():
            threading.Event().wait(0.01)
        os.kill(pid, signal.SIGSEGV)
        with pytest.raises(Unreadable, match="SIGSEGV") as caught:
            reading.result()
        assert caught.value.reason == "crashed"
        assert readers.read(b"after", "a.txt").text == "after"
        assert readers.started == 2
        assert readers.pids != (pid,)


def test_a_file_has_a_deadline() -> None:
    busy = b"".join(b"- item %d **bold** [x](y)\n" % number for number in range(400_000))
    with Readers(children=1, limits=Limits(seconds=0.4)) as readers:
        with pytest.raises(Unreadable) as caught:
            readers.read(busy, "a.md")
        assert caught.value.reason == "too_slow"


def test_a_file_may_compute_only_so_long() -> None:
    busy = b"".join(b"- item %d **bold** [x](y)\n" % number for number in range(1_000_000))
    with Readers(children=1, limits=Limits(cpu_seconds=0)) as readers:
        with pytest.raises(Unreadable, match="computing") as caught:
            readers.read(busy, "a.md")
        assert caught.value.reason == "too_slow"


def test_a_file_may_take_only_so_much_memory() -> None:
    with Readers(children=1, limits=Limits(memory_bytes=200 << 20)) as readers:
        with pytest.raises(Unreadable) as caught:
            readers.read(b"word " * 20_000_000, "a.txt")
        assert caught.value.reason in {"out_of_memory", "crashed"}
    with Readers(children=1) as readers:
        assert readers.read(b"after", "a.txt").text == "after"


def test_a_file_that_is_too_large_is_given_to_no_child() -> None:
    with Readers(children=1, limits=Limits(file_bytes=10)) as readers:
        with pytest.raises(Unreadable) as caught:
            readers.read(b"x" * 11, "a.txt")
        assert (caught.value.reason, readers.started) == ("too_large", 0)


def test_a_child_sees_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", "postgresql://secret")
    with Readers(children=1) as readers:
        readers.read(b"x", "a.txt")
        (pid,) = readers.pids
        assert b"secret" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_children_end_with_their_owner() -> None:
    readers = Readers(children=2)
    readers.read(b"x", "a.txt")
    (pid,) = readers.pids
    readers.close()
    assert not Path(f"/proc/{pid}").exists()


def test_deep_nesting_fails_alone() -> None:
    with Readers(children=1, limits=Limits(seconds=1)) as readers:
        with pytest.raises(Unreadable) as caught:
            readers.read(b"<html><body>" + b"<div>" * 500_000 + b"deep", "a.html")
        assert caught.value.reason in {"bomb", "crashed", "too_slow"}
    with Readers(children=1) as readers:
        assert readers.read(files.mail(), "a.eml").title == "The contract"


def _seconds_used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
