"""Within how many JSON strings a place in a text is: what is put there must be escaped as often.

A tool's arguments are JSON; a string in them may itself be JSON, and so on.  `Depth` is fed the text piece by piece
and knows at each point how deep it is.  (https://www.rfc-editor.org/rfc/rfc8259, section 7.)
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from penstock.core.json import dumps

_MOST_DEPTH: Final = 4
_ESCAPES: Final = frozenset('"\\/bfnrt')
_MEANING: Final[Mapping[str, str]] = MappingProxyType({"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"})
_HEX: Final = 4


class Depth:
    """`value` is how many strings are open here.  Text that is no JSON is taken as it comes, and never raises."""

    __slots__ = ("_escape", "_inner", "_is_fresh", "_is_in_string", "_level")

    def __init__(self, level: int = 1) -> None:
        self._level = level
        self._is_in_string = False
        self._is_fresh = False
        self._escape = ""
        self._inner: Depth | None = None

    @property
    def value(self) -> int:
        if not self._is_in_string:
            return 0
        return 1 if self._inner is None else 1 + self._inner.value

    def feed(self, text: str) -> None:
        """Go on by `text`."""
        at = 0
        while at < len(text):
            if not self._is_in_string:
                at = text.find('"', at)
                if at < 0:
                    return
                self._is_in_string = self._is_fresh = True
                self._inner = None
                at += 1
            elif self._escape:
                self._escaped(text[at])
                at += 1
            else:
                at = self._plain(text, at)

    def _plain(self, text: str, at: int) -> int:
        """Up to the next character that means something."""
        quote, slash = text.find('"', at), text.find("\\", at)
        end = min((place for place in (quote, slash) if place >= 0), default=len(text))
        if end > at:
            self._said(text[at:end])
        if end == len(text):
            return end
        if text[end] == '"':
            self._is_in_string = False
            self._inner = None
        else:
            self._escape = "\\"
        return end + 1

    def _escaped(self, char: str) -> None:
        self._escape += char
        if len(self._escape) == 2 and char != "u":
            self._escape = ""
            self._said(_MEANING.get(char, char) if char in _ESCAPES else char)
        elif len(self._escape) == _HEX + 2:
            try:
                said = chr(int("0x" + self._escape[2:], 0))
            except ValueError:
                said = "?"
            self._escape = ""
            self._said(said)

    def _said(self, text: str) -> None:
        """What the string says here, without its escapes."""
        if self._is_fresh:
            begun = text.lstrip()
            if not begun:
                return
            self._is_fresh = False
            if begun[0] in "{[" and self._level < _MOST_DEPTH:
                self._inner = Depth(self._level + 1)
        if self._inner is not None:
            self._inner.feed(text)


def escaped(value: str, depth: int) -> str:
    """As it is written within so many JSON strings."""
    for _ in range(depth):
        value = dumps(value).decode()[1:-1]
    return value
