"""The data plane, put together from its configuration and run until SIGTERM."""

import asyncio
import os
import random
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

import penstock
from penstock.admission.identity.access import is_allowed, visible
from penstock.admission.identity.assembly import Identities
from penstock.admission.identity.stage import note_ended
from penstock.admission.limits.stage import LimitStage
from penstock.admission.targets.gates import TargetGates
from penstock.app.books import Books
from penstock.app.companions import Companions, open_companions
from penstock.app.condition import Condition
from penstock.app.feedback import PlaneFeedback, open_desk
from penstock.app.fleet import Fleet
from penstock.app.layers import Ground, open_layers
from penstock.app.memory.plane import released_header
from penstock.app.money.prices import open_prices
from penstock.app.money.unpriced import PriceWatch
from penstock.app.plan import new_plan
from penstock.app.reload import Reloader
from penstock.app.shortening.summaries import Jobs
from penstock.app.upstreams import Connected, connect, new_catalog
from penstock.config.datadir import DataDir
from penstock.config.logs import configure_logs
from penstock.config.types import Config
from penstock.core.clock import Clock, SystemClock
from penstock.core.errors import UnknownModel
from penstock.core.exchange import Exchange, Principal
from penstock.core.ports import ClientDialect, Sampler
from penstock.flow.engine import Engine, World
from penstock.flow.samples import Sampling
from penstock.routing.catalog import Catalog
from penstock.server.http.shared import HttpLimits
from penstock.server.openapi import describe
from penstock.server.run import Listen, Running, run
from penstock.server.service import AnswerHeaders, Limits, ModelsPage, Service
from penstock.watch.feedback.outbox import FOLDER as FEEDBACK
from penstock.watch.feedback.outbox import FeedbackOutbox
from penstock.watch.journal import JournalFile
from penstock.watch.metrics import Metrics
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
    prices = open_prices(config, data_dir, clock, catalog.providers())
    unpriced = prices.prepare(target for name in config.models for target in catalog.targets(name))
    for name in unpriced:
        _log.warning("price_unknown", target=name)
    journal = _open_journal(config, data_dir, clock)
    metrics = Metrics()
    beside = open_companions(config, environ, data_dir=data_dir, clock=clock, prices=prices)
    identities, limits, fleet = beside.identities, beside.limits, beside.fleet
    gates = _new_gates(config, clock, fleet)
    counter = _warm_later(Counter(), clock)
    sampling = Sampling(gates, limits.stage, clock)
    ground = _ground(catalog, connected, data_dir, beside, counter, sampler=sampling)
    layers = await asyncio.to_thread(open_layers, config, environ, clock, ground)
    books = PriceWatch(Books(journal, metrics), beside.alerts.offer)
    world = World(
        ledger=books if layers.memory is None else layers.memory.ledger(books),
        prices=prices,
        counter=counter,
        clock=clock,
        faults=LoggedFaults(),
        drain_s=config.server.drain_max_s,
        gates=gates,
        allowance=limits.stage,
    )
    feedback = PlaneFeedback(
        FeedbackOutbox(data_dir.root / FEEDBACK, clock),
        clock,
        remarks=open_desk(data_dir, clock, layers.guards.wording, takes_unmasked=config.review.unmasked_remarks),
        shelf=layers.cache.shelf,
        choice=layers.routing.choice,
        source=limits.listening,
    )
    plan = new_plan(config, clock, stale_s=identities.stale_s, limits=limits.stage, layers=layers)
    engine = Engine(plan, world)
    condition = Condition(
        journal,
        data_dir.root / "journal",
        clock,
        unpriced=unpriced,
        problems=lambda: (*reloader.problems(), *beside.problems(), *layers.problems()),
    )
    service = Service(
        engine=engine,
        authenticate=identities.authenticator.authenticate,
        dialects=client_dialects(),
        models=new_models_page(catalog),
        limits=_limits_of(config),
        clock=clock,
        config_hash=config.config_hash,
        health=condition.health,
        metrics=lambda: metrics.render(
            in_flight=engine.in_flight,
            backlog=condition.backlog,
            credentials_refused=identities.authenticator.refusals,
            gauges=(*limits.gauges(), *layers.gauges(), *feedback.gauges()),
            targets_up=fleet.targets_up(),
            labelled=layers.labelled(),
            tiers={} if layers.routing.choice is None else layers.routing.choice.counts,
        ),
        refused=lambda error: metrics.refused(error.code),
        take_feedback=feedback.take,
        find_hold=layers.review.find,
        ground=layers.grounding.ground,
        openapi=describe(penstock.__version__, {"body bytes": config.server.body_limit_bytes}),
        memory=None if layers.memory is None else layers.memory.desk,
        answer_headers=limits.stage.headers if layers.memory is None else _headers(limits.stage),
    )

    async def aclose() -> None:
        condition.stop()
        await asyncio.to_thread(feedback.stop)
        await layers.aclose()
        await beside.aclose()
        for provider in catalog.providers():
            await provider.aclose()
        journal.close()

    running = Running(service, aclose, rest=layers.rest)

    def use(changed: Config) -> None:
        layers.use(changed)
        beside.use(changed)
        feedback.remarks.takes_unmasked = changed.review.unmasked_remarks
        running.replace(replace(running.service, config_hash=changed.config_hash))

    reloader = Reloader(config, environ, clock, use=use)
    limits.follower.file_changed = reloader.ask
    _heed_changes(identities, engine, connected, clock)
    reloader.start()
    beside.start(gates)
    layers.start(_jobs(running, identities))
    feedback.start()
    condition.start()
    return running


