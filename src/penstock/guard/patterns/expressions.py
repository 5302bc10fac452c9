"""RE2, behind what guards need of it; the library has no types.

It works in time linear in the text whatever the expression, so that one written by a customer can stop nobody.  It
takes no lone surrogates: `sound` replaces them by as many other characters, so that positions stay.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import re2  # pyright: ignore[reportMissingTypeStubs]  # it has none

from penstock.core.errors import ConfigError

_re2: Any = re2


class Match(Protocol):
    """As `re.Match`."""

    def start(self, group: int = 0) -> int: ...
    def end(self, group: int = 0) -> int: ...
    def group(self, group: int = 0) -> str | None: ...


class Expression(Protocol):
    """As `re.Pattern`; positions count code points."""

    @property
    def groups(self) -> int: ...
    def search(self, text: str, pos: int = 0) -> Match | None: ...
    def fullmatch(self, text: str) -> Match | None: ...
    def finditer(self, text: str) -> Iterator[Match]: ...


def compiled(expression: str, *, ignores_case: bool = False) -> Expression:
    """Raises `ConfigError` where RE2 does not take it, saying why."""
    options = _re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignores_case
    try:
        return _re2.compile(expression, options)
    except _re2.error as error:
        said = error.args[0] if error.args else error
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ConfigError(f"the expression {expression[:80]!r} is not taken: {reason[:200]}") from None


def sound(text: str) -> str:
    """The text without lone surrogates, as long as before."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def quoted(text: str) -> str:
    """An expression that matches the text and nothing else."""
    return _re2.escape(text)
