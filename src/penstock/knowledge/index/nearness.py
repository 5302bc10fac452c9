"""Whether a text says nearly word for word what another has said."""

from typing import Final

_SAME: Final = 0.9


class Seen:
    """The texts of one answer, as sets of their words."""

    def __init__(self) -> None:
        self._words: list[frozenset[str]] = []

    def is_new(self, text: str) -> bool:
        """Whether none that was new before has nearly the same words; takes it in if so."""
        words = frozenset(text.lower().split())
        if any(_alike(words, other) for other in self._words):
            return False
        self._words.append(words)
        return True


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    if min(len(one), len(other)) < _SAME * max(len(one), len(other)):
        return False
    return len(one & other) >= _SAME * len(one | other)
