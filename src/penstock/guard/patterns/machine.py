"""Follows many patterns over a stream at once, character by character: what is under way, and since where.

A state is what may be under way: groups of positions by the word in which their matches began, the oldest first.
What two groups share belongs to the older, so that a text of one word makes no groups without end.  States and the
steps between them are worked out when a text first asks for them and kept, as RE2 does
(https://swtch.com/~rsc/regexp/regexp1.html, "Caching the NFA to build a DFA"): a character costs one look-up.
RE2 itself does not say since where something is under way, and read backwards, from the end of the text, as it would
have to be, many patterns make an automaton of a size that it gives up.

Sets of positions are the bits of an integer.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

import re2  # pyright: ignore[reportMissingTypeStubs]  # it has none

from penstock.guard.patterns.positions import Positions

_MOST_STATES: Final = 8_192
_MOST_STEPS: Final = 131_072
_MOST_CHARS_KNOWN: Final = 16_384
_re2: Any = re2
Groups = tuple[int, ...]


class State:
    """What is under way between two characters.

    `steps` are known by the next character.  `reach` is how many characters the matches of a group may have at the
    most.  `is_in_word` says that the youngest group began in the word that is being read.
    """

    __slots__ = ("groups", "is_after_word", "is_in_word", "reach", "steps")

    def __init__(self, groups: Groups, reach: tuple[int, ...], *, is_after_word: bool, is_in_word: bool) -> None:
        self.groups = groups
        self.reach = reach
        self.is_after_word = is_after_word
        self.is_in_word = is_in_word
        self.steps: dict[str, Step] = {}


class Step:
    """What one more character does.

    `sources` says for each group of `state` which group of the state before it was, -1 where it begins with this
    character; None where nothing changed.  `joined` are the groups that took over what a younger one had.  `ends` are
    patterns of which a match may be complete, each with the group it was in, -1 for one of this character alone.
    """

    __slots__ = ("ends", "joined", "sources", "state")

    def __init__(
        self,
        state: State,
        sources: tuple[int, ...] | None,
        joined: tuple[int, ...],
        ends: tuple[tuple[int, int], ...],
    ) -> None:
        self.state = state
        self.sources = sources
        self.joined = joined
        self.ends = ends


class Machine:
    """Shared by all streams and safe between threads: what it learns on the way is only ever added or dropped whole."""

    def __init__(self, tables: Sequence[tuple[Positions, int]]) -> None:
        """`tables` are those of the patterns, each with the most characters that its match may have."""
        self._owner: list[int] = []
        self._follow: tuple[list[tuple[int, ...]], list[tuple[int, ...]]] = ([], [])
        self._first = [0, 0]
        self._ends = [0, 0]
        self._reaches: dict[int, int] = dict.fromkeys(sorted({most for _, most in tables}, reverse=True), 0)
        members: dict[str, int] = {}  # the positions of each class of characters
        for pattern, (table, most_chars) in enumerate(tables):
            self._add(pattern, table, most_chars, members)
        going_on = sum(1 << at for at, (inside, edge) in enumerate(zip(*self._follow, strict=True)) if inside or edge)
        self._goes_on = going_on | (self._ends[0] ^ self._ends[1])
        self._classes = _re2.Set.FullMatchSet()
        for expression in members or ("x",):
            self._classes.Add(expression)
        self._classes.Compile()
        self._members = tuple(members.values()) or (0,)
        self._known: dict[str, int] = {}
        self._after: dict[tuple[int, bool], int] = {}
        self._states: dict[tuple[Groups, bool, bool], State] = {}
        self._steps = 0
        self.start = self._state((), is_after_word=False, is_in_word=False)

    def _add(self, pattern: int, table: Positions, most_chars: int, members: dict[str, int]) -> None:
        offset = len(self._owner)
        for at, expression in enumerate(table.atoms):
            position = 1 << (offset + at)
            self._owner.append(pattern)
            members[expression] = members.get(expression, 0) | position
            self._reaches[most_chars] |= position
            for side in (0, 1):
                self._follow[side].append(tuple(offset + each for each in table.follow[side][at]))
        for side in (0, 1):
            self._first[side] |= _mask(table.first[side]) << offset
            self._ends[side] |= _mask(table.last[side]) << offset

    def _reach(self, group: int) -> int:
        """How many characters the matches of a group may have."""
        return next(reach for reach, members in self._reaches.items() if group & members)

    def step(self, state: State, char: str) -> Step:
        """From `state` by `char`; kept for the next who asks."""
        here, is_word = self._classes_of(char), char.isascii() and (char.isalnum() or char == "_")
        side = state.is_after_word != is_word
        ends = [(at, group & self._ends[side] & ~self._ends[not side]) for at, group in enumerate(state.groups)]
        reached = [self._going_on(group, side) for group in state.groups]
        begins = self._first[side]
        if state.is_in_word:  # what begins within a word counts as begun with it
            reached[-1] |= begins
        else:
            reached.append(begins)
        groups: list[int] = []
        sources: list[int] = []
        joined: set[int] = set()
        taken = 0
        for at, into in enumerate(reached):
            there = into & here
            if shared := there & taken:
                joined.update(older for older, group in enumerate(groups) if group & shared)
            own, source = there & ~taken, at if at < len(state.groups) else -1
            ends.append((source, own & self._ends[0] & self._ends[1]))
            own &= self._goes_on
            if own:
                if source >= 0 and own & begins:
                    joined.add(len(groups))
                taken |= own
                groups.append(own)
                sources.append(source)
        is_youngest_kept = bool(sources) and sources[-1] == len(reached) - (1 if state.is_in_word else 2)
        has_begun = bool(sources) and sources[-1] == -1
        target = self._state(
            tuple(groups),
            is_after_word=is_word,
            is_in_word=not char.isspace() and (has_begun or (state.is_in_word and is_youngest_kept)),
        )
        step = Step(
            target,
            None if sources == list(range(len(state.groups))) else tuple(sources),
            tuple(sorted(joined)),
            tuple(dict.fromkeys((self._owner[at], source) for source, bits in ends for at in _bits(bits))),
        )
        self._steps += 1
        if self._steps > _MOST_STEPS:  # a text of characters that nobody writes must not fill the memory
            self._forget()
        state.steps[char] = step
        return step

    def _going_on(self, group: int, side: bool) -> int:  # noqa: FBT001 - an index
        """The positions that may come after a group's, whatever the character."""
        after = self._after.get((group, side))
        if after is None:
            follow = self._follow[side]
            after = _mask({each for position in _bits(group) for each in follow[position]})
            if len(self._after) >= _MOST_STATES:
                self._after = {}
            self._after[group, side] = after
        return after

    def ends_here(self, state: State) -> set[int]:
        """The patterns of which a match is complete if the text ends here, and may not be otherwise."""
        side = state.is_after_word
        ends = self._ends[side] & ~self._ends[not side]
        return {self._owner[at] for group in state.groups for at in _bits(group & ends)}

    def without(self, state: State, gone: Sequence[int]) -> State:
        """The state with some of its groups dropped."""
        kept = tuple(group for at, group in enumerate(state.groups) if at not in gone)
        is_in_word = state.is_in_word and len(state.groups) - 1 not in gone
        return self._state(kept, is_after_word=state.is_after_word, is_in_word=is_in_word)

    def _state(self, groups: Groups, *, is_after_word: bool, is_in_word: bool) -> State:
        key = (groups, is_after_word, is_in_word)
        state = self._states.get(key)
        if state is None:
            if len(self._states) >= _MOST_STATES:
                self._forget()
            reach = tuple(map(self._reach, groups))
            state = State(groups, reach, is_after_word=is_after_word, is_in_word=is_in_word)
            self._states[key] = state
        return state

    def _forget(self) -> None:
        """Begin anew.  Streams under way hold the state that they are in, and go on from there to new ones."""
        self._steps = 0
        self._states = {}
        self.start = State((), (), is_after_word=False, is_in_word=False)
        self._states[(), False, False] = self.start

    def _classes_of(self, char: str) -> int:
        """The positions whose class holds the character."""
        known = self._known.get(char)
        if known is None:
            classes: list[int] = self._classes.Match(char.encode("utf-8", "surrogatepass")) or []
            known = 0
            for at in classes:
                known |= self._members[at]
            if len(self._known) >= _MOST_CHARS_KNOWN:
                self._known = {}
            self._known[char] = known
        return known


def _mask(positions: AbstractSet[int]) -> int:
    mask = 0
    for position in positions:
        mask |= 1 << position
    return mask


def _bits(mask: int) -> Iterator[int]:
    if not mask:
        return
    digits = bin(mask)[:1:-1]
    at = digits.find("1")
    while at >= 0:
        yield at
        at = digits.find("1", at + 1)
