"""The cache of a data plane, put together from the configuration: whose answers are kept, where, and by which keys."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import msgspec
import psycopg

from penstock.admission.keys import open_hasher
from penstock.app.upstreams import Connected
from penstock.cache.drops import Drops
from penstock.cache.exact import ExactCache, MayRest, Shown, anywhere
from penstock.cache.key import Keys, fingerprint
from penstock.cache.link import Bounds, StoreLink
from penstock.cache.lru import Lru
from penstock.cache.policy import Policy
from penstock.cache.shelf import Shelf
from penstock.config.datadir import EXPECTS_DATABASE, DataDir
from penstock.config.types import Config
from penstock.core.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneCache:
    """`start` once, on the event loop that serves; `stop` once, after the last exchange has settled.

    `link` is None where answers are kept in memory alone, or none is.
    """

    stage: ExactCache
    shelf: Shelf
    keys: Keys
    policies: Mapping[str, Policy]
    link: StoreLink | None = None

    def start(self) -> None:
        if self.link is not None:
            self.link.start(self.shelf.apply)

    def stop(self) -> None:
        """Takes a second or so."""
        if self.link is not None:
            self.link.stop()

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        return self.link.problems() if self.link is not None else ()

    def gauges(self) -> tuple[tuple[str, str, float], ...]:
        """For `/metrics`: name, meaning, value."""
        memory = self.shelf.memory
        found: tuple[tuple[str, str, float], ...] = (
            ("penstock_cache_entries", "Answers that this process keeps in memory.", len(memory)),
            ("penstock_cache_bytes", "About what they take.", memory.size_bytes),
            ("penstock_cache_in_flight", "Answers under way that equal requests wait for.", self.stage.in_flight),
        )
        if self.link is None:
            return found
        return (
            *found,
            ("penstock_cache_store_up", "Whether the store of kept answers answers.", self.link.is_up),
            ("penstock_cache_known_entries", "Answers that the store is known to have.", self.link.known),
            ("penstock_cache_waiting_entries", "Answers that wait to be written there.", self.link.waiting),
            ("penstock_cache_forgotten_entries", "Answers that waited too long to be written.", self.link.forgotten),
        )


def open_cache(
    config: Config,
    environ: Mapping[str, str],
    *,
    data_dir: DataDir,
    clock: Clock,
    endpoints: Mapping[str, Connected],
    connect: Callable[[str], psycopg.Connection | None],
    shown: Shown,
) -> PlaneCache:
    """Everything but running.  The pace of `shown` is the configuration's.

    Raises `ConfigError` where the installation's secret is damaged.
    """
    open_hasher(data_dir)
    keys = Keys(bytes.fromhex(data_dir.secret.read_text("ascii").strip()))
    policies = _policies(config, endpoints)
    settings = config.cache
    drops = Drops()
    has_database = config.database_url is not None or EXPECTS_DATABASE in environ or data_dir.embedded_database.exists()
    link: StoreLink | None = None
    if policies and settings.persist and has_database:
        bounds = Bounds(
            lookup_s=settings.lookup_s, waiting_bytes=settings.waiting_bytes, known_entries=settings.known_entries
        )
        link = StoreLink(partial(connect, "cache"), clock, bounds)
    shelf = Shelf(Lru(settings.memory_bytes, drops), drops, clock, link)
    shown = replace(shown, pace_tokens_per_s=settings.replay_tokens_per_s)
    stage = ExactCache(policies, keys, shelf, clock, shown=shown)
    return PlaneCache(stage=stage, shelf=shelf, keys=keys, policies=policies, link=link)


def cache_of_file(
    config: Config, endpoints: Mapping[str, Connected], clock: Clock, *, may_rest: MayRest = anywhere
) -> PlaneCache:
    """The configuration's policies with nothing kept yet: for `explain`."""
    drops = Drops()
    shelf = Shelf(Lru(config.cache.memory_bytes, drops), drops, clock)
    policies, keys = _policies(config, endpoints), Keys(b"explain")
    stage = ExactCache(policies, keys, shelf, clock, shown=Shown(may_rest=may_rest))
    return PlaneCache(stage=stage, shelf=shelf, keys=keys, policies=policies)


def _policies(config: Config, endpoints: Mapping[str, Connected]) -> dict[str, Policy]:
    return {
        name: Policy(
            model.cache,
            model.cache.exact,
            _fingerprint(config, name, endpoints),
            by_rights=model.knowledge is not None,
        )
        for name, model in config.models.items()
        if model.cache.exact is not None
    }


def _fingerprint(config: Config, name: str, endpoints: Mapping[str, Connected]) -> str:
    """Of what answers for the model: another model, address or deployment makes other answers, another price does not.

    Fallbacks are not in it: what they answer is not kept.
    """
    model = config.models[name]
    targets = [*model.targets, *(target for tier in model.tiers.values() for target in tier)]
    found = {target.provider: endpoints[target.provider].endpoint for target in targets if target.provider in endpoints}
    parts: dict[str, object] = {
        "targets": [[target.provider, target.model, target.region] for target in targets],
        "endpoints": {
            provider: None if endpoint is None else [endpoint.vendor, endpoint.base_url, dict(endpoint.options)]
            for provider, endpoint in found.items()
        },
    }
    if model.knowledge is not None:
        parts["knowledge"] = msgspec.to_builtins(model.knowledge)
    return fingerprint(parts)
