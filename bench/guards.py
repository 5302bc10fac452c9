"""What guards take of a request: `make bench ARGS=guards`.

One Penstock, one upstream, three models of it: without guards, with those that go by rules, and with those that need
the encoder too.  They are asked by turns for conversations that grow, as applications send them: with each question
come the turns before it, which have been read.  Two more rows have every question of a conversation new.  No question
is asked in two runs, and texts are remembered for fewer than a run has.  Which guards judged is read from its metrics:
one that is asked for and did not run is named beside the table, and is no part of the figures.
"""

import argparse
import http.client
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from bench import measure, personal_payloads
from bench.gateways import ROOT, Call, Gateway, Upstreams, headers, launch_penstock
from bench.machine import loop_s, pause
from bench.payloads import UPSTREAM_MODEL
from bench.peers import penstock_version
from bench.processes import HOST, Unavailable, cpu_s
from bench.run import running_upstreams
from penstock.testing.ports import free_port

RATE = 100.0
"""Requests a second of the open loop, which all are to bear."""
PLAIN, RULES, ALL = "plain", "guards: rules", "guards: all"
RULES_NEW, ALL_NEW = "rules, all new", "all, all new"
_ROWS = (PLAIN, RULES, RULES_NEW, ALL, ALL_NEW)
_REMEMBERED = 2_000
"""Texts: more than the conversations have that take turns, fewer than a run has."""
RULES_A_SECOND, ALL_A_SECOND = 3_000.0, 400.0
ALL_P50_MS, ALL_P99_MS = 8.0, 20.0
PUBLISHED = "WSO2, published, 2 CPUs: 4,000 requests/s; 2,000 with masking; 1,700 with three guards"
_POLICY = "policy: {fail: closed, competitors: {Otherbank: [OB]}}"
_BY_RULES = f"personal_data: {{fail: closed, names: false}}, injection: {{fail: closed, meaning: false}}, {_POLICY}"
# In its shadow: a question that it would refuse goes on, and is judged all the same.
_SCOPE = """scope: {fail: closed, mode: shadow, topics: {
      cards: ["My card payment was declined.", "Contactless does not work."],
      payments: ["I was charged twice for one thing.", "How long does a pending payment take?"],
    }}"""
_ALL = f"personal_data: {{fail: closed}}, injection: {{fail: closed}}, {_SCOPE}, {_POLICY}"
_OF_RULES = frozenset({"personal_data", "injection", "policy"})
_ASKED = {
    "bench": frozenset[str](),
    "rules": _OF_RULES,
    "all": frozenset({*_OF_RULES, "personal_data.names", "scope"}),
}
_JUDGED = re.compile(r'^penstock_guard_judgements_total\{.*guard="([a-z_.]+)"', re.MULTILINE)
_SETTLE_S = 0.5
_IDLE_SHARE = 0.1
_MOST_WAITS = 60
_WARM_S = 8.0
"""Long enough for the first answers of 64 connections, whatever else the machine does."""


@dataclass(slots=True)
class Row:
    """One model, and what its rounds gave.  `missing` are guards that it asked for and that did not judge."""

    name: str
    gateway: Gateway
    bodies: Path
    missing: list[str] = field(default_factory=list[str])
    seeds: Iterator[int] = field(default_factory=count)
    runs: list[measure.Unary] = field(default_factory=list[measure.Unary])
    p50_ms: list[float] = field(default_factory=list[float])
    p99_ms: list[float] = field(default_factory=list[float])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench guards", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="of all, in turns")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each round takes")
    parser.add_argument("--rules-only", action="store_true", help="leave those out that need the encoder")
    chosen = parser.parse_args(arguments)
    print(f"five million turns of a plain loop take {loop_s():.2f} s", flush=True)
    names = _ROWS[:3] if chosen.rules_only else _ROWS
    try:
        with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
            rows = _measured(Path(folder), names, chosen.rounds, chosen.seconds)
    except Unavailable as reason:
        print(f"not measured: {reason}", file=sys.stderr)
        return 2
    print("\n" + "\n".join(table(rows)))
    return 0 if all(is_met for *_, is_met in aims(rows)) else 1


