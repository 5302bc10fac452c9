"""Bringing a source up to date as a person watches it: here, or by a worker that is waited for."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from penstock.cli.kb.opening import Open, fail
from penstock.knowledge.ingest.progress import Progress
from penstock.knowledge.ingest.sources.source import SourceUnavailable
from penstock.knowledge.jobs import store
from penstock.knowledge.jobs.specs import Run, SourceRow
from penstock.knowledge.jobs.store import SourceBusy
from penstock.knowledge.jobs.syncing import bring_up_to_date

_LOOK_EVERY_S = 0.5
_OVER = ("done", "failed")


def sync_here(at: Open, row: SourceRow, *, quiet: bool) -> Run | None:
    """In this process.  Ends the command where another one is at it."""
    with bar_over(row.name, quiet=quiet) as report:
        try:
            bring_up_to_date(at.connect, row.id, at.means, report=report)
        except SourceBusy:
            fail(f"{row.name} is being brought up to date already: penstock kb sync --wait")
        except SourceUnavailable:
            pass  # the run says so
    return store.run_of(at.sources, row.id)


def wait_for(at: Open, row: SourceRow, *, quiet: bool) -> Run | None:
    """Until a worker has done it."""
    with bar_over(row.name, quiet=quiet) as report:
        return asyncio.run(_until_over(at, row, report))


async def _until_over(at: Open, row: SourceRow, report: Callable[[Progress], None]) -> Run | None:
    while True:
        run = store.run_of(at.sources, row.id)
        if run is not None:
            report(run.progress)
        if run is None or run.state in _OVER:
            return run
        await at.means.clock.sleep(_LOOK_EVERY_S)


@contextmanager
def bar_over(name: str, *, quiet: bool) -> Generator[Callable[[Progress], None]]:
    """A bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn())
    more = (TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    with Bar(*columns, *more, console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(name[-40:], total=None, note="")

        def report(progress: Progress) -> None:
            is_reading = progress.phase in {"reading", "done"}
            left = "" if progress.left_s is None else f" {progress.left_s:.0f} s left"
            bar.update(
                task,
                total=(progress.to_read if is_reading else progress.files) or None,
                completed=progress.read if is_reading else progress.compared,
                note=f"{progress.phase}: {progress.chunks} chunks, {progress.failed} failed{left}",
            )

        yield report
