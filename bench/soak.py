"""Many requests through one Penstock, watching its memory: `python -m bench.soak` (`make soak`).

Fails (exit 1) where the memory of the data plane at the end is over 5 % away from where it was once warmed up.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench import measure
from bench.gateways import Gateway, Upstreams, start_penstock, start_stream_upstream, start_unary_upstream
from bench.processes import Program, Unavailable
from penstock.testing.ports import free_port

REQUESTS = 200_000
WARM_REQUESTS = 20_000
TOLERANCE = 0.05
_SLICE_S = 3.0


class Sample(msgspec.Struct, kw_only=True):
    requests: int
    rss_mb: float
    all_pss_mb: float


class Soak(msgspec.Struct, kw_only=True):
    """`settled_mb` is the resident memory after the warm-up, `change` how far the end is from it (0.02 is 2 %)."""

    samples: list[Sample]
    settled_mb: float
    change: float
    requests: int
    errors: int
    requests_per_s: float

    @property
    def is_flat(self) -> bool:
        return abs(self.change) <= TOLERANCE


def soak(gateway: Gateway, *, requests: int, minutes: float, say: Callable[[str], None]) -> Soak:
    """Until `requests` are answered, and at least for `minutes`."""
    samples = [_sample(gateway, 0)]
    done = errors = 0
    settled_mb: float | None = None
    began = time.monotonic()
    while done < WARM_REQUESTS + requests or time.monotonic() - began < minutes * 60:
        run = measure.unary(gateway, seconds=_SLICE_S)
        done += run.requests
        errors += run.errors
        samples.append(_sample(gateway, done))
        if settled_mb is None and done >= WARM_REQUESTS:
            settled_mb = samples[-1].rss_mb
        say(f"{done:9,} requests, {samples[-1].rss_mb:6.1f} MB resident, {run.requests_per_s:,.0f} requests/s")
    settled = settled_mb if settled_mb is not None else samples[-1].rss_mb
    return Soak(
        samples=samples,
        settled_mb=settled,
        change=samples[-1].rss_mb / settled - 1,
        requests=done,
        errors=errors,
        requests_per_s=done / (time.monotonic() - began),
    )


def _sample(gateway: Gateway, requests: int) -> Sample:
    seen = measure.footprint(gateway)
    return Sample(requests=requests, rss_mb=seen.data_plane_rss_mb, all_pss_mb=seen.all_pss_mb)


def run_soak(folder: Path, *, requests: int, minutes: float, say: Callable[[str], None]) -> Soak:
    ports = Upstreams(free_port(), free_port())
    running: list[Program] = []
    try:
        running.append(start_unary_upstream(folder, ports.unary_port))
        running.append(start_stream_upstream(folder, ports.stream_port))
        gateway = start_penstock(ports, folder)
        running.append(gateway.program)
        measure.check(gateway.unary)
        return soak(gateway, requests=requests, minutes=minutes, say=say)
    finally:
        for program in reversed(running):
            program.stop(timeout_s=30)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=REQUESTS, help="how many, after the warm-up")
    parser.add_argument("--minutes", type=float, default=0.0, help="at least so long")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="penstock-soak-") as folder:
        try:
            seen = run_soak(Path(folder), requests=chosen.requests, minutes=chosen.minutes, say=print)
        except Unavailable as reason:
            print(f"not measured: {reason}", file=sys.stderr)
            return 2
    words = "flat" if seen.is_flat else "NOT flat"
    print(
        f"{seen.requests:,} requests, {seen.errors} errors: {seen.settled_mb:.1f} MB once warm, "
        f"{seen.samples[-1].rss_mb:.1f} MB at the end ({seen.change:+.1%}): {words} within {TOLERANCE:.0%}"
    )
    return 0 if seen.is_flat and not seen.errors else 1


if __name__ == "__main__":
    raise SystemExit(main())
