"""`penstock worker`: does what takes long beside requests, as `up` starts it and as a fleet runs it."""

import os
from pathlib import Path

from penstock.cli.lifeline import follow_parent
from penstock.cli.settings import ConfigOption, DataDirOption, config_file, load, refuse, with_options
from penstock.config import Config
from penstock.config.logs import configure_logs
from penstock.core.errors import ConfigError


def worker(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Take documents in until SIGTERM; it finishes the one under way, puts the rest back and exits with 0."""
    from penstock.app.knowledge.ingest import run_worker  # noqa: PLC0415 - heavy

    follow_parent(os.environ)
    settings = load(config_file(config), with_options({"data_dir": data_dir}))
    configure_logs(settings.log, process="worker")
    try:
        run_worker(settings, _url(settings))
    except ConfigError as error:
        refuse(error)


def _url(settings: Config) -> str:
    from penstock.storage.embedded import running_url  # noqa: PLC0415 - heavy

    if settings.database_url is not None:
        return settings.database_url.reveal()
    found = running_url(Path(settings.data_dir))
    if found is None:
        # Another exit than that of a wrong configuration: whoever supervises it starts it again.
        raise SystemExit("error: there is no database yet: start penstock up, or name one")
    return found
