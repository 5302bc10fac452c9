"""One exchange's part in its conversation: what it is told, what it adds, and where the next turn finds it.

The guard stage makes one for each exchange that names a conversation, before anything of its request is changed.
"""

from collections.abc import Iterator, Sequence

from penstock.core.chat import Request
from penstock.core.clock import Clock
from penstock.core.events import Event, Start
from penstock.core.exchange import Exchange
from penstock.core.facts import ConversationRecalled
from penstock.core.ports import Filter
from penstock.guard.personal.tokens import Tokens, look_alikes
from penstock.guard.personal.vault.scope import Named
from penstock.guard.personal.vault.vault import Recalled, Vault
from penstock.guard.texts import segments_of
from penstock.guard.verdict import UNTRUSTED


class Turn:
    """See the module.  `answer` is the half that sees the answer."""

    __slots__ = ("_clock", "_exchange", "_named", "_recalled", "_tokens", "_vault")

    def __init__(self, vault: Vault, exchange: Exchange, named: Named, clock: Clock) -> None:
        self._vault = vault
        self._exchange = exchange
        self._named = named
        self._clock = clock
        self._recalled: Recalled | None = None
        self._tokens: Tokens | None = None

    async def tokens(self) -> Tokens:
        """Those of the conversation; it is recalled once."""
        if self._tokens is None:
            recalled = self._recalled = await self._vault.recall(self._exchange.principal, self._named)
            self._tokens = Tokens(recalled.conversation.book, late_from=recalled.late_from)
        return self._tokens

    async def sent(self, request: Request) -> Tokens | None:
        """The request is now as a model will see it: what of the conversation stands in it may come back.

        None where the conversation plays no part.  What a tool or a document says is no reason to give out a value.
        """
        if self._tokens is None and not self._named.is_reference and not look_alikes(_trusted(request)):
            return None
        tokens = await self.tokens()
        if self._named.is_reference:
            tokens.stand_all()
        elif tokens.has_others:
            tokens.stand(_trusted(request))
        if self._recalled is not None:
            at_s = self._clock.monotonic() - self._exchange.began_s
            self._exchange.facts.append(
                ConversationRecalled(at_s=at_s, source=self._recalled.source, tokens=len(tokens))
            )
            self._vault.keep(self._recalled.conversation, self._exchange)
        return tokens

    def added(self) -> None:
        """More of the conversation's tokens were issued since: for what was retrieved for the request."""
        if self._recalled is not None:
            self._vault.keep(self._recalled.conversation, self._exchange)

    def answer(self, inner: Filter) -> Filter:
        """`inner`, and with it whoever keeps the answer's id, where the next turn will name that."""
        recalled = self._recalled
        if recalled is None or not self._named.names_answer:
            return inner
        return _Answered(inner, self._vault, recalled, self._exchange)


def _trusted(request: Request) -> Iterator[str]:
    return (each.text for each in segments_of(request) if each.trust not in UNTRUSTED)


class _Answered:
    """`core.ports.Filter`."""

    __slots__ = ("_exchange", "_inner", "_recalled", "_vault")

    def __init__(self, inner: Filter, vault: Vault, recalled: Recalled, exchange: Exchange) -> None:
        self._inner = inner
        self._vault = vault
        self._recalled = recalled
        self._exchange = exchange

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        for event in events:
            if type(event) is Start and event.id:
                self._vault.keep_answer(self._recalled.conversation, self._exchange, event.id)
        return self._inner.feed(events)

    def finish(self) -> Sequence[Event]:
        return self._inner.finish()
