"""What the admin API shows of the ledger."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


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
    project: str | None
    release: str | None
    feature: str | None
    region: str | None
    marks: list[str] = Field(description="What happened, by name: what `mark` searches for.")
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
