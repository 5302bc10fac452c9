"""What hits of both caches take: `python -m bench.cache`; `similar` says how those of the semantic cache are measured.

For the exact cache a whole Penstock as in the other measurements is asked the same thing over 64 connections, by a
model that keeps nothing and by one that keeps its answers.  CPU is that of the process that carries requests.
"""

import argparse
import http.client
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import measure, peers, similar
from bench.gateways import Call, Gateway, Upstreams, headers, launch_penstock
from bench.machine import loop_s
from bench.payloads import UPSTREAM_MODEL, chat_request
from bench.processes import HOST, Program, Unavailable, free_port
from bench.run import running_upstreams

PATH = "/v1/chat/completions"
HIT_CPU_US = 150.0
HITS_A_SECOND = 6_000.0
SIMILAR_P50_MS, SIMILAR_P99_MS, ADDED_MS = 5.0, 12.0, 5.0
MEMORY_MB = 350
ROUNDS = 3


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.cache", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each round takes")
    parser.add_argument("--only", choices=("exact", "similar"), help="half of it")
    chosen = parser.parse_args(arguments)
    print(f"five million turns of a plain loop take {loop_s():.2f} s\n")
    is_met = True
    try:
        if chosen.only != "similar":
            is_met &= _exact(chosen.seconds)
        if chosen.only != "exact":
            is_met &= _similar(chosen.seconds)
    except Unavailable as reason:
        print(f"not measured: {reason}", file=sys.stderr)
        return 2
    return 0 if is_met else 1


def _exact(seconds: float) -> bool:
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        calls, hits = _measured(Path(folder), seconds)
    best, call = min(hits, key=lambda run: run.cpu_us), min(calls, key=lambda run: run.cpu_us)
    most = max(run.requests_per_s for run in hits)
    print("| | requests/s | p50 ms | p99 ms | CPU µs |\n|---|---|---|---|---|")
    for name, runs in (("asked of the provider", calls), ("answered from the cache", hits)):
        for run in runs:
            print(f"| {name} | {run.requests_per_s:,.0f} | {run.p50_ms:.2f} | {run.p99_ms:.2f} | {run.cpu_us:.0f} |")
    is_met = best.cpu_us <= HIT_CPU_US and most >= HITS_A_SECOND
    print(
        f"\nasked: ≤ {HIT_CPU_US:.0f} µs CPU and ≥ {HITS_A_SECOND:,.0f} hits/s; best of {ROUNDS} rounds:"
        f" {best.cpu_us:.0f} µs, {most:,.0f}/s: {'met' if is_met else 'NOT met'};"
        f" a hit takes {best.cpu_us / call.cpu_us:.2f} of what a call takes\n"
    )
    return is_met


def _similar(seconds: float) -> bool:
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as name, running_upstreams(Path(name)) as upstreams:
        found = similar.measured(Path(name), upstream=upstreams.unary_port, seconds=seconds)
    hits, known = found.hits.marks.get("similar"), found.read_before.marks.get("similar")
    misses, plain = found.misses.marks.get("miss"), found.plain.marks.get("")
    if hits is None or known is None or misses is None or plain is None:
        raise Unavailable(f"hits: {found.hits.marks}, misses: {found.misses.marks}, plain: {found.plain.marks}")
    added_ms = misses.p50_ms - plain.p50_ms
    rows = (
        ("a hit, p50", f"≤ {SIMILAR_P50_MS:g} ms", f"{hits.p50_ms:.1f} ms", hits.p50_ms <= SIMILAR_P50_MS),
        ("a hit, p99", f"≤ {SIMILAR_P99_MS:g} ms", f"{hits.p99_ms:.1f} ms", hits.p99_ms <= SIMILAR_P99_MS),
        ("of a text read before, p50", "", f"{known.p50_ms:.1f} ms", True),
        ("of a text read before, p99", "", f"{known.p99_ms:.1f} ms", True),
        ("CPU of a hit", "", f"{found.hit_cpu_us:.0f} µs", True),
        ("a plain call, p50", "", f"{plain.p50_ms:.1f} ms", True),
        ("a miss adds, p50", f"≤ {ADDED_MS:g} ms", f"{added_ms:.1f} ms", added_ms <= ADDED_MS),
        ("memory, nothing kept", f"≤ {MEMORY_MB} MB", f"{found.empty_mb:.0f} MB", found.empty_mb <= MEMORY_MB),
        (f"memory, {similar.ENTRIES:,} kept", "", f"{found.full_mb:.0f} MB", True),
    )
    print(
        f"{hits.answered} hits among {found.hits.answered} new texts at {similar.RATE:g} a second,"
        f" {known.answered} of texts read before\n"
    )
    print("| | aim | measured | |\n|---|---|---|---|")
    for name, aim, shown, is_met in rows:
        print(f"| {name} | {aim} | {shown} | {('met' if is_met else 'MISSED') if aim else ''} |")
    return all(is_met for *_, is_met in rows)


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
