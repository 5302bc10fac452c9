"""What the provider produced, counted before any filter changes it: the base of every cost."""

from collections.abc import Sequence

from penstock.core.events import Event, Text, ToolCall, UsageReport
from penstock.core.exchange import Exchange, ExtraCall, WhyExtra
from penstock.core.facts import UsageEstimated
from penstock.core.ports import TokenCounter
from penstock.core.usage import Usage


class Meter:
    """The first filter of every answer.  Changes nothing.  `calls` are those of tools in the answer."""

    __slots__ = ("_pieces", "_reported", "calls")

    def __init__(self) -> None:
        self._reported: Usage | None = None
        self._pieces: list[str] = []
        self.calls: int = 0

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        for event in events:
            kind = type(event)
            if kind is Text:
                self._pieces.append(event.text)  # type: ignore[union-attr] # `kind is Text`: narrower and faster than isinstance
            elif kind is ToolCall:
                self._pieces += (event.name, event.arguments)  # type: ignore[union-attr] # same
                if event.name:  # type: ignore[union-attr] # same
                    self.calls += 1  # the first piece of each has its name
            elif kind is UsageReport:
                self._reported = event.usage  # type: ignore[union-attr] # same
        return events

    def finish(self) -> Sequence[Event]:
        return ()

    def hand_over(self, exchange: Exchange, why: WhyExtra = "repaired") -> None:
        """Another answer is asked for: what this one took is that of a call beside it, and counting begins anew."""
        if exchange.target is not None:
            said = "".join(self._pieces)
            exchange.extra_calls.append(ExtraCall(exchange.target, why, self._reported, said=said, calls=self.calls))
        self._reported = None
        self._pieces = []
        self.calls = 0

    def take_back(self, exchange: Exchange, extra: ExtraCall) -> None:
        """What was handed over as `extra` is the answer after all."""
        exchange.extra_calls.remove(extra)
        self._reported = extra.usage
        self._pieces = [extra.said]
        self.calls = extra.calls

    def usage(self, exchange: Exchange, counter: TokenCounter, *, at_s: float) -> Usage:
        """The provider's figure if it gave one that can be true; else a count of our own, marked `estimated`.

        A report of no tokens beside a text that plainly has some is a provider's mistake and no free answer.
        """
        reported = self._reported
        has_output = any(self._pieces)
        reason = "missing"
        if reported is not None:
            is_plausible = reported.input_tokens > 0 and (reported.output_tokens > 0 or not has_output)
            if is_plausible or reported.accuracy != "exact":
                return reported
            reason = "zero"
        target = exchange.target
        model = target.model if target is not None else exchange.request.model
        exchange.facts.append(UsageEstimated(at_s=at_s, reason=reason))
        return Usage(
            input_tokens=counter.count_request(exchange.request, model),
            output_tokens=counter.count_text("".join(self._pieces), model) if has_output else 0,
            accuracy="estimated",
        )
