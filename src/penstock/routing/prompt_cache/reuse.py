"""Learns whether what a prompt begins with comes again while a provider would still have it.

Anthropic and Bedrock charge 1.25 times the input price for what is written to their cache and 0.1 times for what is
read from it (https://platform.claude.com/docs/en/build-with-claude/prompt-caching), for five minutes from its last use.
Writing pays where it is read again with a probability above 0.25 / 0.9.
"""

from collections import OrderedDict
from typing import Final

LIFETIME_S: Final = 300.0
BREAK_EVEN: Final = 0.25 / 0.9
_MOST_KNOWN: Final = 50_000
_PRIOR_SHARE: Final = 0.5
_PRIOR_WEIGHT: Final = 8.0
_FORGET: Final = 0.995
_MOST_GROUPS: Final = 2_000


class Reuse:
    """What was seen lately, by digest, and for each group (a model of a tenant) how much of it came again.

    A group that is not known yet is trusted: half of what it sends is taken to come again.
    """

    def __init__(self) -> None:
        self._seen_s: OrderedDict[bytes, float] = OrderedDict()
        self._groups: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def is_known(self, digest: bytes, now_s: float) -> bool:
        """Whether it was seen so lately that the provider may still have it."""
        seen_s = self._seen_s.get(digest)
        return seen_s is not None and now_s - seen_s < LIFETIME_S

    def note(self, digest: bytes, now_s: float) -> None:
        """It is being sent."""
        self._seen_s[digest] = now_s
        self._seen_s.move_to_end(digest)
        if len(self._seen_s) > _MOST_KNOWN:
            self._seen_s.popitem(last=False)

    def learn(self, group: tuple[str, str], *, came_again: bool) -> None:
        """One more prompt of the group, that began as an earlier one did or not."""
        again, all_of_them = self._groups.pop(group, (_PRIOR_SHARE * _PRIOR_WEIGHT, _PRIOR_WEIGHT))
        self._groups[group] = (again * _FORGET + came_again, all_of_them * _FORGET + 1)
        if len(self._groups) > _MOST_GROUPS:
            self._groups.popitem(last=False)

    def is_worth_it(self, group: tuple[str, str]) -> bool:
        """Whether writing what was never seen before is likely to pay."""
        again, all_of_them = self._groups.get(group, (_PRIOR_SHARE, 1.0))
        return again / all_of_them > BREAK_EVEN
