"""The stage that chooses among a model's tiers: behind the route, before the limits, since a price needs the tier.

What decides, in this order: the caller who names a tier; a rule; the conversation, which keeps its tier or goes up; the
complexity head; the default.  A floor that a rule sets holds for all but the first two.  Why it chose is a fact.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from penstock.config.routing import RoutingSettings
from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.errors import MalformedRequest
from penstock.core.exchange import Exchange
from penstock.core.facts import TierChosen
from penstock.core.ports import CONTINUE, Continue, Route
from penstock.encoder.executor import Encoder, EncoderBusy
from penstock.routing.catalog import Catalog, Tiers
from penstock.routing.complexity import Complexity, Opinion
from penstock.routing.dial import Dial
from penstock.routing.residency import Regions, within
from penstock.routing.rules import Ruled, apply_rules
from penstock.routing.signals import Signals, signals_of
from penstock.routing.sticky import Conversations, Standing, Turn, turn_of

FIELD = "penstock_tier"
"""The key of a request's `metadata` that names a tier; the header is `x-penstock-tier`."""

By = Literal["caller", "rule", "conversation", "complexity", "default"]


class Decision(NamedTuple):
    """The tier's place, and how it was found."""

    place: int
    by: By
    why: str | None = None
    opinion: Opinion | None = None


