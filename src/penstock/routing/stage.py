"""The stage that chooses among a model's tiers: behind the route, before the limits, since a price needs the tier.

What decides, in this order: the caller who names a tier; a rule; the conversation, which keeps its tier or goes up; the
complexity head; the default.  A floor that a rule sets holds for all but the first two.  Why it chose is a fact.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from penstock.config.routing.settings import RoutingSettings
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


@dataclass(frozen=True, slots=True)
class Levels:
    """A model with tiers: what there is, how it is to be chosen, and the dial that says it for a question."""

    tiers: Tiers
    settings: RoutingSettings
    dial: Dial

    @property
    def top(self) -> int:
        return len(self.tiers.names) - 1


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
        self._clock = clock
        self._head = head
        self._encoder = encoder
        self._plan = plan
        self._regions = regions
        self._conversations = Conversations(clock)
        self._counts: dict[tuple[str, str, str], int] = {}
        self._models: dict[str, Levels] = {}
        for name, tiers in catalog.tiered().items():
            own = settings[name]
            self._models[name] = Levels(tiers, own, Dial(own.quality, len(tiers.names), own.learn, head))

    @property
    def name(self) -> str:
        return "choose tier"

    @property
    def counts(self) -> Mapping[tuple[str, str, str], int]:
        """How many requests each tier was given, by model, tier and what decided."""
        return self._counts

    @property
    def heard(self) -> tuple[int, int]:
        """How many outcomes there were of tiers below the strongest, and how many failures among them."""
        dials = [levels.dial for levels in self._models.values()]
        return sum(dial.outcomes for dial in dials), sum(dial.failures for dial in dials)

    def dial(self, model: str) -> Dial:
        """What was set and what was learned for a model with tiers."""
        return self._models[model].dial

    def outcome(self, model: str, tier: str, *, failed: bool) -> None:
        """Take in that an answer was not good enough, or was: an escalation, feedback, a failed validation.

        What the strongest tier does teaches nothing of where to draw the line.
        """
        levels = self._models.get(model)
        if levels is not None and tier in levels.tiers.names[:-1]:
            levels.dial.learn(failed=failed)

    async def enter(self, exchange: Exchange) -> Continue:
        """Set the exchange's route to that of its tier.  Raises `MalformedRequest` for a tier that there is not."""
        levels = self._models.get(exchange.request.model)
        if levels is None:
            return CONTINUE
        if isinstance(exchange.request, ChatRequest):
            decision = await self._choose(exchange, exchange.request, levels)
        else:
            decision = Decision(levels.tiers.default, "default", "no_question")
        self._set(exchange, levels, decision)
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        """A tier has nothing to say of the answer."""

    async def _choose(self, exchange: Exchange, request: ChatRequest, levels: Levels) -> Decision:
        settings, tiers = levels.settings, levels.tiers
        asked = _asked_for(exchange, request, levels)
        turn = turn_of(request, exchange.principal)
        last = self._conversations.find(turn.before)
        held = last.tier if last is not None and settings.sticky else None
        signals = signals_of(request)
        plan = self._plan(exchange.principal.tenant)
        ruled = apply_rules(settings.rules, tiers.names, signals, exchange.principal, plan)
        decision = await self._decide(ruled, held, signals, levels)
        if asked is not None and (settings.override == "any" or asked < decision.place):
            decision = Decision(asked, "caller")
        self._remember(turn, last, decision, levels, request.model)
        return decision

    async def _decide(self, ruled: Ruled, held: int | None, signals: Signals, levels: Levels) -> Decision:
        if ruled.tier is not None:
            return Decision(ruled.tier, "rule", ruled.by)
        if held is not None and held == levels.top:  # nothing can take it further up: no need to read the question
            return Decision(held, "conversation")
        if ruled.floor == levels.top:
            return Decision(ruled.floor, "rule", ruled.by)
        decision = await self._by_complexity(signals, levels)
        if held is not None and (decision.by == "default" or decision.place <= held):
            decision = Decision(held, "conversation", decision.why, decision.opinion)
        if decision.place < ruled.floor:
            return Decision(ruled.floor, "rule", ruled.by, decision.opinion)
        return decision

    async def _by_complexity(self, signals: Signals, levels: Levels) -> Decision:
        encoded, missing = None, None
        if self._encoder is None:
            missing = "encoder_absent"
        elif self._head.silence(signals) is None:
            try:
                encoded = await self._encoder.encode(signals.question)
            except EncoderBusy:
                missing = "encoder_busy"
        opinion = self._head.judge(signals, encoded)
        if opinion.score is None:
            return Decision(levels.tiers.default, "default", opinion.why, opinion)
        return Decision(levels.dial.tier(opinion.score, opinion.scale), "complexity", missing, opinion)

    def _remember(self, turn: Turn, last: Standing | None, decision: Decision, levels: Levels, model: str) -> None:
        """Keep the tier for the next turn, and take in what this turn says of the one before.

        That one went well where the conversation goes on, and badly where its question is asked again or its caller
        asks for a stronger tier.  A first turn is often the same in two conversations: its repetition says nothing.
        """
        same = self._conversations.find(turn.here) if turn.before is not None else None
        judged = same if same is not None else last
        if judged is not None and not judged.is_counted:
            judged.is_counted = True
            is_raised = decision.by == "caller" and decision.place > judged.tier
            self.outcome(model, levels.tiers.names[judged.tier], failed=same is not None or is_raised)
        if same is None and (decision.by != "default" or turn.before is not None):
            self._conversations.keep(turn.here, decision.place, for_s=levels.settings.sticky_s)

    def _set(self, exchange: Exchange, levels: Levels, decision: Decision) -> None:
        model, tiers = exchange.request.model, levels.tiers
        is_shadow = levels.settings.mode == "shadow"
        place, route = self._route(exchange, tiers, decision.place)
        if not is_shadow:
            exchange.route = route
            exchange.dearest = tiers.routes[-1].targets[0]
        opinion = decision.opinion
        scored = opinion if opinion is not None and opinion.score is not None else None
        tier = tiers.names[place]
        key = (model, tier, decision.by)
        self._counts[key] = self._counts.get(key, 0) + 1
        exchange.facts.append(
            TierChosen(
                at_s=self._clock.monotonic() - exchange.began_s,
                model=model,
                tier=tier,
                by=decision.by,
                targets=tuple(target.name for target in route.targets),
                why=decision.why if place == decision.place else "outside_of_regions",
                score=None if scored is None else scored.score,
                threshold=None if scored is None else levels.dial.threshold(levels.top, scored.scale),
                is_shadow=is_shadow,
            )
        )

    def _route(self, exchange: Exchange, tiers: Tiers, place: int) -> tuple[int, Route]:
        """The tier's route within the regions allowed, or that of the next stronger one, then of the next weaker one.

        There is one: the stage before refuses where no tier has a target there.
        """
        model = exchange.request.model
        allowed = None if self._regions is None else self._regions(model, exchange.principal.tenant)
        if allowed is None:
            return place, tiers.routes[place]
        for each in (*range(place, len(tiers.routes)), *reversed(range(place))):
            route = within(tiers.routes[each], allowed)
            if route is not None:
                return each, route
        raise RuntimeError("a route was found for a model that has none in its regions")


def _asked_for(exchange: Exchange, request: ChatRequest, levels: Levels) -> int | None:
    """The place of the tier that the caller names, by header or by field."""
    name = exchange.wishes.tier or request.metadata.get(FIELD)
    if name is None or levels.settings.override == "none":
        return None
    names = levels.tiers.names
    if name not in names:
        known = ", ".join(f"`{each}`" for each in names)
        raise MalformedRequest(f"This model has no tier `{name[:100]}`; it has {known}.", field=f"metadata.{FIELD}")
    return names.index(name)
