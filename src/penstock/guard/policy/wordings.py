"""Tables of wordings as patterns: how something is said, by its kind."""

from collections.abc import Container, Mapping, Sequence
from typing import Final, TypeVar

from penstock.guard.patterns.pattern import Pattern

_APOSTROPHE: Final = r"['\x{2019}]"
KindT = TypeVar("KindT", bound=str)


def patterns_of(
    expressions: Mapping[KindT, Sequence[str]], chosen: Container[KindT], *, rule: str, most_chars: int, kind: str = ""
) -> tuple[Pattern, ...]:
    """Of the kinds that are `chosen`; the rules are `<rule>.<kind>`, in either case and with printed apostrophes too.

    Findings are of `kind`, or where that is empty of the table's own kinds in capitals.
    """
    return tuple(
        Pattern(
            f"{rule}.{each}", kind or each.upper(), f"(?i){said.replace(chr(39), _APOSTROPHE)}", most_chars=most_chars
        )
        for each, wordings in expressions.items()
        if each in chosen
        for said in wordings
    )
