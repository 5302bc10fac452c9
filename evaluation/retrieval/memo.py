"""What the encoder said of a text, kept on disk from one run to the next: its vector, and its tokens' in 16 bits.

A development aid: the product never reads it.  A file belongs to one encoder; it lies in PENSTOCK_EVALUATION_MEMO, or
else in the user's cache folder.
"""

import hashlib
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from penstock.encoder.model import Model

_AT_ONCE = 200


class Kept(msgspec.Struct, array_like=True):
    """What is kept of one text."""

    sentence: bytes
    tokens: bytes
    spans: list[tuple[int, int]]

    @property
    def vector(self) -> NDArray[np.float32]:
        return np.frombuffer(self.sentence, np.float32)

    def token_vectors(self) -> NDArray[np.float32]:
        """A row for each of `spans`."""
        return np.frombuffer(self.tokens, np.float16).reshape(-1, len(self.vector)).astype(np.float32)


class Memo:
    """See the module."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.identity = model.identity
        folder = Path(os.environ.get("PENSTOCK_EVALUATION_MEMO", Path.home() / ".cache" / "penstock" / "evaluation"))
        folder.mkdir(parents=True, exist_ok=True)
        self._kept = sqlite3.connect(folder / f"retrieval-{model.identity[:32]}.sqlite")
        self._kept.execute("create table if not exists encoded (text blob primary key, found blob)")

    def fill(self, texts: Sequence[str]) -> None:
        """Read what is not known yet."""
        missing = [text for text in dict.fromkeys(texts) if not self._has(text)]
        for at in range(0, len(missing), _AT_ONCE):
            part = missing[at : at + _AT_ONCE]
            rows = [(_key(text), self._encoded(text)) for text in part]
            with self._kept:
                self._kept.executemany("insert or replace into encoded values (?, ?)", rows)
            if len(missing) >= _AT_ONCE:
                sys.stderr.write(f"\rencoded {at + len(part)} of {len(missing)} ")
                sys.stderr.flush()

    def get(self, text: str) -> Kept:
        """What `fill` has read."""
        row = self._kept.execute("select found from encoded where text = ?", (_key(text),)).fetchone()
        return msgspec.msgpack.decode(row[0], type=Kept)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row of unit length for each text."""
        self.fill(texts)
        return np.stack([self.get(text).vector for text in texts])

    def _has(self, text: str) -> bool:
        return self._kept.execute("select 1 from encoded where text = ?", (_key(text),)).fetchone() is not None

    def _encoded(self, text: str) -> bytes:
        found = self._model.encode(text)
        return msgspec.msgpack.encode(
            Kept(found.sentence.tobytes(), found.tokens.astype(np.float16).tobytes(), list(found.spans))
        )


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
