"""The data directory: what lies where, and how its private files are made.

`penstock up` makes the directory; every process of one installation shares it.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

EXPECTS_DATABASE = "PENSTOCK_EXPECTS_DATABASE"
"""Set by `penstock up` for its children: the embedded PostgreSQL of this directory is being started beside them."""


@dataclass(frozen=True, slots=True)
class DataDir:
    root: Path

    @property
    def dev_key(self) -> Path:
        return self.root / "dev-key"

    @property
    def admin_token(self) -> Path:
        return self.root / "admin-token"

    @property
    def secret(self) -> Path:
        """The key under which API keys are hashed: without it no stored key can be checked."""
        return self.root / "secret"

    @property
    def lock(self) -> Path:
        return self.root / "up.lock"

    @property
    def key_snapshot(self) -> Path:
        """The last key ring read from the database: what the data plane starts with while Postgres is away."""
        return self.root / "keys.json"

    @property
    def rule_snapshot(self) -> Path:
        """The limits and budgets last read from the database, for a start while Postgres is away."""
        return self.root / "rules.json"

    @property
    def spent(self) -> Path:
        """What the processes of this machine have spent of what they hold of limits and budgets."""
        return self.root / "limits"

    @property
    def embedded_database(self) -> Path:
        return self.root / "postgres"

    @property
    def issuer_keys(self) -> Path:
        """The signing keys of token issuers as last fetched, one file for each issuer."""
        return self.root / "issuer-keys"

    @property
    def scope_heads(self) -> Path:
        """What was made of the examples of what assistants are for."""
        return self.root / "scope-heads"

    def make(self) -> None:
        """Make the directory, readable by its owner alone.  Raises `OSError`."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)


def read_or_create(path: Path, make: Callable[[], str]) -> str:
    """The text in `path`; where there is no such file it is made, mode 0600, with `make()` in it.

    Safe against other processes that do the same at the same time: all get the same text.  Raises `OSError`.
    """
    with suppress(FileNotFoundError):
        return path.read_text("ascii").strip()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    write_private(draft, (make() + "\n").encode("ascii"))
    try:
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    return path.read_text("ascii").strip()


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads; it is on disk when this returns.  Raises `OSError`."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
