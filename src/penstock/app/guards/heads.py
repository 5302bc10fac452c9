"""Scope heads that were made before: to make one again of thousands of examples takes a minute of every start.

A head is kept under a digest of all that it was made of, so that it is found for the same examples, settings and
encoder and for nothing else.  What cannot be read, was changed or is of another version is made anew.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import structlog

import penstock
from penstock.config.datadir import write_private
from penstock.core.errors import ConfigError
from penstock.core.json import dumps

if TYPE_CHECKING:
    from penstock.guard.scope.head import ScopeHead

_MOST_KEPT: Final = 64
_DIGEST_BYTES: Final = 32
_SUFFIX: Final = ".head"
_log = structlog.get_logger(__name__)


def key_of(parts: Sequence[object]) -> str:
    """The name of a head that is made of these; another version of Penstock may make another of them."""
    return sha256(dumps([penstock.__version__, *parts])).hexdigest()


class KeptHeads:
    """In one folder, for the processes of one machine.  Without `may_write` heads are only read (`penstock check`)."""

    def __init__(self, folder: Path, *, may_write: bool) -> None:
        self._folder = folder
        self._may_write = may_write

    def head(self, key: str, encoder: str, make: "Callable[[], ScopeHead]") -> "ScopeHead":
        """The one that is kept under `key`, or what `make` makes.  Raises what `make` raises."""
        from penstock.guard.scope.head import ScopeHead  # noqa: PLC0415 - numpy, of an extra that not everybody has

        path = self._folder / f"{key}{_SUFFIX}"
        data = self._read(path)
        if data is not None:
            try:
                found = ScopeHead.from_bytes(data, encoder=encoder)
            except ConfigError as error:
                _log.warning("scope_head_made_anew", reason=error.message)
            else:
                if self._may_write:
                    with suppress(OSError):  # of another's file: then it is taken for older than it is
                        os.utime(path)
                return found
        data = make().to_bytes()
        if self._may_write:
            self._write(path, data)
        # What is kept is rounded: read back, so that this start judges as the next one will.
        return ScopeHead.from_bytes(data, encoder=encoder)

    def _read(self, path: Path) -> bytes | None:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("scope_head_made_anew", reason=f"it cannot be read: {error.strerror}")
            return None
        digest, body = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        if sha256(body).digest() != digest:
            _log.warning("scope_head_made_anew", reason="the file is damaged")
            return None
        return body

    def _write(self, path: Path, data: bytes) -> None:
        """Private: it holds vectors of the examples.  Where it cannot be written the next start makes it again."""
        draft = path.with_name(f".{path.name}.{token_hex(8)}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(draft, sha256(data).digest() + data)
            draft.replace(path)
            self._forget()
        except OSError as error:
            _log.warning("scope_head_not_kept", reason=error.strerror)
            with suppress(OSError):  # it is a draft that nobody looks for
                draft.unlink(missing_ok=True)

    def _forget(self) -> None:
        """Drop those that were not used for longest."""
        kept = sorted(self._folder.glob(f"*{_SUFFIX}"), key=lambda each: each.stat().st_mtime, reverse=True)
        for path in kept[_MOST_KEPT:]:
            path.unlink(missing_ok=True)
