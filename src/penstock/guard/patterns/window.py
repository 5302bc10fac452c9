r"""Many patterns over a text that streams in: what is certain goes on, what may still become a match is held.

What comes out does not depend on how the text was cut: it is what the patterns find in the whole of it, each from left
to right, as RE2 prefers, and after a match that its validator refuses again one character after that one's beginning.
Held is a text from where a match may be under way: the word that is being written where an e-mail address may become
of it, nothing between words.  Where a pattern asks for words before its value, those go on and a value is held until
it is known for none.  Guards of answers use it, through `guard.lanes`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
import re2  # pyright: ignore[reportMissingTypeStubs]  # it has none

from penstock.core.errors import ConfigError
from penstock.guard.patterns.machine import Machine
from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.positions import Positions
from penstock.guard.patterns.prefixes import Shape, shape_of
from penstock.guard.patterns.scanner import First, options, scanner
from penstock.guard.verdict import Finding

_MOST_JOINED_CHARS: Final = 1_024
"""Findings that overlap go out as one, up to this: a chain of them may have no end."""
_SLACK_CHARS: Final = 512
_MOST_POSITIONS: Final = 16_000
_MOST_MEMORY_OF_ALL: Final = 64 << 20
_MOST_MEMORY_OF_ONE: Final = 8 << 20
_re2: Any = re2


class Found(msgspec.Struct, frozen=True):
    """A part of the text in which something was found: none of it has gone out.

    `findings` are all that overlap here, the one that decides first: the longest, of those the surest.  Their
    positions, like `begin`, count code points from the beginning of the text.  Usually there is one, and `text` is
    its; where several overlap in part, `text` is all that they cover.
    """

    text: str
    begin: int
    findings: tuple[Finding, ...]


Piece: TypeAlias = str | Found


class PatternWindow:
    """Built once and shared: `open` begins a text.  Raises `ConfigError` where a pattern does not suit a stream."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = tuple(patterns)
        self.shapes = tuple(shape_of(each) for each in self.patterns)
        tables = _followed(self.shapes)
        self.followed = tuple(tables)
        self.machine = Machine([(table, self.shapes[at].most_chars) for at, table in tables.items()])
        self.scanners = tuple(scanner(each.expression, _MOST_MEMORY_OF_ONE) for each in self.patterns)
        self.open_matches = tuple(_at_end(each.open_match) for each in self.shapes)
        self.asked = _Asked({at: each for at, each in enumerate(self.shapes) if at not in tables})
        self.anywhere = _Possible({at: each.wide for at, each in enumerate(self.shapes)})
        self.kept_chars = self.asked.most_chars + _SLACK_CHARS

    def open(self) -> "WindowText":
        return WindowText(self)

    def whole(self, text: str) -> list[Piece]:
        """Of a text that is all there: as if it had streamed in, and at a fraction of what that takes."""
        return self.open().all_of(text)


