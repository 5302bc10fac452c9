"""The last key ring that was read from the database, as a file, so that the data plane starts while Postgres is away.

Holds hashes, never keys.  Written and read by `store`.
"""

from pathlib import Path

import msgspec

from penstock.admission.keys import KeyEntry
from penstock.config.datadir import write_private
from penstock.core.exchange import Principal


class _SavedKey(msgspec.Struct, frozen=True):
    hash: bytes
    tenant: str
    key: str
    expires_at: float | None


def save_snapshot(path: Path, entries: tuple[KeyEntry, ...]) -> None:
    """Replace the file as a whole.  Raises `OSError`."""
    saved = [_SavedKey(entry.hash, entry.principal.tenant, entry.principal.key, entry.expires_at) for entry in entries]
    draft = path.with_suffix(".new")
    write_private(draft, msgspec.json.encode(saved))
    draft.replace(path)


def load_snapshot(path: Path) -> tuple[KeyEntry, ...]:
    """What was saved; nothing where there is no file or it is damaged, since the database will say it again."""
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=list[_SavedKey])
    except (OSError, msgspec.DecodeError):
        return ()
    return tuple(
        KeyEntry(item.hash, Principal(tenant=item.tenant, key=item.key), item.expires_at)
        for item in saved
        if len(item.hash) == 32
    )
