r"""What a text may end with that is the beginning of a match: expressions made from a pattern's.

`ab{0,9}c` begins with `a`, then some of `b`: `(?:a(?:b){0,9})?`, which, searched with `\z` behind it, finds from where
on the end of a text is open.  Long repetitions are widened (`[a-z]{1,64}` to `[a-z]{1,}`), which keeps RE2's automata
small and allows somewhat more: that costs a stream a little patience and never a match, as the longest match ends what
is only held and the pattern itself decides what is one.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from penstock.core.errors import ConfigError
from penstock.guard.patterns.expressions import compiled
from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.positions import Positions, positions_of
from penstock.guard.patterns.syntax import Atom, Boundary, Concat, Either, Group, Node, Parsed, Repeat, parse

MOST_CHARS: Final = 8_192
"""The longest match that a pattern may have: what is held of a text, and no more."""
_EXACT: Final = 3
"""Repetitions up to this are followed one by one."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a pattern asks for before its value: `expression` matches it, in up to `most_chars` characters.

    `open_value` is that and something of a value, but not all.
    """

    expression: str
    most_chars: int
    open_value: str


@dataclass(frozen=True, slots=True)
class Shape:
    """How a stream follows one pattern: by its `positions`, or, where it asks for words before its value, by those.

    One whose positions are too many is taken to ask for no words in particular: then RE2 alone follows it.

    A match has `least_chars` at the least and `most_chars` at the most.  `wide` matches whatever the pattern does, and
    a little more; `open_match` is what a match may begin with.
    """

    least_chars: int
    most_chars: int
    wide: str
    open_match: str
    positions: Positions | None
    words: Words


def shape_of(pattern: Pattern) -> Shape:
    """Raises `ConfigError` where the pattern cannot be followed on a stream, saying why."""
    try:
        return _shape_of(pattern.expression, pattern.most_chars)
    except ConfigError as refused:
        raise ConfigError(f"{pattern.rule}: {refused.message}") from None


@lru_cache(maxsize=512)
def _shape_of(expression: str, most_chars: int) -> Shape:
    """Kept, since every model's guards, and every configuration that is read again, are made of the same catalogue."""
    compiled(expression)  # what RE2 does not take at all, it says better
    parsed = parse(expression)
    tree = parsed.tree
    most = longest(tree)
    if most > min(most_chars, MOST_CHARS):
        allowed = f"most_chars={most_chars}" if most <= MOST_CHARS else str(MOST_CHARS)
        raise ConfigError(f"a match may have {most} characters, more than {allowed}")
    if shortest(tree) == 0 or shortest(_found(tree) or tree) == 0:
        raise ConfigError("what it finds may be empty")
    forms = _forms(tree)
    positions = positions_of(tree) if parsed.words is None else None
    return Shape(shortest(tree), most, forms.whole, forms.open, positions, _words(parsed, forms))


def _words(parsed: Parsed, forms: "_Forms") -> Words:
    if parsed.words is None:
        return Words("", 0, forms.begun or "")
    before, value = _forms(parsed.words), _forms(parsed.value)
    opened = f"(?:{before.whole})(?:{value.begun})" if value.begun else ""
    return Words(before.whole, longest(parsed.words), opened)


@dataclass(frozen=True, slots=True)
class _Forms:
    """Expressions made from one: all it matches and a little more, and that where it is not empty; what stands where

    it is under way and not done, which may be nothing yet, and that where it is not.  None where there is no such text.
    """

    whole: str
    some: str | None
    open: str
    begun: str | None
    may_be_empty: bool


def _forms(node: Node) -> _Forms:
    match node:
        case Atom(expression):
            return _Forms(expression, expression, "", None, may_be_empty=False)
        case Boundary(is_edge):
            return _Forms(r"\b" if is_edge else r"\B", None, "", None, may_be_empty=True)
        case Group(item):
            return _forms(item)
        case Either(items):
            forms = [_forms(each) for each in items]
            return _Forms(
                _any([each.whole for each in forms]) or "",
                _any([each.some for each in forms]),
                _any([each.open for each in forms if each.open]) or "",
                _any([each.begun for each in forms]),
                may_be_empty=any(each.may_be_empty for each in forms),
            )
        case Repeat(item, least, most):
            return _repeated(_forms(item), least, most)
        case Concat(items):
            forms = _Forms("", None, "", None, may_be_empty=True)
            for at, each in enumerate(reversed(items)):
                forms = _joined(_forms(each), forms, is_last=at == 0)
            return forms


def _joined(head: _Forms, rest: _Forms, *, is_last: bool) -> _Forms:
    """The head is under way, or it is done and what follows it is under way."""
    if is_last:
        return head
    done = head.whole + rest.open
    return _Forms(
        head.whole + rest.whole,
        _any(
            [
                head.some + rest.whole if head.some is not None else None,
                head.whole + rest.some if head.may_be_empty and rest.some is not None else None,
            ]
        ),
        f"(?:{head.open}|{done})" if head.open else f"(?:{done})?",
        _any(
            [
                head.begun,
                head.some + rest.open if head.some is not None else None,
                head.whole + rest.begun if head.may_be_empty and rest.begun is not None else None,
            ]
        ),
        may_be_empty=head.may_be_empty and rest.may_be_empty,
    )


def _repeated(item: _Forms, least: int, most: int) -> _Forms:
    if most == 0 or item.some is None:
        return _Forms("", None, "", None, may_be_empty=True)
    is_long = most > _EXACT
    least_some = 1 if item.may_be_empty else max(least, 1)
    whole = f"(?:{item.whole}){{{min(least, _EXACT)},{'' if is_long else most}}}"
    some = f"(?:{item.some}){{{min(least_some, _EXACT)},{'' if is_long else most}}}"
    if most == 1:
        return _Forms(whole, item.some, item.open, item.begun, may_be_empty=least == 0 or item.may_be_empty)
    more = "" if is_long else str(most - 1)
    return _Forms(
        whole,
        some,
        f"(?:{item.whole}){{0,{more}}}{item.open}",
        _any([item.begun, f"(?:{item.some}){{1,{more}}}{item.open}"]),
        may_be_empty=least == 0 or item.may_be_empty,
    )


def _any(choices: list[str] | list[str | None]) -> str | None:
    known = dict.fromkeys(each for each in choices if each is not None)
    if len(known) < 2:
        return next(iter(known), None)
    return f"(?:{'|'.join(known)})"


def longest(node: Node) -> int:
    """How many characters a match may have."""
    match node:
        case Atom():
            return 1
        case Boundary():
            return 0
        case Concat(items):
            return sum(map(longest, items))
        case Either(items):
            return max(map(longest, items))
        case Repeat(item, _, most):
            return most * longest(item)
        case Group(item):
            return longest(item)


def shortest(node: Node) -> int:
    """How many characters a match must have."""
    match node:
        case Atom():
            return 1
        case Boundary():
            return 0
        case Concat(items):
            return sum(map(shortest, items))
        case Either(items):
            return min(map(shortest, items))
        case Repeat(item, least, _):
            return least * shortest(item)
        case Group(item):
            return shortest(item)


def _found(node: Node) -> Node | None:
    """The content of the capturing group."""
    match node:
        case Atom() | Boundary():
            return None
        case Concat(items) | Either(items):
            return next((found for each in items if (found := _found(each)) is not None), None)
        case Repeat(item, _, _):
            return _found(item)
        case Group(item):
            return item
