"""What contents take of a data plane: its processor time for a request, by how much is kept.

Planes side by side, asked in turns, so that whatever else the machine does is shared by all.  The time is that of
the whole process: the thread that masks, seals and marks is in it.
"""

import os
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from penstock.core.json import dumps
from penstock.testing.ports import free_port

_READY_S: Final = 120.0
_ROUNDS: Final = 8
_WARM: Final = 500
_POLICIES: Final = {
    "nothing kept": "{}",
    "a hundredth": "{keep: sampled, sample: 0.01}",
    "a hundredth, and errors": "{keep: sampled, sample: 0.01, always: [errors, blocked, held]}",
    "all": "{keep: all}",
}
_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
_QUESTION: Final = "I moved to another city and my parcel still goes to the old address. Can you change that? " * 6


@dataclass
class Plane:
    """One data plane, alone with its folder: what is kept stays in its outbox."""

    process: "subprocess.Popen[bytes]"
    port: int
    key: str

    def spent_s(self) -> float:
        """Of its processor, so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_S

    def ask(self, count: int) -> None:
        body = dumps({"model": "echo", "messages": [{"role": "user", "content": _QUESTION}]})
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        for _ in range(count):
            connection.request("POST", "/v1/chat/completions", body=body, headers=headers)
            reply = connection.getresponse()
            if reply.status != 200:
                raise RuntimeError(reply.read())
            reply.read()
        connection.close()


def table(folder: Path, requests: int) -> str:
    """Asks each plane `requests` times in each of some rounds."""
    planes = {name: _start(folder / str(at), policy) for at, (name, policy) in enumerate(_POLICIES.items())}
    spent: dict[str, list[float]] = {name: [] for name in planes}
    try:
        for plane in planes.values():
            plane.ask(_WARM)
        for _ in range(_ROUNDS):
            for name, plane in planes.items():
                before_s = plane.spent_s()
                plane.ask(requests)
                spent[name].append((plane.spent_s() - before_s) / requests * 1e6)
    finally:
        for plane in planes.values():
            plane.process.terminate()
            plane.process.wait(60)
    lines = ["| kept | CPU a request, µs, median of rounds | more than with nothing |", "|---|---|---|"]
    nothing = statistics.median(spent["nothing kept"])
    for name, each in spent.items():
        median = statistics.median(each)
        lines.append(f"| {name} | {median:.0f} ({min(each):.0f} to {max(each):.0f}) | {median - nothing:+.0f} |")
    return "\n".join(lines) + "\n"


def _start(folder: Path, policy: str) -> Plane:
    folder.mkdir(parents=True)
    port = free_port()
    file = folder / "penstock.yaml"
    file.write_text(
        f"server: {{port: {port}}}\ndata_dir: {folder / 'data'}\ncontents: {policy}\n"
        'models: {echo: {targets: [{provider: sim, model: "sim:echo"}]}}\n'
    )
    command = [sys.executable, "-m", "penstock.cli", "serve", "--config", str(file)]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - our own program
    until_s = time.monotonic() + _READY_S
    while time.monotonic() < until_s:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/health/live")
            if connection.getresponse().status == 200:
                return Plane(process, port, (folder / "data" / "dev-key").read_text("ascii").strip())
        except OSError:
            threading.Event().wait(0.1)
    process.kill()
    raise RuntimeError((folder / "log").read_text())
