"""The data plane, put together from its configuration and run until SIGTERM."""

import os
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import psycopg
import structlog

import penstock
from penstock.admission.inflight import InFlightLimit
from penstock.admission.keys import KeyRing, LiveKeys, open_dev_key, open_hasher
from penstock.admission.store import KeyFollower
from penstock.app.books import Books
from penstock.app.condition import Condition
from penstock.app.upstreams import Connected, connect
from penstock.config.datadir import DataDir
from penstock.config.logs import configure_logs
from penstock.config.types import Config
from penstock.core.clock import Clock, SystemClock
from penstock.core.exchange import Exchange
from penstock.core.ports import ClientDialect, Stage
from penstock.flow.engine import Engine, World
from penstock.flow.plan import Plan
from penstock.providers.vendors import vendors
from penstock.routing.catalog import Catalog, RouteStage, build_catalog
from penstock.server.http.shared import HttpLimits
from penstock.server.openapi import describe
from penstock.server.run import Listen, Running, run
from penstock.server.service import Limits, ModelsPage, Service
from penstock.storage.embedded import running_url
from penstock.storage.pool import connect as connect_database
from penstock.watch.journal import JournalFile
from penstock.watch.metrics import Metrics
from penstock.watch.prices import PriceBook, TokenPrice, ensure_table
from penstock.watch.tokens import Counter
from penstock.wire.anthropic import AnthropicClient
from penstock.wire.embeddings_dialect import Embeddings
from penstock.wire.models import ModelEntry, encode_model, encode_models
from penstock.wire.openai_chat.dialect import OpenAIChat
from penstock.wire.openai_responses.dialect import OpenAIResponses

WARM_AFTER_S = 3.0

_log = structlog.get_logger(__name__)


def serve(config: Config, environ: Mapping[str, str] | None = None) -> None:
    """Serve until SIGTERM, drain, return.  Raises `ConfigError` where it cannot start."""
    configure_logs(config.log, process="data")
    listen = Listen(
        host=config.server.host,
        port=config.server.port,
        limits=HttpLimits(
            header_limit_bytes=config.server.header_limit_bytes,
            idle_timeout_s=config.server.idle_timeout_s,
            write_timeout_s=config.server.write_timeout_s,
            max_connections=config.server.max_connections,
        ),
        drain_timeout_s=config.server.drain_timeout_s,
    )
    run(partial(build, config, os.environ if environ is None else environ), listen)


async def build(config: Config, environ: Mapping[str, str]) -> Running:
    """Make every part, on the event loop that will serve.  What is made is closed by the `aclose` of the result."""
    clock = SystemClock()
    data_dir = _open_data_dir(config)
    connected = connect(config, environ, clock)
    catalog = new_catalog(config, connected)
    prices = new_prices(config, data_dir, clock)
    unpriced = prices.prepare(target for name in config.models for target in catalog.resolve(name).targets)
    for name in unpriced:
        _log.warning("price_unknown", target=name)
    journal = JournalFile(
        data_dir.root / "journal",
        clock=clock,
        fsync=config.ledger.fsync,
        fsync_interval_s=config.ledger.fsync_interval_s,
        segment_bytes=config.ledger.segment_bytes,
    )
    metrics = Metrics()
    keys, follower = _follow_keys(config, data_dir, clock)
    world = World(
        ledger=Books(journal, metrics),
        prices=prices,
        counter=_warm_later(Counter(), clock),
        clock=clock,
        faults=LoggedFaults(),
        drain_s=config.server.drain_max_s,
    )
    engine = Engine(new_plan(config, catalog, clock), world)
    condition = Condition(journal, data_dir.root / "journal", clock, unpriced=unpriced)
    service = Service(
        engine=engine,
        authenticate=keys.authenticate,
        dialects=client_dialects(),
        models=new_models_page(catalog),
        limits=Limits(
            body_limit_bytes=config.server.body_limit_bytes,
            body_timeout_s=config.server.body_timeout_s,
            keep_alive_comment_s=config.server.keep_alive_comment_s,
            deadline_s=config.server.deadline_s,
            on_client_gone=config.server.on_client_gone,
        ),
        clock=clock,
        config_hash=config.config_hash,
        health=condition.health,
        metrics=lambda: metrics.render(in_flight=engine.in_flight, backlog=condition.backlog),
        refused=lambda error: metrics.refused(error.code),
        openapi=describe(penstock.__version__, {"body bytes": config.server.body_limit_bytes}),
    )
    follower.start()
    condition.start()

    async def aclose() -> None:
        condition.stop()
        follower.stop()
        for provider in catalog.providers():
            await provider.aclose()
        journal.close()

    return Running(service, aclose)


