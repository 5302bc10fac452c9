"""Whether rows, sums, API, metrics, export and console say the same: `make evaluate ARGS=agreement`.

A whole installation answers fifty thousand requests of every kind; then each of its views is asked for the same.
Shown is what the rows say, and every view that says something else; 1 where there is one.
"""

import argparse
import json  # noqa: TID251 - reads another program's output
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import psycopg
from playwright.sync_api import expect, sync_playwright

from evaluation.agreement.tellings import Numbers, of_api, of_metrics, of_rows, percentiles
from evaluation.agreement.traffic import CONFIG, play
from penstock.core.clock import SystemClock
from penstock.storage.embedded import running_url
from penstock.testing.ports import free_port

_WITHIN_S: Final = 180.0
_TENANTS: Final = ("acme", "globex", "initech", "small")
_CHROMIUM: Final = "/usr/bin/chromium"


def main() -> int:
    parser = argparse.ArgumentParser(prog="evaluation agreement")
    parser.add_argument("--requests", type=int, default=50_000)
    requests: int = parser.parse_args().requests
    folder = Path(tempfile.mkdtemp(prefix="penstock-"))
    try:
        with _installation(folder) as up:
            keys = [up.key(tenant) for tenant in _TENANTS]
            statuses = play(up.port, keys, requests, _say)
            _say(f"answered with {', '.join(f'{code}: {count:,}' for code, count in sorted(statuses.items()))}")
            up.settle(requests)
            return _report(up)
    finally:
        shutil.rmtree(folder)


class _Up:
    """`penstock up`, from outside."""

    def __init__(self, folder: Path, port: int, control_port: int) -> None:
        self.folder = folder
        self.port = port
        self.control_port = control_port

    def read(self, port: int, path: str, body: object = None) -> bytes:
        headers = {"authorization": f"Bearer {self.token()}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"http://127.0.0.1:{port}{path}", data, headers), timeout=30) as reply:
            return reply.read()

    def admin(self, path: str, body: object = None) -> Any:
        return json.loads(self.read(self.control_port, f"/admin/v1{path}", body))

    def token(self) -> str:
        return (self.folder / "data" / "admin-token").read_text().strip()

    def key(self, tenant: str) -> str:
        """One that the data plane takes already."""
        self.admin("/tenants", {"id": tenant})
        made: str = self.admin("/keys", {"tenant": tenant, "name": "agreement"})["key"]
        request = Request(f"http://127.0.0.1:{self.port}/v1/models", headers={"authorization": f"Bearer {made}"})
        for _ in _patience("the key is not taken"):
            try:
                with urlopen(request, timeout=5):  # noqa: S310 - http
                    return made
            except OSError:
                continue  # not yet
        raise AssertionError("unreachable")

    def database(self) -> psycopg.Connection:
        url = running_url(self.folder / "data")
        if url is None:
            raise RuntimeError("the database does not run")
        return psycopg.connect(url)

    def settle(self, requests: int) -> None:
        """Wait until every exchange is in the database.  Raises `RuntimeError` where they do not come."""
        with self.database() as connection:
            for _ in _patience(f"not all of {requests} are in the ledger"):
                row = connection.execute("SELECT count(*) FROM ledger").fetchone()
                connection.rollback()
                if row is not None and row[0] >= requests:
                    return


@contextmanager
def _installation(folder: Path) -> Generator[_Up]:
    (folder / "penstock.yaml").write_text(CONFIG)
    up = _Up(folder, free_port(), free_port())
    command = [sys.executable, "-m", "penstock.cli", "up", "--config", str(folder / "penstock.yaml")]
    command += ["--data-dir", str(folder / "data"), "--port", str(up.port), "--control-port", str(up.control_port)]
    log = folder / "up.log"
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)  # noqa: S603 - our own
    try:
        for port in (up.port, up.control_port):
            for _ in _patience("it does not start"):
                if process.poll() is not None:
                    raise RuntimeError(log.read_text()[-3000:])
                try:
                    with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5):
                        break
                except OSError:
                    continue  # not yet
        yield up
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _report(up: _Up) -> int:
    until = datetime.fromtimestamp(SystemClock().now(), UTC)
    times = {"since": (until - timedelta(hours=12)).isoformat(), "until": (until + timedelta(hours=1)).isoformat()}
    with up.database() as connection:
        rows, exact = of_rows(connection), percentiles(connection)

    def figures(**query: object) -> list[dict[str, Any]]:
        return up.admin(f"/figures?{urlencode({**times, **query}, doseq=True)}")["lines"]

    views = {
        "API": of_api(figures),
        "metrics": of_metrics(up.read(up.port, "/metrics").decode()),
        "export": _of_export(up),
        "console": _of_console(up),
    }
    is_met = True
    sys.stdout.write(f"{'':44} {'rows':>14}  {'  '.join(f'{name:>14}' for name in views)}\n")
    for name, value in rows.items():
        told = [view.get(name) for view in views.values()]
        differs = any(each is not None and each != value for each in told)
        is_met = is_met and not differs
        shown = "  ".join(f"{'' if each is None else f'{each:,}':>14}" for each in told)
        sys.stdout.write(f"{name:44} {value:14,}  {shown}{'  DIFFERS' if differs else ''}\n")
    for name, view in views.items():
        for unknown in view.keys() - rows.keys():
            is_met = False
            sys.stdout.write(f"{name} says {unknown}: {view[unknown]:,}, and the rows do not\n")
    (line,) = up.admin(f"/figures?{urlencode({**times, 'figure': list(exact)}, doseq=True)}")["lines"]
    for name, value in exact.items():
        off = line["values"][name] / value - 1
        is_met = is_met and abs(off) <= 0.01
        sys.stdout.write(f"{name:44} {value:14.6f}  {line['values'][name]:14.6f}  off by {off:+.2%}\n")
    return 0 if is_met else 1


def _of_export(up: _Up) -> Numbers:
    command = [sys.executable, "-m", "penstock.cli", "ledger", "export", "--format", "jsonl"]
    done = subprocess.run([*command, "--data-dir", str(up.folder / "data")], capture_output=True, check=True)  # noqa: S603 - our own
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        "exchanges": len(found),
        "cost_nanousd": sum(each["cost_nanousd"] or 0 for each in found),
        "tokens": sum(each["input_tokens"] + each["output_tokens"] for each in found),
    }


def _of_console(up: _Up) -> Numbers:
    """What stands on the overview in a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{up.control_port}/console/")
        page.fill("#credential", up.token())
        with page.expect_navigation():
            page.click("button[type=submit]")
        tile = page.locator(".tile", has=page.get_by_text("Exchanges", exact=True)).locator("dd").first
        expect(tile).to_be_visible(timeout=30_000)
        shown: Mapping[str, str] = {"exchanges": tile.inner_text()}
        browser.close()
    return {name: int(text.replace(",", "")) for name, text in shown.items()}


def _patience(why: str) -> Iterator[None]:
    """Again and again, until it took too long: then `RuntimeError`."""
    deadline, pause = time.monotonic() + _WITHIN_S, threading.Event()
    while time.monotonic() < deadline:
        yield
        pause.wait(0.25)
    raise RuntimeError(why)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
