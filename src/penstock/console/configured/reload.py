"""The configuration file read again, over the admin API and on SIGHUP: checked whole, audited, and told to the planes.

Each plane reads its own file: this one at once, the data planes when the audit's row is announced to them.
"""

import asyncio
from collections.abc import Mapping

import psycopg
import structlog
from pydantic import BaseModel, Field

from penstock.admission.identity.audit import Change, Subject, record
from penstock.admission.limits.rules.store import ANNOUNCE
from penstock.admission.limits.rules.stored import CHANNELS, RELOAD, last_reload
from penstock.config import Config
from penstock.config.problems import lines_of
from penstock.config.reload.changes import Adoption, adopt
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.plane import ControlPlane
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError, Overloaded, PenstockError
from penstock.storage.follow import Follower, Following

router = admin_router("/config")

_log = structlog.get_logger(__name__)


class BrokenConfig(PenstockError):
    """The file as it stands now could not be started with, so nothing of it is taken over."""

    code = "broken_config"
    status = 409


class ReloadView(BaseModel):
    """What the control plane found in its file.  Paths are dotted; an item of a list goes by its name."""

    file: str | None
    config_hash: str = Field(description="Of what is in force from now on.")
    taken: list[str] = Field(description="What differed and is in force now, on data planes within a second or so.")
    needs_restart: list[str] = Field(description="What differs and is not in force before a restart.")


@router.post("/reload", openapi_extra=needs("config.reload"), responses=errors(403, 409))
async def reload(plane: Plane, call: Caller) -> ReloadView:
    """Read the configuration file again and take over what needs no restart: limits, budgets, tenants, alerts,
    objectives, review, traces.

    A file with any mistake in it changes nothing; the error names each with its line.  Data planes read their own file;
    one that finds it broken says so in its `/health`.
    """
    async with plane.reloading:
        adoption = await _read(plane)
        await _announce(plane, call.change(), adoption)
        plane.use(adoption.config)
    return ReloadView(
        file=adoption.config.file,
        config_hash=adoption.config.config_hash,
        taken=list(adoption.taken),
        needs_restart=list(adoption.needs_restart),
    )


async def reload_on_signal(plane: ControlPlane, change: Change) -> None:
    """As over the API, except that it is taken over without a database too.  Never raises; the log says how it went."""
    async with plane.reloading:
        try:
            adoption = await _read(plane)
        except BrokenConfig as error:
            _log.error("config_not_reloaded", problems=error.public.splitlines())
            return
        plane.use(adoption.config)
        _log.info("config_reloaded", taken=adoption.taken, needs_restart=adoption.needs_restart)
        try:
            await _announce(plane, change, adoption)
        except (Overloaded, psycopg.Error) as error:
            _log.warning("config_reload_not_announced", reason=str(error))


def file_follower(plane: ControlPlane) -> Follower:
    """Reads the file again when another control plane announces it; `start` and `stop` it with the plane."""
    seen: list[int | None] = [None]

    def look(connection: psycopg.Connection) -> None:
        announced = last_reload(connection)
        if announced == seen[0]:
            return
        seen[0] = announced
        try:
            adoption = adopt(plane.config, _read_again(plane.config, plane.environ, plane.clock))
        except ConfigError as error:
            _log.error("config_not_reloaded", problems=lines_of(error))
            return
        if adoption.taken:
            plane.use(adoption.config)
            _log.info("config_reloaded", taken=adoption.taken, needs_restart=adoption.needs_restart)

    following = Following("config", CHANNELS[:1], plane.config.keys.refresh_s, look)
    return Follower(following, plane.listening)


async def _read(plane: ControlPlane) -> Adoption:
    try:
        written = await asyncio.to_thread(_read_again, plane.config, plane.environ, plane.clock)
    except ConfigError as error:
        raise BrokenConfig("\n".join(lines_of(error))) from None
    return adopt(plane.config, written)


def _read_again(running: Config, environ: Mapping[str, str], clock: Clock) -> Config:
    # Imported here: it brings every provider, and most control planes are never asked.
    from penstock.app.reload import read_again  # noqa: PLC0415 - see above

    return read_again(running, environ, clock)


async def _announce(plane: ControlPlane, change: Change, adoption: Adoption) -> None:
    """The row in the audit is what the data planes go by; the notification only makes them look now."""
    subject = Subject(
        id=RELOAD,
        tenant=None,
        before={"config_hash": plane.config.config_hash},
        after={"config_hash": adoption.config.config_hash, **dict.fromkeys(adoption.taken, "taken over")},
    )
    async with plane.database.connection() as connection, connection.transaction():
        await record(connection, change, "config.reloaded", subject)
        await connection.execute(ANNOUNCE)
