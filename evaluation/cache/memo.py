"""What the encoder said of a text, kept on disk from one run to the next: replays over many seeds then take seconds.

A development aid: the product never reads it.  A file belongs to one encoder, to the last bit, and one projection of
the words; it lies in PENSTOCK_EVALUATION_MEMO, or else in the user's cache folder.  Tokens are kept as they are
compared, in the projection's dimensions, so that 40,000 questions take 150 MB.
"""

import hashlib
import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from penstock.cache.semantic.question import Weights
from penstock.encoder.model import Encoded, Model

_THREADS: Final = 2
_AT_ONCE: Final = 500


class _Kept(msgspec.Struct, array_like=True):
    sentence: bytes
    tokens: bytes
    spans: tuple[tuple[int, int], ...]
    is_whole: bool
    unknown: tuple[tuple[int, int], ...]


class Memo:
    """See the module.  What it gives has its tokens in the projection already: read it with `projected`'s weights."""

    def __init__(self, model: Model, weights: Weights) -> None:
        self._model = model
        self._projection = weights.projection
        self.projected = Weights(
            np.eye(weights.width, dtype=np.float32), weights.pair, weights.least_pair, weights.least_similarity
        )
        named = hashlib.sha256(model.identity.encode() + weights.projection.tobytes()).hexdigest()[:32]
        folder = Path(os.environ.get("PENSTOCK_EVALUATION_MEMO", Path.home() / ".cache" / "penstock" / "evaluation"))
        folder.mkdir(parents=True, exist_ok=True)
        self._kept = sqlite3.connect(folder / f"{named}.sqlite")
        self._kept.execute("create table if not exists encoded (text blob primary key, found blob) without rowid")

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """In their order; only what is not known yet is read by the model."""
        found = {text: self._find(text) for text in texts}
        missing = [text for text, each in found.items() if each is None]
        with ThreadPoolExecutor(_THREADS) as pool:
            for at in range(0, len(missing), _AT_ONCE):
                part = missing[at : at + _AT_ONCE]
                fresh = dict(zip(part, pool.map(self._encode, part), strict=True))
                with self._kept:
                    self._kept.executemany(
                        "insert or replace into encoded values (?, ?)",
                        [(_key(text), _packed(each)) for text, each in fresh.items()],
                    )
                found |= fresh
        return [each for text in texts if (each := found[text]) is not None]

    def _encode(self, text: str) -> Encoded:
        read = self._model.encode(text)
        return Encoded(read.sentence, read.tokens @ self._projection.T, read.spans, read.is_whole, read.unknown)

    def _find(self, text: str) -> Encoded | None:
        row = self._kept.execute("select found from encoded where text = ?", (_key(text),)).fetchone()
        return _unpacked(row[0], len(self._projection)) if row is not None else None


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _packed(found: Encoded) -> bytes:
    return msgspec.msgpack.encode(
        _Kept(found.sentence.tobytes(), found.tokens.tobytes(), found.spans, found.is_whole, found.unknown)
    )


def _unpacked(data: bytes, width: int) -> Encoded:
    kept = msgspec.msgpack.decode(data, type=_Kept)
    tokens = np.frombuffer(kept.tokens, np.float32).reshape(-1, width)
    return Encoded(np.frombuffer(kept.sentence, np.float32), tokens, kept.spans, kept.is_whole, kept.unknown)
