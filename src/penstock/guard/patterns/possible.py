"""Which of many expressions can match somewhere in a text: one pass of one automaton, before any is run by itself.

The automaton holds the expressions with their upper bounds dropped, which matches wherever the expression itself does
and keeps it small.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from penstock.core.errors import ConfigError
from penstock.guard.patterns.scanner import search_set

_MOST_MEMORY: Final = 64 << 20


class Possible:
    """Built of expressions by number.  Raises `ConfigError` where they are too many for one automaton."""

    def __init__(self, expressions: Mapping[int, str]) -> None:
        self._all = tuple(expressions)
        self._any = search_set(_MOST_MEMORY)
        places: list[int] = []
        always: list[int] = []
        for index, expression in expressions.items():
            loose = loosened(expression)
            if loose is None:
                always.append(index)
            else:
                self._any.Add(loose.encode("utf-8", "surrogatepass"))
                places.append(index)
        self._places, self._always = tuple(places), tuple(always)
        self._sign = len(places)
        self._any.Add(rb"\z")  # always there, unless the automaton gave up, which RE2 does not tell
        if not self._any.Compile():
            raise ConfigError(f"{len(self._all)} patterns are more than one automaton holds")

    def among(self, data: bytes) -> Iterable[int]:
        """Those that may match in `data`; all where the automaton gave up."""
        possible: list[int] = self._any.Match(data)
        sign = self._sign
        if possible == [sign]:
            return self._always
        if sign not in possible:
            return self._all
        places = self._places
        return [*self._always, *[places[each] for each in possible if each != sign]]


def loosened(expression: str) -> str | None:
    """An expression that matches within every text that `expression` matches within: `{2,9}` becomes `{2,}`.

    None where it asks for the end of the text, which is not there in a piece of it, or quotes.
    """
    loose: list[str] = []
    at, in_class = 0, False
    while at < len(expression):
        rest = expression[at:]
        step = 2 if rest[0] == "\\" else 1
        if rest.startswith((r"\z", r"\Q")) or (rest[0] == "$" and not in_class):
            return None
        if rest[0] == "[":
            step = _class_head(rest, in_class=in_class)
            in_class = True
        elif rest[0] == "]":
            in_class = False
        elif rest[0] == "{" and not in_class:
            least, comma, most = rest[1:].partition("}")[0].partition(",")
            if comma and least.isdigit() and most.isdigit():
                loose.append(f"{{{least},}}")
                at += len(least) + len(most) + 3
                continue
        loose.append(rest[:step])
        at += step
    return "".join(loose)


def _class_head(rest: str, *, in_class: bool) -> int:
    """How many characters belong to the `[` that `rest` begins with: `[^]`, where the `]` is one of the class."""
    if in_class:
        return rest.index(":]") + 2 if rest.startswith("[:") and ":]" in rest else 1
    return len(rest) - len(rest[1:].removeprefix("^").removeprefix("]"))
