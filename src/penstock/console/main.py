"""The control plane as a process: called by `penstock control`."""

from collections.abc import Mapping

import uvicorn

from penstock.config import Config
from penstock.config.logs import configure_logs
from penstock.console.api import new_api
from penstock.console.plane import open_plane

_DRAIN_S = 5


def serve(config: Config, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM, ship what is left, return.  Raises `ConfigError` where it cannot start."""
    configure_logs(config.log, process="control")
    plane = open_plane(config, environ)
    server = uvicorn.Server(
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
