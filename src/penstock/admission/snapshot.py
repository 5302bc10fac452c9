"""What was last read from the database of keys, tenants and credentials, as a file, so that the data plane starts while
Postgres is away.

Holds hashes and sealed credentials, never a key or a credential in the clear.  Written and read by `store`.
"""

from pathlib import Path
from secrets import token_hex

import msgspec

from penstock.admission.identity.known import Known, SealedCredential, TenantEntry
from penstock.admission.keys import KeyEntry
from penstock.config.datadir import write_private


class _Saved(msgspec.Struct, frozen=True):
    keys: tuple[KeyEntry, ...]
    tenants: tuple[TenantEntry, ...]
    credentials: tuple[SealedCredential, ...]


def save_snapshot(path: Path, known: Known) -> None:
    """Replace the file as a whole, whoever else does the same.  Raises `OSError`."""
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        write_private(draft, msgspec.json.encode(_Saved(known.keys, known.tenants, known.credentials)))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def load_snapshot(path: Path) -> Known:
    """What was saved; nothing where there is no file or it is damaged, since the database will say it again."""
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=_Saved)
    except (OSError, msgspec.DecodeError):
        return Known()
    if any(len(entry.hash) != 32 for entry in saved.keys):
        return Known()
    return Known(saved.keys, saved.tenants, saved.credentials)
