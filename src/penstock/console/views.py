"""What the admin API shows and takes, as the types that its OpenAPI description is made from."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["ready", "degraded", "not_ready"]


class ErrorDetail(BaseModel):
    code: str
    message: str


class ErrorView(BaseModel):
    error: ErrorDetail


class JournalView(BaseModel):
    """What has been settled but is not yet in PostgreSQL."""

    records: int
    bytes: int
    oldest_unshipped_s: float
    rejected_files: int


class HealthView(BaseModel):
    """`degraded` still serves; `reasons` says what is wrong."""

    status: Status
    reasons: list[str]
    postgres: Literal["up", "down"]
    data_plane: Literal["ready", "degraded", "not_ready", "unreachable"]
    in_flight: int | None = Field(description="Exchanges that run in it; null where it does not say.")
    workers: int = Field(description="Of documents, that have said lately that they live.")
    journal: JournalView


class StatusView(BaseModel):
    version: str
    config_hash: str
    uptime_s: float
    health: HealthView
    shipped_records: int = Field(description="Since the control plane started.")
    shipping_error: str | None


class ModelView(BaseModel):
    """A model name that callers may use, and where it leads, in the order of trying."""

    name: str
    targets: list[str]
    max_attempts: int


class ProviderView(BaseModel):
    """A provider that can be called; its credential is never shown."""

    name: str
    dialect: str
    is_configured: bool = Field(description="False for one that was found through its API key in the environment.")
    base_url: str | None
    api_key: str | None = Field(description="The reference to the key, never the key.")


class ConfigView(BaseModel):
    config_hash: str
    file: str | None
    settings: dict[str, Any] = Field(description="Every setting, defaults included; secrets as references.")


class LedgerEntry(BaseModel):
    """One settled exchange."""

    model_config = ConfigDict(protected_namespaces=())

    id: str
    started_at: datetime
    duration_s: float
    first_event_s: float | None
    tenant: str
    key: str
    user: str | None
    dialect: str
    operation: str
    is_streamed: bool
    model: str
    target: str | None
    outcome: str
    outcome_code: str | None
    attempts: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    usage_accuracy: str
    cost_nanousd: int | None = Field(description="Billionths of a US dollar; null exactly when nobody can say.")
    cost_accuracy: str
    config_hash: str
    facts: list[dict[str, Any]]


class LedgerPage(BaseModel):
    """Newest first.  `next` is the `after` of the next page; null on the last."""

    items: list[LedgerEntry]
    next: str | None


class LedgerGroup(BaseModel):
    """Sums over one group.  `unknown_cost` counts the exchanges whose cost nobody knows: they are not in the sum."""

    group: str | None
    exchanges: int
    completed: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cost_nanousd: int
    unknown_cost: int
    mean_duration_s: float | None
    p95_duration_s: float | None


class LedgerSummary(BaseModel):
    group_by: str
    groups: list[LedgerGroup]
