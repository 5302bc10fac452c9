"""What the encoder said of the sets' questions, kept on disk from one run to the next; the product never reads it.

Of the tokens only the greatest and the least of each dimension are kept, which is all that the scope head looks at.
The file lies in PENSTOCK_EVALUATION_MEMO, or else in the user's cache folder.
"""

import csv
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from penstock.encoder.model import Encoded, Model
from penstock.guard.scope.features import pooled
from penstock.guard.scope.fit import Example

FOLDER = Path(os.environ.get("PENSTOCK_EVALUATION_DATA", Path(__file__).parents[3] / "shared" / "data"))
CLINC = FOLDER / "scope" / "clinc150_train_val.json"
_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class Questions:
    """Texts with their topics and readings, in order."""

    texts: tuple[str, ...]
    topics: tuple[str, ...]
    readings: tuple[Encoded, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def some(self, rows: Sequence[int]) -> "Questions":
        return Questions(
            tuple(self.texts[row] for row in rows),
            tuple(self.topics[row] for row in rows),
            tuple(self.readings[row] for row in rows),
        )

    def examples(self, *, named: bool = True) -> list[Example]:
        return [Example(text, topic if named else None) for text, topic in zip(self.texts, self.topics, strict=True)]


def read_questions(model: Model) -> dict[str, Questions]:
    """CLINC150's parts and BANKING77's.  Raises `FileNotFoundError` where a set is not there."""
    parts = msgspec.json.decode(CLINC.read_bytes(), type=dict[str, list[tuple[str, str]]])
    found = {f"clinc_{name}": part for name, part in parts.items()}
    for name in ("train", "test"):
        with (FOLDER / "cache" / f"banking77_{name}.csv").open(encoding="utf-8") as file:
            found[f"banking_{name}"] = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    return {name: _questions(name, part, model) for name, part in found.items()}


def _questions(name: str, part: Sequence[tuple[str, str]], model: Model) -> Questions:
    folder = Path(os.environ.get("PENSTOCK_EVALUATION_MEMO", Path.home() / ".cache" / "penstock" / "evaluation"))
    file = folder / f"scope-{name}-{model.identity[:16]}.npy"
    texts = tuple(text for text, _ in part)
    if file.exists() and len(rows := np.load(file, allow_pickle=False)) == len(texts):
        pools = rows.astype(np.float32)
    else:
        with ThreadPoolExecutor(_THREADS) as pool:
            pools = np.array([pooled(each) for each in pool.map(model.encode, texts)], np.float32)
        folder.mkdir(parents=True, exist_ok=True)
        np.save(file, pools.astype(np.float16))
        pools = pools.astype(np.float16).astype(np.float32)
    return Questions(texts, tuple(topic for _, topic in part), tuple(Encoded(each[0], each[1:], ()) for each in pools))
