"""Takes our own borders out of an answer: a model that repeats what it read may repeat them too.

The marker alone goes as well as the border around it, however the answer was cut.  Held is what may be the beginning
of either, a few characters now and then, and what follows a marker until its border is over.  Called by the fence
stage, through `guard.lanes`.
"""

import re
from collections.abc import Sequence
from typing import Final

from penstock.guard.patterns.window import Found, Piece
from penstock.guard.verdict import Finding

RULE: Final = "injection.border"
_OPENINGS: Final = ("<<data ", "<<end ", "<< data ", "<< end ", "<<")
_REST: Final = re.compile(r"(?: from [^<>\n]{0,100})?>>\n?")
"""What follows the marker in a border: no two ways to match it, so that it takes one pass."""
_MOST_REST: Final = 120


class BorderWindow:
    """Of one marker.  `open` begins a text, as that of `PatternWindow` does."""

    __slots__ = ("_begins", "_firsts", "_most", "marker")

    def __init__(self, marker: str) -> None:
        self.marker = marker
        self._begins = tuple(f"{opening}{marker}" for opening in (*_OPENINGS, ""))
        self._firsts = "<" + marker[0]
        self._most = max(map(len, self._begins)) - 1

    def open(self) -> "BorderText":
        return BorderText(self)

    def whole(self, text: str) -> Sequence[Piece]:
        """Of a text that is all there."""
        if self.marker not in text:
            return [text] if text else []
        opened = self.open()
        return [*opened.feed(text), *opened.finish()]

    def begun(self, text: str) -> int:
        """How many characters at the end may be the beginning of a marker or of its border."""
        tail = text[-self._most :]
        for at, char in enumerate(tail):
            if char in self._firsts and any(each.startswith(tail[at:]) for each in self._begins):
                return len(tail) - at
        return 0

    def border(self, text: str, *, is_over: bool) -> tuple[int, int] | None:
        """Where the border around the first marker begins and ends; None while it may go on."""
        at = text.index(self.marker)
        opening = next((each for each in _OPENINGS if text.endswith(each, 0, at)), "")
        end = at + len(self.marker)
        rest = _REST.match(text, end)
        if rest is not None and (is_over or rest.end() < len(text) or rest.group().endswith("\n")):
            return at - len(opening), rest.end()
        if not is_over and _may_go_on(text[end:]):
            return None
        return at - len(opening), end if rest is None else rest.end()


class BorderText:
    """One text.  Every character comes out once, as text or within a `Found`."""

    __slots__ = ("_at", "_held", "_window")

    def __init__(self, window: BorderWindow) -> None:
        self._window = window
        self._held = ""
        self._at = 0

    @property
    def is_holding(self) -> bool:
        return bool(self._held)

    def feed(self, piece: str) -> Sequence[Piece]:
        """What may go on now."""
        if not piece:
            return []
        is_alone = not self._held
        text = self._held + piece if not is_alone else piece
        out, rest = self._taken(text, is_over=False)
        if self._window.marker in rest:
            self._held = rest
            return out
        begun = self._window.begun(rest)
        if begun == 0 and is_alone and not out:
            self._at += len(piece)
            return [piece]
        safe, self._held = rest[: len(rest) - begun], rest[len(rest) - begun :]
        self._pass(safe, out)
        return out

    def finish(self) -> Sequence[Piece]:
        """The rest: the text is over."""
        out, rest = self._taken(self._held, is_over=True)
        self._held = ""
        self._pass(rest, out)
        return out

    def _taken(self, text: str, *, is_over: bool) -> tuple[list[Piece], str]:
        """The text up to behind the last border that is known whole, and what follows."""
        out: list[Piece] = []
        while self._window.marker in text:
            border = self._window.border(text, is_over=is_over)
            if border is None:
                break
            begin, end = border
            self._pass(text[:begin], out)
            finding = Finding(RULE, "MARKER", self._at, self._at + end - begin)
            out.append(Found(text[begin:end], self._at, (finding,)))
            self._at += end - begin
            text = text[end:]
        return out, text

    def _pass(self, text: str, out: list[Piece]) -> None:
        if text:
            out.append(text)
            self._at += len(text)


def _may_go_on(rest: str) -> bool:
    """Whether what follows a marker may yet become the rest of its border."""
    if len(rest) > _MOST_REST:
        return False
    named = " from "
    if rest.startswith(named):
        name, closing, after = rest[len(named) :].partition(">")
        return not any(each in name for each in "<\n") and (not closing or after in ("", ">"))
    return rest in ("", ">", ">>") or named.startswith(rest)
