"""`make evaluate`: replays every recording at hand through a running Penstock and writes docs/conformance.md."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from evaluation.conformance.in_process import InProcess
from evaluation.conformance.over_http import running
from evaluation.conformance.recordings import Recording, load, recordings_folder
from evaluation.conformance.replay import Outcome, Transport, cases, expected_of, replay
from evaluation.conformance.report import markdown
from evaluation.conformance.rooms import clients, endpoints, providers
from evaluation.conformance.summary import coverage_lines

REPORT = Path(__file__).parents[2] / "docs" / "conformance.md"
_AT_ONCE = 8


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluation.conformance")
    parser.add_argument("--folder", type=Path, help="where the recordings are (default: the fullest set at hand)")
    parser.add_argument("--in-process", action="store_true", help="the dialects alone, without sockets and server")
    parser.add_argument("--write", action="store_true", help="also write docs/conformance.md")
    chosen = parser.parse_args()
    recordings, skipped = load(chosen.folder or recordings_folder())
    if not recordings:
        print("no recordings found", file=sys.stderr)  # noqa: T201 - a command speaks
        return 2
    outcomes = asyncio.run(replay_everything(recordings, is_in_process=chosen.in_process))
    for line in coverage_lines(outcomes, skipped):
        print(line)  # noqa: T201 - same
    failures = [outcome for outcome in outcomes if outcome.verdict == "failed"]
    for outcome in failures[:50]:
        print(f"FAILED {outcome.case.name}: {'; '.join(outcome.reasons)}")  # noqa: T201 - same
    if chosen.write:
        REPORT.write_text(markdown(outcomes, skipped, is_in_process=chosen.in_process))
    return 1 if failures else 0


async def replay_everything(recordings: Sequence[Recording], *, is_in_process: bool) -> list[Outcome]:
    if is_in_process:
        return await replay_all(recordings, InProcess(clients(), providers(), endpoints(recordings)))
    with tempfile.TemporaryDirectory(prefix="penstock-conformance-") as folder:
        async with running(recordings, Path(folder)) as transport:
            return await replay_all(recordings, transport)


async def replay_all(recordings: Sequence[Recording], transport: Transport) -> list[Outcome]:
    """Eight recordings at a time, the replays of one in order."""
    waiting = list(recordings)
    outcomes: list[Outcome] = []
    with Progress(transient=True) as progress:
        bar = progress.add_task("replaying", total=len(waiting))

        async def work() -> None:
            while waiting:
                recording = waiting.pop()
                expected = expected_of(recording)
                outcomes.extend([await replay(case, transport, expected) for case in cases([recording])])
                progress.advance(bar)

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(work())
    return sorted(outcomes, key=lambda outcome: outcome.case.name)


if __name__ == "__main__":
    raise SystemExit(main())
