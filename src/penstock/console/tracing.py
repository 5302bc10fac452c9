"""Who the providers in a trace are: their vendor in OpenTelemetry's word, and where they are reached."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from penstock.config import Config
from penstock.core.clock import Clock
from penstock.providers.vendors import vendors
from penstock.watch.traces.names import VENDORS
from penstock.watch.traces.peer import Peer
from penstock.watch.traces.tracing import Tracing


def open_tracing(config: Config, environ: Mapping[str, str], clock: Clock) -> Tracing:
    """As the configuration has it: nothing runs where it names no collector."""
    return Tracing(config.traces, lambda: peers_of(config, environ), clock)


def peers_of(config: Config, environ: Mapping[str, str]) -> dict[str, Peer]:
    """By the names that targets begin with: those of the configuration, and else those of the vendors."""
    found: dict[str, Peer] = {}
    for name, vendor in vendors().items():
        by_environment = (environ[variable] for variable in vendor.url_env if environ.get(variable))
        found[name] = _peer(name, next(by_environment, vendor.base_url))
    for name, provider in config.providers.items():
        known = vendors().get(provider.vendor)
        found[name] = _peer(provider.vendor, provider.base_url or (known.base_url if known is not None else ""))
    return found


def _peer(vendor: str, base_url: str) -> Peer:
    word = VENDORS.get(vendor, vendor)
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        return Peer(word)
    if not parts.hostname:
        return Peer(word)
    return Peer(word, parts.hostname, port or (443 if parts.scheme == "https" else 80))
