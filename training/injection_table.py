"""Signs and vectors of all texts, a row for each unit: what the head is fitted and measured on."""

import zlib
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.guard.injection.head import signs_of, strangeness
from penstock.guard.injection.signs import Reader, Signs
from training.injection_memo import Cut, Memo
from training.injection_sets import Sample

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Table:
    """`of` is the text of each row; `first` the first row of each text.  `labels` are 1 in an attack's units, 0
    outside, and -1 where an attack is somewhere in the text.
    """

    samples: list[Sample]
    signs: list[Signs]
    own: Array
    beside: Array
    means: Array
    strange: Array
    of: NDArray[np.int64]
    first: NDArray[np.int64]
    labels: NDArray[np.int64]

    @property
    def is_attack(self) -> Mask:
        return np.array([each.is_attack for each in self.samples])

    @property
    def is_untrusted(self) -> Mask:
        return np.array([each.is_untrusted for each in self.samples])

    @property
    def source(self) -> NDArray[np.str_]:
        return np.array([each.source for each in self.samples])

    @property
    def kind(self) -> NDArray[np.str_]:
        return np.array([each.kind for each in self.samples])

    def part(self, parts: int, salt: str = "") -> NDArray[np.int64]:
        """Which of so many parts each text is in; texts of one group are in one."""
        return np.array([zlib.crc32((each.group + salt).encode()) % parts for each in self.samples])

    def greatest(self, totals: Array) -> Array:
        """For each text the greatest of its rows."""
        return np.maximum.reduceat(totals, self.first)


def read_table(samples: list[Sample], memo: Memo) -> Table:
    reader = Reader()
    signs: list[Signs] = []
    labels: list[int] = []
    for sample in samples:
        found = reader.read(sample.text, by_user=not sample.is_untrusted)
        if not found.rows:
            found = Signs(((0, len(sample.text)),), (frozenset(),), ())
        signs.append(found)
        labels.extend(_labels(sample, found))
    cuts = [Cut(sample.text, found) for sample, found in zip(samples, signs, strict=True)]
    rows: list[tuple[Array, Array, NDArray[np.float16], Array]] = []
    for found, means in zip(signs, memo.means(cuts), strict=True):
        rows.append((*signs_of(found), means, strangeness(means.astype(np.float32))))
    of = np.repeat(np.arange(len(samples)), [len(each.rows) for each in signs])
    own, beside, means, strange = (np.concatenate(each) for each in zip(*rows, strict=True))
    return Table(
        samples,
        signs,
        own,
        beside,
        means.astype(np.float32),
        strange,
        of,
        np.searchsorted(of, np.arange(len(samples))),
        np.array(labels),
    )


def _labels(sample: Sample, signs: Signs) -> list[int]:
    if sample.begin is None or sample.end is None:
        return [-1 if sample.is_attack else 0] * len(signs.spans)
    return [
        int(min(end, sample.end) - max(begin, sample.begin) >= (end - begin) / 2 and end > begin)
        for begin, end in signs.spans
    ]


def balance(table: Table, rows: NDArray[np.int64]) -> Array:
    """A weight for each of these texts: attacks and harmless ones count the same in all, and of each the square root of
    a source's number, so that no source is all that there is.
    """
    keys = [(each.source, each.kind.split("/")[0], each.is_attack) for each in (table.samples[at] for at in rows)]
    counts = Counter(keys)
    found = np.array([1.0 / np.sqrt(counts[key]) for key in keys])
    attack = table.is_attack[rows]
    for side in (attack, ~attack):
        found[side] /= found[side].sum()
    return found.astype(np.float32)
