"""What counts as personal data, what becomes of it, and who sees it again, as frozen values."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

import msgspec

from penstock.config.guards.guarding import GuardAction, Guarding, Share, Unreadable
from penstock.config.secret import Secret

Kind = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z_]{0,31}$")]
Lifetime = Annotated[float, msgspec.Meta(gt=0, le=366 * 86_400.0)]

_MIB: Final = 1024 * 1024
_KEY_BYTES: Final = 32


class RestoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who sees values again in place of their tokens: callers with one of `roles`, whose request says one of
    `purposes`; an empty list asks for nothing.  `kinds` are those that they see, all where it is empty.
    """

    roles: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()


class PersonalDataSettings(Guarding, frozen=True, kw_only=True):
    """Personal data leaves as tokens (`<IBAN_1>`), and comes back as what it was to those whom `restore` names;
    without it to every caller, with an empty list to nobody.

    `kinds` are looked for; where it is empty, those that are about a person by themselves.  `actions` are by kind,
    `mask` where none is named; `names` finds people, places and organisations, which needs the encoder, from
    `least_score` on; `names_in_answers` looks for them in answers too, sentence by sentence.  `answers` is what becomes
    of personal data that the model says of its own accord.  What cannot be read (a picture, sound, a file by
    reference) is `unreadable`: blocked, or let through as it is.
    """

    kinds: tuple[Kind, ...] = ()
    actions: dict[Kind, GuardAction] = msgspec.field(default_factory=dict[Kind, GuardAction])
    names: bool = True
    names_in_answers: bool = False
    least_score: Share = 0.5
    answers: GuardAction = "mask"
    unreadable: Unreadable = "block"
    restore: tuple[RestoreSettings, ...] | None = None


class VaultSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How long tokens of a conversation that its client names keep their values: `ttl_s` from its last turn.

    In each process up to `memory_bytes`, and, with `persist`, in PostgreSQL, sealed under `key` (32 bytes as 64
    hexadecimal digits; that of the data directory where it is left out).  To change it, name the new one here and the
    old one in `previous_keys` until `ttl_s` has passed.  A turn whose conversation is not in memory asks for it there,
    for `lookup_s` at most; `waiting_bytes` bounds what waits to be written.
    """

    ttl_s: Lifetime = 86_400.0
    persist: bool = True
    key: Secret | None = None
    previous_keys: tuple[Secret, ...] = ()
    memory_bytes: Annotated[int, msgspec.Meta(ge=_MIB)] = 64 * _MIB
    waiting_bytes: Annotated[int, msgspec.Meta(ge=_MIB)] = 16 * _MIB
    lookup_s: Annotated[float, msgspec.Meta(gt=0, le=1.0)] = 0.1


def broken_vault(vault: VaultSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken."""
    named = ((f"previous_keys.{place}", key) for place, key in enumerate(vault.previous_keys))
    for path, key in (("key", vault.key), *named):
        if key is not None and not _is_key(key.reveal()):
            yield (
                f"guards.vault.{path}",
                "it must be 32 bytes as 64 hexadecimal digits, as `openssl rand -hex 32` prints them",
            )


def _is_key(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == _KEY_BYTES
    except ValueError:
        return False


class ListSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What else is personal data here: words and names (`terms`), and expressions in RE2's syntax (`patterns`).

    It holds for `tenants`, or for all where it is empty.
    """

    kind: Kind
    terms: tuple[Annotated[str, msgspec.Meta(min_length=2, max_length=200)], ...] = ()
    patterns: tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=1000)], ...] = ()
    tenants: tuple[str, ...] = ()


def broken_lists(lists: Mapping[str, ListSettings]) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken."""
    for name, each in lists.items():
        if not each.terms and not each.patterns:
            yield f"guards.lists.{name}", "it has neither `terms` nor `patterns`"
