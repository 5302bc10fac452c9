"""`penstock serve`: the data plane alone, as `up` starts it and as a fleet runs it."""

import os

from penstock.cli.lifeline import follow_parent
from penstock.cli.settings import (
    ConfigOption,
    DataDirOption,
    HostOption,
    PortOption,
    config_file,
    load,
    refuse,
    with_options,
)
from penstock.core.errors import ConfigError
from penstock.core.importing import kept_for_good


def serve(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    host: HostOption = None,
    port: PortOption = None,
) -> None:
    """Run the data plane until SIGTERM; it drains and exits with 0."""
    with kept_for_good():
        from penstock.app.data_plane import serve as run  # noqa: PLC0415 - heavy

    follow_parent(os.environ)
    environ = with_options({"data_dir": data_dir, "server.host": host, "server.port": port})
    settings = load(config_file(config), environ)
    try:
        run(settings, environ)
    except ConfigError as error:
        refuse(error)
