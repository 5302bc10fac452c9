"""Starts the upstreams and the gateways and measures them in turns, so that a noisy minute hits all of them alike."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench import measure
from bench.figures import AdmissionCost, Measured, Run
from bench.gateways import (
    CONTROLLED,
    PLAIN,
    STARTERS,
    Call,
    Gateway,
    Upstreams,
    headers,
    launch_penstock,
    start_stream_upstream,
    start_unary_upstream,
)
from bench.issuer import serving
from bench.machine import conditions, pause
from bench.payloads import UPSTREAM_MODEL
from bench.processes import Program, Unavailable
from bench.settings import RATE, Plan
from penstock.testing.ports import free_port

NAMES = {"penstock": PLAIN, "controls": CONTROLLED, "litellm": "LiteLLM", "portkey": "Portkey", "nginx": "nginx"}
_SETTLE_S = 0.5

Say = Callable[[str], None]


def run(plan: Plan, folder: Path, say: Say) -> Run:
    """Everything, in order.  All gateways stay up throughout and idle while another is measured."""
    found = Run(conditions=conditions(plan), direct=[], gateways=[Measured(name=NAMES[name]) for name in plan.gateways])
    with running_upstreams(folder) as upstreams:
        started = _start_all(plan, upstreams, folder, found, say)
        try:
            _rounds(plan, upstreams, started, found, say)
            _streams(plan, started, found, say)
        finally:
            for gateway in started:
                gateway.program.stop()
        if any(gateway.name == PLAIN for gateway in started):
            _second_start(upstreams, folder, found, say)
    if "controls" in plan.gateways:
        _admission(found, say)
    return found


@contextmanager
def running_upstreams(folder: Path) -> Generator[Upstreams]:
    with serving() as issuer:
        ports = Upstreams(free_port(), free_port(), issuer)
        running: list[Program] = []
        try:
            running.append(start_unary_upstream(folder, ports.unary_port))
            running.append(start_stream_upstream(folder, ports.stream_port))
            yield ports
        finally:
            for program in running:
                program.stop()


def _start_all(plan: Plan, upstreams: Upstreams, folder: Path, found: Run, say: Say) -> list[Gateway]:
    started: list[Gateway] = []
    for name, figures in zip(plan.gateways, found.gateways, strict=True):
        say(f"{figures.name}: starting (installing it first, where it is not there)")
        try:
            gateway = STARTERS[name](upstreams, folder)
        except Unavailable as reason:
            figures.reasons.append(f"not measured: {reason}")
            say(f"{figures.name}: {reason}")
            continue
        started.append(gateway)
        figures.version, figures.settings = gateway.version, gateway.settings
        figures.ready_s.append(gateway.ready_s)
        try:
            measure.check(gateway.unary)
            figures.idle = measure.footprint(gateway)
            measure.unary(gateway, seconds=plan.warm_s)
        except Unavailable as reason:
            figures.reasons.append(f"unary requests: {reason}")
            say(f"{figures.name}: {reason}")
    return started


def _rounds(plan: Plan, upstreams: Upstreams, started: list[Gateway], found: Run, say: Say) -> None:
    direct = Call(upstreams.unary_port, "/v1/chat/completions", headers("bench"), UPSTREAM_MODEL)
    for number in range(1, plan.rounds + 1):
        for gateway in started:
            figures = found.named(gateway.name)
            if figures is None or any(reason.startswith("unary") for reason in figures.reasons):
                continue
            try:
                closed = measure.unary(gateway, seconds=plan.unary_s)
                pause(_SETTLE_S)
                floor = measure.arrivals(direct, rate=RATE, seconds=plan.arrivals_s)
                opened = measure.arrivals(gateway.unary, rate=RATE, seconds=plan.arrivals_s)
            except Unavailable as reason:
                figures.reasons.append(f"unary requests: {reason}")
                say(f"{gateway.name}: {reason}")
                continue
            found.direct.append(floor)
            figures.unary.append(closed)
            figures.arrivals.append(opened)
            if opened.answered >= 0.999 * opened.sent:
                figures.added_p50_ms.append(opened.p50_ms - floor.p50_ms)
                figures.added_p99_ms.append(opened.p99_ms - floor.p99_ms)
            say(
                f"round {number}/{plan.rounds} {gateway.name:25} {closed.requests_per_s:9,.0f} requests/s "
                f"{closed.cpu_us:9,.0f} µs CPU each, p99 at {RATE:.0f}/s {opened.p99_ms:8.2f} ms "
                f"(direct {floor.p99_ms:.2f})"
            )
            pause(_SETTLE_S)
    for gateway in started:
        figures = found.named(gateway.name)
        if figures is not None:
            figures.loaded = measure.footprint(gateway)


def _streams(plan: Plan, started: list[Gateway], found: Run, say: Say) -> None:
    for gateway in started:
        figures = found.named(gateway.name)
        if figures is None or gateway.stream is None:
            continue
        try:
            figures.streams = measure.most_streams(gateway, plan.levels, seconds=plan.streams_s)
        except Unavailable as reason:
            figures.reasons.append(f"streams: {reason}")
            say(f"{gateway.name}: {reason}")
            continue
        last = figures.streams[-1]
        if not last.is_clean:
            result = last.result
            figures.reasons.append(
                f"at {result.streams} streams: {result.stalls} stalls ({result.stalls_while_client_waited} of them "
                f"while the measuring client itself waited for a CPU), {result.failed} streams failed"
                + (f" ({result.first_failure[:120]})" if result.first_failure else "")
            )
        say(f"streams {gateway.name:25} {figures.most_streams} at once without a stall")
        pause(_SETTLE_S)


def _admission(found: Run, say: Say) -> None:
    try:
        cost = found.admission = msgspec.json.decode(measure.admission(), type=AdmissionCost)
    except Unavailable as reason:
        say(f"admission by itself: {reason}")
        return
    say(
        f"admission by itself: {cost.known_us:.1f} µs CPU, {cost.unseen_us:.0f} µs with a token never seen, "
        f"{cost.without_us:.1f} µs without limits"
    )


def _second_start(upstreams: Upstreams, folder: Path, found: Run, say: Say) -> None:
    figures = found.named("Penstock")
    if figures is None:
        return
    try:
        program, seconds = launch_penstock(upstreams, folder / "penstock", port=free_port(), control=free_port())
    except Unavailable as reason:
        figures.reasons.append(f"second start: {reason}")
        return
    figures.ready_s.append(seconds)
    say(f"Penstock: ready {figures.ready_s[0]:.1f} s after its first start, {seconds:.1f} s after its second")
    code = program.stop(timeout_s=30)
    if code != 0:
        figures.reasons.append(f"exited with {code} on SIGTERM")
