"""Guards in the life of a request: what goes out is judged and masked before a cache or a model sees it, and what
comes back is judged before a cache or the caller does.

`GuardStage` stands behind the limits and before the caches; its filter is the first behind the meter.  `RestoreStage`
has the last filter of all: only the caller sees values again.  Between the two lies the masked space, in which nothing
is anybody's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.events import Finish, Start, Text
from penstock.core.exchange import Exchange
from penstock.core.facts import PersonalDataMasked, PersonalDataRestored
from penstock.core.ports import CONTINUE, Continue, Filter, Reply
from penstock.guard.injection.answers import AnswerChecks
from penstock.guard.judging import Judging
from penstock.guard.personal.masking import masked
from penstock.guard.personal.restore import Restore
from penstock.guard.personal.tokens import Tokens
from penstock.guard.personal.vault.book import kind_of
from penstock.guard.personal.vault.turn import Turn
from penstock.guard.personal.vault.vault import Vault
from penstock.guard.texts import segments_of, unreadable
from penstock.guard.verdict import Segment
from penstock.guard.ward import Ward

MayRestore = Callable[[Exchange, str], bool]
"""Whether the caller of the exchange may see values of a kind again."""
Refuse = Callable[[Exchange, str], str | None]
"""What is said where the guard of that name refuses the request; None where the error is told."""
OpenFilter = Callable[[Exchange], Filter | None]
"""The response half for one exchange; None where nothing of the answer is judged."""


def nothing_judged(exchange: Exchange) -> Filter | None:
    """Where no guard looks at answers."""
    del exchange


def told(exchange: Exchange, guard: str) -> str | None:
    """Where the error is told whoever refuses."""
    del exchange, guard


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """The guards of one model.  What `refuse` says stands in place of an error where a request is refused.

    `masked_inputs` judge what `inputs` have left: guards of others, who need not know whose data it is.  `closing` adds
    what an answer lacks.
    """

    inputs: Sequence[Ward] = ()
    masked_inputs: Sequence[Ward] = ()
    outputs: OpenFilter = nothing_judged
    closing: OpenFilter = nothing_judged
    may_restore: MayRestore
    refuse: Refuse = told


@dataclass(slots=True)
class Guarded:
    """What one exchange carries from its request to its answer.  A lease, since a lease lives exactly so long.

    `asked` is the request before another answer was asked for, None while none was.  `flagged` are texts in which the
    guard against injections found something; `checks` is what it makes of them for the answer.
    """

    guards: Guards
    tokens: Tokens = field(default_factory=Tokens)
    asked: ChatRequest | None = None
    flagged: list[Segment] = field(default_factory=list[Segment])
    checks: AnswerChecks | None = None
    turn: Turn | None = None

    @property
    def name(self) -> str:
        return "guards"

    def settle(self, exchange: Exchange) -> None:
        """Nothing was reserved."""


def guarded(exchange: Exchange) -> Guarded | None:
    """What the guard stage has left with the exchange, if its model has guards."""
    for lease in exchange.leases:
        if type(lease) is Guarded:
            return lease
    return None


class GuardStage:
    """See the module.  `policies` are by model name, `default` those of every other.

    Without a `vault` tokens live for one exchange each.
    """

    def __init__(
        self,
        policies: Mapping[str, Guards],
        default: Guards | None,
        judging: Judging,
        clock: Clock,
        vault: Vault | None = None,
    ) -> None:
        self._policies = policies
        self._default = default
        self._judging = judging
        self._clock = clock
        self._vault = vault

    @property
    def name(self) -> str:
        return "guards"

    async def enter(self, exchange: Exchange) -> Continue | Reply:
        """Judge and mask every text of the request.  Raises `PolicyBlocked` or `GuardUnavailable`."""
        guards = self.guards_of(exchange.request.model)
        if guards is None:
            return CONTINUE
        left = Guarded(guards)
        exchange.take(left, at_s=self._clock.monotonic())
        turn = left.turn = self._turn(exchange, guards)
        for wards in (guards.inputs, guards.masked_inputs):
            if not wards:
                continue
            request = exchange.request
            segments = segments_of(request)
            hearing = await self._judging.judge(
                exchange, wards, segments, direction="input", unseen=tuple(unreadable(request))
            )
            left.flagged += (segment for guard, segment in hearing.noticed if guard == "injection")
            if hearing.blocked is not None:
                return self._refused(exchange, guards, hearing.blocked, hearing.blocked_by)
            if hearing.mask:
                if turn is not None:
                    left.tokens = await turn.tokens()
                exchange.request, kinds = masked(request, hearing.mask, left.tokens, segments)
                at_s = self._clock.monotonic() - exchange.began_s
                exchange.facts.append(PersonalDataMasked(at_s=at_s, kinds=dict(kinds)))
        if turn is not None:
            sent = await turn.sent(exchange.request)
            left.tokens = left.tokens if sent is None else sent
        return CONTINUE

    def guards_of(self, model: str) -> Guards | None:
        """Those of a model name, known or not."""
        return self._policies.get(model, self._default)

    def filter(self, exchange: Exchange) -> Filter | None:
        """Judges the answer."""
        left = guarded(exchange)
        return None if left is None else left.guards.outputs(exchange)

    def _turn(self, exchange: Exchange, guards: Guards) -> Turn | None:
        """Its part in the conversation that it names, as the caller names it: masking may change that too."""
        if self._vault is None or not guards.inputs:
            return None
        named = self._vault.named(exchange)
        return None if named is None else Turn(self._vault, exchange, named, self._clock)

    def _refused(self, exchange: Exchange, guards: Guards, error: Exception, guard: str) -> Reply:
        """The refusal's text as an answer, for people; without one the error, for programs."""
        refusal = guards.refuse(exchange, guard)
        if refusal is None or not isinstance(exchange.request, ChatRequest):
            raise error
        exchange.is_refused = True
        at = int(self._clock.now())
        events = (Start(exchange.id, exchange.request.model, at), Text(refusal), Finish("content_filter"))
        return Reply(events)


class ClosingStage:
    """Adds what answers lack, behind the guards that judge them."""

    name = "closing"

    async def enter(self, exchange: Exchange) -> Continue | Reply:
        """It has no request half."""
        del exchange
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter | None:
        """Where a model's answers must carry something."""
        left = guarded(exchange)
        return None if left is None else left.guards.closing(exchange)


class RestoreStage:
    """See the module."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def name(self) -> str:
        return "restore"

    async def enter(self, exchange: Exchange) -> Continue | Reply:
        """It has no request half."""
        del exchange
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter | None:
        """Puts values back where tokens stand that this request was sent with."""
        left = guarded(exchange)
        if left is None or not len(left.tokens):
            return None
        may = left.guards.may_restore
        issued = left.tokens.issued
        values = {token: value for token, value in issued.items() if may(exchange, kind_of(token))}
        request = exchange.request
        form = request.response_format if isinstance(request, ChatRequest) else None
        withheld = len(issued) - len(values)

        def done(count: int) -> None:
            at_s = self._clock.monotonic() - exchange.began_s
            exchange.facts.append(PersonalDataRestored(at_s=at_s, values=count, withheld=withheld))

        restore = Restore(values, is_json=form is not None and form.kind != "text", done=done)
        return restore if left.turn is None else left.turn.answer(restore)
