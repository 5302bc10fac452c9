"""One rule over characters: what detectors list and `PatternSet` runs."""

from collections.abc import Callable
from dataclasses import dataclass

Validate = Callable[[str], bool]
"""Whether what the expression found is one: a checksum, a calendar date, a number that was given out."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression in RE2's syntax (https://github.com/google/re2/wiki/Syntax).

    What is found is its first group where it has one, so that words around it may be asked for (`passport no. (…)`),
    else all of it.  `validate` is asked of what was found.  An expression must match a bounded number of characters,
    `most_chars` at the most: a stream holds back what may still become a match, and no more than that.  `has_digit`
    says that `validate` refuses whatever has none of the digits 0 to 9, which the expression need not ask for: it is
    only looked for where there are some.  `is_whole` says that what `validate` refused is not looked into again: a row
    of digits too long for what is sought holds none either.
    """

    rule: str
    kind: str
    expression: str
    validate: Validate | None = None
    score: float = 1.0
    most_chars: int = 256
    has_digit: bool = False
    is_whole: bool = False