class WindowText:
    """One text.  Every character that is fed comes out once, in order: as text that is safe, or within a `Found`."""

    __slots__ = (
        "_at",
        "_base",
        "_begun",
        "_found",
        "_joined",
        "_pending",
        "_searched",
        "_shown",
        "_state",
        "_text",
        "_window",
    )

    def __init__(self, window: PatternWindow) -> None:
        self._window = window
        self._text = ""  # what is held, and what precedes it as far as it may be asked for
        self._base = 0  # where that begins
        self._at = 0  # where the text ends by now
        self._shown = 0  # up to where it has gone out
        self._state = window.machine.start
        self._begun: list[int] = []  # of each group of the state: where its oldest match began
        self._joined: list[int] = []  # and where its youngest can have begun
        self._pending: dict[int, int] = {}  # patterns of which a match may be complete, and where the oldest can begin
        self._searched: dict[int, int] = {}  # from where on a pattern may match again
        self._found: list[tuple[int, int, int]] = []

    @property
    def held(self) -> int:
        """How many characters wait for what follows."""
        return self._at - self._shown

    @property
    def is_holding(self) -> bool:
        return self._at > self._shown

    def feed(self, piece: str) -> list[Piece]:
        """What may go on now."""
        if not piece:
            return []
        before = self._at
        self._follow(piece)
        self._text += piece
        limit = self._open_from() if self._begun else self._at
        if self._pending:
            limit = min(limit, self._decide(is_over=False))
        if self._window.asked.words:
            limit = min(limit, self._ask(is_over=False))
        if limit == self._at and self._shown == before and not self._found:  # as between most words of a text
            self._shown = limit
            pieces: list[Piece] = [piece]
        else:
            pieces = self._release(limit)
        self._forget()
        return pieces

    def finish(self) -> list[Piece]:
        """The rest: the text is over."""
        if not self.is_holding:
            return []
        oldest = self._open_from()
        for pattern in self._window.machine.ends_here(self._state):
            index = self._window.followed[pattern]
            self._pending[index] = min(self._pending.get(index, oldest), oldest)
        self._decide(is_over=True)
        if self._window.asked.words:
            self._ask(is_over=True)
        return self._release(self._at)

    def all_of(self, text: str) -> list[Piece]:
        """Of a text that is all there; nothing else is fed."""
        self._text, self._at = text, len(text)
        for pattern in self._window.anywhere.among(text.encode("utf-8", "surrogatepass")):
            self._search(pattern, 0, is_over=True)
        return self._release(self._at)

    def _follow(self, piece: str) -> None:
        state, begun, joined, at = self._state, self._begun, self._joined, self._at
        step = self._window.machine.step
        for char in piece:
            taken = state.steps.get(char) or step(state, char)
            if taken.ends:
                self._ended(taken.ends, begun, at)
            if taken.sources is not None:
                begun = [begun[source] if source >= 0 else at for source in taken.sources]
                joined = [joined[source] if source >= 0 else at for source in taken.sources]
            for group in taken.joined:
                joined[group] = at
            state = taken.state
            at += 1
        gone = [group for group, reach in enumerate(state.reach) if at - joined[group] > reach]
        if gone:
            begun = [each for group, each in enumerate(begun) if group not in gone]
            joined = [each for group, each in enumerate(joined) if group not in gone]
            state = self._window.machine.without(state, gone)
        self._state, self._begun, self._joined, self._at = state, begun, joined, at

    def _ended(self, ends: Sequence[tuple[int, int]], begun: list[int], at: int) -> None:
        """A match of these patterns may be complete, before or with the character at `at`."""
        followed, shapes, pending = self._window.followed, self._window.shapes, self._pending
        for pattern, group in ends:
            index = followed[pattern]
            shape = shapes[index]
            since = begun[group] if group >= 0 else at
            if at + 1 - since >= shape.least_chars:
                since = max(since, at - shape.most_chars)
                pending[index] = min(pending.get(index, since), since)

    def _open_from(self) -> int:
        """From where on the text may be in a match that is under way."""
        limit = at = self._at
        for begun, reach in zip(self._begun, self._state.reach, strict=True):
            limit = min(limit, max(begun, at - reach))
        return limit

    def _ask(self, *, is_over: bool) -> int:
        """As `_decide`, of the patterns that ask for words before their value; and from where on one may be open."""
        asked, shapes, limit = self._window.asked, self._window.shapes, self._at
        origin = max(self._shown - asked.most_chars - 1, self._base)
        data = self._text[origin - self._base :].encode("utf-8", "surrogatepass")
        if not asked.near.among(data):
            return limit
        for pattern in asked.possible.among(data):
            since = max(self._shown - asked.words[pattern].most_chars, self._base)
            left = self._search(pattern, since, is_over=is_over)
            limit = limit if left is None else min(limit, left)
        for pattern in asked.open.among(data):
            left = asked.scanners[pattern](data, 0, len(data))[0][0]
            if left >= 0:
                began = self._at - len(data[left:].decode("utf-8", "surrogatepass"))
                limit = min(limit, max(began, self._at - shapes[pattern].most_chars))
        return limit

    def _decide(self, *, is_over: bool) -> int:
        """Take the matches that no further text can change.  Returns where the first other one begins."""
        open_from = self._at
        for pattern, since in list(self._pending.items()):
            left = self._search(pattern, since, is_over=is_over)
            if left is None:
                del self._pending[pattern]
            else:
                self._pending[pattern] = left
                open_from = min(open_from, left)
        return open_from

    def _search(self, index: int, since: int, *, is_over: bool) -> int | None:
        """Take the matches of a pattern that are certain.  Returns where the first other one begins, if there is."""
        pattern, (first_from, group) = self._window.patterns[index], self._window.scanners[index]
        # One that is under way and began before is to be seen, as it goes first.
        begin = max(min(since, self._open_from()), self._searched.get(index, 0), self._base)
        origin = max(begin - 1, self._base)  # a boundary asks for the character before
        data = self._text[origin - self._base :].encode("utf-8", "surrogatepass")
        places = _Places(data, origin)
        offset = _after(data, 0) if begin > origin else 0
        certain_before = -1
        while (spans := first_from(data, offset, len(data)))[0][0] >= 0:
            first, last = spans[0]
            at = places.of(first)
            if certain_before < 0:
                certain_before = self._at if is_over else self._under_way(index, data, offset)
            if at >= certain_before:
                return at
            left, right = spans[group]
            value = data[left:right].decode("utf-8", "surrogatepass") if right > left else ""
            is_one = bool(value) and (pattern.validate is None or pattern.validate(value))
            if is_one:
                self._found.append((places.of(left), places.of(right), index))
            is_done = is_one or pattern.validate is None or (pattern.is_whole and bool(value))
            offset = last if is_done else _after(data, first)
            self._searched[index] = places.of(offset)
        return None

    def _under_way(self, index: int, data: bytes, offset: int) -> int:
        """Where the oldest match of the pattern begins that is under way: one from there on may still change."""
        shape = self._window.shapes[index]
        left = self._window.open_matches[index](data, offset, len(data))[0][0]
        began = self._at - len(data[left:].decode("utf-8", "surrogatepass"))
        return max(began, self._at - shape.most_chars)

    def _release(self, limit: int) -> list[Piece]:
        """All before `limit` is known.  What overlaps what is not stays."""
        limit = max(limit, self._shown)
        pieces: list[Piece] = []
        found, at = self._found, 0
        if found:
            found.sort(key=lambda each: (each[0], -each[1], each[2]))
        while at < len(found):
            after, end = self._overlapping(at)
            if end > limit:
                limit = min(limit, max(found[at][0], self._shown))
                break
            self._plain(found[at][0], pieces)
            pieces.append(self._piece(end, found[at:after]))
            at = after
        del found[:at]
        self._plain(limit, pieces)
        return pieces

    def _overlapping(self, at: int) -> tuple[int, int]:
        """Up to which of the findings they overlap with the one at `at`, and where these end."""
        found = self._found
        begin, end, _ = found[at]
        while (at := at + 1) < len(found):
            other, other_end, _ = found[at]
            if other >= end or (other_end > end and other_end - begin > _MOST_JOINED_CHARS):
                break
            end = max(end, other_end)
        return at, end

    def _plain(self, end: int, pieces: list[Piece]) -> None:
        if end > self._shown:
            pieces.append(self._text[self._shown - self._base : end - self._base])
            self._shown = end

    def _piece(self, end: int, found: list[tuple[int, int, int]]) -> Found:
        patterns, begin = self._window.patterns, self._shown
        ranked = sorted(found, key=lambda each: (each[0] - each[1], -patterns[each[2]].score, each[2]))
        findings = tuple(
            Finding(patterns[index].rule, patterns[index].kind, left, right, patterns[index].score)
            for left, right, index in ranked
        )
        self._shown = end
        return Found(self._text[begin - self._base : end - self._base], begin, findings)

    def _forget(self) -> None:
        """Keep what a later match may need, and the character before it."""
        if len(self._text) <= self._window.kept_chars:
            return
        needed = min(self._shown - self._window.asked.most_chars, self._open_from(), *self._pending.values()) - 1
        if needed > self._base:
            self._text = self._text[needed - self._base :]
            self._base = needed


