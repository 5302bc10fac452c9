"""The data plane reads its configuration file again: on SIGHUP, and when the control plane says so over the database.

The whole file is checked as a start would check it, in a thread; only a sound one is taken over, on the event loop, and
only its live sections (`config.reload.changes`).  A broken one changes nothing; `/health` and the log name its lines.
"""

import asyncio
from asyncio import Future
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog

from penstock.admission.limits.rules.written import rules_of_file
from penstock.app.money.prices import check_prices
from penstock.app.upstreams import connect, new_catalog
from penstock.config import Config, read
from penstock.config.problems import lines_of
from penstock.config.reload.changes import adopt
from penstock.config.reload.hangup import heed_hangup
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.watch.rules.opening import rules_of

_log = structlog.get_logger(__name__)


def read_again(running: Config, environ: Mapping[str, str], clock: Clock) -> Config:
    """The file of `running` as it stands now, checked as a start checks it.  Raises `ConfigError`; calls nobody."""
    written = read(running.file, environ)
    rules_of_file(written)
    catalog = new_catalog(written, connect(written, environ, clock))
    check_prices(written, clock, catalog.providers())
    rules_of(written)
    return written


class Reloader:
    """`start` once, on the event loop that serves; `ask` from any thread, as often as one likes.

    `use` takes over what is in force from now on, on the event loop.
    """

    def __init__(
        self, config: Config, environ: Mapping[str, str], clock: Clock, *, use: Callable[[Config], None]
    ) -> None:
        self._running = config
        self._environ = environ
        self._clock = clock
        self._use = use
        self._loop: asyncio.AbstractEventLoop | None = None
        self.is_reading = False
        self._is_asked_again = False
        self._problems: tuple[str, ...] = ()

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        heed_hangup(self.ask)

    def ask(self) -> None:
        """Read the file again, soon."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has closed: this process is at its end
                self._loop.call_soon_threadsafe(self._begin)

    def problems(self) -> tuple[str, ...]:
        """For `/health`: that the file is broken, or that what runs is not what stands in it."""
        return self._problems

    def _begin(self) -> None:
        if self.is_reading or self._loop is None:
            self._is_asked_again = True
            return
        self.is_reading, self._is_asked_again = True, False
        reading = self._loop.run_in_executor(None, read_again, self._running, self._environ, self._clock)
        reading.add_done_callback(self._end)

    def _end(self, reading: "Future[Config]") -> None:
        self.is_reading = False
        try:
            self._take(reading.result())
        except ConfigError as error:
            said = lines_of(error)
            _log.error("config_not_reloaded", problems=said)
            self._problems = tuple(f"the configuration file is broken and was not taken over: {each}" for each in said)
        except Exception as error:  # noqa: BLE001 - boundary: a background job; what runs goes on
            _log.exception("config_not_reloaded")
            self._problems = (f"the configuration file could not be taken over: {type(error).__name__}",)
        if self._is_asked_again:
            self._begin()

    def _take(self, written: Config) -> None:
        adoption = adopt(self._running, written)
        if adoption.taken:
            self._use(adoption.config)
            self._running = adoption.config
        self._problems = ()
        if adoption.needs_restart:
            names = ", ".join(adoption.needs_restart)
            self._problems = (f"the configuration file was changed in what needs a restart: {names}",)
        _log.info(
            "config_reloaded",
            taken=adoption.taken,
            needs_restart=adoption.needs_restart,
            config_hash=adoption.config.config_hash,
        )
