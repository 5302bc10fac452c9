"""RE2 over bytes, for what is asked hundreds of times a request.

The class that the library's own wrapper uses: through that a match takes two to ten times as long in a short text.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

import re2  # pyright: ignore[reportMissingTypeStubs]  # it has none

from penstock.core.errors import ConfigError

_re2: Any = re2
_RE2: Final[Any] = _re2._re2.RE2  # noqa: SLF001 - see the module
_SET: Final[Any] = _re2._re2.Set  # noqa: SLF001 - same

Spans: TypeAlias = list[tuple[int, int]]
"""Of a match and of its groups; (-1, -1) for a group that took no part, and for the match where there is none."""
First: TypeAlias = Callable[[bytes, int, int], Spans]
"""The first match between two positions, leftmost-first, as Perl's; what is around them decides boundaries."""


def scanner(expression: str, most_memory: int) -> tuple[First, int]:
    """A search for the expression in UTF-8, and how many groups it has.

    Raises `ConfigError` where RE2 does not take it.
    """
    found = _compiled(expression, most_memory)
    return partial(found.Match, _RE2.Anchor.UNANCHORED), found.NumberOfCapturingGroups()


def whole(expression: str, most_memory: int = 8 << 20) -> Callable[[bytes], bool]:
    """Whether a text in UTF-8 is a match from end to end.  Raises `ConfigError` as `scanner` does."""
    match = partial(_compiled(expression, most_memory).Match, _RE2.Anchor.ANCHOR_BOTH)
    return lambda data: match(data, 0, len(data))[0][0] == 0


def search_set(most_memory: int) -> Any:
    """An empty set of expressions that are searched for together: `Add` them as UTF-8, and `Compile`."""
    return _SET(_RE2.Anchor.UNANCHORED, options(most_memory))


def options(most_memory: int) -> Any:
    """RE2's, with a bound on its memory."""
    chosen = _re2.Options()
    chosen.max_mem = most_memory
    chosen.log_errors = False
    return chosen


def _compiled(expression: str, most_memory: int) -> Any:
    found = _RE2(expression.encode("utf-8", "surrogatepass"), options(most_memory))
    if not found.ok():
        said: bytes | str = found.error()
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        raise ConfigError(f"the expression {expression[:80]!r} is not taken: {reason[:200]}")
    return found
