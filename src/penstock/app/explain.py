"""What Penstock would do with a request, found out by doing all of it but the call itself."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import cast

from penstock.admission.limits.stage import LimitStage
from penstock.app.companions import find_url
from penstock.app.data_plane import client_dialects
from penstock.app.knowledge.grounding import groundings_of
from penstock.app.layers import Ground, layers_of_file
from penstock.app.limits import limits_of_file
from penstock.app.money.prices import new_prices
from penstock.app.plan import new_plan
from penstock.app.upstreams import Connected, connect, new_catalog
from penstock.config.datadir import DataDir
from penstock.config.explanation import Explanation, Outcome, PlannedCall, StageDecision
from penstock.config.knowledge import asked_same, asked_second
from penstock.config.routing.residency import may_rest_here, regions_of
from penstock.config.types import Config
from penstock.core.chat import Dialect, Request
from penstock.core.clock import Clock, SystemClock
from penstock.core.errors import PenstockError
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import new_exchange_id
from penstock.core.ports import Reply, Route, Target
from penstock.core.usage import Usage
from penstock.flow.plan import Plan
from penstock.providers.dialect import Endpoint
from penstock.watch.prices import PriceBook
from penstock.watch.tokens import Counter

_CREDENTIALS = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key", "x-amz-security-token"})
_MILLION = 1_000_000


NOBODY = Principal(tenant="explain", key="explain")


async def explain(
    config: Config, environ: Mapping[str, str], body: bytes, dialect: str, caller: Principal = NOBODY
) -> Explanation:
    """Parse, enter every stage, choose the route and encode each call; nothing is sent and no lease outlives this.

    `caller` decides which limits are met, and the place in a queue.
    Raises `ConfigError` as `serve` would.  A request that would be refused is explained, not raised.
    """
    clock = SystemClock()
    connected = connect(config, environ, clock)
    catalog = new_catalog(config, connected)
    data_dir = DataDir(Path(config.data_dir))
    prices = new_prices(config, data_dir, clock)
    limits = limits_of_file(config, prices, clock)
    ground = Ground(
        catalog=catalog,
        endpoints=connected,
        data_dir=data_dir,
        connect=lambda _: None,
        find_url=partial(find_url, config, data_dir),
        counter=Counter(),
    )
    layers = layers_of_file(config, clock, ground)
    plan = new_plan(config, clock, limits=limits, layers=layers)
    spoken = next(each for each in client_dialects().values() if each.name == dialect)
    try:
        request = spoken.parse(body)
    except PenstockError as error:
        return Explanation(cast("Dialect", dialect), "", False, config.config_hash, error=_say(error))
    exchange = Exchange(
        id=new_exchange_id(clock),
        principal=caller,
        request=request,
        dialect=spoken.name,
        started_at=clock.now(),
        began_s=clock.monotonic(),
        deadline_s=clock.monotonic() + config.server.deadline_s,
        gone_policy=config.server.on_client_gone,
    )
    limits.supply.start()
    decisions, filters, error = await _enter(plan, exchange)
    limits.supply.close()
    await layers.aclose()
    route = exchange.route
    calls = (
        tuple(_plan_call(target, exchange.request, connected, prices, clock) for target in route.targets)
        if route
        else ()
    )
    return Explanation(
        dialect=spoken.name,
        model=request.model,
        is_streamed=request.stream,
        config_hash=config.config_hash,
        stages=decisions,
        filters=("meter", *filters, "encode"),
        route=route.name if route else None,
        max_attempts=route.max_attempts if route else None,
        deadline_s=config.server.deadline_s,
        gone_policy=config.server.on_client_gone,
        course=() if error or route is None else tuple(_course(config, route, caller)),
        calls=() if error else calls,
        error=error,
    )


async def _enter(plan: Plan, exchange: Exchange) -> tuple[tuple[StageDecision, ...], tuple[str, ...], str | None]:
    """Enter the stages one by one, and name the filters; the leases that were taken are given back at once."""
    decisions: list[StageDecision] = []
    stopped: str | None = None
    for stage in plan.request:
        if stopped is not None:
            decisions.append(StageDecision(stage.name, "skip", "not reached"))
            continue
        seen = len(exchange.facts)
        outcome: Outcome = "continue"
        try:
            if isinstance(await stage.enter(exchange), Reply):
                outcome, stopped = "answer", f"{stage.name} answers: no provider is called"
        except PenstockError as error:
            outcome, stopped = "refuse", _say(error)
        met = stage.describe(exchange) if isinstance(stage, LimitStage) else ()
        why = "; ".join((*met, *_facts(exchange, seen))) or (
            stopped if outcome == "refuse" and stopped else "nothing to change"
        )
        decisions.append(StageDecision(stage.name, outcome, why, stage.filter(exchange) is not None))
    filters = tuple(type(each).__name__ for each in plan.filters(exchange))
    exchange.end = "rejected" if stopped else "completed"
    while exchange.leases:
        exchange.leases.pop().settle(exchange)
    return tuple(decisions), filters, stopped


def _course(config: Config, route: Route, caller: Principal) -> Iterator[str]:
    """How a call comes to a target, and what follows when it fails or is late."""
    yield from _where(config, route, caller)
    queue = config.gates.queue
    share = {"interactive": queue.interactive, "standard": queue.standard, "batch": queue.batch}[caller.priority]
    yield (
        f"queue: class {caller.priority}, sure of {share / (queue.interactive + queue.standard + queue.batch):.0%} of a"
        f" target's places, at most {queue.max_waiting} waiting; weight {caller.weight:g} beside other tenants"
    )
    if route.is_balanced:
        yield "targets are equals: the less loaded of two drawn at random is tried first"
    if route.is_hedged:
        hedging = config.hedging
        yield (
            f"hedged: a second call beside one that is later than {hedging.quantile:.0%} of its target's, for at most"
            f" {hedging.max_calls:.0%} of requests and {hedging.max_spend:.0%} of what answers cost"
        )
    yield (
        f"further calls: at most {config.retries.ratio:.0%} of this model's requests; a target that keeps failing is"
        f" passed over for {config.gates.breaker.open_s:g} s and longer"
    )
    for step in route.fallbacks:
        then = " then ".join(target.name for target in step.targets) if step.answer is None else "a text in its place"
        yield f"no answer ({', '.join(sorted(step.causes))}): {then}"
    if route.cheaper is not None:
        yield f"a budget that allows a cheaper tier only: {route.cheaper.name}"
    second = asked_second(groundings_of(config).get(route.name))
    if second is not None and second.second_opinion is not None:
        whose = f"tier {second.tier}" if second.model is None else second.model
        yield f"an answer of less confidence than {second.second_opinion:g}: a second opinion of {whose}"
    same = asked_same(groundings_of(config).get(route.name))
    if same is not None:
        which = "an answer" if same.below is None else f"an answer of less confidence than {same.below:g}"
        yield (
            f"{which}: its target is asked the same {same.count} more times, where that may change what becomes of it;"
            f" with an agreement below {same.agreement:g} it counts as not sure"
        )


def _where(config: Config, route: Route, caller: Principal) -> Iterator[str]:
    """The levels of the model, and where its requests may go."""
    model = config.models.get(route.name)
    if model is not None and model.tiers:
        routing = model.routing
        tiers = " < ".join(f"{name} ({', '.join(t.model for t in targets)})" for name, targets in model.tiers.items())
        kept = "kept for its conversation" if routing.sticky else "chosen anew at each turn"
        yield f"tiers: {tiers}; {routing.quality:.0%} of the quality between them is to be kept; a tier is {kept}"
    regions = regions_of(config, route.name, caller.tenant)
    if regions is not None:
        rest = "may be kept here" if may_rest_here(config, route.name, caller.tenant) else "is not kept here"
        yield f"regions: {', '.join(sorted(regions)) or 'none'}; what is made of the request {rest}"


def _facts(exchange: Exchange, since: int) -> Iterator[str]:
    for fact in exchange.facts[since:]:
        fields = [f"{name} {_plain(getattr(fact, name))}" for name in fact.__struct_fields__ if name != "at_s"]
        yield ", ".join(fields)


def _plain(value: object) -> str:
    return (
        " then ".join(str(each) for each in cast("tuple[object, ...]", value))
        if isinstance(value, tuple)
        else str(value)
    )


def _plan_call(
    target: Target, request: Request, connected: Mapping[str, Connected], prices: PriceBook, clock: Clock
) -> PlannedCall:
    made = connected[target.provider.name]
    price = _price(prices, target)
    if made.endpoint is None:
        return PlannedCall(
            target.name, target.provider.name, target.provider.dialect, target.model, url="(built in)", price=price
        )
    dialect = made.dialects.get(request.dialect) or made.dialects[target.provider.dialect]
    try:
        call = dialect.encode(request, target.model, made.endpoint, now=clock.now())
    except PenstockError as error:
        return PlannedCall(
            target.name, target.provider.name, dialect.name, target.model, refusal=_say(error), price=price
        )
    return PlannedCall(
        target=target.name,
        provider=target.provider.name,
        dialect=dialect.name,
        model=target.model,
        method=call.method,
        url=call.url,
        headers=tuple(_redacted(call.headers, made.endpoint)),
        body=call.body.decode("utf-8", "replace"),
        dropped_fields=tuple(dialect.advisory(request, made.endpoint)),
        price=price,
    )


def _redacted(headers: tuple[tuple[str, str], ...], endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    own = {name for name, _ in endpoint.headers}
    for name, value in headers:
        yield name, "(secret)" if name in _CREDENTIALS or name in own else value


def _price(prices: PriceBook, target: Target) -> str:
    """What a million tokens in and a million out cost, in US dollars."""
    sides = [
        prices.cost(target, usage).amount_nanousd
        for usage in (Usage(input_tokens=_MILLION), Usage(output_tokens=_MILLION))
    ]
    if None in sides:
        return "unknown"
    return " / ".join(f"${(side or 0) / 1e9:g}" for side in sides) + " a million tokens in / out"


def _say(error: PenstockError) -> str:
    where = f" (field `{error.field}`)" if error.field else ""
    return f"{error.status} {error.code}: {error.public}{where}"
