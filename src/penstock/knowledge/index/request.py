"""What a search is asked, and what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from penstock.core.sources import Passage
from penstock.knowledge.document import BaseId
from penstock.knowledge.index.steps import Asker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents are searched: all of `equal`, of each of `one_of` one, and changed in [`since`, `until`).

    A document of which it is not known when it was changed is in no range.
    """

    equal: Mapping[str, str] = field(default_factory=dict[str, str])
    one_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    since: float | None = None
    until: float | None = None


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Search:
    """One search.  `vector` is the encoder's of `query`, of unit length, or zero where it knows no word of it.

    `half_life_s` is after how long a document's passages count half; None: age does not count.
    """

    query: str
    vector: "NDArray[np.float32]"
    asker: Asker
    bases: tuple[BaseId, ...]
    k: int = 8
    filters: Filters = NO_FILTERS
    half_life_s: float | None = None


class Hit(msgspec.Struct, frozen=True):
    """A passage and how it was found: `cosine` of the vectors, `lexical` the share of what BM25 could give at most."""

    passage: Passage
    chunk: int
    cosine: float
    lexical: float


class Found(msgspec.Struct, frozen=True):
    """The best first.  `nearest` is the best cosine, `chance` how likely the answer is among them."""

    hits: tuple[Hit, ...]
    nearest: float
    chance: float = 0.0

    @property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(hit.passage for hit in self.hits)
