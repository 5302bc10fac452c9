"""How long an answer must and may be."""

from collections.abc import Sequence

import msgspec

from penstock.guard.verdict import Finding


class Length(msgspec.Struct, frozen=True, kw_only=True):
    """In characters and words; None asks for nothing."""

    least_chars: int | None = None
    most_chars: int | None = None
    most_words: int | None = None

    def find(self, text: str) -> Sequence[Finding]:
        """`policy.length.short` on all of it, or `policy.length.long` on what is too much."""
        found: list[Finding] = []
        if self.least_chars is not None and len(text.strip()) < self.least_chars:
            found.append(Finding("policy.length.short", "LENGTH", 0, len(text)))
        if self.most_chars is not None and len(text) > self.most_chars:
            found.append(Finding("policy.length.long", "LENGTH", self.most_chars, len(text)))
        elif self.most_words is not None and (at := _after_words(text, self.most_words)) is not None:
            found.append(Finding("policy.length.long", "LENGTH", at, len(text)))
        return found


def _after_words(text: str, most: int) -> int | None:
    """Where the first word begins that is one too many."""
    parts = text.split(None, most)
    return len(text) - len(parts[most]) if len(parts) > most else None
