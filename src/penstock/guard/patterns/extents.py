"""How far a match may reach around its digits: what lets a set look for most patterns only where digits are.

Asked by `pattern_set`, of every expression once.  All figures are upper bounds over all matches, in characters; words
and boundaries are taken to be met.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from penstock.core.errors import ConfigError
from penstock.guard.patterns.expressions import compiled
from penstock.guard.patterns.syntax import Atom, Boundary, Concat, Either, Group, Node, Repeat, parse

_DIGITS: Final = "0123456789"
_ONLY_DIGITS: Final = re.compile(r"(?:\(\?[is]+:)?(?:[0-9]|\\d|\[(?:[0-9]-[0-9]|[0-9])+\])\)?")
_ONLY_SIGN: Final = re.compile(r"(?:\(\?[is]+:)?(?:\\[^0-9A-Za-z]|\[[^0-9A-Za-z\\^\[]\])\)?")


@dataclass(frozen=True, slots=True)
class Extent:
    """Characters before the first digit of a match, between two that follow each other, and behind the last."""

    before: int
    between: int
    after: int


@dataclass(frozen=True, slots=True)
class _Reach:
    """Of the matches of a node: how long those without a digit are, and how far those with one reach around them.

    None where there are no such matches.
    """

    without: int | None
    around: Extent | None


_NOTHING: Final = _Reach(0, None)


@lru_cache(maxsize=1024)
def extent_of(expression: str, *, mark: str = _DIGITS, has_digit: bool = False) -> Extent | None:
    """None where a match may have no digit, unless `has_digit`, or where it has no bound that can be told.

    `mark` is a sign that is asked for in place of digits, neither a letter nor one.  Kept, as shapes are.
    """
    try:
        reach = _reach(parse(expression).tree, mark)
    except ConfigError:
        return None
    return reach.around if has_digit or reach.without is None else None


def _reach(node: Node, mark: str) -> _Reach:
    match node:
        case Atom(expression):
            return _character(expression, mark)
        case Boundary():
            return _NOTHING
        case Group(item):
            return _reach(item, mark)
        case Concat(items):
            reach = _NOTHING
            for each in items:
                reach = _joined(reach, _reach(each, mark))
            return reach
        case Either(items):
            reach = _reach(items[0], mark)
            for each in items[1:]:
                reach = _either(reach, _reach(each, mark))
            return reach
        case Repeat(item, least, most):
            return _repeated(_reach(item, mark), least, most)


def _repeated(once: _Reach, least: int, most: int) -> _Reach:
    without = most * once.without if once.without is not None else None if least else 0
    around = once.around
    if most == 0 or around is None:
        return _Reach(without, None)
    others = (most - 1) * (once.without or 0)
    between = around.between
    if most > 1:
        between = max(between, around.after + max(most - 2, 0) * (once.without or 0) + around.before)
    return _Reach(without, Extent(around.before + others, between, around.after + others))


@lru_cache(4096)
def _character(expression: str, mark: str) -> _Reach:
    may_be_one = compiled(expression).search(mark) is not None
    if may_be_one and (_ONLY_DIGITS if mark == _DIGITS else _ONLY_SIGN).fullmatch(expression):
        return _Reach(None, Extent(0, 0, 0))
    return _Reach(1, Extent(0, 0, 0) if may_be_one else None)


def _either(one: _Reach, other: _Reach) -> _Reach:
    lengths = [each.without for each in (one, other) if each.without is not None]
    return _Reach(max(lengths, default=None), _widest([each.around for each in (one, other)]))


def _joined(left: _Reach, right: _Reach) -> _Reach:
    without = None if left.without is None or right.without is None else left.without + right.without
    ways: list[Extent | None] = []
    if left.around is not None and right.without is not None:
        ways.append(Extent(left.around.before, left.around.between, left.around.after + right.without))
    if left.without is not None and right.around is not None:
        ways.append(Extent(left.without + right.around.before, right.around.between, right.around.after))
    if left.around is not None and right.around is not None:
        between = max(left.around.between, left.around.after + right.around.before, right.around.between)
        ways.append(Extent(left.around.before, between, right.around.after))
    return _Reach(without, _widest(ways))


def _widest(ways: list[Extent | None]) -> Extent | None:
    known = [each for each in ways if each is not None]
    if not known:
        return None
    return Extent(
        max(each.before for each in known), max(each.between for each in known), max(each.after for each in known)
    )
