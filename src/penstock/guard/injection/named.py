"""What can be addressed in a text: mail and web addresses, hosts, accounts, numbers, paths, wallets, handles.

Read from arguments, answers and flagged texts by the checks of this room.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Final, NamedTuple

import re2

from penstock.guard.injection.fold import Folder

_KINDS: Final = (
    ("EMAIL", r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"),
    ("URL", r"(?:https?|ftp|wss?)://[^\s'\"<>()\[\]{}|\\^`]{3,}"),
    (
        "HOST",
        (
            r"\b(?:[\w-]{1,63}\.){1,4}(?:com|net|org|io|xyz|info|ru|cn|top|tk|cc|co|de|fr|eu|uk|us|dev|app|biz|link"
            r"|site|online|shop|me|ai|sh|ly)\b"
        ),
    ),
    ("IBAN", r"\b[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){3,7}(?: ?[a-z0-9]{1,3})?\b"),
    ("WALLET", r"\b(?:bc1[a-z0-9]{20,60}|0x[0-9a-f]{40})\b"),
    ("NUMBER", r"\+?\d(?:[ ()/.-]{0,2}\d){5,20}"),
    ("PATH", r"(?:~|\b[a-z]:)?(?:[/\\][\w.@+-]{1,80}){2,12}|~[/\\][\w.@+-]{1,80}"),
    ("HANDLE", r"\B@[\w.-]{3,40}|\b[a-z]{2,20}_[a-z]{0,20}\d{1,8}\b"),
)
_EXPRESSIONS: Final = tuple((kind, re2.compile(each.encode())) for kind, each in _KINDS)
_FOLDER: Final = Folder()
_MOST: Final = 200
_SEPARATED: Final = frozenset({"NUMBER", "IBAN"})


class Named(NamedTuple):
    """`value` is folded, without separators in numbers; `begin` to `end` are characters of the text."""

    kind: str
    value: str
    begin: int
    end: int


def named_in(text: str) -> list[Named]:
    """In the order of their kinds; what is part of an address is not also a host."""
    folded = _FOLDER.fold(text)
    found: list[Named] = []
    taken: list[tuple[int, int]] = []
    for kind, expression in _EXPRESSIONS:
        for number, match in enumerate(expression.finditer(folded.data)):
            begin, end = match.span()
            if number >= _MOST or any(begin < last and first < end for first, last in taken):
                continue
            taken.append((begin, end))
            whole = match.group().rstrip(b".,;:!?")
            value = whole.decode(errors="replace")
            found.append(
                Named(kind, _bare(value) if kind in _SEPARATED else value, *folded.span(begin, begin + len(whole)))
            )
    return found


class Known:
    """Texts in which something may be looked up, as it is compared: folded, and once more without separators."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = tuple(texts)

    @cached_property
    def _text(self) -> str:
        return "\n".join(_FOLDER.fold(text).data.decode(errors="replace") for text in self._texts)

    @cached_property
    def _bare(self) -> str:
        return _bare(self._text)

    def has(self, named: Named) -> bool:
        """Whether it stands in one of them, not only as a part of another word."""
        if named.kind in _SEPARATED:
            return named.value in self._bare
        return _stands_in(named.value, self._text)

    def has_text(self, text: str) -> bool:
        """Whether that stands in one of them, as it is."""
        return _FOLDER.fold(text).data.decode(errors="replace") in self._text


def host_of(url: str) -> str:
    """The host of a web address in small letters, without user and port; of `host/path` too."""
    rest = url.partition("://")[2] or url.removeprefix("//")
    for end in "/?#\\":
        rest = rest.partition(end)[0]
    return rest.rpartition("@")[2].partition(":")[0].lower().strip(".")


def _bare(text: str) -> str:
    return "".join(char for char in text if char.isalnum() or char == "\n")


def _stands_in(value: str, text: str) -> bool:
    at = text.find(value)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(value) : at + len(value) + 1]
        if not (before.isalnum() or after.isalnum()):
            return True
        at = text.find(value, at + 1)
    return False