def _open_data_dir(config: Config) -> DataDir:
    data_dir = DataDir(Path(config.data_dir).resolve())
    data_dir.make()
    return data_dir


def client_dialects() -> dict[str, ClientDialect]:
    """The paths that ask a model, and the dialect spoken on each."""
    return {
        "/v1/chat/completions": OpenAIChat(),
        "/v1/responses": OpenAIResponses(),
        "/v1/messages": AnthropicClient(),
        "/v1/embeddings": Embeddings(),
    }


def new_catalog(config: Config, connected: Mapping[str, Connected]) -> Catalog:
    return build_catalog(config, {name: each.upstream for name, each in connected.items()}, known=tuple(vendors()))


def new_models_page(catalog: Catalog) -> ModelsPage:
    """What /v1/models lists; a single model may also be one that is found by its vendor's prefix."""

    def entry(name: str) -> ModelEntry:
        return ModelEntry(name, catalog.resolve(name).targets[0].provider.name)

    return ModelsPage(
        everything=lambda is_anthropic: encode_models(
            [entry(name) for name in catalog.names()], as_anthropic=is_anthropic
        ),
        one=lambda name, is_anthropic: encode_model([entry(name)], name, as_anthropic=is_anthropic),
    )


def new_plan(config: Config, catalog: Catalog, clock: Clock) -> Plan:
    """The stages in their order.  None of today's watches the answer."""
    stages: tuple[Stage, ...] = (InFlightLimit(config.server.max_in_flight, clock), RouteStage(catalog, clock))
    return Plan(request=stages, response=stages)


def new_prices(config: Config, data_dir: DataDir, clock: Clock) -> PriceBook:
    overrides = {
        (provider, model): TokenPrice(
            price.input_usd_per_million,
            price.output_usd_per_million,
            price.cache_read_usd_per_million,
            price.cache_write_usd_per_million,
        )
        for provider, settings in config.providers.items()
        for model, price in settings.prices.items()
    }
    names = {name: settings.vendor for name, settings in config.providers.items()}
    return PriceBook(ensure_table(data_dir.root), clock=clock, overrides=overrides, vendors=names)


def _follow_keys(config: Config, data_dir: DataDir, clock: Clock) -> tuple[LiveKeys, KeyFollower]:
    hasher = open_hasher(data_dir)
    fixed = (open_dev_key(data_dir, hasher),) if config.keys.dev_key else ()
    keys = LiveKeys(KeyRing(fixed, hasher), clock)

    def connection() -> psycopg.Connection | None:
        url = config.database_url.reveal() if config.database_url is not None else running_url(data_dir.root)
        if url is None:
            return None
        opened = connect_database(url, name="keys")
        opened.autocommit = True
        return opened

    follower = KeyFollower(
        keys=keys,
        hasher=hasher,
        fixed=fixed,
        snapshot=data_dir.key_snapshot,
        connect=connection,
        refresh_s=config.keys.refresh_s,
    )
    return keys, follower


def _warm_later(counter: Counter, clock: Clock) -> Counter:
    """Load the tokenizer beside the traffic, once the start is over: the first estimate would stop the loop for it."""

    def warm() -> None:
        threading.Thread(target=counter.warm, name="penstock-tokenizer", daemon=True).start()

    clock.call_at(clock.monotonic() + WARM_AFTER_S, warm)
    return counter


class LoggedFaults:
    """`flow.engine.Faults` into the log: the exchange id is what the client was shown."""

    __slots__ = ()

    def unexpected(self, exchange: Exchange, error: BaseException) -> None:
        _log.error("unexpected_error", exchange=exchange.id, exc_info=error)
