"""Limits and budgets as operators write them, in the file and over the admin API, and where they are counted.

`admission.limits.written` makes of them what is enforced; `app` opens the store.  Money is US dollars here.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from penstock.config.secret import Text

Dimension = Literal["tenant", "project", "key", "user", "assistant", "target", "feature"]
ScopeWord = Literal["global", "tenant", "project", "key", "user", "assistant", "target", "feature"]
Unit = Literal["requests", "tokens", "input_tokens", "output_tokens", "money", "concurrency"]
Period = Literal["second", "minute", "hour", "day", "week", "month"]
Mode = Literal["enforce", "shadow"]
OnStoreLoss = Literal["closed", "last_lease"]
OnExhausted = Literal["block", "cheaper_tier", "cache_only"]
StoreKind = Literal["auto", "memory", "postgres", "redis"]

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
_REDIS_SCHEMES = ("redis", "rediss", "unix")


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """At most `amount` of `unit` in each period, counted for each combination of the `scope`'s values.

    `amount` is a whole number; for `money` it is US dollars.  `concurrency` has no period, everything else has one.
    `where` picks the requests that it holds for: all of its values must be the request's.
    """

    name: _Text
    unit: Unit
    amount: Decimal
    per: Period | None = None
    scope: tuple[ScopeWord, ...] = ("global",)
    where: dict[str, str] = {}
    mode: Mode = "enforce"
    on_store_loss: OnStoreLoss | None = None


class OverrideSettings(msgspec.Struct, frozen=True, kw_only=True):
    """So much more until then (UTC without a zone), for the counters with the values of `where`; several add up."""

    raise_usd: Decimal
    until: datetime
    where: dict[str, str] = {}


class BudgetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars to spend in a period: `hard_usd` is never exceeded by an admission, `soft_usd` is only noticed.

    `thresholds` are per cent of `hard_usd`, or of `soft_usd` where there is no hard amount.
    """

    name: _Text
    per: Period
    scope: tuple[ScopeWord, ...] = ("global",)
    soft_usd: Decimal | None = None
    hard_usd: Decimal | None = None
    thresholds: tuple[int, ...] = (50, 75, 90, 100)
    on_exhausted: OnExhausted = "block"
    where: dict[str, str] = {}
    mode: Mode = "enforce"
    on_store_loss: OnStoreLoss | None = None
    overrides: tuple[OverrideSettings, ...] = ()


class LimitStoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where limits and budgets are counted.

    `auto` is the ledger's PostgreSQL where there is one, else the memory of each process.  `url` and `cluster` are
    Redis's.  `on_loss` holds for rules that do not say `on_store_loss` themselves.
    """

    kind: StoreKind = "auto"
    url: Text | None = None
    cluster: bool = False
    prefix: _Text = "penstock"
    on_loss: OnStoreLoss = "last_lease"


class TenantSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says of a tenant, over what the database does.

    Its days begin by `time_zone`.  `plan` is a word of yours that routing rules may ask for.  `regions` are the only
    ones that its requests may touch; without any they may go anywhere.
    """

    time_zone: _Text = "UTC"
    plan: _Text | None = None
    regions: tuple[_Text, ...] = ()


def broken_limits(store: LimitStoreSettings, tenants: Mapping[str, TenantSettings]) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken.  Called by `rules`."""
    if store.kind == "redis":
        yield from _redis(store)
    elif store.url is not None:
        yield "limit_store.url", "only Redis has an address here: PostgreSQL's is `database_url`"
    elif store.cluster:
        yield "limit_store.cluster", "only Redis has clusters"
    for name, tenant in tenants.items():
        if not is_zone(tenant.time_zone):
            yield (
                f"tenants.{name}.time_zone",
                f"there is no time zone `{tenant.time_zone}`; one reads like Europe/Berlin",
            )


def is_zone(name: str) -> bool:
    """Whether there is a time zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _redis(store: LimitStoreSettings) -> Iterator[tuple[str, str]]:
    if store.url is None:
        yield "limit_store.url", "Redis needs its address, such as redis://host:6379/0"
        return
    try:
        parts = urlsplit(store.url.reveal())
    except ValueError:
        yield "limit_store.url", "it is not a URL"
        return
    if parts.scheme not in _REDIS_SCHEMES:
        yield "limit_store.url", "it must begin with redis://, rediss:// or unix://"
    elif parts.password is not None and store.url.is_literal:
        yield (
            "limit_store.url",
            "a password is never written out: put the whole URL into `env:NAME` or `file:/path`",
        )
