"""Which token stands for which value, within one exchange: issued while a request is masked, asked for on its answer.

A token names its kind, so that a model can reason about what it does not see: `<PERSON_1>`, `<IBAN_2>`.  The same value
has the same token throughout a request, and throughout a conversation, whose turns come again in the same order or
whose `Book` the vault has kept; a person has one token for the full name, the surname and the initials.  What merely
looks like a token, in a text that a caller or a tool wrote, is never given out: its number is left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from penstock.guard.patterns.expressions import compiled, sound
from penstock.guard.personal.vault.book import Book

MOST_TOKEN_CHARS: Final = 48
"""Of a token, and so what a stream may have to hold back."""
_LOOK_ALIKE: Final = compiled(r"<([A-Z][A-Z_]{0,31})_([0-9]{1,9})>")
_BEFORE: Final = "<"


class Tokens:
    """See the module.  Belongs to one exchange; `book` is that of its conversation, where that has one.

    `late_from` is set where the conversation may have tokens that the book does not know: from there on it counts.
    """

    __slots__ = ("_book", "_late_from", "_mine", "_own", "_taken", "is_of_conversation")

    def __init__(self, book: Book | None = None, *, late_from: int | None = None) -> None:
        self.is_of_conversation = book is not None
        self._book = Book() if book is None else book
        self._late_from = late_from
        self._own: Book | None = None
        self._mine: dict[str, None] = {}
        self._taken: set[str] = set()

    def __len__(self) -> int:
        return len(self._mine)

    @property
    def issued(self) -> Mapping[str, str]:
        """Values by their tokens: those that this exchange issued, and those that stand in its request."""
        own, book = self._own, self._book
        found = ((token, book.value(token) or (own.value(token) if own is not None else None)) for token in self._mine)
        return {token: value for token, value in found if value is not None}

    def avoid(self, text: str) -> None:
        """Give out nothing that stands in `text` already.  Before the first `token`, for every text not of ours."""
        if _BEFORE in text:
            self._taken.update(look_alikes((text,)))

    def token(self, kind: str, value: str) -> str:
        """The token of a value, a new one where it has none.

        `kind` is in capitals and underscores.  Two spellings of one value (spaces, case, width) have one token, which
        is put back in the first; of a person in the fullest.
        """
        found = self._book.find(kind, value)
        if found is None:
            found = self._new(kind, value)
        self._mine[found] = None
        return found

    @property
    def has_others(self) -> bool:
        """Whether the conversation has tokens that this exchange has not."""
        return not self._book.tokens <= self._mine.keys()

    def stand(self, texts: Iterable[str]) -> None:
        """Tokens of the conversation that stand in the request: they may be put back on its answer."""
        self._mine.update(dict.fromkeys(each for each in look_alikes(texts) if each in self._book))

    def stand_all(self) -> None:
        """The same of all that the conversation has: for requests that name its turns and do not repeat them."""
        self._mine.update(dict.fromkeys(self._book.tokens))

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where tokens of the conversation stand in a text."""
        if self.is_of_conversation and _BEFORE in text:
            for match in _LOOK_ALIKE.finditer(sound(text)):
                if f"<{match.group(1)}_{match.group(2)}>" in self._book:
                    yield match.start(), match.end()

    def _new(self, kind: str, value: str) -> str:
        book, own = self._book, self._own
        if not self.is_of_conversation or not book.is_full:
            return self._counted(book.new(kind, value, self._taken, late_from=self._late_from))
        # There is no end to what a conversation may say, but one to what is kept of it.
        if own is None:
            own = self._own = Book()
        found = own.find(kind, value)
        if found is None:
            found = self._counted(book.number(kind, self._taken, late_from=self._late_from))
            own.issue(found, value)
            self._taken.add(found)
        return found

    def _counted(self, token: str) -> str:
        if self._late_from is not None:
            self._late_from = int(token[1:-1].rpartition("_")[2]) + 1
        return token


def look_alikes(texts: Iterable[str]) -> frozenset[str]:
    """Whatever has the form of a token."""
    return frozenset(
        f"<{match.group(1)}_{match.group(2)}>"
        for text in texts
        if _BEFORE in text
        for match in _LOOK_ALIKE.finditer(sound(text))
    )