def table(rows: Sequence[Row]) -> list[str]:
    """Medians; what is added is the median of the rounds' differences, each of neighbours in time."""
    plain = rows[0]
    lines = [
        "| | requests/s | of plain | CPU µs | added | added p50 ms | added p99 ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rate, cpu = _median(row, "requests_per_s"), _median(row, "cpu_us")
        share = statistics.median(
            one.requests_per_s / other.requests_per_s for one, other in zip(row.runs, plain.runs, strict=True)
        )
        times = " | - | - |"
        if row.p50_ms:
            times = f" | {_added(row.p50_ms, plain.p50_ms):.2f} | {_added(row.p99_ms, plain.p99_ms):.2f} |"
        lines.append(
            f"| {row.name} | {rate:,.0f} | {share:.2f} | {cpu:.0f} | {cpu - _median(plain, 'cpu_us'):+.0f}{times}"
        )
    lines += ["", f"Added times are at {RATE:.0f} requests/s.  {PUBLISHED}.", ""]
    lines += [
        f"`{row.name}` ran without {', '.join(row.missing)}: no such guard judged." for row in rows if row.missing
    ]
    lines += ["", "| | aim | measured | |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {aim} | {said} | {'met' if is_met else 'MISSED'} |" for name, aim, said, is_met in aims(rows)
    ]
    return lines


def aims(rows: Sequence[Row]) -> list[tuple[str, str, str, bool]]:
    """Each with what was measured; none of a row that ran without a guard that it is about."""
    by_name = {row.name: row for row in rows}
    found: list[tuple[str, str, str, bool]] = []
    for name, least in ((RULES, RULES_A_SECOND), (ALL, ALL_A_SECOND)):
        row = by_name.get(name)
        if row is None or row.missing:
            continue
        best = max(run.requests_per_s for run in row.runs)
        found.append((f"{name}, best round", f"≥ {least:,.0f}/s", f"{best:,.0f}/s", best >= least))
        if name == ALL:
            for what, most, taken in (("p50", ALL_P50_MS, row.p50_ms), ("p99", ALL_P99_MS, row.p99_ms)):
                added = _added(taken, rows[0].p50_ms if what == "p50" else rows[0].p99_ms)
                found.append((f"{name}, added {what}", f"≤ {most:g} ms", f"{added:.1f} ms", added <= most))
    return found


def _measured(folder: Path, names: Sequence[str], rounds: int, seconds: float) -> list[Row]:
    with running_upstreams(folder) as upstreams:
        gateway = _start(upstreams, folder, names)
        try:
            rows = [_row(name, gateway, folder) for name in names]
            for number in range(rounds):
                for row in rows if number % 2 else reversed(rows):
                    _round(row, seconds)
                    last = row.runs[-1]
                    print(
                        f"round {number + 1}/{rounds} {row.name:14} {last.requests_per_s:8,.0f} requests/s"
                        f" {last.cpu_us:7.0f} µs CPU each",
                        flush=True,
                    )
        finally:
            gateway.program.stop(timeout_s=30)
    return rows


def _round(row: Row, seconds: float) -> None:
    _write(row)
    _until_idle(row.gateway)
    row.runs.append(measure.unary(row.gateway, seconds=seconds, bodies=row.bodies))
    if row.runs[-1].errors:
        raise Unavailable(f"{row.name}: {row.runs[-1].errors} requests failed")
    if row.name == ALL_NEW:
        return  # it may bear less than the rate
    _write(row)
    _until_idle(row.gateway)
    bodies = row.bodies.read_bytes().splitlines()
    found = measure.arrivals(row.gateway.unary, rate=RATE, seconds=seconds, bodies=bodies)
    row.p50_ms.append(found.p50_ms)
    row.p99_ms.append(found.p99_ms)


def _until_idle(gateway: Gateway) -> None:
    """What clients left behind is no part of what follows: a guard may still read what nobody waits for."""
    carrying = gateway.data_plane()
    for _ in range(_MOST_WAITS):
        before = cpu_s(carrying)
        pause(_SETTLE_S)
        if cpu_s(carrying) - before < _IDLE_SHARE * _SETTLE_S:
            return


def _row(name: str, gateway: Gateway, folder: Path) -> Row:
    call = replace(gateway.unary, model=_model(name))
    measure.check(call)
    row = Row(
        name, replace(gateway, unary=call), folder / f"{call.model}.jsonl", seeds=count(1_000 * _ROWS.index(name))
    )
    _write(row)
    measure.unary(row.gateway, seconds=_WARM_S, bodies=row.bodies)
    row.missing = sorted(_ASKED[call.model] - _judged(call))
    return row


def _write(row: Row) -> None:
    """Other conversations than in any other run."""
    made = personal_payloads.first_sights if row.name in {RULES_NEW, ALL_NEW} else personal_payloads.conversations
    row.bodies.write_bytes(b"\n".join(made(row.gateway.unary.model, next(row.seeds))) + b"\n")


def _model(name: str) -> str:
    return {PLAIN: "bench", RULES: "rules", RULES_NEW: "rules", ALL: "all", ALL_NEW: "all"}[name]


def _judged(call: Call) -> frozenset[str]:
    """The guards that have judged so far."""
    connection = http.client.HTTPConnection(HOST, call.port, timeout=30)
    connection.request("GET", "/metrics", headers=dict(call.headers))
    said = connection.getresponse().read().decode()
    connection.close()
    return frozenset(_JUDGED.findall(said))


def _start(upstreams: Upstreams, folder: Path, names: Sequence[str]) -> Gateway:
    data = folder / "penstock"
    data.mkdir()
    port, control = free_port(), free_port()
    target = f"targets: [{{provider: bench, model: {UPSTREAM_MODEL}}}]"
    more = f"  rules: {{{target}, guards: {{{_BY_RULES}}}}}\n"
    if ALL in names:
        more += f"  all: {{{target}, guards: {{{_ALL}}}}}\n"
    more += f"guards: {{remembered_texts: {_REMEMBERED}}}\n"
    program, ready_s = launch_penstock(upstreams, data, port=port, control=control, more=more, source=ROOT / "src")
    call = Call(port, "/v1/chat/completions", headers((data / "data" / "dev-key").read_text().strip()), "bench")
    return Gateway(
        name="Penstock",
        version=penstock_version(),
        program=program,
        unary=call,
        stream=None,
        settings="`penstock up`, one worker; key check, ledger and embedded PostgreSQL on",
        ready_s=ready_s,
    )


def _median(row: Row, what: str) -> float:
    return statistics.median(float(getattr(run, what)) for run in row.runs)


def _added(taken: Sequence[float], plain: Sequence[float]) -> float:
    return statistics.median(one - other for one, other in zip(taken, plain, strict=True))


if __name__ == "__main__":
    raise SystemExit(main())
