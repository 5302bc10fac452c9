"""How a process of Penstock logs: one line of JSON (or, in a terminal, of colour) on standard error.

Called once by each process at start.  Standard output is for what a command was asked to print.
"""

import logging
import sys
from typing import TextIO, cast

import structlog

from penstock.config.types import Log


def configure_logs(settings: Log, *, process: str) -> None:
    """Set structlog up; `process` names this process in every line."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]

    def named(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["process"] = process  # not a context variable: threads that are older than this call log too
        return event

    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if settings.format == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            named,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[_Forward()], force=True)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # health says once what it would repeat every second


def log_beside_output() -> None:
    """For a command that prints what it was asked for: whatever is logged meanwhile goes to standard error."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _StandardError())))


class _StandardError:
    """Whichever stream it is by then."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


class _Forward(logging.Handler):
    """What libraries say through `logging`, as lines of our own."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        logger.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
