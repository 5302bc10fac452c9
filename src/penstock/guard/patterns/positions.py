"""What may follow what in a match of one pattern: the table from which the machine of a stream is made.

The positions of an expression are its characters (V. M. Glushkov 1961, "The abstract theory of automata"): a match
that is under way stands at the one that it read last.  Repetitions are widened: `[a-z]{6,64}` becomes one position that
follows itself.  So the table allows what the expression allows and somewhat more, which costs a stream a little
patience and never a match: `Shape` says how short and how long one may be, and RE2 what is one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from penstock.guard.patterns.syntax import Atom, Boundary, Concat, Either, Group, Node, Repeat

_MOST_POSITIONS: Final = 2_000
"""More make a machine's states too dear to work out."""
_EXACT: Final = 3
"""Up to how many repetitions are followed one by one."""

Side: TypeAlias = tuple[bool, frozenset[int], frozenset[int]]
"""Of a node: whether it can be empty, which positions may begin it, and which may end it."""
Sides: TypeAlias = tuple[Side, Side]
"""For a node whose ends are no word boundaries, and for one whose ends are."""
_Step: TypeAlias = Callable[[], Sides]

_NOTHING: Final[Side] = (True, frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Positions:
    """Pairs say what holds where there is no word boundary between two characters, and where there is.

    `atoms` are the characters' classes by position.
    """

    atoms: tuple[str, ...]
    first: tuple[frozenset[int], frozenset[int]]
    last: tuple[frozenset[int], frozenset[int]]
    follow: tuple[tuple[frozenset[int], ...], tuple[frozenset[int], ...]]


def positions_of(tree: Node) -> Positions | None:
    """None where they are too many, as for a list of a thousand names."""
    try:
        return _Builder().table(tree)
    except _TooMany:
        return None


class _TooMany(Exception):
    pass


class _Builder:
    def __init__(self) -> None:
        self._atoms: list[str] = []
        self._follow: tuple[list[set[int]], list[set[int]]] = ([], [])

    def table(self, tree: Node) -> Positions:
        inside, edge = self._build(tree)
        return Positions(
            atoms=tuple(self._atoms),
            first=(inside[1], edge[1]),
            last=(inside[2], edge[2]),
            follow=(tuple(map(frozenset, self._follow[0])), tuple(map(frozenset, self._follow[1]))),
        )

    def _build(self, node: Node) -> Sides:
        match node:
            case Atom(expression):
                return self._atom(expression)
            case Boundary(is_edge):
                return (not is_edge, frozenset(), frozenset()), (is_edge, frozenset(), frozenset())
            case Concat(items):
                return self._in_turn([lambda each=each: self._build(each) for each in items])
            case Either(items):
                return _any_of([self._build(each) for each in items])
            case Group(item):
                return self._build(item)
            case Repeat(item, least, most):
                return self._repeat(lambda: self._build(item), least, most)

    def _atom(self, expression: str) -> Sides:
        at = len(self._atoms)
        if at >= _MOST_POSITIONS:
            raise _TooMany
        self._atoms.append(expression)
        for follow in self._follow:
            follow.append(set())
        only = frozenset((at,))
        return (False, only, only), (False, only, only)

    def _in_turn(self, steps: Sequence[_Step]) -> Sides:
        done: Sides = (_NOTHING, _NOTHING)
        for step in steps:
            done = self._then(done, step())
        return done

    def _then(self, left: Sides, right: Sides) -> Sides:
        sides: list[Side] = []
        for before, after, follow in zip(left, right, self._follow, strict=True):
            may_skip, first, last = before
            next_may_skip, next_first, next_last = after
            for position in last:
                follow[position] |= next_first
            sides.append(
                (
                    may_skip and next_may_skip,
                    first | next_first if may_skip else first,
                    next_last | last if next_may_skip else next_last,
                )
            )
        return sides[0], sides[1]

    def _repeat(self, once: _Step, least: int, most: int) -> Sides:
        if most == 0:
            return _NOTHING, _NOTHING
        if most > _EXACT:
            often = self._often(once)
            return often if least else _optional(often)
        return self._in_turn([once] * least + [lambda: _optional(once())] * (most - least))

    def _often(self, once: _Step) -> Sides:
        """Once or more."""
        built = once()
        for (_, first, last), follow in zip(built, self._follow, strict=True):
            for position in last:
                follow[position] |= first
        return built


def _any_of(choices: Sequence[Sides]) -> Sides:
    sides: list[Side] = []
    for at in (0, 1):
        may_skip, firsts, lasts = zip(*(choice[at] for choice in choices), strict=True)
        sides.append((any(may_skip), frozenset[int]().union(*firsts), frozenset[int]().union(*lasts)))
    return sides[0], sides[1]


def _optional(sides: Sides) -> Sides:
    (_, first, last), (_, edge_first, edge_last) = sides
    return (True, first, last), (True, edge_first, edge_last)
