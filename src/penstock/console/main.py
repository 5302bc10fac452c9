"""The control plane as a process: called by `penstock control`."""

import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import uvicorn

from penstock.config import Config
from penstock.config.logs import configure_logs
from penstock.console.api import new_api
from penstock.console.plane import open_plane

_DRAIN_S = 5


class _Server(uvicorn.Server):
    """Ends on SIGTERM by returning; uvicorn's own way is to raise the signal once more, which would kill us."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        kept = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)


def serve(config: Config, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM, ship what is left, return.  Raises `ConfigError` where it cannot start."""
    configure_logs(config.log, process="control")
    plane = open_plane(config, environ)
    server = _Server(
        uvicorn.Config(
            new_api(plane),
            host=config.control.host,
            port=config.control.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_DRAIN_S,
            server_header=False,
        )
    )
    server.run()
    if not server.started:
        raise SystemExit(1)
