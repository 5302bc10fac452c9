"""What is built of patterns, once for the same ones: several models have the same guards, and a configuration that is
read again those of before.  Of the whole catalogue it takes two seconds.
"""

from functools import lru_cache
from typing import Final

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.patterns.window import PatternWindow

_MOST: Final = 8


@lru_cache(maxsize=_MOST)
def set_of(patterns: tuple[Pattern, ...]) -> PatternSet:
    """For whole texts.  Raises as `PatternSet` does."""
    return PatternSet(patterns)


@lru_cache(maxsize=_MOST)
def window_of(patterns: tuple[Pattern, ...]) -> PatternWindow:
    """For streams.  Raises as `PatternWindow` does."""
    return PatternWindow(patterns)
