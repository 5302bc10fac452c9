"""What the types cannot say: settings that are well formed and yet cannot work.

A control that cannot be enforced refuses to start; each rule here names the setting that stands in the way.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from urllib.parse import parse_qs, urlsplit

from penstock.config.alerts import broken_alerts, broken_objectives, broken_rules
from penstock.config.cache import broken_cache
from penstock.config.console import broken_console
from penstock.config.contents import broken_contents
from penstock.config.drift import broken_drift
from penstock.config.fleet import broken_fleet
from penstock.config.guards import broken_guards, broken_lists, broken_vault, topics_of
from penstock.config.identity_rules import broken_identity
from penstock.config.inputs import broken_inputs
from penstock.config.knowledge import broken_ingest, broken_knowledge
from penstock.config.knowledge.opinions import broken_opinions
from penstock.config.limits import broken_limits
from penstock.config.memory import broken_memory
from penstock.config.money.prices import broken_amount, broken_prices, broken_value
from penstock.config.problems import closest
from penstock.config.review import HoldRule, broken_review
from penstock.config.routing.compaction import broken_compaction
from penstock.config.routing.residency import broken_residency
from penstock.config.routing.settings import RoutingSettings, broken_routing
from penstock.config.routing.summaries import broken_summaries
from penstock.config.targets import broken_gates
from penstock.config.texts.encoder import broken_encoder
from penstock.config.traces import broken_traces
from penstock.config.types import Config, ModelSettings, Price, ProviderSettings
from penstock.core.errors import ConfigError

SIM_PROVIDER = "sim"
"""The name of the built-in scripted provider, in routes and in the ledger."""

_PROVIDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_CREDENTIAL_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key", "x-auth-token"}
)


def broken(config: Config) -> Iterator[ConfigError]:
    """Every rule that `config` breaks."""
    server, control = config.server, config.control
    if server.port == control.port:
        yield config.problem("control.port", f"it is the data plane's port too ({server.port})")
    yield from _database(config)
    yield from broken_residency(config)
    yield from broken_summaries(config)
    yield from broken_opinions(config)
    yield from _unknowable(config)
    for path, message in (
        *broken_identity(config.identity),
        *broken_console(config.control.console, config.identity),
        *broken_limits(config.limit_store, config.tenants),
        *broken_alerts(config.alerts),
        *broken_objectives(config.objectives),
        *broken_rules(config.alerts.rules, config.objectives),
        *broken_traces(config.traces),
        *broken_drift(config.drift),
        *broken_review(config.review),
        *broken_encoder(config.encoder),
        *broken_fleet(config.fleet),
        *broken_gates(config.gates),
        *broken_prices(config.prices),
        *broken_ingest(config.ingest),
        *broken_lists(config.guards.lists),
        *broken_vault(config.guards.vault),
        *broken_contents(
            config.contents,
            {name: model.contents for name, model in config.models.items()},
            away=frozenset(
                name for name, model in config.models.items() if model.regions and config.region not in model.regions
            ),
        ),
        *((f"guards.default.{path}", message) for path, message in broken_guards(config.guards.default)),
    ):
        yield config.problem(path, message)
    for name, provider in config.providers.items():
        yield from _provider(config, name, provider)
    for name, model in config.models.items():
        if any(ord(char) < 33 for char in name):  # control characters and the space
            yield config.problem(f"models.{name}", "a model name has no spaces or control characters")
        yield from _model(config, name, model)
        for path, message in (
            *broken_cache(model.cache),
            *broken_compaction(model.compaction, model.answer_length),
            *broken_knowledge(model.knowledge, model.cache),
            *broken_value(model.value),
            *((f"guards.{path}", message) for path, message in broken_guards(model.guards)),
            *broken_memory(
                model.memory,
                config.guards.default if model.guards is None else model.guards,
                is_here=not model.regions or config.region in model.regions,
            ),
        ):
            yield config.problem(f"models.{name}.{path}", message)
        for limit, meant in broken_inputs(model.inputs):
            yield config.problem(f"models.{name}.inputs.{limit}", "unknown setting", did_you_mean=meant)


def _unknowable(config: Config) -> Iterator[ConfigError]:
    """Rules of the review that wait for something that nobody says: they would never hold anything."""
    for index, rule in enumerate(config.review.rules):
        path, when = f"review.rules.{index}.when", rule.when
        yield from _topics_that_nobody_names(config, f"{path}.topics", rule)
        if when.confidence_below is None or when.or_unknown:
            continue
        estimated = (
            name
            for name, model in config.models.items()
            if model.knowledge is not None
            and model.knowledge.grounding is not None
            and model.knowledge.grounding.confidence is not None
        )
        if not any(rule.is_for(tenant=None, model=name) for name in estimated):
            text = "no model that it is for has `knowledge.grounding.confidence`: nobody knows how sure an answer is"
            yield config.problem(f"{path}.confidence_below", text)


def _topics_that_nobody_names(config: Config, path: str, rule: HoldRule) -> Iterator[ConfigError]:
    names = [
        name
        for model, settings in config.models.items()
        if rule.is_for(tenant=None, model=model)
        for name in topics_of(config.guards.default if settings.guards is None else settings.guards)
    ]
    if any(each not in config.models for each in rule.when.models or ("*",)):
        names += topics_of(config.guards.default)  # of models that nobody has named
    for index, topic in enumerate(rule.when.topics or ()):
        if not any(fnmatchcase(name, topic) for name in names):
            text = "no model that it is for has such a topic in `guards.scope.topics`: it would never hold anything"
            yield config.problem(f"{path}.{index}", text, did_you_mean=closest(topic, names))


def _database(config: Config) -> Iterator[ConfigError]:
    url = config.database_url
    if url is None:
        return
    try:
        parts = urlsplit(url.reveal())
        has_password = parts.password is not None or bool({"password", "sslpassword"} & parse_qs(parts.query).keys())
    except ValueError:
        yield config.problem("database_url", "it is not a URL")
        return
    if parts.scheme not in ("postgres", "postgresql"):
        yield config.problem("database_url", "it must begin with postgresql://")
    elif url.is_literal and has_password:
        yield config.problem(
            "database_url", "a password is never written out: put the whole URL into `env:NAME` or `file:/path`"
        )


def _model(config: Config, name: str, model: ModelSettings) -> Iterator[ConfigError]:
    path = f"models.{name}"
    if not model.targets and not model.tiers:
        yield config.problem(f"{path}.targets", "a model needs at least one target")
    yield from _tiers(config, path, model)
    if model.balanced and len(model.targets) == 1:
        yield config.problem(f"{path}.balanced", "there is only one target")
    if model.cheaper is not None and (model.cheaper == name or model.cheaper not in config.models):
        near = closest(model.cheaper, [each for each in config.models if each != name])
        yield config.problem(f"{path}.cheaper", "it names no other model of `models`", did_you_mean=near)
    caught: set[str] = set()
    for place, fallback in enumerate(model.fallbacks):
        at = f"{path}.fallbacks.{place}"
        if not fallback.on:
            yield config.problem(f"{at}.on", "it names no cause, so that it would never be taken")
        if bool(fallback.targets) == (fallback.answer is not None):
            yield config.problem(at, "it needs either `targets` or an `answer`")
        elif fallback.answer is not None and not fallback.answer.strip():
            yield config.problem(f"{at}.answer", "an answer without a word is none")
        if fallback.on and caught.issuperset(fallback.on):
            yield config.problem(at, "it would never be taken: an answer before it ends all that it names")
        if fallback.answer is not None:
            caught.update(fallback.on)


def _tiers(config: Config, path: str, model: ModelSettings) -> Iterator[ConfigError]:
    if not model.tiers:
        if model.routing != RoutingSettings():
            yield config.problem(f"{path}.routing", "there are no `tiers` to choose among")
        return
    if model.targets:
        yield config.problem(f"{path}.tiers", "a model has either `targets` or `tiers`")
    if len(model.tiers) == 1:
        yield config.problem(f"{path}.tiers", "there is only one tier: name its targets under `targets`")
    for name, targets in model.tiers.items():
        if not targets:
            yield config.problem(f"{path}.tiers.{name}", "a tier needs at least one target")
    for place, message, near in broken_routing(model.routing, model.tiers):
        yield config.problem(f"{path}.routing.{place}", message, did_you_mean=near)


def _provider(config: Config, name: str, provider: ProviderSettings) -> Iterator[ConfigError]:
    path = f"providers.{name}"
    if name == SIM_PROVIDER:
        yield config.problem(path, "this name belongs to the built-in scripted provider")
    elif not _PROVIDER_NAME.match(name):
        yield config.problem(path, "a provider's name has letters, digits, `.`, `_` and `-` only")
    if provider.base_url is not None:
        yield from _base_url(config, f"{path}.base_url", provider.base_url)
    for header, text in provider.headers.items():
        place = f"{path}.headers.{header}"
        if not _HEADER_NAME.match(header):
            yield config.problem(place, "it is not a header name")
        elif header.lower() in _CREDENTIAL_HEADERS and text.is_literal:
            yield config.problem(place, "a secret is never written out: use `env:NAME` or `file:/path`")
        elif any(char in text.reveal() for char in "\r\n\0"):
            yield config.problem(place, "a header's value has no line breaks")
    for model, price in provider.prices.items():
        yield from _price(config, f"{path}.prices.{model}", price)


def _base_url(config: Config, path: str, base_url: str) -> Iterator[ConfigError]:
    try:
        parts = urlsplit(base_url)
        _ = parts.port
    except ValueError:
        yield config.problem(path, "it is not a URL")
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield config.problem(path, "it must begin with http:// or https:// and name a host")
    elif parts.username is not None:
        yield config.problem(path, "a credential never stands in a URL: use `api_key`")
    elif parts.query or parts.fragment:
        yield config.problem(path, "it must not have a query or a fragment: use `options`")


def _price(config: Config, path: str, price: Price) -> Iterator[ConfigError]:
    amounts = {
        "input_usd_per_million": price.input_usd_per_million,
        "output_usd_per_million": price.output_usd_per_million,
        "cache_read_usd_per_million": price.cache_read_usd_per_million,
        "cache_write_usd_per_million": price.cache_write_usd_per_million,
    }
    for name, amount in amounts.items():
        problem = broken_amount(amount)
        if problem is not None:
            yield config.problem(f"{path}.{name}", problem)
