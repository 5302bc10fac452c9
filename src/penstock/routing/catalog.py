"""Model names to routes.

`app` builds the catalog from the configuration and the providers it could make; `RouteStage` asks it for each request,
`server` lists it on `/v1/models`.  A name is looked up in this order:

1. a model of the configuration, exactly;
2. `provider/model`, or `vendor/model` where the vendor's only or first provider has another name;
3. a name that begins as a vendor's model names do (`gpt-`, `claude-`, …);
4. anything else is unknown, with the nearest name said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import get_args

from penstock.config.problems import closest, refuse
from penstock.config.types import DEFAULT_ATTEMPTS, Config, TargetSettings
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError, Forbidden, UnknownModel
from penstock.core.exchange import Exchange
from penstock.core.facts import RouteChosen
from penstock.core.ports import CONTINUE, Continue, FailureCause, Fallback, Provider, Route, Target
from penstock.routing.residency import Regions, within

_MAX_NAME_CHARS = 256
_SHOWN_NAME_CHARS = 100
_CACHED_ROUTES = 1024
_ANY_CAUSE: frozenset[FailureCause] = frozenset(get_args(FailureCause))


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider that is ready to be called.

    `prefixes` are the beginnings of model names that mean it without being told.  `listed` are model names to show to
    clients that ask what there is.  `tells_usage_of_streams` says that its streams end with what they used.
    """

    provider: Provider
    vendor: str
    prefixes: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    tells_usage_of_streams: bool = True


@dataclass(frozen=True, slots=True)
class Resolved:
    """A route and the names of its targets, as the journal wants them."""

    route: Route
    target_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tiers:
    """The levels of a model, from the weakest to the strongest: `routes[i]` is how `names[i]` finds its answer."""

    names: tuple[str, ...]
    routes: tuple[Route, ...]
    default: int
    """The place of the one to take where nothing can be said."""


