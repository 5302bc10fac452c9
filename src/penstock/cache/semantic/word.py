"""One word of a text, as `reading` and `clauses` see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """One word: its stem in small letters, and where it stands in the text.

    `kind` is `content`, `function`, `negation`, `number`, `unit`, `date` or `name`.
    """

    stem: str
    kind: str
    begin: int
    end: int
