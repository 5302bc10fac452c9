"""What the admin API shows and takes, as the types that its OpenAPI description is made from."""

from typing import Any, Literal

from pydantic import BaseModel, Field

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


class ActorView(BaseModel):
    """Whom a credential stands for.  `tenant` is null for one who spans them all; the admin token has no roles."""

    id: str
    tenant: str | None
    roles: list[str]
    permissions: list[str]


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
