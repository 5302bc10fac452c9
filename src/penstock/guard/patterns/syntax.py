r"""Reads an expression into the tree from which a stream learns what may still become a match.

The part of RE2's syntax (https://github.com/google/re2/wiki/Syntax) in which a match has an upper bound and does not
depend on where the text begins or ends.  Anything else is refused with its place, when the guard is loaded.  What a
class of characters holds is not worked out here: an `Atom` keeps its text, and RE2 itself is asked of each character.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from penstock.core.errors import ConfigError

_FLAGS: Final = frozenset("is-")
_ESCAPED_CLASSES: Final = frozenset("dDsSwW")
_CONTROLS: Final = frozenset("aftnrv")
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_MOST_DEPTH: Final = 50


@dataclass(frozen=True, slots=True)
class Atom:
    """One character of a class, written so that it stands alone."""

    expression: str


@dataclass(frozen=True, slots=True)
class Boundary:
    r"""`\b`, or where `is_edge` is false `\B`: between ASCII word characters and others, as RE2 has it."""

    is_edge: bool


@dataclass(frozen=True, slots=True)
class Concat:
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    item: "Node"
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Group:
    """The capturing group; an expression has one at the most."""

    item: "Node"


Node: TypeAlias = Atom | Boundary | Concat | Either | Repeat | Group


@dataclass(frozen=True, slots=True)
class Parsed:
    """`value` is the part of the tree that begins with the group where `words` come before that, else all."""

    tree: Node
    value: Node
    words: Node | None


def parse(expression: str) -> Parsed:
    """Raises `ConfigError` for what a stream cannot follow.  RE2 is to have taken the expression before."""
    tree = _Parser(expression).parse()
    items = tree.items if isinstance(tree, Concat) else ()
    at = next((at for at, each in enumerate(items) if isinstance(each, Group)), 0)
    while at and isinstance(items[at - 1], Boundary):
        at -= 1  # whether there is one is told by the characters on both its sides
    return Parsed(tree, Concat(items[at:]) if at else tree, Concat(items[:at]) if at else None)


class _Parser:
    def __init__(self, expression: str) -> None:
        self._text = expression
        self._at = 0
        self._flags = ""
        self._groups = 0
        self._depth = 0

    def parse(self) -> Node:
        tree = self._either()
        if self._at < len(self._text):
            raise self._refused("a `)` without its `(`")
        return tree

    def _refused(self, what: str) -> ConfigError:
        shown = self._text if len(self._text) <= 80 else self._text[:77] + "..."
        return ConfigError(f"the expression {shown!r} cannot be used on streams: {what} at character {self._at + 1}")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _either(self) -> Node:
        choices = [self._concat()]
        while self._peek() == "|":
            self._at += 1
            choices.append(self._concat())
        return choices[0] if len(choices) == 1 else Either(tuple(choices))

    def _concat(self) -> Node:
        items: list[Node] = []
        while (char := self._peek()) and char not in "|)":
            item = self._item(char)
            if item is not None:
                items.append(self._repeated(item))
        return items[0] if len(items) == 1 else Concat(tuple(items))

    def _item(self, char: str) -> Node | None:
        match char:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case "\\":
                return self._escape()
            case "^" | "$":
                raise self._refused(f"`{char}`, which asks where the text begins or ends,")
            case "*" | "+" | "?" | "{":
                raise self._refused(f"a `{char}` with nothing to repeat (write `\\{char}` for the character)")
            case _:
                self._at += 1
                return self._atom("." if char == "." else _quoted(char))

    def _atom(self, expression: str) -> Atom:
        return Atom(f"(?{self._flags}:{expression})" if self._flags else expression)

    def _repeated(self, item: Node) -> Node:
        char = self._peek()
        if char == "?":
            least, most = 0, 1
            self._at += 1
        elif char in {"*", "+"}:
            raise self._refused(f"a `{char}` without an upper bound (write `{{{'01'[char == '+']},64}}`)")
        elif char == "{":
            least, most = self._counts()
        else:
            return item
        if self._peek() == "?":  # lazy: which match is taken is RE2's affair
            self._at += 1
        if self._peek() and self._peek() in "*+?{":
            raise self._refused("a repetition of a repetition")
        return Repeat(item, least, most)

    def _counts(self) -> tuple[int, int]:
        end = self._text.find("}", self._at)
        least, comma, most = self._text[self._at + 1 : max(end, 0)].partition(",")
        if not (least.isascii() and least.isdigit()) or (most and not (most.isascii() and most.isdigit())):
            raise self._refused("a `{` that begins no repetition (write `\\{` for the character)")
        if comma and not most:
            raise self._refused("a repetition without an upper bound")
        self._at = end + 1
        return int(least), int(most) if comma else int(least)

    def _group(self) -> Node | None:
        flags, is_capturing = self._flags, True
        self._at += 1
        if self._peek() == "?":
            is_capturing = self._group_head()
            if self._text[self._at - 1] == ")":  # `(?i)`: for what follows in this group
                return None
        self._groups += is_capturing
        if self._groups > 1:
            raise self._refused("a second group: which of them is meant (write `(?:` for the others)")
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise self._refused("too many groups within each other")
        node = self._either()
        if self._peek() != ")":
            raise self._refused("a `(` without its `)`")
        self._at += 1
        self._depth -= 1
        self._flags = flags
        return Group(node) if is_capturing else node

    def _group_head(self) -> bool:
        """Past what stands between `(?` and the group's content; whether it captures."""
        rest = self._text[self._at + 1 :]
        if rest.startswith(("P<", "<")) and ">" in rest and not rest.startswith(("<=", "<!")):
            self._at += rest.index(">") + 2
            return True
        head = 0
        while head < len(rest) and rest[head] in _FLAGS:
            head += 1
        if rest[head : head + 1] not in {":", ")"}:
            raise self._refused(f"`(?{rest[: head + 1]}`")
        on, _, off = rest[:head].partition("-")
        kept = (set(self._flags) | set(on)) - set(off)
        if rest[head] == ":":
            self._at += head + 2
            self._flags = "".join(sorted(kept))
        else:
            self._flags = "".join(sorted(kept))
            self._at += head + 2
        return False

    def _class(self) -> Atom:
        end = self._at + 1
        if self._text.startswith("^", end):
            end += 1
        if self._text.startswith("]", end):  # the first is a character of the class
            end += 1
        while end < len(self._text) and self._text[end] != "]":
            if self._text[end] == "\\":
                end += 2
            elif self._text.startswith("[:", end) and (named := self._text.find(":]", end)) > 0:
                end = named + 2
            else:
                end += 1
        begin, self._at = self._at, end + 1
        return self._atom(self._text[begin : self._at])

    def _escape(self) -> Node:
        char = self._text[self._at + 1 : self._at + 2]
        if char in {"b", "B"}:
            self._at += 2
            return Boundary(is_edge=char == "b")
        begin, rest = self._at, self._text[self._at + 2 :]
        if char in {"p", "P", "x"} and rest.startswith("{") and "}" in rest:
            self._at += 3 + rest.index("}")
        elif char in {"p", "P"} and rest:
            self._at += 3
        elif char == "x" and len(rest) > 1 and set(rest[:2]) <= _HEX:
            self._at += 4
        elif char in _ESCAPED_CLASSES or char in _CONTROLS or (char and not (char.isalnum() and char.isascii())):
            self._at += 2
        else:
            raise self._refused(f"`\\{char}`")
        return self._atom(self._text[begin : self._at])


def _quoted(char: str) -> str:
    return char if not char.isascii() or char.isalnum() or char in {" ", "_"} else f"\\{char}"
