"""What a first start makes, once for a run: a cluster with the schema in its database, and the compiled prices.

It takes some ten seconds of processor time, which each worker of a run would spend.
"""

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path
from shutil import rmtree

import psycopg

from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate
from penstock.watch.prices import ensure_table


def is_worker() -> bool:
    """Whether this process is one of several that share a run."""
    return "PYTEST_XDIST_WORKER" in os.environ


def _folder() -> Path:
    """The run's own: workers are children of the process that began it."""
    return Path(tempfile.gettempdir()) / f"penstock-first-{os.getppid() if is_worker() else os.getpid()}"


def first_start() -> Path:
    """A data directory as a first start leaves it, to be copied and not to be written to.

    What is killed in tests are processes, and no machine: nothing of it needs to be on the disk.
    """
    folder = _folder()
    folder.mkdir(mode=0o755, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / "data"
        if not made.exists():
            draft = folder / "draft"  # whoever is killed over it leaves this, and no half of the other
            rmtree(draft, ignore_errors=True)
            draft.mkdir(mode=0o700)
            with EmbeddedPostgres(draft) as server:
                url = server.start()
                migrate(url)
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute("ALTER SYSTEM SET fsync = off")
            ensure_table(draft)
            draft.rename(made)
    return made


def copy_to(data_dir: Path, *more: Path) -> None:
    """The cluster, and what else of it is named."""
    subprocess.run(["cp", "-a", first_start() / "postgres", *more, data_dir], check=True)


def forget() -> None:
    """For whoever begins a run, before it and after: a process of the same number may have left one."""
    if not is_worker():
        rmtree(_folder(), ignore_errors=True)
