"""What a hit of the exact cache takes: `python -m bench.cache`.

A whole Penstock as in the other measurements, asked the same thing over 64 connections: first by a model that keeps
nothing, then by one that keeps its answers.  CPU is that of the process that carries requests.
"""

import argparse
import http.client
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import measure, peers
from bench.gateways import Call, Gateway, Upstreams, headers, launch_penstock
from bench.payloads import UPSTREAM_MODEL, chat_request
from bench.processes import HOST, Program, Unavailable, free_port
from bench.run import running_upstreams

PATH = "/v1/chat/completions"
HIT_CPU_US = 150.0
HITS_A_SECOND = 6_000.0
ROUNDS = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.cache", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each round takes")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        try:
            calls, hits = _measured(Path(folder), chosen.seconds)
        except Unavailable as reason:
            print(f"not measured: {reason}", file=sys.stderr)
            return 2
    best = max(hits, key=lambda run: run.requests_per_s)
    print("| | requests/s | p50 ms | p99 ms | CPU µs |\n|---|---|---|---|---|")
    for name, runs in (("asked of the provider", calls), ("answered from the cache", hits)):
        for run in runs:
            print(f"| {name} | {run.requests_per_s:,.0f} | {run.p50_ms:.2f} | {run.p99_ms:.2f} | {run.cpu_us:.0f} |")
    is_met = best.cpu_us <= HIT_CPU_US and best.requests_per_s >= HITS_A_SECOND
    print(
        f"\nasked: ≤ {HIT_CPU_US:.0f} µs CPU and ≥ {HITS_A_SECOND:,.0f} hits/s; best of {ROUNDS} rounds:"
        f" {best.cpu_us:.0f} µs, {best.requests_per_s:,.0f}/s: {'met' if is_met else 'NOT met'}"
    )
    return 0 if is_met else 1


def _measured(folder: Path, seconds: float) -> tuple[Sequence[measure.Unary], Sequence[measure.Unary]]:
    with running_upstreams(folder) as ports:
        gateway = _start(ports, folder)
        try:
            measure.check(gateway.unary)
            kept = replace(gateway, unary=replace(gateway.unary, model="kept"))
            _require_hit(kept.unary)
            measure.unary(gateway, seconds=2)
            rounds = [
                (measure.unary(gateway, seconds=seconds), measure.unary(kept, seconds=seconds)) for _ in range(ROUNDS)
            ]
        finally:
            gateway.program.stop(timeout_s=30)
    return [call for call, _ in rounds], [hit for _, hit in rounds]


def _start(ports: Upstreams, folder: Path) -> Gateway:
    data = folder / "penstock"
    data.mkdir()
    port, control = free_port(), free_port()
    kept = f"  kept: {{targets: [{{provider: bench, model: {UPSTREAM_MODEL}}}], cache: {{exact: {{}}}}}}\n"
    program: Program
    program, ready_s = launch_penstock(ports, data, port=port, control=control, more=kept)
    call = Call(port, PATH, headers((data / "data" / "dev-key").read_text().strip()), "bench")
    return Gateway(
        name="Penstock",
        version=peers.penstock_version(),
        program=program,
        unary=call,
        stream=call,
        settings="`penstock up`, one worker; key check, ledger and embedded PostgreSQL on",
        ready_s=ready_s,
    )


def _require_hit(call: Call) -> None:
    """Ask twice: the second must come from the cache, or something else would be measured."""
    said = ""
    for _ in range(2):
        connection = http.client.HTTPConnection(HOST, call.port, timeout=30)
        connection.request("POST", call.path, chat_request(call.model), dict(call.headers))
        response = connection.getresponse()
        response.read()
        said = response.getheader("x-penstock-cache") or "nothing"
        connection.close()
    if said != "hit":
        raise Unavailable(f"an equal request was not answered from the cache: {said}")


if __name__ == "__main__":
    raise SystemExit(main())
