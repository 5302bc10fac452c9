"""The installation under trial: `penstock up`, the handbook's pages for tests taken in by its worker."""

import json  # noqa: TID251 - an operator's side
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.request import Request, urlopen

from training.grounded_pages import is_for_tests
from training.grounded_sets import FOLDER

from penstock.testing.ports import free_port

ACTIONS: Final = ("refuse", "strip", "hold")
HANDBOOK: Final = FOLDER / "rag" / "handbook" / "content"
_PATIENCE_S: Final = 900.0
_LOOK_EVERY_S: Final = 0.2


class Site(NamedTuple):
    """`took_in_s` is how long the worker took for `documents` in `chunks`."""

    url: str
    key: str
    documents: int
    chunks: int
    took_in_s: float


class NotServingError(Exception):
    """What the processes said last is its text."""


@contextmanager
def serving(provider_port: int) -> Generator[Site]:
    """A model for each action, all of one provider and one knowledge base; the rest is as it is without settings."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-"))
    port, control = free_port(), free_port()
    config = folder / "penstock.yaml"
    config.write_text(json.dumps(_configuration(provider_port)))
    command = [sys.executable, "-m", "penstock.cli", "up", "--data-dir", str(folder / "data"), "--config", str(config)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--port", str(port), "--control-port", str(control)], stdout=log, stderr=log
        )
    try:
        _until(lambda: _answers(port) and _answers(control), process, folder / "log")
        pages = _pages(folder / "pages")
        begun = time.monotonic()
        environ = {**os.environ, "PENSTOCK__DATA_DIR": str(folder / "data"), "PENSTOCK_CONFIG": str(config)}
        for words in (
            ("create", "handbook"),
            ("add", "handbook", str(pages), "--readers", "public"),
            ("sync", "handbook"),
        ):
            kb = [sys.executable, "-m", "penstock.cli", "kb", *words]
            subprocess.run(kb, env=environ, check=True, capture_output=True)  # noqa: S603 - same
        token = (folder / "data" / "admin-token").read_text("ascii").strip()

        def base() -> Any:
            headers = {"authorization": f"Bearer {token}"}
            url = f"http://127.0.0.1:{control}/admin/v1/bases/handbook"
            with urlopen(Request(url, headers=headers), timeout=30) as page:
                return json.load(page)

        _until(lambda: base()["sources"][0]["state"] == "done", process, folder / "log")
        found = base()
        key = (folder / "data" / "dev-key").read_text("ascii").strip()
        yield Site(f"http://127.0.0.1:{port}", key, found["documents"], found["chunks"], time.monotonic() - begun)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)
        shutil.rmtree(folder)


def _configuration(provider_port: int) -> dict[str, Any]:
    return {
        "discover_providers": False,
        "providers": {
            "inventor": {
                "vendor": "custom",
                "dialect": "openai-chat",
                "base_url": f"http://127.0.0.1:{provider_port}/v1",
                "prices": {"*": {"input_usd_per_million": 0, "output_usd_per_million": 0}},
            }
        },
        "models": {
            action: {
                "targets": [{"provider": "inventor", "model": "inventor"}],
                "knowledge": {
                    "bases": ["handbook"],
                    "timeout_s": 30,
                    "grounding": {"fail": "closed", "action": action, "timeout_s": 30},
                },
            }
            for action in ACTIONS
        },
        "log": {"level": "warning"},
    }


def _pages(folder: Path) -> Path:
    for path in sorted(HANDBOOK.rglob("*.md")):
        name = path.relative_to(HANDBOOK)
        if is_for_tests(str(name)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / name)
    return folder


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False


def _until(is_so: Any, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline, pause = time.monotonic() + _PATIENCE_S, threading.Event()
    while not is_so():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotServingError(log.read_text("utf-8", "replace")[-4000:])
        pause.wait(_LOOK_EVERY_S)
