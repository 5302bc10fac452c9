"""Which token stands for which value, in one conversation: shared by its exchanges in this process.

A number is given to one value and never to another.  Where two processes did so all the same, at one moment, the token
is contested: it stands for nothing from then on.  Written down by the vault, and by nobody else.
"""

import unicodedata
from collections.abc import Container, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from penstock.guard.personal.people import Person, person_of

MOST_BYTES: Final = 512 * 1024
"""Of one conversation, about; what comes after that is known to its exchange alone."""
_PERSON: Final = "PERSON"
_ENTRY_BYTES: Final = 400
_SPELLING_BYTES: Final = 150


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """`value` is what is put back, None where the token is contested; `spellings` are all that it was found as."""

    value: str | None
    spellings: tuple[str, ...] = ()


class Written(msgspec.Struct, frozen=True, array_like=True):
    """A book as a value: entries by token, and the number from which each kind goes on."""

    entries: dict[str, Entry]
    floors: dict[str, int]


_CONTESTED: Final = Entry(None)


class Book:
    """Used on one event loop; `written` may be called from any thread.  `changes` grows with each of them."""

    __slots__ = ("_by_value", "_entries", "_floors", "_people", "changes", "size_bytes")

    def __init__(self, written: Written | None = None) -> None:
        self._entries: dict[str, Entry] = {}
        self._by_value: dict[tuple[str, str], str] = {}
        self._people: dict[str, Person] = {}
        self._floors: dict[str, int] = {}
        self.size_bytes = 0
        self.changes = 0
        if written is not None:
            self.merge(written)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, token: object) -> bool:
        """Whether it was issued, contested or not."""
        return token in self._entries

    @property
    def is_full(self) -> bool:
        return self.size_bytes >= MOST_BYTES

    @property
    def tokens(self) -> AbstractSet[str]:
        """All that were issued."""
        return self._entries.keys()

    def value(self, token: str) -> str | None:
        """What it stands for, if it was issued for one value: of a person the fullest name."""
        entry = self._entries.get(token)
        return None if entry is None else entry.value

    def find(self, kind: str, value: str) -> str | None:
        """The token of a value, or of the one person whose name it can be."""
        spelling = _plain(value)
        found = self._by_value.get((kind, spelling))
        if found is not None or kind != _PERSON:
            return found
        found = self._person(value)
        if found is not None:
            self._spell(found, spelling, value)
        return found

    def new(self, kind: str, value: str, taken: Container[str], *, late_from: int | None = None) -> str:
        """A token that nobody has, for a value without one.

        `late_from` is where to count from while it is not known which numbers were given before.
        """
        token = self.number(kind, taken, late_from=late_from)
        self.issue(token, value)
        return token

    def issue(self, token: str, value: str) -> None:
        """Let a token, which must be new here, stand for a value."""
        self._put(token, Entry(value, (_plain(value),)))

    def number(self, kind: str, taken: Container[str], *, late_from: int | None = None) -> str:
        """A token that nobody has, and that nobody gets again."""
        number = self._floors.get(kind, 1) if late_from is None else late_from
        while f"<{kind}_{number}>" in taken or f"<{kind}_{number}>" in self._entries:
            number += 1
        if late_from is None:
            self._floors[kind] = number + 1
            self.changes += 1
        return f"<{kind}_{number}>"

    def written(self) -> Written:
        """All of it.  Each copy is made in one step, so that a thread may ask for it meanwhile."""
        return Written(self._entries.copy(), self._floors.copy())

    def merge(self, other: Written) -> None:
        """Take over what another process, or an earlier turn, knows of the conversation."""
        for token, entry in other.entries.items():
            own = self._entries.get(token)
            if own is None:
                self._put(token, entry)
            elif own != entry:
                self._agree(token, own, entry)
        for kind, floor in other.floors.items():
            if floor > self._floors.get(kind, 1):
                self._floors[kind] = floor
                self.changes += 1

    def _put(self, token: str, entry: Entry) -> None:
        self._entries[token] = entry
        self.changes += 1
        self.size_bytes += _size(entry)
        if entry.value is None:
            return
        kind = kind_of(token)
        for spelling in entry.spellings:
            self._by_value.setdefault((kind, spelling), token)
        if kind == _PERSON:
            self._people[token] = person_of(entry.value)

    def _agree(self, token: str, own: Entry, other: Entry) -> None:
        if own.value is None:
            return
        kind = kind_of(token)
        if other.value is None or not _is_same(kind, own, other):
            for spelling in own.spellings:
                if self._by_value.get((kind, spelling)) == token:
                    del self._by_value[kind, spelling]
            self._people.pop(token, None)
            self._replace(token, _CONTESTED)
            return
        for spelling in other.spellings:
            self._spell(token, spelling, other.value)

    def _spell(self, token: str, spelling: str, value: str) -> None:
        """Another way to write what the token stands for; put back is the fullest name."""
        if self.is_full:
            return  # it is found anew each time, and nobody makes us remember all the ways to write a name
        entry = self._entries[token]
        kind = kind_of(token)
        fullest = entry.value
        if kind == _PERSON and len(person_of(value).parts) > len(self._people[token].parts):
            fullest = value
            self._people[token] = person_of(value)
        self._by_value.setdefault((kind, spelling), token)
        spellings = entry.spellings if spelling in entry.spellings else (*entry.spellings, spelling)
        self._replace(token, Entry(fullest, spellings))

    def _replace(self, token: str, entry: Entry) -> None:
        old = self._entries[token]
        if entry != old:
            self._entries[token] = entry
            self.size_bytes += _size(entry) - _size(old)
            self.changes += 1

    def _person(self, value: str) -> str | None:
        """The token of the one person whose name this can be; None where there is none, or several."""
        asked = person_of(value)
        # Compared with the fullest name alone: an `Anna` who is Anna Schmidt must not make her Anna Meier too.
        fitting = [token for token, person in self._people.items() if person.may_be(asked)]
        return fitting[0] if len(fitting) == 1 else None


def book_of(known: Mapping[str, str]) -> Book:
    """A book in which these values have these tokens."""
    return Book(Written({token: Entry(value, (_plain(value),)) for token, value in known.items()}, {}))


def kind_of(token: str) -> str:
    """`PERSON` of `<PERSON_1>`."""
    return token[1:-1].rpartition("_")[0]


def _is_same(kind: str, one: Entry, other: Entry) -> bool:
    """Whether two processes meant the same value: of a person, that one name can be a way to write the other."""
    if set(one.spellings).isdisjoint(other.spellings):
        return False
    return kind != _PERSON or person_of(one.value or "").may_be(person_of(other.value or ""))


def _size(entry: Entry) -> int:
    chars = len(entry.value or "") + sum(map(len, entry.spellings))
    return _ENTRY_BYTES + _SPELLING_BYTES * len(entry.spellings) + 2 * chars


def _plain(value: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())
