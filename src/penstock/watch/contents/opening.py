"""What opens contents, and makes them findable by their words on their way to the database: beside no request."""

from dataclasses import dataclass
from typing import Final

import msgspec

from penstock.watch.contents.marks import DAY_S, Marker
from penstock.watch.contents.outbox import Row, asked_at
from penstock.watch.contents.sealing import Sealed
from penstock.watch.contents.words import index_words

MOST_WORDS: Final = 1_000
"""By which one exchange is found; the answer's come first, then the latest turn's."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens contents, and what knows their marks.  For any thread."""

    sealed: Sealed
    marker: Marker

    def marked(self, row: Row) -> Row:
        """The row as the database is to have it: with its marks, where it is found by text.  Raises `Unreadable`."""
        if not row.search:
            return row
        content = self.sealed.open(row.tenant, row.id, row.key_id, row.sealed)
        words = index_words((text for _, text in content.texts()), MOST_WORDS)
        marks = self.marker.marks(row.tenant, row.key_id, int(asked_at(row.id) // DAY_S), words)
        return msgspec.structs.replace(row, search=False, marks=marks)
