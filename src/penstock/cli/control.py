"""`penstock control`: the control plane alone, as `up` starts it."""

import os

from penstock.cli.lifeline import follow_parent
from penstock.cli.settings import (
    ConfigOption,
    ControlPortOption,
    DataDirOption,
    config_file,
    load,
    refuse,
    with_options,
)
from penstock.core.errors import ConfigError
from penstock.core.importing import kept_for_good


def control(
    config: ConfigOption = None, data_dir: DataDirOption = None, control_port: ControlPortOption = None
) -> None:
    """Run the control plane (health, admin API, shipping of the ledger) until SIGTERM; it exits with 0."""
    with kept_for_good():
        from penstock.console.main import serve  # noqa: PLC0415 - heavy

    follow_parent(os.environ)
    environ = with_options({"data_dir": data_dir, "control.port": control_port})
    settings = load(config_file(config), environ)
    try:
        serve(settings, environ)
    except ConfigError as error:
        refuse(error)
