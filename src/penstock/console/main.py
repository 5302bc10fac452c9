"""The control plane as a process: called by `penstock control`."""

import asyncio
import signal
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import uvicorn
from fastapi import FastAPI

from penstock.admission.identity.audit import Change
from penstock.config import Config
from penstock.config.logs import configure_logs
from penstock.config.reload.hangup import heed_hangup
from penstock.console.api import new_api
from penstock.console.configured.reload import reload_on_signal
from penstock.console.plane import ControlPlane, open_plane
from penstock.core.importing import hidden, kept_for_good

_DRAIN_S = 5


class _Server(uvicorn.Server):
    """Ends on SIGTERM by returning; uvicorn's own way is to raise the signal once more, which would kill us.

    SIGHUP has the configuration file read again.
    """

    def __init__(self, config: uvicorn.Config, plane: ControlPlane) -> None:
        super().__init__(config)
        self._plane = plane
        self._reloads: set[asyncio.Task[None]] = set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        kept = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        heed_hangup(self._hang_up)
        try:
            yield
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)

    def _hang_up(self) -> None:
        at = datetime.fromtimestamp(self._plane.clock.now(), UTC)
        change = Change(actor="signal", actor_tenant=None, request_id=self._plane.new_id("req"), at=at)
        reading = asyncio.get_running_loop().create_task(reload_on_signal(self._plane, change))
        self._reloads.add(reading)
        reading.add_done_callback(self._reloads.discard)


def _console() -> Callable[[FastAPI, ControlPlane], object]:
    """To be called before there is any other thread.

    What NiceGUI stands on would read these to be a client, or to share sockets among processes: we do neither.
    """
    with kept_for_good(), hidden("aiohttp", "redis", "requests"):
        from penstock.console.web.mount import mount_console  # noqa: PLC0415 - NiceGUI is half a second of start-up

    return mount_console


def serve(config: Config, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM, ship what is left, return.  Raises `ConfigError` where it cannot start."""
    configure_logs(config.log, process="control")
    mount = _console() if config.control.console.enabled else None
    plane = open_plane(config, environ)
    api = new_api(plane)
    if mount is not None:
        mount(api, plane)
    server = _Server(
        uvicorn.Config(
            api,
            host=config.control.host,
            port=config.control.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_DRAIN_S,
            server_header=False,
        ),
        plane,
    )
    server.run()
    if not server.started:
        raise SystemExit(1)
