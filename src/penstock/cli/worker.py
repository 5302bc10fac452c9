"""`penstock worker`: does what takes long beside requests, as `up` starts it and as a fleet runs it."""

import os
import signal
import threading
from pathlib import Path
from typing import NoReturn

import structlog

from penstock.cli.lifeline import follow_parent
from penstock.cli.settings import ConfigOption, DataDirOption, config_file, load, refuse, with_options
from penstock.config import Config
from penstock.config.logs import configure_logs
from penstock.core.errors import ConfigError
from penstock.core.importing import kept_for_good

_LOOK_EVERY_S = 1.0

_log = structlog.get_logger(__name__)


def worker(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Take documents in until SIGTERM; it finishes the one under way, puts the rest back and exits with 0.

    Where there is no database yet, or none any more, it is waited for.
    """
    with kept_for_good():
        from penstock.app.knowledge.ingest import DatabaseLost, run_worker  # noqa: PLC0415 - heavy
        from penstock.storage.reach import DatabaseNotReady  # noqa: PLC0415 - same

    follow_parent(os.environ)
    settings = load(config_file(config), with_options({"data_dir": data_dir}))
    configure_logs(settings.log, process="worker")
    pause = threading.Event()
    said = ""
    while True:
        signal.signal(signal.SIGTERM, _end)
        try:
            url = _url(settings)
            if url is not None:
                run_worker(settings, url)
                return
            reason = "the embedded one is not running: penstock up starts it"
        except (DatabaseLost, DatabaseNotReady) as error:
            reason = str(error)
        except ConfigError as error:
            if settings.database_url is not None or error.path != "database_url":
                refuse(error)
            reason = str(error)  # the embedded one is only just being made
        if reason != said:
            said = reason
            _log.warning("worker_waits_for_database", reason=reason)
        pause.wait(_LOOK_EVERY_S)


def _url(settings: Config) -> str | None:
    from penstock.storage.embedded import running_url  # noqa: PLC0415 - heavy

    return running_url(Path(settings.data_dir)) if settings.database_url is None else settings.database_url.reveal()


def _end(number: int, _: object) -> NoReturn:
    """While there is nothing to put back."""
    del number
    raise SystemExit(0)
