"""The settings, section by section, as frozen values: their names here are their names in penstock.yaml.

Built by `read`; handed to `app`, which takes them apart for the rooms.  Every default is a working one.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from penstock.config.alerts import AlertSettings, ObjectiveSettings
from penstock.config.cache import CacheSettings, CacheStoreSettings
from penstock.config.console import ConsoleSettings
from penstock.config.contents import ContentOverride, ContentSettings
from penstock.config.drift import DriftSettings
from penstock.config.fleet import FleetSettings
from penstock.config.guards import GuardSettings, ModelGuards
from penstock.config.identity import Identity
from penstock.config.inputs import InputSettings, Most
from penstock.config.knowledge import IngestSettings, KnowledgeUse
from penstock.config.limits import BudgetSettings, LimitSettings, LimitStoreSettings, TenantSettings
from penstock.config.memory import MemorySettings, ModelMemory
from penstock.config.money.prices import PriceSettings, ValueSettings
from penstock.config.review import ReviewSettings
from penstock.config.routing.compaction import AnswerLengthSettings, CompactionSettings, PromptCaching
from penstock.config.routing.settings import RoutingSettings
from penstock.config.secret import Secret, Text
from penstock.config.targets import GateSettings, HedgeSettings, RetrySettings
from penstock.config.texts.encoder import EncoderSettings
from penstock.config.traces import TraceSettings
from penstock.core.chat import Dialect
from penstock.core.errors import ConfigError
from penstock.core.exchange import GonePolicy
from penstock.core.ports import FailureCause

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


DEFAULT_ATTEMPTS = 4
"""Of every model name, configured or not: why four, docs/resilience.md says."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """The data plane.

    `body_timeout_s` bounds the wait for a request's body, `deadline_s` the whole of an exchange; after
    `keep_alive_comment_s` of silence a stream carries an SSE comment.  `on_client_gone` is `abort` (close upstream at
    once) or `drain` (read on for exact usage, `drain_max_s` at most).  `max_in_flight` bounds exchanges per process,
    `max_connections` its open connections; one without a request is closed after `idle_timeout_s`, one whose client
    took no byte for `write_timeout_s` is dropped.
    """

    host: Name = "127.0.0.1"
    port: Port = 8080
    body_limit_bytes: Count = 20 * 1024 * 1024
    header_limit_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 64 * 1024
    body_timeout_s: Seconds = 30.0
    keep_alive_comment_s: Seconds = 15.0
    drain_timeout_s: Seconds = 30.0
    deadline_s: Seconds = 600.0
    on_client_gone: GonePolicy = "abort"
    drain_max_s: Seconds = 30.0
    max_in_flight: Count = 10_000
    max_connections: Count = 10_000
    idle_timeout_s: Seconds = 75.0
    write_timeout_s: Seconds = 60.0


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """The control plane: health, admin API and console.  Keep it off the public network."""

    host: Name = "127.0.0.1"
    port: Port = 8081
    console: ConsoleSettings = ConsoleSettings()


class LedgerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The local journal.  `fsync: never` survives a crash of the process, `interval` a power cut but for that long.

    `minute_sums_days` is how long the database keeps the sums of each minute; those of hours stay.
    """

    fsync: Literal["never", "interval"] = "interval"
    fsync_interval_s: Seconds = 0.2
    segment_bytes: Annotated[int, msgspec.Meta(ge=65_536)] = 16 * 1024 * 1024
    minute_sums_days: Annotated[float, msgspec.Meta(ge=1, le=3650)] = 40.0


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long one call of a provider may take: to connect, to its first event, and between two events."""

    connect_s: Seconds = 5.0
    first_event_s: Seconds = 120.0
    between_events_s: Seconds = 60.0


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs, in US dollars a million tokens.  A cache price left out is the input price."""

    input_usd_per_million: Decimal
    output_usd_per_million: Decimal
    cache_read_usd_per_million: Decimal | None = None
    cache_write_usd_per_million: Decimal | None = None


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One provider with its credential.

    `vendor` names a known vendor, whose dialect and address are then known too, or is `custom` with both written out.
    `options` are deployment settings (`api_version`, `region`).  `prices` override the price list, by upstream model.
    """

    vendor: Name
    dialect: Dialect | None = None
    base_url: Name | None = None
    api_key: Secret | None = None
    headers: dict[str, Text] = {}
    options: dict[str, str] = {}
    timeouts: Timeouts = Timeouts()
    prices: dict[str, Price] = {}


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True):
    provider: Name
    model: Name
    region: Name | None = None


class FallbackSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What follows when a model's own targets gave no answer for one of these causes: other targets, or a text."""

    on: tuple[FailureCause, ...]
    targets: tuple[TargetSettings, ...] = ()
    answer: str | None = None


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A public model name: targets in the order in which they are tried, and how many attempts there may be.

    `balanced` makes the targets equals; `hedged` allows a second call beside one that is late; `cheaper` is the model
    that a budget may send a request to instead.  `inputs` are those of `Settings.inputs` that are others for it, by
    their names there; `cache` is what its answers are kept for.  `tiers`, in place of `targets`, are levels from the
    weakest to the strongest, among which `routing` chooses.  `regions` are the only ones that a request may touch;
    without any it may go anywhere.  Without `compaction` prompts go as they are, without `answer_length` answers are
    as long as they want; `prompt_caching` lets providers keep what prompts begin with.  `guards` are those of
    `Settings.guards.default` where they are left out; `knowledge` is what answers are grounded in.
    Without `memory` nothing of a conversation is kept; `contents` is what is otherwise for it of `Settings.contents`.
    Without `memory` nothing of a conversation is kept.  `value` is what its answers are worth, for `costs/value`.
    """

    targets: tuple[TargetSettings, ...] = ()
    tiers: dict[str, tuple[TargetSettings, ...]] = {}
    routing: RoutingSettings = RoutingSettings()
    regions: tuple[Name, ...] = ()
    max_attempts: Annotated[int, msgspec.Meta(ge=1, le=20)] = DEFAULT_ATTEMPTS
    balanced: bool = False
    hedged: bool = False
    cheaper: Name | None = None
    fallbacks: tuple[FallbackSettings, ...] = ()
    inputs: dict[str, Most | None] = {}
    cache: CacheSettings = CacheSettings()
    compaction: CompactionSettings | None = None
    prompt_caching: PromptCaching = "auto"
    answer_length: AnswerLengthSettings | None = None
    guards: ModelGuards | None = None
    knowledge: KnowledgeUse | None = None
    memory: ModelMemory | None = None
    contents: ContentOverride | None = None
    value: ValueSettings | None = None


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """`dev_key` makes one key for the tenant `default` in the data directory: for development, off in production."""

    dev_key: bool = True
    refresh_s: Seconds = 15.0


class Sim(msgspec.Struct, frozen=True, kw_only=True):
    """The built-in scripted provider behind the model name `sim`."""

    enabled: bool = True


class Log(msgspec.Struct, frozen=True, kw_only=True):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in penstock.yaml.

    `discover_providers` adds every known vendor whose API key is in the environment.  Without `database_url` the
    embedded PostgreSQL is started inside `data_dir`.  `region` is where this installation runs and keeps what it
    stores.
    """

    server: Server = Server()
    control: Control = Control()
    data_dir: Name = ".penstock"
    region: Name | None = None
    database_url: Text | None = None
    ledger: LedgerSettings = LedgerSettings()
    discover_providers: bool = True
    providers: dict[str, ProviderSettings] = {}
    models: dict[str, ModelSettings] = {}
    prices: tuple[PriceSettings, ...] = ()
    inputs: InputSettings = InputSettings()
    gates: GateSettings = GateSettings()
    retries: RetrySettings = RetrySettings()
    hedging: HedgeSettings = HedgeSettings()
    encoder: EncoderSettings = EncoderSettings()
    fleet: FleetSettings = FleetSettings()
    keys: Keys = Keys()
    identity: Identity = Identity()
    tenants: dict[str, TenantSettings] = {}
    limits: tuple[LimitSettings, ...] = ()
    budgets: tuple[BudgetSettings, ...] = ()
    limit_store: LimitStoreSettings = LimitStoreSettings()
    cache: CacheStoreSettings = CacheStoreSettings()
    guards: GuardSettings = GuardSettings()
    ingest: IngestSettings = IngestSettings()
    memory: MemorySettings = MemorySettings()
    contents: ContentSettings = ContentSettings()
    alerts: AlertSettings = AlertSettings()
    objectives: dict[str, ObjectiveSettings] = {}
    traces: TraceSettings = TraceSettings()
    drift: DriftSettings = DriftSettings()
    review: ReviewSettings = ReviewSettings()
    sim: Sim = Sim()
    log: Log = Log()


class Config(Settings, frozen=True, kw_only=True):
    """The settings with where they came from: `file` is None without one, `lines` maps dotted paths to its lines."""

    file: str | None = None
    lines: Mapping[str, int] = {}
    config_hash: str = ""

    def problem(self, path: str, message: str, *, did_you_mean: str | None = None) -> ConfigError:
        """An error that points at the setting `path` (`models.fast.targets.0`), or at the nearest one around it."""
        line, place = None, path
        while line is None and place:
            line = self.lines.get(place)
            place = place.rpartition(".")[0]
        return ConfigError(message, file=self.file, line=line, path=path, did_you_mean=did_you_mean)
