"""What an answer must carry, added at its end: the text goes on as it comes, and what is missing follows it."""

from collections.abc import Sequence

from penstock.core.chat import ChatRequest
from penstock.core.events import Event, Finish, Text
from penstock.core.exchange import Exchange
from penstock.core.ports import Filter
from penstock.guard.policy.disclaimers import Disclaimers


class Closing:
    """Makes one filter for each answer of a model."""

    def __init__(self, disclaimers: Disclaimers) -> None:
        self._disclaimers = disclaimers

    def open(self, exchange: Exchange) -> Filter | None:
        """None where an answer is no prose: a form that was asked for has no room for a sentence more."""
        request = exchange.request
        if not isinstance(request, ChatRequest):
            return None
        form = request.response_format
        return None if form is not None and form.kind != "text" else _Added(self._disclaimers)


class _Added:
    """`core.ports.Filter`."""

    __slots__ = ("_disclaimers", "_last", "_said")

    def __init__(self, disclaimers: Disclaimers) -> None:
        self._disclaimers = disclaimers
        self._said: dict[int, list[str]] = {}
        self._last: dict[int, Text] = {}

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        out: list[Event] = []
        for event in events:
            if isinstance(event, Text) and event.channel == "answer":
                self._said.setdefault(event.choice, []).append(event.text)
                self._last[event.choice] = event
            elif isinstance(event, Finish):
                out += self._missing(event.choice)
            out.append(event)
        return out

    def finish(self) -> Sequence[Event]:
        """Of choices that no `Finish` came for."""
        return [event for choice in tuple(self._said) for event in self._missing(choice)]

    def _missing(self, choice: int) -> Sequence[Event]:
        said = "".join(self._said.pop(choice, ()))
        if not said.strip():
            return ()
        missing = self._disclaimers.missing(said)
        last = self._last[choice]
        return [Text("".join(f"\n\n{each}" for each in missing), choice, "answer", last.part)] if missing else ()
