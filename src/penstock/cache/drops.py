"""Drops, as a process has heard of them: whether something made before one may still be given, at the price of a look.

A drop costs nothing when it comes, however much is kept: each thing remembers how many drops there had been when it was
made, and is asked about when it is used.
"""

from penstock.cache.entry import Drop, Entry

_MOST_SELECTORS = 10_000

_Selector = tuple[str | None, str | None, str | None]


class Drops:
    """`now` is what a thing that is being made remembers.  Used on one thread."""

    __slots__ = ("_all_before", "_answers", "_last", "now")

    def __init__(self) -> None:
        self.now = 0
        self._last: dict[_Selector, int] = {}
        self._answers: dict[str, int] = {}
        self._all_before = 0

    def apply(self, drop: Drop) -> None:
        """From now on what is older and matches is gone."""
        self.now += 1
        if len(self._last) + len(self._answers) >= _MOST_SELECTORS:
            self.apply_all()
        if drop.answer is not None:
            self._answers[drop.answer] = self.now
            return
        self._last[drop.tenant, drop.model, drop.tag] = self.now

    def apply_all(self) -> None:
        """What is older is gone, whatever it is."""
        self.now += 1
        self._all_before = self.now
        self._last.clear()
        self._answers.clear()

    def is_gone(self, entry: Entry, since: int) -> bool:
        """Whether `entry`, of which `since` is what it remembers, was dropped."""
        if since == self.now:
            return False
        if since < self._all_before:
            return True
        if self._answers.get(entry.id, 0) > since:
            return True
        last = self._last
        for tag in (None, *entry.tags):
            for tenant in (None, entry.tenant):
                for model in (None, entry.model):
                    if last.get((tenant, model, tag), 0) > since:
                        return True
        return False
