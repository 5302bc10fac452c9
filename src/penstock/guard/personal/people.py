"""Whether two names can be of one person: a full name, a surname alone, initials, with or without a title."""

import unicodedata
from dataclasses import dataclass
from typing import Final

_TITLES: Final = frozenset(
    word
    for words in (
        "mr mrs ms miss mx dr prof professor sir madam",
        "frau herr fräulein dipl ing mag",
        "mme mlle monsieur madame sig sra sr señor señora dott dhr mevr pan pani",
    )
    for word in words.split()
)
_WITHIN: Final = frozenset(
    word
    for words in ("von van der den de la le du di da dos del della", "bin ibn al el zu zur ter ten")
    for word in words.split()
)
"""They belong to the surname that follows."""


@dataclass(frozen=True, slots=True)
class Person:
    """The parts of a name without titles, in small letters; `von Weizsäcker` is one part.  Initials end in a point."""

    parts: tuple[str, ...]

    def may_be(self, other: "Person") -> bool:
        """Whether the shorter of the two names can be a way to write the longer."""
        short, long = (self.parts, other.parts) if len(self.parts) <= len(other.parts) else (other.parts, self.parts)
        if not short:
            return False
        if len(short) == 1:
            # A surname or a first name alone; initials alone (`A.`) could be anybody's, `A.S.` is two parts.
            return not _is_initial(short[0]) and any(_fits(short[0], each) for each in (long[0], long[-1]))
        if all(map(_is_initial, short)) or all(map(_is_initial, long)):
            return len(short) == len(long) and all(map(_fits, short, long))
        # Surnames agree in full, and what stands before them part by part: `A. Schmidt`, `Anna Schmidt`.
        return short[-1] == long[-1] and all(map(_fits, short[:-1], long[:-1]))


def person_of(name: str) -> Person:
    """The parts of a name as it was written; `Schmidt, Anna` is turned round."""
    text = unicodedata.normalize("NFKC", name).casefold()
    last, comma, first = text.partition(",")
    if comma and first.strip():
        text = f"{first} {last}"
    words = text.replace(".", ". ").replace("’s", "").replace("'s", "").split()  # noqa: RUF001 - as people write it
    parts: list[str] = []
    before: list[str] = []
    for word in words:
        if word.strip(".,") in _TITLES:
            continue
        if word in _WITHIN and parts:
            before.append(word)
            continue
        cleaned = word.strip(',;:!?"()') if _is_initial(word) else word.strip('.,;:!?"()')
        if cleaned:
            parts.append(" ".join((*before, cleaned)))
            before.clear()
    return Person(tuple(parts))


def _is_initial(part: str) -> bool:
    return len(part) == 2 and part.endswith(".")


def _fits(one: str, other: str) -> bool:
    if _is_initial(one):
        return other.startswith(one[0])
    if _is_initial(other):
        return one.startswith(other[0])
    return one == other
