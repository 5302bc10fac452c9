"""Whether a change made requests slower: `make bench ARGS="against COMMIT"`.

The code of the working tree and that of an earlier commit, each a whole `penstock up`, are asked in turns by the same
client for the same thing: what else the machine does meanwhile hits both.  The commit's sources lie in a git worktree
in a temporary folder; its packages are those of this environment, so that a commit which needs others does not start.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import measure
from bench.gateways import PYTHON, ROOT, Gateway, start_penstock
from bench.machine import loop_s, pause
from bench.processes import Unavailable
from bench.run import running_upstreams

ROUNDS, SECONDS, WARM_S = 7, 5.0, 3.0
_SETTLE_S = 0.5
_ENOUGH = 6
"""Rounds that all say the same of two that are alike: one time in 32."""


@dataclass(slots=True)
class Side:
    """One of the two, started, and what its rounds gave."""

    name: str
    gateway: Gateway
    runs: list[measure.Unary] = field(default_factory=list[measure.Unary])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench against", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("commit", help="what git knows it by; HEAD~1, a tag")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of both, in turns")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each round takes")
    chosen = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
            earlier, today = _measured(Path(folder), chosen.commit, chosen.rounds, chosen.seconds)
    except Unavailable as reason:
        print(f"not measured: {reason}", file=sys.stderr)
        return 2
    print("\n".join(table(earlier.name, earlier.runs, today.name, today.runs)))
    return 0


def table(name: str, earlier: Sequence[measure.Unary], today_name: str, today: Sequence[measure.Unary]) -> list[str]:
    """The medians of both and their ratio: the median of the rounds', each of which compares neighbours in time."""
    lines = [f"| | {name} | {today_name} | ratio | of single rounds | |", "|---|---|---|---|---|---|"]
    for what, unit, more, fewer in (
        ("requests_per_s", "requests/s", "faster", "slower"),
        ("cpu_us", "µs CPU a request", "slower", "faster"),
    ):
        before = [float(getattr(run, what)) for run in earlier]
        after = [float(getattr(run, what)) for run in today]
        ratios = [now / then for then, now in zip(before, after, strict=True)]
        word = more if min(ratios) > 1 else fewer if max(ratios) < 1 else ""
        verdict = f"{word} in each round" if word else "the rounds do not agree"
        lines.append(
            f"| {unit} | {statistics.median(before):,.0f} | {statistics.median(after):,.0f}"
            f" | {statistics.median(ratios):.3f} | {min(ratios):.3f} to {max(ratios):.3f}"
            f" | {verdict if len(ratios) >= _ENOUGH else f'fewer than {_ENOUGH} rounds tell nothing'} |"
        )
    return lines


def _measured(folder: Path, commit: str, rounds: int, seconds: float) -> tuple[Side, Side]:
    print(f"five million turns of a plain loop take {loop_s():.2f} s", flush=True)
    now = _git("describe", "--always", "--dirty")
    with _worktree(folder / "earlier", commit) as tree, running_upstreams(folder) as upstreams:
        sides: list[Side] = []
        try:
            for name, place in ((_git("describe", "--always", commit), tree), (f"now ({now})", ROOT)):
                _require_source(place)
                where = folder / f"side-{len(sides)}"
                gateway = start_penstock(upstreams, where, source=place / "src")
                sides.append(Side(name, gateway))
                measure.check(gateway.unary)
                measure.unary(gateway, seconds=WARM_S)
            for number in range(rounds):
                # Whoever is second meets a machine that is warmer: they take turns in that too.
                for side in sides if number % 2 else reversed(sides):
                    pause(_SETTLE_S)
                    side.runs.append(measure.unary(side.gateway, seconds=seconds))
                    last = side.runs[-1]
                    print(
                        f"round {number + 1}/{rounds} {side.name:28} {last.requests_per_s:8,.0f} requests/s"
                        f" {last.cpu_us:7.0f} µs CPU each",
                        flush=True,
                    )
        finally:
            for side in sides:
                side.gateway.program.stop(timeout_s=30)
    earlier, today = sides
    return earlier, today


@contextmanager
def _worktree(place: Path, commit: str) -> Generator[Path]:
    _git("worktree", "add", "--quiet", "--detach", str(place), commit)
    try:
        yield place
    finally:
        _git("worktree", "remove", "--force", str(place))


def _require_source(place: Path) -> None:
    """That a process started so runs the code that lies there, and not what is installed."""
    command = [str(PYTHON), "-c", "import penstock; print(penstock.__file__)"]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(place / "src")}, capture_output=True, text=True, check=False, cwd=place
    )
    if not done.stdout.startswith(str(place / "src")):
        raise Unavailable(f"{place} is not what would be measured: {done.stdout.strip() or done.stderr[-200:]}")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    except FileNotFoundError:
        raise Unavailable("git is not installed") from None
    if done.returncode != 0:
        raise Unavailable(f"git {arguments[0]}: {done.stderr.strip()[-200:]}")
    return done.stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main())
