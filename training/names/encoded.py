"""What the encoder says of each word of the texts, kept on disk from one run to the next."""

import hashlib
import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from penstock.encoder.model import Encoded, Model

_THREADS: Final = 2
_AT_ONCE: Final = 200


class _Kept(msgspec.Struct, array_like=True):
    tokens: bytes
    spans: tuple[tuple[int, int], ...]
    is_whole: bool


class Memo:
    """One file for one encoder, in PENSTOCK_EVALUATION_MEMO or the user's cache folder; tokens in 16 bits."""

    def __init__(self, model: Model) -> None:
        self._model = model
        folder = Path(os.environ.get("PENSTOCK_EVALUATION_MEMO", Path.home() / ".cache" / "penstock" / "evaluation"))
        folder.mkdir(parents=True, exist_ok=True)
        self._kept = sqlite3.connect(folder / f"tokens-{model.identity[:32]}.sqlite")
        self._kept.execute("create table if not exists encoded (text blob primary key, found blob) without rowid")

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """In their order; only what is not known yet is read by the model.  The sentence's vector is left out."""
        keys = {text: hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts}
        missing = [text for text, key in keys.items() if self._find(key) is None]
        with Progress(transient=True) as progress, ThreadPoolExecutor(_THREADS) as pool:
            task = progress.add_task("reading", total=len(missing))
            for at in range(0, len(missing), _AT_ONCE):
                part = missing[at : at + _AT_ONCE]
                rows = [
                    (keys[text], _packed(each))
                    for text, each in zip(part, pool.map(self._model.encode, part), strict=True)
                ]
                with self._kept:
                    self._kept.executemany("insert or replace into encoded values (?, ?)", rows)
                progress.advance(task, len(part))
        return [_unpacked(found, self._model.width) for text in texts if (found := self._find(keys[text])) is not None]

    def _find(self, key: bytes) -> bytes | None:
        row = self._kept.execute("select found from encoded where text = ?", (key,)).fetchone()
        return row[0] if row is not None else None


def _packed(found: Encoded) -> bytes:
    return msgspec.msgpack.encode(_Kept(found.tokens.astype(np.float16).tobytes(), found.spans, found.is_whole))


def _unpacked(data: bytes, width: int) -> Encoded:
    kept = msgspec.msgpack.decode(data, type=_Kept)
    tokens: NDArray[np.float32] = np.frombuffer(kept.tokens, np.float16).reshape(-1, width).astype(np.float32)
    return Encoded(np.zeros(width, np.float32), tokens, kept.spans, kept.is_whole)
