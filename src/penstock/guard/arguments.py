r"""The arguments of a tool call as a guard must read them: without the escapes in which a match may hide.

`{"to": "ann\u0040example.org"}` is judged as `{"to": "ann@example.org"}` and stands for what the provider sent piece by
piece, at whatever place it was cut: `Unescaped` tells of each character that is judged which of those sent it is.  Text
that is no JSON is taken as it comes.  (https://www.rfc-editor.org/rfc/rfc8259, section 7.)
"""

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from penstock.core.json import dumps, loads

_MEANING: Final[Mapping[str, str]] = MappingProxyType({"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"})
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_STRUCTURE: Final = frozenset('{}[]:, \t\r\n"')
_MOST_BARE_CHARS: Final = 64
_MOST_SLASHES: Final = 64

Kind = Literal["structure", "content", "escape", "scalar"]
Cut = tuple[int, str | None]
"""The next so many characters that were sent: as they are where the second is None, else that text in their place."""


class _Run:
    """`judged` characters that are read, standing for `sent` that came; content and structure one for one.

    Of a number, `true`, `false` or `null` a part cannot be replaced: `mask` is kept until all of it was judged.
    """

    __slots__ = ("judged", "kind", "mask", "sent")

    def __init__(self, kind: Kind, judged: int, sent: int) -> None:
        self.kind: Kind = kind
        self.judged = judged
        self.sent = sent
        self.mask: str | None = None