class Catalog:
    """Every model name there is.  `resolve` is cached in a bound: callers choose the names, not we.

    `resolve` and `find` give the default tier of a model that has tiers.
    """

    def __init__(
        self,
        models: Mapping[str, Route],
        upstreams: Mapping[str, Upstream],
        *,
        tiers: Mapping[str, Tiers] = MappingProxyType({}),
    ) -> None:
        self._models = dict(models)
        self._tiers = dict(tiers)
        self._upstreams = dict(upstreams)
        self._vendors: dict[str, str] = {}
        for name, upstream in upstreams.items():
            self._vendors.setdefault(upstream.vendor, name)
        prefixes = [(prefix, name) for name, upstream in upstreams.items() for prefix in upstream.prefixes]
        self._prefixes = sorted(prefixes, key=lambda pair: -len(pair[0]))  # stable: the longest, then the first
        self._cache: dict[str, Resolved] = {}

    def resolve(self, name: str) -> Route:
        """The route of a model name.  Raises `UnknownModel`."""
        return self.find(name).route

    def find(self, name: str) -> Resolved:
        """As `resolve`, with the names of the targets beside it."""
        cached = self._cache.get(name)
        if cached is not None:
            return cached
        route = self._look_up(name)
        resolved = Resolved(route, tuple(target.name for target in route.targets))
        if len(self._cache) >= _CACHED_ROUTES:
            self._cache.clear()
        self._cache[name] = resolved
        return resolved

    def tiers(self, name: str) -> Tiers | None:
        """The levels of a model, None where it has none."""
        return self._tiers.get(name)

    def targets(self, name: str) -> tuple[Target, ...]:
        """The targets of a configured model, of all its tiers."""
        tiers = self._tiers.get(name)
        routes = (self.resolve(name),) if tiers is None else tiers.routes
        return tuple(target for route in routes for target in route.targets)

    def all_targets(self, name: str) -> tuple[Target, ...]:
        """As `targets`, with those of the fallbacks and of the cheaper model; each once."""
        tiers = self._tiers.get(name)
        routes = (self.resolve(name),) if tiers is None else tiers.routes
        cheaper = [route.cheaper for route in routes if route.cheaper is not None]
        found = [
            target
            for route in (*routes, *cheaper)
            for target in (*route.targets, *(target for step in route.fallbacks for target in step.targets))
        ]
        return tuple({target.name: target for target in found}.values())

    def tiered(self) -> Mapping[str, Tiers]:
        """All models with tiers."""
        return self._tiers

    def names(self) -> tuple[str, ...]:
        """The names to show: the configuration's first, then what the providers list."""
        listed = (name for upstream in self._upstreams.values() for name in upstream.listed)
        return tuple(dict.fromkeys([*self._models, *listed]))

    def providers(self) -> tuple[Provider, ...]:
        return tuple(upstream.provider for upstream in self._upstreams.values())

    def prefixes(self) -> tuple[tuple[str, str], ...]:
        """The beginnings of model names that need no provider's name before them, each with the provider it means."""
        meant: dict[str, str] = {}
        for prefix, owner in self._prefixes:
            meant.setdefault(prefix, owner)
        return tuple(meant.items())

    def _look_up(self, name: str) -> Route:
        if len(name) > _MAX_NAME_CHARS or not name:
            raise self._unknown(name)
        configured = self._models.get(name)
        if configured is not None:
            return configured
        head, slash, rest = name.partition("/")
        if slash and rest:
            owner = head if head in self._upstreams else self._vendors.get(head)
            if owner is not None:
                return self._single(name, owner, rest)
        for prefix, owner in self._prefixes:
            if name.startswith(prefix):
                return self._single(name, owner, name)
        raise self._unknown(name)

    def _single(self, name: str, owner: str, model: str) -> Route:
        return Route(name, (target(self._upstreams, owner, model),), DEFAULT_ATTEMPTS)

    def _unknown(self, name: str) -> UnknownModel:
        shown = name if len(name) <= _SHOWN_NAME_CHARS else name[:_SHOWN_NAME_CHARS] + "…"
        near = closest(shown, self.names())
        hint = f" Did you mean `{near}`?" if near else ""
        return UnknownModel(f"There is no model `{shown}`.{hint}", field="model")


def target(
    upstreams: Mapping[str, Upstream], owner: str, model: str, region: str | None = None, *, is_hedged: bool = False
) -> Target:
    """A target, named `provider/model` with `@region` where one is set.

    `is_hedged` says that its calls may be dropped for a quicker one: then all answers are asked for as streams, where
    nothing is lost by it.
    """
    name = f"{owner}/{model}" if region is None else f"{owner}/{model}@{region}"
    upstream = upstreams[owner]
    return Target(name, upstream.provider, model, region, is_hedged and upstream.tells_usage_of_streams)


def build_catalog(config: Config, upstreams: Mapping[str, Upstream], *, known: Sequence[str] = ()) -> Catalog:
    """The catalog of a configuration.  `known` are vendor names that could be had, for the error's sake.

    Raises `InvalidConfig` with every target that names a provider which is not there.
    """
    refuse(_missing(config, upstreams, known))
    models: dict[str, Route] = {}
    tiers: dict[str, Tiers] = {}
    for name, model in config.models.items():
        if model.tiers:
            tiers[name] = _tiers_of(config, name, upstreams)
            models[name] = tiers[name].routes[tiers[name].default]
        else:
            models[name] = _route(config, name, model.targets, upstreams)
    for name, model in config.models.items():
        if model.cheaper is None:
            continue
        cheaper = models[model.cheaper]
        models[name] = replace(models[name], cheaper=cheaper)
        if name in tiers:
            tiers[name] = replace(
                tiers[name], routes=tuple(replace(route, cheaper=cheaper) for route in tiers[name].routes)
            )
    return Catalog(models, upstreams, tiers=tiers)