def _new_gates(config: Config, clock: Clock, fleet: Fleet) -> TargetGates:
    return TargetGates(
        config.gates,
        config.retries,
        clock,
        random.Random(),  # noqa: S311 - jitter and draws, not a secret
        hedging=config.hedging,
        on_breaker_change=fleet.changed,
    )


def _headers(limits: LimitStage) -> AnswerHeaders:
    return lambda exchange: (*limits.headers(exchange), *released_header(exchange))


def _ground(
    catalog: Catalog,
    connected: Mapping[str, Connected],
    data_dir: DataDir,
    beside: Companions,
    counter: Counter,
    *,
    sampler: Sampler,
) -> Ground:
    return Ground(
        catalog=catalog,
        endpoints=connected,
        data_dir=data_dir,
        connect=beside.database,
        find_url=beside.database_url,
        counter=counter,
        sampler=sampler,
    )


def _jobs(running: Running, identities: Identities) -> Jobs:
    """What Penstock asks models itself runs on what is served, as it is now."""
    service = running.service
    return Jobs(
        service.engine,
        service.limits.deadline_s,
        config_hash=lambda: running.service.config_hash,
        stands=identities.authenticator.stands,
    )


def _open_data_dir(config: Config) -> DataDir:
    data_dir = DataDir(Path(config.data_dir).resolve())
    data_dir.make()
    return data_dir


def _open_journal(config: Config, data_dir: DataDir, clock: Clock) -> JournalFile:
    return JournalFile(
        data_dir.root / "journal",
        clock=clock,
        fsync=config.ledger.fsync,
        fsync_interval_s=config.ledger.fsync_interval_s,
        segment_bytes=config.ledger.segment_bytes,
    )


def _limits_of(config: Config) -> Limits:
    return Limits(
        body_limit_bytes=config.server.body_limit_bytes,
        body_timeout_s=config.server.body_timeout_s,
        keep_alive_comment_s=config.server.keep_alive_comment_s,
        deadline_s=config.server.deadline_s,
        on_client_gone=config.server.on_client_gone,
    )


def client_dialects() -> dict[str, ClientDialect]:
    """The paths that ask a model, and the dialect spoken on each."""
    return {
        "/v1/chat/completions": OpenAIChat(),
        "/v1/responses": OpenAIResponses(),
        "/v1/messages": AnthropicClient(),
        "/v1/embeddings": Embeddings(),
    }


def new_models_page(catalog: Catalog) -> ModelsPage:
    """What /v1/models lists; a single model may also be one that is found by its vendor's prefix.

    What the caller may not use is not there for it.
    """

    def entry(name: str) -> ModelEntry:
        return ModelEntry(name, catalog.resolve(name).targets[0].provider.name)

    def everything(principal: Principal, is_anthropic: bool) -> bytes:  # noqa: FBT001 - called through `ModelsPage`
        names = visible(principal, catalog.names())
        return encode_models([entry(name) for name in names], as_anthropic=is_anthropic)

    def one(principal: Principal, name: str, is_anthropic: bool) -> bytes:  # noqa: FBT001 - same
        if not is_allowed(principal.models, name):
            raise UnknownModel(f"There is no model `{name[:100]}`.", field="model")
        return encode_model([entry(name)], name, as_anthropic=is_anthropic)

    return ModelsPage(everything=everything, one=one)


def _heed_changes(identities: Identities, engine: Engine, connected: Mapping[str, Connected], clock: Clock) -> None:
    """Let what is running learn of keys, tenants and credentials that change: now, and whenever they do."""
    loop = asyncio.get_running_loop()
    stands = identities.authenticator.stands

    def heed() -> None:
        for name, each in connected.items():
            for caller in each.callers:
                caller.use(identities.credentials.get(name))
        note_ended(engine.exchanges(), stands, clock)

    def from_a_thread() -> None:
        with suppress(RuntimeError):  # the loop has closed: this process is at its end
            loop.call_soon_threadsafe(heed)

    identities.changed = from_a_thread
    heed()


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