class _Asked:
    """The patterns that ask for words before their value: which of them a text is about."""

    def __init__(self, shapes: Mapping[int, Shape]) -> None:
        self.words = {at: each.words for at, each in shapes.items()}
        self.most_chars = max((each.most_chars for each in self.words.values()), default=0)
        self.near = _Possible({at: each.expression for at, each in self.words.items()})
        self.possible = _Possible({at: each.wide for at, each in shapes.items()})
        opened = {at: f"(?:{each.open_value})\\z" for at, each in self.words.items() if each.open_value}
        self.open = _Possible(opened)
        self.scanners = {at: scanner(each, _MOST_MEMORY_OF_ONE)[0] for at, each in opened.items()}


def _followed(shapes: Sequence[Shape]) -> dict[int, Positions]:
    """The positions of those patterns that the machine follows: as many as it can work out quickly."""
    tables: dict[int, Positions] = {}
    left = _MOST_POSITIONS
    for at, shape in enumerate(shapes):
        if shape.positions is not None and len(shape.positions.atoms) <= left:
            tables[at] = shape.positions
            left -= len(shape.positions.atoms)
    return tables


class _Possible:
    """Which of some expressions match somewhere in a text, in one pass."""

    def __init__(self, expressions: dict[int, str]) -> None:
        self._all = tuple(expressions)
        self._set = _re2.Set.SearchSet(options(_MOST_MEMORY_OF_ALL))
        for each in expressions.values():
            self._set.Add(each)
        self._sign = self._set.Add("")  # always there, unless the automaton gave up, which RE2 does not tell
        try:
            self._set.Compile()
        except _re2.error:
            raise ConfigError(f"{len(self._all)} patterns are more than one automaton holds") from None

    def among(self, data: bytes) -> Collection[int]:
        found: list[int] = self._set.Match(data) or []
        if len(found) == 1 and found[0] == self._sign:
            return ()
        if self._sign not in found:
            return self._all
        return [self._all[index] for index in sorted(found) if index != self._sign]


class _Places:
    """Positions in a text of which RE2 reads the bytes; cheap where they are asked for about in order."""

    __slots__ = ("_data", "_is_ascii", "_offset", "_place")

    def __init__(self, data: bytes, origin: int) -> None:
        self._data = data
        self._is_ascii = data.isascii()
        self._offset = 0
        self._place = origin

    def of(self, offset: int) -> int:
        known = self._offset
        if self._is_ascii:
            self._place += offset - known
        elif offset >= known:
            self._place += len(self._data[known:offset].decode("utf-8", "surrogatepass"))
        else:
            self._place -= len(self._data[offset:known].decode("utf-8", "surrogatepass"))
        self._offset = offset
        return self._place


def _after(data: bytes, offset: int) -> int:
    """Where the character after the one at `offset` begins."""
    offset += 1
    while offset < len(data) and data[offset] & 0xC0 == 0x80:  # a continuation byte of UTF-8
        offset += 1
    return offset


def _at_end(begin: str) -> First:
    """Finds from where on the end of a text is what `begin` matches, which may be nothing."""
    return scanner(f"(?:{begin})\\z", _MOST_MEMORY_OF_ONE)[0]
