"""Providers out of the configuration and the environment, each ready to be called."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import structlog

from penstock.admission.keys import is_well_formed
from penstock.app.twin import TwinProvider
from penstock.config.rules import SIM_PROVIDER
from penstock.config.types import Config, ProviderSettings, Timeouts
from penstock.core.chat import Dialect
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.core.ports import Provider
from penstock.providers.anthropic import AnthropicUpstream
from penstock.providers.bedrock import BedrockUpstream
from penstock.providers.cohere import CohereUpstream
from penstock.providers.dialect import Endpoint, UpstreamDialect
from penstock.providers.gemini import GeminiUpstream
from penstock.providers.http import HttpProvider
from penstock.providers.http_client import HttpClient
from penstock.providers.openai_chat.dialect import OpenAIChatUpstream
from penstock.providers.openai_responses.dialect import OpenAIResponses
from penstock.providers.vendors import Vendor, vendors
from penstock.routing.catalog import Catalog, Upstream, build_catalog
from penstock.testing.scripted import ScriptedProvider

_log = structlog.get_logger(__name__)

DIALECTS: Mapping[Dialect, type[UpstreamDialect]] = MappingProxyType(
    {
        "openai-chat": OpenAIChatUpstream,
        "openai-responses": OpenAIResponses,
        "anthropic": AnthropicUpstream,
        "gemini": GeminiUpstream,
        "bedrock": BedrockUpstream,
        "cohere": CohereUpstream,
    }
)

TWINS: Mapping[str, str] = MappingProxyType({"openai": "openai-responses", "azure": "azure-responses"})
"""Vendors that speak the Responses dialect beside chat: a client of that dialect gets it back whole."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A provider with the dialect and the endpoint it was made of, by client dialect where there are two."""

    upstream: Upstream
    endpoint: Endpoint | None
    dialects: Mapping[Dialect, UpstreamDialect]
    callers: tuple[HttpProvider, ...] = ()
    """What sends the credential, and is told when it changes."""


def connect(config: Config, environ: Mapping[str, str], clock: Clock) -> dict[str, Connected]:
    """Every provider there is: those of the configuration, those whose key is in the environment, and `sim`.

    Opens no connection.  Raises `ConfigError` where a provider of the configuration cannot be made.
    """
    found: dict[str, Connected] = {}
    for name, settings in config.providers.items():
        found[name] = _configured(config, name, settings, environ, clock)
    if config.discover_providers:
        for vendor in vendors().values():
            if vendor.name not in found and vendor.name not in TWINS.values():
                found.update(_discovered(vendor, environ, clock))
    if config.sim.enabled:
        found[SIM_PROVIDER] = Connected(
            Upstream(ScriptedProvider(name=SIM_PROVIDER, clock=clock), SIM_PROVIDER, ("sim",), ("sim",)),
            None,
            MappingProxyType({}),
        )
    return found


def new_catalog(config: Config, connected: Mapping[str, Connected]) -> Catalog:
    """Where each model name leads.  Raises `ConfigError` for a target whose provider is not there."""
    return build_catalog(config, {name: each.upstream for name, each in connected.items()}, known=tuple(vendors()))


def _configured(
    config: Config, name: str, settings: ProviderSettings, environ: Mapping[str, str], clock: Clock
) -> Connected:
    path = f"providers.{name}"
    vendor = vendors().get(settings.vendor)
    if vendor is None and settings.vendor != "custom":
        raise config.problem(f"{path}.vendor", f"there is no vendor `{settings.vendor}`; for others use `custom`")
    dialect = settings.dialect or (vendor.dialect if vendor is not None else None)
    base_url = settings.base_url or (vendor.base_url if vendor is not None else "")
    options = {**(vendor.options if vendor is not None else {}), **settings.options}
    if dialect is None or not (base_url or dialect == "bedrock"):
        raise config.problem(path, "`dialect` and `base_url` must be given for this vendor")
    credential = settings.api_key.reveal() if settings.api_key is not None else _credential(vendor, environ)
    may_come_later = config.identity.credentials_key is not None  # it may be stored: see `admission.identity`
    if credential is None and vendor is not None and vendor.needs_key and not may_come_later:
        wanted = " or ".join(vendor.key_env) or "api_key"
        raise config.problem(path, f"no API key: set `api_key`, or {wanted} in the environment")
    endpoint = Endpoint(
        vendor=settings.vendor,
        base_url=base_url.rstrip("/"),
        credential=credential,
        headers=tuple((key.lower(), text.reveal()) for key, text in settings.headers.items()),
        quirks=frozenset(vendor.quirks) if vendor is not None else frozenset(),
        options=MappingProxyType(_with_region(dialect, options, environ)),
    )
    is_own_dialect = settings.dialect is None
    return _connected(name, vendor, dialect, endpoint, settings.timeouts, clock, is_twinned=is_own_dialect)


