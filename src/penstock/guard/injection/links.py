"""Finds links and images in an answer that could carry data away.

A picture is fetched without anybody clicking, so an address that the model made up from what it knows is enough.  What
was in the request word for word carries nothing; what goes to a host that the system, the user or the list names is
meant.  Markdown (inline, reference, automatic), HTML and bare addresses are read.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

import re2

from penstock.guard.injection.named import Known, host_of
from penstock.guard.verdict import Finding

_ADDRESS: Final = (
    r"((?:[a-z][a-z0-9+.-]{1,12}:)?(?:/|\\){2}[^\s\"'<>()\[\]]+(?:\([^\s\"'<>()\[\]]*\)[^\s\"'<>()\[\]]*)*)"
)
_FORMS: Final = tuple(
    (kind, re2.compile(rf"(?i){expression}".encode()))
    for kind, expression in (
        ("IMAGE", rf"!\[[^\]]*\]\(\s*<?{_ADDRESS}"),
        (
            "IMAGE",
            (
                r"<(?:img|source|video|audio|iframe|embed|object|link|script|input|track)\b[^<>]*?"
                rf"(?:src|srcset|data|href|poster)\s*=\s*[\"']?\s*{_ADDRESS}"
            ),
        ),
        ("IMAGE", rf"url\(\s*[\"']?\s*{_ADDRESS}"),
        ("LINK", rf"\]\(\s*<?{_ADDRESS}"),
        ("REFERENCE", rf"(?m)^[ \t>]*\[[^\]\n]+\]:\s*<?{_ADDRESS}"),
        (
            "LINK",
            (
                r"<(?:a|area|form|base|meta)\b[^<>]*?"
                rf"(?:href|action|content|ping)\s*=\s*[\"']?(?:\d+;\s*url=)?\s*{_ADDRESS}"
            ),
        ),
        ("LINK", rf"<{_ADDRESS}>"),
        ("LINK", r"\b((?:https?|ftp|wss?)://[^\s\"'<>]+)"),
        ("LINK", r"(?:^|[\s(])(www\.[\w-]{1,63}\.[^\s\"'<>()]+)"),
    )
)
_IMAGE_REFERENCE: Final = re2.compile(rb"!\[([^\]]*)\](?:\[([^\]]*)\])?(?:[^(\[]|$)")
_REFERENCE_NAME: Final = re2.compile(rb"(?m)^[ \t>]*\[([^\]\n]+)\]:")
_MOST: Final = 200

_PICTURE_WITH_DATA: Final = 0.97
_LINK_WITH_DATA: Final = 0.8
_PICTURE: Final = 0.6
_LINK: Final = 0.3
_LONG_TAIL: Final = 12

Kind = Literal["IMAGE", "LINK"]


class _Found(NamedTuple):
    kind: str
    url: str
    begin: int
    end: int


class LinkCheck:
    """One for each exchange.  `trusted` are the texts of the system and the user, `given` all texts of the request, and
    `allowed_hosts` hosts that may be linked to; `*.example.org` are those below.
    """

    def __init__(
        self, trusted: Iterable[str], given: Iterable[str], *, allowed_hosts: frozenset[str] = frozenset()
    ) -> None:
        self._trusted = Known(trusted)
        self._given = Known(given)
        self._exact = frozenset(each.lower() for each in allowed_hosts if not each.startswith("*."))
        self._below = tuple(each[1:].lower() for each in allowed_hosts if each.startswith("*."))

    def find(self, answer: str) -> list[Finding]:
        """`injection.link`, of kind IMAGE or LINK, over the address.  The score is high where it may carry data."""
        found: list[Finding] = []
        for kind, url, begin, end in _links(answer):
            host = host_of(url)
            if not host or self._is_allowed(host):
                continue
            is_picture = kind == "IMAGE"
            if self._given.has_text(url) or (_tail_chars(url) < _LONG_TAIL and self._given.has_text(host)):
                score = _PICTURE if is_picture else _LINK
            else:
                score = _PICTURE_WITH_DATA if is_picture else _LINK_WITH_DATA
            found.append(Finding("injection.link", "IMAGE" if is_picture else "LINK", begin, end, score))
        return found

    def _is_allowed(self, host: str) -> bool:
        if host in self._exact or any(host.endswith(each) for each in self._below):
            return True
        return self._trusted.has_text(host)


def _tail_chars(url: str) -> int:
    """How much of an address is not its host: what could carry something."""
    return len(url) - url.find(host_of(url)) - len(host_of(url))


def _links(answer: str) -> list[_Found]:
    """Each address once, in the form that is fetched most readily."""
    data = answer.encode(errors="replace")
    is_ascii = len(data) == len(answer)
    pictures = _names_of_pictures(data)
    found: dict[int, _Found] = {}
    for kind, expression in _FORMS:
        for number, match in enumerate(expression.finditer(data)):
            if number >= _MOST:
                break
            begin, end = match.span(1)
            if any(begin < last and first < end for first, last in found_spans(found)):
                continue
            named = _kind_of(kind, match.group(), pictures)
            found[begin] = _Found(named, match.group(1).decode(errors="replace").rstrip(".,;:!?*_"), begin, end)
    if is_ascii:
        return sorted(found.values(), key=lambda each: each.begin)
    return [
        _Found(kind, url, len(data[:begin].decode(errors="ignore")), len(data[:end].decode(errors="ignore")))
        for kind, url, begin, end in sorted(found.values(), key=lambda each: each.begin)
    ]


def found_spans(found: dict[int, _Found]) -> Iterable[tuple[int, int]]:
    return [(each.begin, each.end) for each in found.values()]


def _names_of_pictures(data: bytes) -> frozenset[bytes]:
    """The names of references that pictures use: `![x][name]`, `![name]`."""
    return frozenset((match.group(2) or match.group(1)).strip().lower() for match in _IMAGE_REFERENCE.finditer(data))


def _kind_of(kind: str, form: bytes, pictures: frozenset[bytes]) -> str:
    if kind != "REFERENCE":
        return kind
    name = _REFERENCE_NAME.search(form)
    return "IMAGE" if name is not None and name.group(1).strip().lower() in pictures else "LINK"
