"""The settings as they may be shown, and the hash that stands in every ledger row.

Both show a secret as its reference, so that rotating a secret changes neither.
"""

from hashlib import sha256
from typing import cast

import msgspec

from penstock.config.secret import Secret
from penstock.config.types import Settings
from penstock.core.json import JsonObject


def redacted(settings: Settings) -> JsonObject:
    """Every setting, defaults included, with secrets as references."""
    shown = {field.name: getattr(settings, field.name) for field in msgspec.structs.fields(Settings)}
    return cast("JsonObject", msgspec.to_builtins(shown, enc_hook=_shown))


def config_hash(settings: Settings) -> str:
    """16 hexadecimal digits, equal for equal settings whatever the file looked like."""
    canonical = msgspec.json.encode(redacted(settings), order="deterministic")
    return sha256(canonical).hexdigest()[:16]


def _shown(value: object) -> object:
    if isinstance(value, Secret):
        return value.shown()
    raise NotImplementedError
