"""What an answer gives away of an injection: the system's text, a link that carries data, what a flagged text asked
for, and a tool's argument that nobody but an untrusted text named.

Made once for an exchange, of what its request says; asked for each sentence and for each call of a tool.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

from penstock.core.chat import ChatRequest, FilePart, TextPart
from penstock.core.exchange import Exchange
from penstock.guard.injection.arguments import ArgumentCheck
from penstock.guard.injection.canary import Canary
from penstock.guard.injection.leak import Followed, PromptLeak
from penstock.guard.injection.links import LinkCheck
from penstock.guard.texts import may_hold_untrusted, segments_of
from penstock.guard.verdict import UNTRUSTED, Finding, Segment

_TOOLS = ".tools."


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

    def find(self, segment: Segment) -> Sequence[Finding]:
        """`segment` is of the answer; the `source` of a tool's arguments is the tool's name."""
        text = segment.text
        found: list[Finding] = []
        if _TOOLS in segment.place:
            found += (each.finding for each in self._arguments.check(segment.source or "", text))
        else:
            if self._links is not None:
                found += self._links.find(text)
            found += self._leak.find(text)
        if self._followed is not None:
            found += self._followed.find(text)
        if self._canary is not None:
            found += self._canary.find(text)
        return found
