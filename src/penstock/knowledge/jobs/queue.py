"""The queue: a job for each source that is to be brought up to date, in the same database (procrastinate).

Of one source one job runs and one more may wait.  A job whose worker died is given to another, and does the rest.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import procrastinate
import psycopg
import structlog
from procrastinate.jobs import Job

from penstock.core.clock import Clock
from penstock.knowledge.ingest.sync import Stopped
from penstock.knowledge.jobs.store import QUEUE, TASK, SourceBusy
from penstock.storage.pool import CONNECT_TIMEOUT_S

_ATTEMPTS: Final = 8
_PAUSE_S: Final = 2
_SOON_S: Final = 1
_STOP_S: Final = 20.0

_log = structlog.get_logger(__name__)

BringUpToDate = Callable[[int], None]
"""Given a source; blocks, in a thread.  Raises `Stopped` where it was told to stop."""


def new_app(database_url: str, do: BringUpToDate | None = None) -> procrastinate.App:
    """The queue as whoever uses it sees it; `do` is what a worker does, others give none."""
    connector = procrastinate.PsycopgConnector(
        conninfo=database_url,
        min_size=1,
        max_size=4,
        timeout=CONNECT_TIMEOUT_S,  # for a connection of the pool: who has lost the database is to hear of it soon
        kwargs={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "penstock worker",
            "options": "-c timezone=UTC",
        },
    )
    app = procrastinate.App(connector=connector)

    @app.task(name=TASK, queue=QUEUE, retry=Again())
    def sync(source: int) -> None:
        if do is None:
            raise RuntimeError("this process does no jobs")
        do(source)

    return app


class Again(procrastinate.BaseRetryStrategy):
    """What passes is tried again: after a pause that doubles where the database was away, soon where it was stopped."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision | None:
        if isinstance(exception, Stopped | SourceBusy):
            return procrastinate.RetryDecision(retry_in={"seconds": _SOON_S})
        if isinstance(exception, psycopg.OperationalError) and job.attempts < _ATTEMPTS:
            return procrastinate.RetryDecision(retry_in={"seconds": _PAUSE_S * 2**job.attempts})
        return None


class Worker:
    """`run` until `stop`.  `heartbeat_s` is how often it says that it lives; after three times that it is dead."""

    def __init__(self, app: procrastinate.App, clock: Clock, *, heartbeat_s: float = 5.0) -> None:
        self._app = app
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self._running: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """What is under way must be told by its owner; it has seconds to end, and is put back."""
        if self._running is not None:
            self._running.cancel()

    async def run(self) -> None:
        async with self._app.open_async(), asyncio.TaskGroup() as tasks:
            rescue = tasks.create_task(self._rescue())
            self._running = tasks.create_task(
                self._app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=1,
                    shutdown_graceful_timeout=_STOP_S,
                    install_signal_handlers=False,
                    fetch_job_polling_interval=self._heartbeat_s,
                    update_heartbeat_interval=self._heartbeat_s,
                    stalled_worker_timeout=3 * self._heartbeat_s,
                    delete_jobs="successful",
                )
            )
            await asyncio.wait([self._running])
            rescue.cancel()

    async def _rescue(self) -> None:
        """Give the jobs of dead workers to the living."""
        manager = self._app.job_manager
        while True:
            stalled = await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=3 * self._heartbeat_s)
            for job in stalled:
                _log.warning("job_taken_up_again", job=job.id, arguments=job.task_kwargs)
                await manager.retry_job(job)
            await self._clock.sleep(self._heartbeat_s)
