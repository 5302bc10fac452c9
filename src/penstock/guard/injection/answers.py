"""What an answer gives away of an injection: the system's text, a link that carries data, what a flagged text asked
for, and a tool's argument that nobody but an untrusted text named.

Made once for an exchange, of what its request says; asked for each sentence and for each call of a tool.  A stream's
sentence alone may be harmless: what is looked for begins in one and ends in another (`Heard`).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from msgspec.structs import replace

from penstock.core.chat import ChatRequest, FilePart, TextPart
from penstock.core.exchange import Exchange
from penstock.guard.injection.arguments import ArgumentCheck
from penstock.guard.injection.canary import Canary
from penstock.guard.injection.leak import Followed, Leaked, PromptLeak
from penstock.guard.injection.links import LinkCheck
from penstock.guard.texts import may_hold_untrusted, segments_of
from penstock.guard.verdict import UNTRUSTED, Finding, Segment

_TOOLS = ".tools."
_BEFORE_CHARS: Final = 600
"""As far as a canary reaches that is spelled out in any of its forms, with a point and a blank behind each letter."""
_OPEN_CHARS: Final = 4_000
"""As far as an element of HTML reaches that is begun, with all that its words may be."""


class _Text:
    """What was heard of one text: its end, in which something may have begun, and what it has given away."""

    __slots__ = ("before", "leaked")

    def __init__(self) -> None:
        self.before = ""
        self.leaked = Leaked()


class Heard:
    """What one answer has said so far: by choice and channel, as its parts are read one after the other."""

    __slots__ = ("_texts",)

    def __init__(self) -> None:
        self._texts: defaultdict[str, _Text] = defaultdict(_Text)

    def at(self, place: str) -> _Text:
        return self._texts[place.rpartition(".")[0]]


class AnswerChecks:
    """For one exchange.  `flagged` are the texts of its request in which an attack was found."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        hosts: frozenset[str],
        tools: frozenset[str] | None,
        canary: Canary | None,
        flagged: Sequence[Segment] = (),
    ) -> None:
        request = self._request = exchange.request
        has_others = not isinstance(request, ChatRequest) or may_hold_untrusted(request)
        self._links: LinkCheck | None = None
        # Where nobody else has written anything there is nobody to send it to: a model may link to what it knows.
        if has_others and any(each.trust in UNTRUSTED for each in self._segments):
            given = [each.text for each in self._segments]
            self._links = LinkCheck(self._trusted(), given, allowed_hosts=hosts)
        self._leak = PromptLeak(self._secrets(), self._known())
        self._followed = Followed([each.text for each in flagged], self._trusted()) if flagged else None
        self._canary = canary
        self._tools = tools
        self._flagged = frozenset(each.place for each in flagged)

    @cached_property
    def _segments(self) -> list[Segment]:
        """Not asked for by an answer that has nothing to be looked at."""
        return segments_of(self._request)

    @cached_property
    def _arguments(self) -> ArgumentCheck:
        """Most answers call no tool."""
        return ArgumentCheck(self._segments, allowed_tools=self._tools, flagged=self._flagged)

    def _trusted(self) -> Iterator[str]:
        return (each.text for each in self._segments if each.trust in {"system", "developer", "user"})

    def _known(self) -> Iterator[str]:
        """What the user wrote, once somebody asks."""
        yield from (each.text for each in self._segments if each.trust == "user")

    def _secrets(self) -> Iterator[str]:
        """What system and developer say."""
        if isinstance(self._request, ChatRequest):
            for message in self._request.messages:
                if message.role in {"system", "developer"}:
                    yield from (
                        part.text for part in message.parts if isinstance(part, TextPart | FilePart) and part.text
                    )

    def find(self, segment: Segment, heard: Heard) -> Sequence[Finding]:
        """`segment` is of the answer; the `source` of a tool's arguments is the tool's name.  What began in what was
        heard of its text before is found as far as it stands in this.
        """
        if _TOOLS in segment.place:
            found = [each.finding for each in self._arguments.check(segment.source or "", segment.text)]
            return [*found, *self._named(segment.text)]
        so_far = heard.at(segment.place)
        before = len(so_far.before)
        text = so_far.before + segment.text
        so_far.before = _kept(text)
        found = [] if self._links is None else self._links.find(text)
        here = [_behind(each, before) for each in (*found, *self._named(text)) if each.end > before]
        return [*here, *self._leak.find(segment.text, so_far.leaked)]

    def _named(self, text: str) -> Iterator[Finding]:
        if self._followed is not None:
            yield from self._followed.find(text)
        if self._canary is not None:
            yield from self._canary.find(text)


def _kept(text: str) -> str:
    """The end of a text, in which something may have begun."""
    begin = max(0, len(text) - _BEFORE_CHARS)
    element = text.rfind("<", 0, begin)
    if element >= 0 and ">" not in text[element:]:
        begin = max(element, len(text) - _OPEN_CHARS)
    return text[begin:]


def _behind(finding: Finding, before: int) -> Finding:
    return replace(finding, begin=max(0, finding.begin - before), end=finding.end - before)
