"""What watching takes of the data plane's throughput: `make bench ARGS=watched`.

Two whole `penstock up` of today's code, one as it is by itself and one with everything on that watches (contents,
traces, quality, drift, objectives, rules, alerts to a receiver), are asked in turns.  The data planes have one core for
themselves and all else, the client too, the other: so what is measured is the data plane, and not who gets the machine.
While one is asked the other stands still, all of its processes: each pays for what it ships itself.  With `--alone` the
one that is asked has nothing but its data plane running: what that does itself, without what shipping beside it costs.
"""

import argparse
import os
import random
import signal
import socketserver
import sys
import tempfile
import threading
from base64 import b64encode
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import psutil

from bench import measure
from bench.against import WARM_S, Side, table
from bench.gateways import Gateway, Upstreams, launch_penstock, start_penstock
from bench.machine import loop_s, pause
from bench.processes import Unavailable
from bench.run import running_upstreams
from penstock.testing.ports import free_port

ROUNDS: Final = 100
_SECONDS: Final = 0.6
"""The machine is another from minute to minute: many short rounds say more than few long ones."""
_DRAWS: Final = 2_000
MOST: Final = 0.05
_SETTLE_S: Final = 0.5
_EVERYTHING: Final = """\
contents: {{keep: sampled, sample: {sample}, always: [errors, blocked, held]}}
quality: {{sample: 1}}
traces: {{endpoint: "http://127.0.0.1:{port}/v1/traces", sample: 0.05}}
objectives:
  answers: {{kind: availability, target: 0.995, window_days: 28}}
  quick: {{kind: latency, target: 0.9, within_s: 20}}
alerts:
  webhooks: [{{name: pager, url: "http://127.0.0.1:{port}/alerts", secret: "file:{secret}"}}]
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench watched", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of both, in turns")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="how long each round takes")
    parser.add_argument("--alone", action="store_true", help="everything but the data plane stands still")
    parser.add_argument("--sample", type=float, default=0.01, help="of the contents, how many are kept")
    chosen = parser.parse_args(arguments)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.stderr.write("not measured: the data planes need a core for themselves\n")
        return 2
    os.sched_setaffinity(0, set(cores[1:]))  # whatever is started from here on inherits it
    try:
        with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder, _sink() as port:
            secret = Path(folder) / "secret"
            secret.write_text("whsec_" + b64encode(os.urandom(32)).decode())
            secret.chmod(0o600)
            more = _EVERYTHING.format(sample=chosen.sample, port=port, secret=secret)
            rounds = _Rounds(chosen.rounds, chosen.seconds, is_alone=chosen.alone)
            plain, watched = _measured(Path(folder), more, cores[0], rounds)
    except Unavailable as reason:
        sys.stderr.write(f"not measured: {reason}\n")
        return 2
    sys.stdout.write("\n".join(table(plain.name, plain.runs, watched.name, watched.runs)) + "\n")
    ratios = _ratios(plain.runs, watched.runs)
    falls = 1 - median(ratios)
    least, most = _interval(ratios)
    sys.stdout.write(
        f"throughput falls by {falls:.1%}, with 95 % certainty by {least:.1%} to {most:.1%}"
        f" (at most {MOST:.0%}: {'met' if falls <= MOST else 'missed'})\n"
    )
    return 0 if falls <= MOST else 1


def _ratios(plain: Sequence[measure.Unary], watched: Sequence[measure.Unary]) -> list[float]:
    return [after.requests_per_s / before.requests_per_s for before, after in zip(plain, watched, strict=True)]


def _interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Between which two the fall lies in 95 of 100 cases, by drawing the same rounds again and again."""
    rng = random.Random(1)  # noqa: S311 - draws
    falls = sorted(1 - median(rng.choices(ratios, k=len(ratios))) for _ in range(_DRAWS))
    return falls[_DRAWS // 40], falls[-_DRAWS // 40]


class _Rounds(NamedTuple):
    times: int
    seconds: float
    is_alone: bool


def _measured(folder: Path, more: str, core: int, rounds: _Rounds) -> tuple[Side, Side]:
    sys.stdout.write(f"five million turns of a plain loop take {loop_s():.2f} s\n")
    with running_upstreams(folder) as upstreams:
        sides: list[Side] = []
        try:
            sides.append(Side("by itself", start_penstock(upstreams, folder / "plain")))
            sides.append(Side("everything on", _start_watched(upstreams, folder / "watched", more)))
            for side in sides:
                for pid in side.gateway.data_plane():
                    psutil.Process(pid).cpu_affinity([core])
                    for thread in psutil.Process(pid).threads():
                        os.sched_setaffinity(thread.id, {core})
                measure.check(side.gateway.unary)
                measure.unary(side.gateway, seconds=WARM_S)
            for number in range(rounds.times):
                # Whoever is second meets a machine that is warmer: they take turns in that too.
                for side in sides if number % 2 else reversed(sides):
                    with _still(sides, side, is_alone=rounds.is_alone):
                        pause(_SETTLE_S)
                        side.runs.append(measure.unary(side.gateway, seconds=rounds.seconds))
                    last = side.runs[-1]
                    sys.stdout.write(
                        f"round {number + 1}/{rounds.times} {side.name:14} {last.requests_per_s:8,.0f} requests/s"
                        f" {last.cpu_us:7.0f} µs CPU each\n"
                    )
                    sys.stdout.flush()
        finally:
            for side in sides:
                side.gateway.program.stop(timeout_s=30)
    plain, watched = sides
    return plain, watched


@contextmanager
def _still(sides: Sequence[Side], asked: Side, *, is_alone: bool) -> Generator[None]:
    """Stop every process that is not to run while `asked` is."""
    keep = set(asked.gateway.data_plane() if is_alone else asked.gateway.pids())
    stopped = [pid for side in sides for pid in side.gateway.pids() if pid not in keep]
    try:
        _tell(stopped, signal.SIGSTOP)
        yield
    finally:
        _tell(stopped, signal.SIGCONT)


def _tell(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # a connection of the database may have ended meanwhile
            os.kill(pid, number)


def _start_watched(upstreams: Upstreams, folder: Path, more: str) -> Gateway:
    """As `start_penstock`, with more of a configuration."""
    plain = start_penstock(upstreams, folder)
    plain.program.stop(timeout_s=30)
    port = plain.unary.port
    program, ready_s = launch_penstock(upstreams, folder / "penstock", port=port, control=free_port(), more=more)
    return replace(plain, program=program, ready_s=ready_s)


@contextmanager
def _sink() -> Generator[int]:
    """Takes spans and alerts, and forgets them."""

    class Taking(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Nothing is said."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Taking) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    raise SystemExit(main())
