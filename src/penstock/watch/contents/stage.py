"""Contents in the life of a request: three places at which what may be kept is noted, and nobody waits at any.

`BeginStage` stands before the guards and says whether the exchange may be kept at all; `AskedStage` stands behind them
and notes the request in masked space; `AnsweredStage` has the last filter before values are put back.  What was noted
is handed over once the exchange is settled, when its end is known.
"""

from collections.abc import Callable, Sequence
from typing import Final

from penstock.config.contents import Always, ContentPolicy
from penstock.core.chat import ChatRequest
from penstock.core.ends import End
from penstock.core.events import Event, Text, ToolCall
from penstock.core.exchange import Exchange
from penstock.core.ports import CONTINUE, Continue, Filter
from penstock.watch.contents.content import Taken

PolicyOf = Callable[[str, str], ContentPolicy | None]
"""What holds for a model and a tenant; None where nothing is kept."""

KIND_OF: Final[dict[End, Always]] = {
    "blocked": "blocked",
    "held": "held",
    "upstream_failed": "errors",
    "deadline": "errors",
    "shutdown": "errors",
    "failed": "errors",
}
"""What `always` calls an end."""
_SHARE_OF: Final = float(1 << 32)
WITHHELD: Final = "it was refused before all names in it were masked"


class Noted:
    """What an exchange carries from its request to its end.  A lease, since a lease lives exactly so long."""

    __slots__ = ("_stage", "asked", "events", "is_sampled", "policy", "size_chars")

    def __init__(self, stage: "BeginStage", policy: ContentPolicy, *, is_sampled: bool) -> None:
        self._stage = stage
        self.policy = policy
        self.is_sampled = is_sampled
        self.asked: ChatRequest | None = None
        self.events: Sequence[Event] = ()
        self.size_chars = 0

    @property
    def name(self) -> str:
        return "contents"

    def settle(self, exchange: Exchange) -> None:
        self._stage.settled(self, exchange)


def noted(exchange: Exchange) -> Noted | None:
    """What `BeginStage` has left with the exchange, if it may be kept."""
    for lease in exchange.leases:
        if type(lease) is Noted:
            return lease
    return None


def is_sampled(exchange: str, share: float) -> bool:
    """By the exchange's own random digits, so that whoever asks hears the same."""
    return int(exchange[-8:], 16) / _SHARE_OF < share


class BeginStage:
    """See the module.

    `may_rest` says whether what is asked may be kept where this installation is, `may_show` whether a request that no
    guard has masked may be kept as far as patterns mask it, by its model.  `take` is None in `explain`.
    """

    name = "contents"

    def __init__(
        self,
        policy_of: PolicyOf,
        may_rest: Callable[[Exchange], bool],
        may_show: Callable[[str], bool],
        take: Callable[[Taken], None] | None,
    ) -> None:
        self._policy_of = policy_of
        self._may_rest = may_rest
        self._may_show = may_show
        self._take = take

    async def enter(self, exchange: Exchange) -> Continue:
        """Never refuses: contents are optional."""
        request = exchange.request
        if exchange.wishes.no_store or not isinstance(request, ChatRequest):
            return CONTINUE
        policy = self._policy_of(request.model, exchange.principal.tenant)
        if policy is None:
            return CONTINUE
        in_sample = policy.keep == "all" or is_sampled(exchange.id, policy.sample)
        if in_sample or policy.always:
            exchange.leases.append(Noted(self, policy, is_sampled=in_sample))
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        """It has no response half."""
        del exchange

    def settled(self, left: Noted, exchange: Exchange) -> None:
        """The exchange is over: hand over what is to be kept of it."""
        end = exchange.end
        if self._take is None or end is None:
            return
        if not left.is_sampled and KIND_OF.get(end) not in left.policy.always:
            return
        if not self._may_rest(exchange):  # asked of the few that would be kept
            return
        request, withheld = left.asked, ""
        if request is None:  # a guard has refused it, before it was masked or in the middle of that
            may_show = self._may_show(exchange.request.model)
            request = exchange.request if may_show and isinstance(exchange.request, ChatRequest) else None
            withheld = "" if may_show else WITHHELD
        self._take(
            Taken(
                exchange=exchange.id,
                tenant=exchange.principal.tenant,
                user=exchange.principal.user,
                policy=left.policy,
                model=exchange.request.model,
                end=end,
                target=None if exchange.target is None else exchange.target.name,
                code=None if exchange.error is None else exchange.error.code,
                request=request,
                events=left.events,
                withheld=withheld,
                size_bytes=exchange.body_bytes + left.size_chars,
            )
        )


class AskedStage:
    """See the module."""

    name = "contents_asked"

    async def enter(self, exchange: Exchange) -> Continue:
        """Note the request as the guards have left it."""
        left = noted(exchange)
        if left is not None and isinstance(exchange.request, ChatRequest):
            left.asked = exchange.request
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        """It has no response half."""
        del exchange


class AnsweredStage:
    """See the module."""

    name = "contents_answered"

    async def enter(self, exchange: Exchange) -> Continue:
        """It has no request half."""
        del exchange
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter | None:
        """Notes the answer.  Where another is asked for, only the last counts."""
        left = noted(exchange)
        return None if left is None else _Noting(left)


class _Noting:
    """`core.ports.Filter`: everything passes as it is, and is noted as far as it may be kept."""

    __slots__ = ("_events", "_left", "_most")

    def __init__(self, left: Noted) -> None:
        self._events: list[Event] = []
        left.events = self._events
        left.size_chars = 0
        self._left = left
        self._most = left.policy.most_bytes

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        left = self._left
        for event in events:
            if left.size_chars <= self._most:  # one more than there is room for, so that what is kept says so
                kind = type(event)
                if kind is Text:
                    left.size_chars += len(event.text)  # type: ignore[union-attr] # pyright does not narrow by the exact type
                elif kind is ToolCall:
                    left.size_chars += len(event.arguments)  # type: ignore[union-attr] # same
                self._events.append(event)
        return events

    def finish(self) -> Sequence[Event]:
        return ()
