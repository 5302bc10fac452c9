"""What the encoder said of the texts' units, kept on disk from one run to the next: the pass is what takes time.

A file belongs to one encoder, to the last bit; it lies in PENSTOCK_EVALUATION_MEMO, or else in the user's cache folder.
What was read stays there when a run is cut off, so that the next one goes on where it ended.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from penstock.encoder.model import Model
from penstock.guard.injection.head import unit_means
from penstock.guard.injection.signs import Signs

_THREADS: Final = 2
_AT_ONCE: Final = 200


class Cut(NamedTuple):
    """A text and the units that it was cut into."""

    text: str
    signs: Signs

    @property
    def key(self) -> bytes:
        found = hashlib.blake2b(self.text.encode("utf-8", "surrogatepass"), digest_size=16)
        found.update(np.array(self.signs.spans, np.int32).tobytes())
        return found.digest()


class Memo:
    """See the module.  Means are kept in 16 bits."""

    def __init__(self, model: Model) -> None:
        self._model = model
        folder = Path(os.environ.get("PENSTOCK_EVALUATION_MEMO", Path.home() / ".cache" / "penstock" / "evaluation"))
        folder.mkdir(parents=True, exist_ok=True)
        self._kept = sqlite3.connect(folder / f"injection-units-{model.identity[:24]}.sqlite")
        self._kept.execute("create table if not exists units (text blob primary key, means blob)")

    def means(self, cuts: Sequence[Cut]) -> Iterator[NDArray[np.float16]]:
        """The mean vector of each unit, in the order of the texts; only what is not known yet is read by the model."""
        keys = [each.key for each in cuts]
        known = {row[0] for row in self._kept.execute("select text from units")}
        missing = list({key: each for key, each in zip(keys, cuts, strict=True) if key not in known}.items())
        with ThreadPoolExecutor(_THREADS) as pool, Progress() as progress:
            task = progress.add_task("reading", total=len(missing))
            for at in range(0, len(missing), _AT_ONCE):
                part = missing[at : at + _AT_ONCE]
                fresh = pool.map(self._read, [each for _, each in part])
                with self._kept:
                    self._kept.executemany(
                        "insert or replace into units values (?, ?)",
                        [(key, found) for (key, _), found in zip(part, fresh, strict=True)],
                    )
                progress.advance(task, len(part))
        for key in keys:
            (found,) = self._kept.execute("select means from units where text = ?", (key,)).fetchone()
            yield np.frombuffer(found, np.float16).reshape(-1, self._model.width)

    def _read(self, cut: Cut) -> bytes:
        return unit_means(cut.signs, self._model.encode(cut.text)).astype(np.float16).tobytes()
