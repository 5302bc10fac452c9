"""Everything that `up` runs, as one object: started together, watched, stopped in order."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING

import structlog
import typer

from penstock.cli.banner import banner, model_names
from penstock.cli.lifeline import VARIABLE, Lifeline
from penstock.cli.settings import EXIT_BAD_CONFIG, EXIT_FAILED
from penstock.cli.supervise import Child, ChildFailed, ChildSpec
from penstock.config import Config
from penstock.config.datadir import EXPECTS_DATABASE, DataDir
from penstock.config.logs import configure_logs
from penstock.config.reload.hangup import heed_hangup
from penstock.console.probe import PlaneReply, get
from penstock.core.clock import SystemClock
from penstock.core.errors import ConfigError

if TYPE_CHECKING:
    from penstock.storage.embedded import EmbeddedPostgres

_READY_POLL_S = 0.03
_READY_TIMEOUT_S = 90.0
_DATABASE_POLL_S = 1.0
_RETURN_POLL_S = 1.0
_DRAIN_MARGIN_S = 5.0
_SHIP_TIMEOUT_S = 30.0
_PUT_BACK_TIMEOUT_S = 30.0
_WORK_POLL_S = 1.0

_log = structlog.get_logger(__name__)


class Installation:
    """`run` starts everything and returns the exit code once it has all stopped."""

    def __init__(self, settings: Config, root: DataDir, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._root = root
        self._clock = SystemClock()
        self._lifeline = Lifeline()
        environ = {**environ, VARIABLE: str(self._lifeline.read_fd)}
        if settings.database_url is None:
            environ[EXPECTS_DATABASE] = "1"
        spec = partial(ChildSpec, environ=environ, inherited_fd=self._lifeline.read_fd)
        drain_s = settings.server.drain_timeout_s + _DRAIN_MARGIN_S
        self._data = Child(spec("data plane", _command("serve"), stop_timeout_s=drain_s), self._clock)
        self._control = Child(spec("control plane", _command("control"), stop_timeout_s=_SHIP_TIMEOUT_S), self._clock)
        self._worker = Child(spec("worker", _command("worker"), stop_timeout_s=_PUT_BACK_TIMEOUT_S), self._clock)
        self._postgres: EmbeddedPostgres | None = None
        self._database_asked = asyncio.Event()
        self._missing: str | None = None
        self._stop = asyncio.Event()
        self._signals = 0
        self._code = 0

    async def run(self) -> int:
        configure_logs(self._settings.log, process="up")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)
        heed_hangup(self._on_hangup)
        began_s = self._clock.monotonic()
        try:
            async with asyncio.TaskGroup() as tasks:
                for child in (self._data, self._control):
                    tasks.create_task(self._guarded(child.run()))
                tasks.create_task(self._guarded(self._keep_database()))
                if self._settings.ingest.worker:
                    tasks.create_task(self._keep_worker())
                announcing = tasks.create_task(self._guarded(self._announce(began_s)))
                await self._stop.wait()
                announcing.cancel()
                await asyncio.gather(self._data.stop(), self._worker.stop())
                await self._control.stop()
        finally:
            self._kill()
            if self._postgres is not None:
                await asyncio.to_thread(self._postgres.stop)
            self._lifeline.close()
        return self._code

    def _on_signal(self, number: int) -> None:
        self._signals += 1
        match self._signals:
            case 1:
                typer.echo("Stopping: requests in flight are finished first; once more ends them at once.", err=True)
                self._stop.set()
            case 2:
                typer.echo("Stopping at once: requests in flight are cut off; what is settled is kept.", err=True)
                self._code = self._code or 128 + number
                self._kill()
            case _:
                pass  # the database is closing its files, which takes a moment and is not to be cut short

    def _kill(self) -> None:
        for child in (self._data, self._control, self._worker):
            child.kill()

    def _on_hangup(self) -> None:
        for child in (self._data, self._control):
            child.hang_up()

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        """A part that cannot go on stops the whole, in order, with its exit code."""
        try:
            await work
        except ChildFailed as error:
            self._give_up(str(error), error.exit_code)
        except ConfigError as error:
            self._give_up(str(error), EXIT_BAD_CONFIG)

    def _give_up(self, message: str, code: int) -> None:
        if not self._stop.is_set():
            typer.echo(f"error: {message}", err=True)
            self._code = code
            self._stop.set()

    async def _keep_database(self) -> None:
        """Bring the database up, migrate it, and bring the embedded one up again whenever it has died."""
        await asyncio.to_thread(self._start_database)
        self._database_asked.set()
        while not await self._is_stopping_within(_DATABASE_POLL_S):
            if self._postgres is not None and self._postgres.pid is None:
                _log.warning("database_died")
                try:
                    await asyncio.to_thread(self._postgres.start)
                except (ConfigError, OSError) as error:
                    _log.error("database_not_restarted", reason=str(error))

    async def _keep_worker(self) -> None:
        """Start the worker once there may be work: idle it takes memory that most installations need not spend.

        From then on it is kept running; that it cannot be is no reason to stop serving.
        """
        while not self._database_asked.is_set():
            if await self._is_stopping_within(_WORK_POLL_S):
                return
        # Imported here: the planes start while psycopg is being loaded.
        from penstock.knowledge.jobs.waiting import WorkWatch  # noqa: PLC0415 - see above

        watch = WorkWatch(self._find_url)
        try:
            while not await asyncio.to_thread(watch.is_work):
                if await self._is_stopping_within(_WORK_POLL_S):
                    return
        finally:
            await asyncio.to_thread(watch.close)
        _log.info("worker_started")
        self._worker.mark_ready()
        try:
            await self._worker.run()
        except ChildFailed as error:
            _log.error("worker_given_up", reason=str(error))

    def _find_url(self) -> str | None:
        from penstock.storage.embedded import running_url  # noqa: PLC0415 - see `_start_database`

        url = self._settings.database_url
        return running_url(self._root.root) if url is None else url.reveal()

    def _start_database(self) -> None:
        # Imported here, in a thread: the planes start while psycopg is being loaded.
        from penstock.storage.embedded import EmbeddedPostgres  # noqa: PLC0415 - see above
        from penstock.storage.migrate import migrate  # noqa: PLC0415 - same
        from penstock.storage.reach import DatabaseNotReady  # noqa: PLC0415 - same

        url = self._settings.database_url
        if url is None:
            self._postgres = EmbeddedPostgres(self._root.root)
            migrate(self._postgres.start())
            return
        try:
            migrate(url.reveal())
        except DatabaseNotReady as error:
            self._missing = error.message  # the control plane tries again, and migrates once it can

    async def _is_stopping_within(self, wait_s: float) -> bool:
        try:
            async with asyncio.timeout(wait_s):
                await self._stop.wait()
        except TimeoutError:
            return False
        return True

    async def _announce(self, began_s: float) -> None:
        """Print how to use it once the planes are up; that the database is not there is said and stops nothing."""
        server, control = self._settings.server, self._settings.control
        try:
            async with asyncio.timeout(_READY_TIMEOUT_S), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._until_answered(self._data, server.host, server.port, "/health/ready"))
                tasks.create_task(self._until_answered(self._control, control.host, control.port, "/health/live"))
                tasks.create_task(self._database_asked.wait())
        except TimeoutError:
            self._give_up(f"not ready after {_READY_TIMEOUT_S:g} s", EXIT_FAILED)
            return
        await self._see_whether_the_ledger_is_ready()
        key = self._root.dev_key.read_text("ascii").strip() if self._settings.keys.dev_key else None
        found = await self._get(server.host, server.port, "/v1/models", key)
        models = model_names(found.body) if found is not None and found.status == 200 else ()
        took_s = self._clock.monotonic() - began_s
        typer.echo(banner(self._settings, self._root, models, key=key, took_s=took_s, missing=self._missing))
        if self._missing is not None:
            while not await self._is_ledger_ready():
                await self._clock.sleep(_RETURN_POLL_S)
            typer.echo("The database is there now: what waited in the journal is shipped.")

    async def _until_answered(self, child: Child, host: str, port: int, path: str) -> None:
        while (reply := await self._get(host, port, path, None)) is None or reply.status != 200:
            await self._clock.sleep(_READY_POLL_S)
        child.mark_ready()

    async def _see_whether_the_ledger_is_ready(self) -> None:
        try:
            async with asyncio.timeout(_READY_TIMEOUT_S):
                while self._missing is None and not await self._is_ledger_ready():
                    await self._clock.sleep(_READY_POLL_S)
        except TimeoutError:
            # It was there a moment ago, and requests are being served: that goes on.
            self._missing = f"the control plane has not found the database ready for {_READY_TIMEOUT_S:g} s"

    async def _is_ledger_ready(self) -> bool:
        control = self._settings.control
        reply = await self._get(control.host, control.port, "/health/ready", None)
        return reply is not None and reply.status == 200

    async def _get(self, host: str, port: int, path: str, key: str | None) -> PlaneReply | None:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        return await asyncio.to_thread(get, host, port, path, headers)


def _command(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "penstock.cli", name)