def _route(config: Config, name: str, named: Sequence[TargetSettings], upstreams: Mapping[str, Upstream]) -> Route:
    model = config.models[name]
    is_cut = model.hedged and config.hedging.as_stream

    def made(named: Sequence[TargetSettings]) -> tuple[Target, ...]:
        return tuple(target(upstreams, t.provider, t.model, t.region, is_hedged=is_cut) for t in named)

    return Route(
        name,
        made(named),
        model.max_attempts,
        tuple(Fallback(frozenset(each.on), made(each.targets), each.answer) for each in model.fallbacks),
        is_balanced=model.balanced and len(named) > 1,
        is_hedged=model.hedged,
    )


def _tiers_of(config: Config, name: str, upstreams: Mapping[str, Upstream]) -> Tiers:
    """With `spill`, what follows where a tier fails is the next stronger ones and then the next weaker ones."""
    model = config.models[name]
    names = tuple(model.tiers)
    routes = [_route(config, name, model.tiers[tier], upstreams) for tier in names]
    if model.routing.spill:
        plain = tuple(routes)
        for place, route in enumerate(plain):
            others = (*plain[place + 1 :], *reversed(plain[:place]))
            spills = tuple(Fallback(_ANY_CAUSE, other.targets) for other in others)
            routes[place] = replace(route, fallbacks=(*spills, *route.fallbacks))
    default = names.index(model.routing.default) if model.routing.default else len(names) - 1
    return Tiers(names, tuple(routes), default)


def _missing(config: Config, upstreams: Mapping[str, Upstream], known: Sequence[str]) -> Iterator[ConfigError]:
    for name, model in config.models.items():
        listed = [(f"models.{name}.targets.{index}.provider", wanted) for index, wanted in enumerate(model.targets)]
        for tier, targets in model.tiers.items():
            listed += [(f"models.{name}.tiers.{tier}.{index}.provider", wanted) for index, wanted in enumerate(targets)]
        for place, fallback in enumerate(model.fallbacks):
            path = f"models.{name}.fallbacks.{place}.targets"
            listed += [(f"{path}.{index}.provider", wanted) for index, wanted in enumerate(fallback.targets)]
        for path, wanted in listed:
            if wanted.provider in upstreams:
                continue
            if wanted.provider in known:
                message = f"there is no API key for `{wanted.provider}`: set it in the environment or under `providers`"
                yield config.problem(path, message)
            else:
                near = closest(wanted.provider, [*upstreams, *known])
                yield config.problem(path, f"there is no provider `{wanted.provider}`", did_you_mean=near)


class RouteStage:
    """The stage that says where a request may go.  What lies outside of its regions is not there for it."""

    def __init__(self, catalog: Catalog, clock: Clock, regions: Regions | None = None) -> None:
        self._catalog = catalog
        self._clock = clock
        self._regions = regions

    @property
    def name(self) -> str:
        return "route"

    async def enter(self, exchange: Exchange) -> Continue:
        """Set the exchange's route.  Raises `UnknownModel`, and `Forbidden` where no target is in a region allowed."""
        model = exchange.request.model
        found = self._catalog.find(model)
        allowed = None if self._regions is None else self._regions(model, exchange.principal.tenant)
        if allowed is not None:
            found = self._bounded(model, found, allowed)
        exchange.route = found.route
        at_s = self._clock.monotonic() - exchange.began_s
        exchange.facts.append(RouteChosen(at_s=at_s, route=found.route.name, targets=found.target_names))
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        """A route has nothing to say of the answer."""

    def _bounded(self, model: str, found: Resolved, allowed: frozenset[str]) -> Resolved:
        """Of a model with tiers, the default one or else the strongest with a target left."""
        tiers = self._catalog.tiers(model)
        tried = (found.route, *(reversed(tiers.routes) if tiers is not None else ()))
        for route in tried:
            bounded = within(route, allowed)
            if bounded is not None:
                return Resolved(bounded, tuple(target.name for target in bounded.targets))
        where = ", ".join(sorted(allowed)) or "none"
        raise Forbidden(
            f"No provider of `{model[:_SHOWN_NAME_CHARS]}` is in a region allowed here: {where}.", field="model"
        )
