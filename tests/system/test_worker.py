"""The worker that `penstock up` keeps: documents become answerable without a command that waits for it."""

import http.client
import json  # noqa: TID251 - an operator's side
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from openai import APIError, OpenAI
from tests.system.conftest import Installation, running

pytestmark = pytest.mark.usefixtures("encoder_folder")
MIB = 1 << 20
CONFIG = """\
ingest: {heartbeat_s: 0.3}
models:
  help:
    targets: [{provider: sim, model: "sim:echo"}]
    knowledge: {bases: [handbook], passages: 2}
"""


def until(is_so: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.05)


def kb(up: Installation, *arguments: str) -> None:
    command = [sys.executable, "-m", "penstock.cli", "kb", "--data-dir", str(up.data_dir), *arguments]
    subprocess.run(command, capture_output=True, check=True, timeout=60)


def admin(up: Installation, method: str, path: str, body: Any = None) -> Any:
    token = (up.data_dir / "admin-token").read_text("ascii").strip()
    connection = http.client.HTTPConnection("127.0.0.1", up.control_port, timeout=60)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    connection.request(method, path, body=body, headers=headers)
    data = connection.getresponse().read()
    connection.close()
    return json.loads(data)


def child_of(up: Installation, name: str) -> psutil.Process | None:
    assert up.process is not None
    for child in psutil.Process(up.process.pid).children():
        try:
            if child.cmdline()[-1:] == [name]:
                return child
        except psutil.Error:  # it has just died
            continue
    return None


def most_memory(process: psutil.Process) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def folder(tmp_path: Path) -> str:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(30):
        text = " ".join(f"Sentence {each} of page {number} says a thing." for each in range(40))
        (docs / f"p{number:02}.md").write_text(f"# Page {number}\n\n{text}")
    (docs / "z.md").write_text("# Leave\n\nEverybody has 30 days of leave a year.")
    return str(docs)


def test_documents_are_taken_in_by_the_worker_and_a_killed_one_is_followed_by_another(tmp_path: Path) -> None:
    with running(tmp_path / "data", CONFIG) as up:
        assert child_of(up, "worker") is None  # nothing to do, and none of its memory is spent
        assert admin(up, "GET", "/health")["workers"] == 0
        admin(up, "POST", "/admin/v1/bases", b'{"name": "handbook"}')
        until(lambda: child_of(up, "worker") is not None, "no worker was started")
        kb(up, "add", "handbook", folder(tmp_path), "--readers", "public")
        admin(up, "POST", "/admin/v1/bases/handbook/sync", b"{}")

        def source() -> dict[str, Any]:
            return admin(up, "GET", "/admin/v1/bases/handbook")["sources"][0]

        until(lambda: source()["read"] > 0, "the job was not begun")
        first = child_of(up, "worker")
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)

        def answered() -> bool:
            try:
                answer = client.chat.completions.create(
                    model="help", messages=[{"role": "user", "content": "How many days of leave do I have?"}]
                )
            except APIError:
                return False
            return "Everybody has 30 days of leave a year." in (answer.choices[0].message.content or "")

        with OpenAI(base_url=up.url + "/v1", api_key=up.key, max_retries=0) as client:
            until(answered, "the rest was not done")
        until(lambda: source()["state"] == "done", "it does not end")
        assert (source()["files"], source()["failed"]) == (31, 0)
        second = child_of(up, "worker")
        assert second is not None
        assert second.pid != first.pid
        assert admin(up, "GET", "/health")["workers"] >= 1
        handed_in(up)
    assert not second.is_running()


def handed_in(up: Installation) -> None:
    """A large document over HTTP: it takes no memory of the control plane, and what becomes of it is said."""
    control = child_of(up, "control")
    assert control is not None

    def pieces() -> Iterator[bytes]:
        for _ in range(50):
            yield os.urandom(MIB)

    before = most_memory(control)
    path = "/admin/v1/bases/handbook/documents/large.bin?reader=public"
    assert admin(up, "PUT", path, pieces())["bytes"] == 50 * MIB
    assert most_memory(control) - before < 25 * MIB
    note = "/admin/v1/bases/handbook/documents/notes/parking.md?reader=group:drivers"
    admin(up, "PUT", note, b"# Parking\n\nCars stand in row 7.")

    def found() -> dict[str, tuple[str, str | None]]:
        items = admin(up, "GET", "/admin/v1/bases/handbook/documents?after=l&limit=2")["items"]
        return {each["name"]: (each["state"], each["reason"]) for each in items}

    is_there = {"large.bin": ("failed", "unsupported"), "notes/parking.md": ("ready", None)}
    until(lambda: found() == is_there, "it was not read")
    search = "/admin/v1/bases/handbook/search?q=Where%20do%20cars%20stand%3F"
    assert "row 7" in admin(up, "GET", f"{search}&as=group:drivers")["items"][0]["text"]
    assert "row 7" not in str(admin(up, "GET", f"{search}&as=group:walkers")["items"])