class Unescaped:
    """`read` takes what comes and returns what is to be judged; `cut` what that says of the characters that came."""

    __slots__ = ("_bare", "_escape", "_high", "_is_in_string", "_runs")

    def __init__(self) -> None:
        self._runs: deque[_Run] = deque()
        self._is_in_string = False
        self._escape = ""  # that is not whole yet: as it was sent
        self._high = ""  # the first half of a pair of escaped surrogates, likewise
        self._bare = ""  # a number or a word outside of strings, likewise

    @property
    def is_holding(self) -> bool:
        """Whether something was sent of which nothing could be read yet."""
        return bool(self._escape or self._high or self._bare)

    def read(self, text: str) -> str:
        """What there is to judge now."""
        judged: list[str] = []
        at = 0
        while at < len(text):
            if self._escape:
                at = self._escaped(text, at, judged)
            elif self._is_in_string:
                at = self._in_string(text, at, judged)
            else:
                at = self._outside(text, at, judged)
        return "".join(judged)

    def rest(self) -> str:
        """What there is to judge where nothing more comes."""
        judged: list[str] = []
        self._end_pair(judged)
        self._add("content", self._end_slashes(judged) + self._escape, judged)
        self._escape = ""
        self._end_bare(judged)
        return "".join(judged)

    def cut(self, count: int, mask: str | None, cuts: list[Cut]) -> None:
        """The next `count` characters that were judged are to stay, or to be replaced by `mask` as they stand."""
        while count:
            run = self._runs[0]
            taken = min(count, run.judged)
            count -= taken
            run.judged -= taken
            match run.kind:
                case "structure":
                    run.sent -= taken
                    cuts.append((taken, None))
                case "content":
                    run.sent -= taken
                    cuts.append((taken, None if mask is None else dumps(mask).decode()[1:-1]))
                    mask = None if mask is None else ""
                case "escape":
                    cuts.append((run.sent, None if mask is None else dumps(mask).decode()[1:-1]))
                    mask = None if mask is None else ""
                case "scalar":
                    if mask is not None:
                        run.mask = mask if run.mask is None else run.mask + mask
                        mask = ""
                    if not run.judged:
                        cuts.append((run.sent, None if run.mask is None else dumps(run.mask).decode()))
            if not run.judged:
                self._runs.popleft()

    def _add(self, kind: Kind, text: str, judged: list[str]) -> None:
        if not text:
            return
        judged.append(text)
        last = self._runs[-1] if self._runs else None
        if last is not None and last.kind == kind and kind in {"structure", "content"}:
            last.judged += len(text)
            last.sent += len(text)
        else:
            self._runs.append(_Run(kind, len(text), len(text)))

    def _add_escape(self, meant: str, sent: str, judged: list[str]) -> None:
        judged.append(meant)
        self._runs.append(_Run("escape", 1, len(sent)))

    def _outside(self, text: str, at: int, judged: list[str]) -> int:
        begin = at
        while at < len(text) and text[at] not in _STRUCTURE:
            at += 1
        self._bare += text[begin:at]
        if len(self._bare) > _MOST_BARE_CHARS:  # no number that anybody writes
            self._add("content", self._bare, judged)
            self._bare = ""
        if at == len(text):
            return at
        self._end_bare(judged)
        begin = at
        while at < len(text) and text[at] in _STRUCTURE:
            at += 1
            if text[at - 1] == '"':
                self._is_in_string = True
                break
        self._add("structure", text[begin:at], judged)
        return at

    def _end_bare(self, judged: list[str]) -> None:
        bare, self._bare = self._bare, ""
        self._add("scalar" if _is_scalar(bare) else "content", bare, judged)

    def _in_string(self, text: str, at: int, judged: list[str]) -> int:
        quote, slash = text.find('"', at), text.find("\\", at)
        end = min((place for place in (quote, slash) if place >= 0), default=len(text))
        if self._high and (end > at or end == quote):
            self._end_pair(judged)
        self._add("content", text[at:end], judged)
        if end == len(text):
            return end
        if end == quote:
            self._is_in_string = False
            self._add("structure", '"', judged)
        else:
            self._escape = "\\"
        return end + 1

    def _escaped(self, text: str, at: int, judged: list[str]) -> int:
        r"""One more character of an escape.

        A string within a string escapes twice, and its `\\u0040` is read as what it will be in the end, too.
        """
        char = text[at]
        if self._escape[-1] == "\\":
            if char == "\\" and len(self._escape) < _MOST_SLASHES:
                self._escape += char
                return at + 1
            return self._after_slashes(char, at, judged)
        if char not in _HEX:  # none that JSON knows
            self._end_pair(judged)
            self._add("content", self._end_slashes(judged) + self._escape, judged)
            self._escape = ""
            return at
        self._escape += char
        digits = self._escape.rpartition("u")[2]
        if len(digits) == 4:
            sent, self._escape = self._escape, ""
            self._unicode(int(digits, 16), sent, judged)
        return at + 1

    def _after_slashes(self, char: str, at: int, judged: list[str]) -> int:
        is_odd = len(self._escape) % 2 == 1
        if char == "u" and not is_odd:  # within a string in the string
            self._escape += char
            return at + 1
        if len(self._escape) > 1:
            self._end_pair(judged)
        left = self._end_slashes(judged)
        if not is_odd:
            return at
        if char == "u":
            self._escape = left + char
        else:
            self._end_pair(judged)
            self._add_escape(_MEANING.get(char, char), left + char, judged)
        return at + 1

    def _end_slashes(self, judged: list[str]) -> str:
        """Each pair of those that the escape begins with says one; returns the last, where it has no other."""
        slashes = len(self._escape) - len(self._escape.lstrip("\\"))
        for _ in range(slashes // 2):
            self._add_escape("\\", "\\\\", judged)
        self._escape = self._escape[slashes:]
        return "\\" * (slashes % 2)

    def _unicode(self, code: int, sent: str, judged: list[str]) -> None:
        if self._high and 0xDC00 <= code < 0xE000:
            high, self._high = self._high, ""
            first = int(high[-4:], 16)
            self._add_escape(chr(0x10000 + ((first - 0xD800) << 10) + code - 0xDC00), high + sent, judged)
            return
        self._end_pair(judged)
        if 0xD800 <= code < 0xDC00:
            self._high = sent
        else:
            self._add_escape(chr(code), sent, judged)

    def _end_pair(self, judged: list[str]) -> None:
        """Half a pair stays half a pair."""
        if self._high:
            high, self._high = self._high, ""
            self._add_escape(chr(int(high[-4:], 16)), high, judged)


def _is_scalar(text: str) -> bool:
    """Whether it is a number, `true`, `false` or `null`; there is no quote in it."""
    try:
        loads(text)
    except msgspec.DecodeError:
        return False
    return True