def _discovered(vendor: Vendor, environ: Mapping[str, str], clock: Clock) -> Iterator[tuple[str, Connected]]:
    credential = _credential(vendor, environ)
    own_url = next((environ[name] for name in vendor.url_env if environ.get(name)), None)
    base_url = own_url or vendor.base_url
    if (credential is None and (vendor.needs_key or own_url is None)) or not (base_url or vendor.dialect == "bedrock"):
        return
    endpoint = Endpoint(
        vendor=vendor.name,
        base_url=base_url.rstrip("/"),
        credential=credential,
        quirks=frozenset(vendor.quirks),
        options=MappingProxyType(_with_region(vendor.dialect, vendor.options, environ)),
    )
    yield vendor.name, _connected(vendor.name, vendor, vendor.dialect, endpoint, Timeouts(), clock, is_twinned=True)


def _connected(  # noqa: PLR0917 - private, called twice
    name: str,
    vendor: Vendor | None,
    dialect: Dialect,
    endpoint: Endpoint,
    timeouts: Timeouts,
    clock: Clock,
    *,
    is_twinned: bool,
) -> Connected:
    dialects: dict[Dialect, UpstreamDialect] = {dialect: DIALECTS[dialect]()}
    if is_twinned and endpoint.vendor in TWINS:
        dialects["openai-responses"] = DIALECTS["openai-responses"]()
    callers: dict[Dialect, HttpProvider] = {
        each: _http(name, dialects[each], endpoint, timeouts, clock) for each in dialects
    }
    providers: dict[Dialect, Provider] = {**callers}
    provider: Provider = providers[dialect] if len(providers) == 1 else TwinProvider(name, providers, dialect)
    prefixes = vendor.prefixes if vendor is not None else ()
    upstream = Upstream(
        provider, endpoint.vendor, prefixes, tells_usage_of_streams="no_stream_options" not in endpoint.quirks
    )
    return Connected(upstream, endpoint, MappingProxyType(dialects), tuple(callers.values()))


def _http(name: str, dialect: UpstreamDialect, endpoint: Endpoint, timeouts: Timeouts, clock: Clock) -> HttpProvider:
    client = HttpClient(clock=clock, connect_timeout_s=timeouts.connect_s)
    return HttpProvider(
        name,
        dialect,
        endpoint,
        client,
        clock=clock,
        head_s=timeouts.first_event_s,
        between_events_s=timeouts.between_events_s,
    )


def _credential(vendor: Vendor | None, environ: Mapping[str, str]) -> str | None:
    """The vendor's key from the environment; AWS's pair is joined as its dialect wants it."""
    for name in vendor.key_env if vendor is not None else ():
        value = environ.get(name)
        if not value:
            continue
        if is_well_formed(value):
            # The variable points an application at a Penstock: our own keys are nobody else's to see.
            _log.warning("environment_holds_our_own_key", variable=name, vendor=vendor.name if vendor else None)
            continue
        if name != "AWS_ACCESS_KEY_ID":
            return value
        secret, session = environ.get("AWS_SECRET_ACCESS_KEY"), environ.get("AWS_SESSION_TOKEN")
        if not secret:
            raise ConfigError("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not")
        return ":".join([value, secret, *([session] if session else [])])
    return None


def _with_region(dialect: Dialect, options: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if dialect != "bedrock" or "region" in options or not region:
        return dict(options)
    return {**options, "region": region}
