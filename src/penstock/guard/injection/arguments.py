"""Checks what a model wants to call a tool with: only tools that are allowed, and no address or account that nobody but
an untrusted text named.

Called for every tool call of an answer, before a client sees it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

import msgspec

from penstock.guard.injection.named import Known, Named, named_in
from penstock.guard.verdict import UNTRUSTED, Finding, Segment

_FROM_FLAGGED: Final = 0.95
_FROM_UNTRUSTED: Final = 0.6
_REASON_CHARS: Final = 80


@dataclass(frozen=True, slots=True)
class Objection:
    """`finding` is about the tool's arguments as text; `reason` says in a sentence why, for the journal and people: it
    holds what stands in the arguments, so it is no text for logs.
    """

    finding: Finding
    reason: str


class ArgumentCheck:
    """One for each exchange.  `segments` are all texts of the request; `flagged` the places of those that a guard found
    an attack in.  `allowed_tools` is None where every tool that the request declares may be called.
    """

    def __init__(
        self,
        segments: Sequence[Segment],
        *,
        allowed_tools: frozenset[str] | None = None,
        flagged: frozenset[str] = frozenset(),
    ) -> None:
        self._allowed = allowed_tools
        self._asked = Known(each.text for each in segments if each.trust in {"system", "developer", "user"})
        self._untrusted = tuple((each, Known((each.text,))) for each in segments if each.trust in UNTRUSTED)
        self._flagged = flagged

    def check(self, tool: str, arguments: str) -> list[Objection]:
        """`arguments` is the JSON text that the model wrote; what is no JSON is read as one text."""
        found: list[Objection] = []
        if self._allowed is not None and tool not in self._allowed:
            finding = Finding("injection.tool", "TOOL", 0, len(arguments))
            found.append(Objection(finding, f"the tool {tool[:_REASON_CHARS]} is not allowed here"))
        for value in _texts_of(arguments):
            found.extend(self._objections(value, arguments))
        return found

    def _objections(self, value: str, arguments: str) -> Iterator[Objection]:
        for named in named_in(value):
            if self._asked.has(named):
                continue
            source = self._source(named)
            if source is None:
                continue
            written = value[named.begin : named.end]
            begin = max(0, arguments.find(written))
            score = _FROM_FLAGGED if source.place in self._flagged else _FROM_UNTRUSTED
            finding = Finding("injection.argument", named.kind, begin, begin + len(written), score)
            origin = source.source or source.place
            yield Objection(
                finding, f"{written[:_REASON_CHARS]} stands only in {origin[:_REASON_CHARS]}, and nobody asked for it"
            )

    def _source(self, named: Named) -> Segment | None:
        """The untrusted text that names it: one in which an attack was found before others."""
        found = [segment for segment, known in self._untrusted if known.has(named)]
        return min(found, key=lambda each: each.place not in self._flagged, default=None)


def _texts_of(arguments: str) -> Iterable[str]:
    try:
        value = msgspec.json.decode(arguments.encode(errors="replace"))
    except msgspec.DecodeError:
        return (arguments,)
    return tuple(_leaves(value))


def _leaves(value: object) -> Iterator[str]:
    """Of any depth, without recursion: a model may nest as deep as it likes."""
    waiting: list[object] = [value]
    while waiting:
        current = waiting.pop()
        match current:
            case str() as text:
                yield text
            case bool() | None:
                pass
            case int() | float() as number:
                yield str(number)
            case dict():
                members = cast("dict[str, object]", current)
                waiting.extend((*members, *members.values()))
            case list():
                waiting.extend(cast("list[object]", current))
            case _:
                pass
