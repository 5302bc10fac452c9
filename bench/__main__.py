"""`make bench`: measures, prints ratios, writes bench/results/ and, with --publish, docs/benchmark.md.

`make bench ARGS=encoder` measures the sentence encoder alone, `make bench ARGS=cache` what hits of the caches take,
`make bench ARGS=guards` what guards take of a request, `make bench ARGS=ingest` how fast the ledger takes records,
`make bench ARGS=watched` what contents, traces, quality, rules and alerts take of the data plane's throughput,
`make bench ARGS="against COMMIT"` today's code beside that of an earlier commit.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec

from bench.charts import draw_all
from bench.figures import Run
from bench.gateways import ROOT, STARTERS
from bench.processes import Unavailable
from bench.report import markdown, ratios, target_rows
from bench.run import run
from bench.settings import FULL, QUICK
from bench.soak import REQUESTS, Soak, run_soak

RESULTS = Path(__file__).parent / "results"


class Kept(msgspec.Struct, kw_only=True):
    run: Run
    soak: Soak | None = None


def main() -> int:
    if sys.argv[1:2] == ["encoder"]:
        from bench.encoder import main as encoder  # noqa: PLC0415 - the rest needs none of it

        return encoder(sys.argv[2:])
    if sys.argv[1:2] == ["cache"]:
        from bench.cache import main as cache  # noqa: PLC0415 - same

        return cache(sys.argv[2:])
    if sys.argv[1:2] == ["guards"]:
        from bench.guards import main as guards  # noqa: PLC0415 - same

        return guards(sys.argv[2:])
    if sys.argv[1:2] == ["guard-stream"]:
        from bench.guard_stream import main as guard_stream  # noqa: PLC0415 - same

        return guard_stream(sys.argv[2:])
    if sys.argv[1:2] == ["ingest"]:
        from bench.ingest import main as ingest  # noqa: PLC0415 - same

        return ingest(sys.argv[2:])
    if sys.argv[1:2] == ["watched"]:
        from bench.watched import main as watched  # noqa: PLC0415 - same

        return watched(sys.argv[2:])
    if sys.argv[1:2] == ["against"]:
        from bench.against import main as against  # noqa: PLC0415 - same

        return against(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short rounds: to see that it works, not to quote")
    parser.add_argument("--only", default="", help=f"comma-separated, of {', '.join(STARTERS)}")
    parser.add_argument("--rounds", type=int, help="how many interleaved rounds")
    parser.add_argument("--no-soak", action="store_true", help="leave the 200,000 requests out")
    parser.add_argument("--publish", action="store_true", help="also write docs/benchmark.md and its images")
    parser.add_argument("--from-json", type=Path, help="write the report of an earlier run again, measuring nothing")
    chosen = parser.parse_args()
    plan = QUICK if chosen.quick else FULL
    if chosen.only:
        names = tuple(name for name in chosen.only.split(",") if name)
        unknown = [name for name in names if name not in STARTERS]
        if unknown:
            parser.error(f"unknown gateway {unknown[0]!r}: choose of {', '.join(STARTERS)}")
        plan = replace(plan, gateways=names)
    if chosen.rounds:
        plan = replace(plan, rounds=chosen.rounds)
    if chosen.from_json:
        kept = msgspec.json.decode(chosen.from_json.read_bytes(), type=Kept)
    else:
        with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
            kept = Kept(run=run(plan, Path(folder), _say))
            if "penstock" in plan.gateways and not chosen.no_soak:
                kept.soak = _soak(Path(folder), 20_000 if chosen.quick else REQUESTS)
    _write(kept, is_published=chosen.publish)
    _print(kept)
    return 0


def _soak(folder: Path, requests: int) -> Soak | None:
    try:
        return run_soak(folder / "soak", requests=requests, minutes=0, say=_say)
    except Unavailable as reason:
        _say(f"soak: {reason}")
        return None


def _write(kept: Kept, *, is_published: bool) -> None:
    stamp = kept.run.conditions.date.replace(" UTC", "").replace(" ", "T").replace(":", "")
    folder = RESULTS / stamp
    charts = draw_all(kept.run, kept.soak, folder)
    (folder / "result.json").write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
    (folder / "report.md").write_text(markdown(kept.run, kept.soak, charts, images=""))
    _say(f"written: {folder / 'report.md'}")
    if not is_published:
        return
    images = ROOT / "docs" / "images"
    charts = draw_all(kept.run, kept.soak, images / "benchmark")
    (ROOT / "docs" / "benchmark.md").write_text(markdown(kept.run, kept.soak, charts, images="images/benchmark/"))
    _say("published: docs/benchmark.md")


def _print(kept: Kept) -> None:
    print()
    for line in ratios(kept.run):
        print(line)
    words = {True: "met", False: "MISSED", None: "not judged"}
    print(f"\n{'':32} {'aim':>12} {'measured':>12}")
    for name, aim, shown, is_met in target_rows(kept.run, kept.soak):
        print(f"{name:32} {aim:>12} {shown:>12}   {words[is_met]}")
    for each in kept.run.gateways:
        for reason in each.reasons:
            print(f"{each.name}: {reason}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