class TierChoice:
    """One for each process, used by one thread.

    `settings` are those of the models with tiers; `plan` is a tenant's.  Without an `encoder`, or while it is busy, the
    head goes by the wording alone, which is worse; the fact says so.
    """

    def __init__(
        self,
        catalog: Catalog,
        settings: Mapping[str, RoutingSettings],
        clock: Clock,
        *,
        head: Complexity,
        encoder: Encoder | None = None,
        plan: Callable[[str], str | None] = lambda _: None,
        regions: Regions | None = None,
    ) -> None:
        self._catalog = catalog
        self._settings = dict(settings)
        self._clock = clock
        self._head = head
        self._encoder = encoder
        self._plan = plan
        self._regions = regions
        self._conversations = Conversations(clock)
        self._counts: dict[tuple[str, str, str], int] = {}
        self._dials = {
            name: Dial(settings[name].quality, len(tiers.names), settings[name].learn, head)
            for name, tiers in catalog.tiered().items()
        }

    @property
    def name(self) -> str:
        return "choose tier"

    @property
    def counts(self) -> Mapping[tuple[str, str, str], int]:
        """How many requests each tier was given, by model, tier and what decided."""
        return self._counts

    @property
    def dials(self) -> Mapping[str, Dial]:
        """By model: what was set, what was learned."""
        return self._dials

    def outcome(self, model: str, tier: str, *, failed: bool) -> None:
        """Take in that an answer was not good enough, or was: an escalation, feedback, a failed validation.

        What the strongest tier does teaches nothing of where to draw the line.
        """
        tiers = self._catalog.tiers(model)
        if tiers is not None and tier in tiers.names[:-1]:
            self._dials[model].learn(failed=failed)

    async def enter(self, exchange: Exchange) -> Continue:
        """Set the exchange's route to that of its tier.  Raises `MalformedRequest` for a tier that there is not."""
        tiers = self._catalog.tiers(exchange.request.model)
        if tiers is None:
            return CONTINUE
        settings = self._settings[exchange.request.model]
        if not isinstance(exchange.request, ChatRequest):
            decision = Decision(tiers.default, "default", "no_question")
        else:
            decision = await self._choose(exchange, exchange.request, tiers, settings)
        self._set(exchange, tiers, settings, decision)
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        """A tier has nothing to say of the answer."""

    async def _choose(
        self, exchange: Exchange, request: ChatRequest, tiers: Tiers, settings: RoutingSettings
    ) -> Decision:
        turn = turn_of(request, exchange.principal) if settings.sticky or settings.learn.enabled else None
        last = self._conversations.find(turn.before) if turn is not None else None
        signals = signals_of(request)
        plan = self._plan(exchange.principal.tenant)
        ruled = apply_rules(settings.rules, tiers.names, signals, exchange.principal, plan)
        decision = await self._decide(ruled, tiers, settings, request, signals, last)
        asked = _asked_for(exchange, request, tiers, settings)
        if asked is not None and (settings.override == "any" or asked < decision.place):
            decision = Decision(asked, "caller")
        if turn is not None:
            self._remember(turn, last, decision, tiers, settings, request.model)
        return decision

    async def _decide(
        self,
        ruled: Ruled,
        tiers: Tiers,
        settings: RoutingSettings,
        request: ChatRequest,
        signals: Signals,
        last: Standing | None,
    ) -> Decision:
        if ruled.tier is not None:
            return Decision(ruled.tier, "rule", ruled.by)
        held = last.tier if last is not None and settings.sticky else None
        top = len(tiers.names) - 1
        if top in (held, ruled.floor):  # nothing can take it further up: no need to read the question
            decision = Decision(top, "conversation") if held == top else Decision(top, "rule", ruled.by)
        else:
            decision = await self._by_complexity(tiers, request.model, signals)
            if held is not None and (decision.by == "default" or decision.place <= held):
                decision = Decision(held, "conversation", decision.why, decision.opinion)
        if decision.place < ruled.floor:
            return Decision(ruled.floor, "rule", ruled.by, decision.opinion)
        return decision

    async def _by_complexity(self, tiers: Tiers, model: str, signals: Signals) -> Decision:
        encoded, missing = None, None
        if self._encoder is None:
            missing = "encoder_absent"
        elif self._head.judges(signals):
            try:
                encoded = await self._encoder.encode(signals.question)
            except EncoderBusy:
                missing = "encoder_busy"
        opinion = self._head.judge(signals, encoded)
        if opinion.score is None:
            return Decision(tiers.default, "default", opinion.why, opinion)
        return Decision(self._dials[model].tier(opinion.score, opinion.scale), "complexity", missing, opinion)

    def _remember(
        self, turn: Turn, last: Standing | None, decision: Decision, tiers: Tiers, settings: RoutingSettings, model: str
    ) -> None:
        """Keep the tier for the next turn, and take in what this turn says of the one before.

        That one went well where the conversation goes on, and badly where its question is asked again or its caller
        asks for a stronger tier.  A first turn is often the same in two conversations: its repetition says nothing.
        """
        same = self._conversations.find(turn.here) if turn.before is not None else None
        again = same if same is not None else last
        if again is not None and not again.is_counted:
            again.is_counted = True
            is_raised = decision.by == "caller" and decision.place > again.tier
            self.outcome(model, tiers.names[again.tier], failed=same is not None or is_raised)
        is_known = decision.by != "default" or turn.before is not None
        if is_known and same is None:
            self._conversations.keep(turn.here, decision.place, for_s=settings.sticky_s)

    def _set(self, exchange: Exchange, tiers: Tiers, settings: RoutingSettings, decision: Decision) -> None:
        model = exchange.request.model
        is_shadow = settings.mode == "shadow"
        route = self._route(exchange, tiers, tiers.default if is_shadow else decision.place)
        score = None if decision.opinion is None else decision.opinion.score
        scale = None if decision.opinion is None else decision.opinion.scale
        tier = tiers.names[decision.place]
        if route is not None and not is_shadow:
            exchange.route = route
        key = (model, tier, decision.by)
        self._counts[key] = self._counts.get(key, 0) + 1
        exchange.facts.append(
            TierChosen(
                at_s=self._clock.monotonic() - exchange.began_s,
                model=model,
                tier=tier,
                by=decision.by,
                targets=() if exchange.route is None else tuple(target.name for target in exchange.route.targets),
                why=decision.why if route is not None else "outside_of_regions",
                score=score,
                threshold=None if score is None or scale is None else self._dials[model].threshold(1, scale),
                is_shadow=is_shadow,
            )
        )

    def _route(self, exchange: Exchange, tiers: Tiers, place: int) -> Route | None:
        """The tier's route within the regions allowed; None where nothing of it is, and the default stays."""
        allowed = None
        if self._regions is not None:
            allowed = self._regions(exchange.request.model, exchange.principal.tenant)
        return tiers.routes[place] if allowed is None else within(tiers.routes[place], allowed)


def _asked_for(exchange: Exchange, request: ChatRequest, tiers: Tiers, settings: RoutingSettings) -> int | None:
    """The place of the tier that the caller names, by header or by field."""
    name = exchange.wishes.tier or request.metadata.get(FIELD)
    if name is None or settings.override == "none":
        return None
    if name not in tiers.names:
        known = ", ".join(f"`{each}`" for each in tiers.names)
        raise MalformedRequest(f"This model has no tier `{name[:100]}`; it has {known}.", field=f"metadata.{FIELD}")
    return tiers.names.index(name)
