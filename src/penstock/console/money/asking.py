"""What the views of money are asked with: a span of time within bounds, and targets by their names."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import Query

from penstock.console.plane import ControlPlane
from penstock.core.errors import MalformedRequest

DAYS = 30
_MOST_DAYS = 366
_MOST_TARGETS = 10

Asked = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
Since = Annotated[
    datetime | None, Query(description="Inclusive; ISO 8601, UTC without a zone.  30 days ago, if absent.")
]
Until = Annotated[datetime | None, Query(description="Exclusive.  Now, if absent.")]


class NamedTarget(NamedTuple):
    """A target by the parts of its name, `provider/model` with `@region` where it has one."""

    name: str
    provider: str
    model: str
    region: str | None


def between(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """The span that is meant.  Raises `MalformedRequest` for one that is empty or longer than a year."""
    ends = _utc(until) if until is not None else now
    begins = _utc(since) if since is not None else ends - timedelta(days=DAYS)
    if begins >= ends:
        raise MalformedRequest("`since` must lie before `until`.", field="since")
    if ends - begins > timedelta(days=_MOST_DAYS):
        raise MalformedRequest("No more than a year at once.", field="since")
    return begins, ends


def configured(plane: ControlPlane) -> dict[str, NamedTarget]:
    """Every target that the configuration leads to.  Raises `ConfigError` where a provider cannot be made."""
    catalog = plane.catalog.get()
    return {
        each.name: NamedTarget(each.name, each.provider.name, each.model, each.region)
        for model in plane.config.models
        for each in catalog.all_targets(model)
    }


def named(name: str, known: Mapping[str, NamedTarget]) -> NamedTarget:
    """A target, whether or not it is ever called: only those of the configuration have a region.

    Raises `MalformedRequest` where it is no target's name.
    """
    name = name.strip()
    provider, slash, model = name.partition("/")
    if not (provider and slash and model):
        raise MalformedRequest(f"`{name[:100]}` is no target: one reads like openai/gpt-4o-mini.", field="with")
    return known.get(name) or NamedTarget(name, provider, model, None)


def all_named(names: str, known: Mapping[str, NamedTarget]) -> list[NamedTarget]:
    """Several, with commas between; each once.  Raises `MalformedRequest`."""
    found = list(dict.fromkeys(named(each, known) for each in names.split(",") if each.strip()))
    if not 1 <= len(found) <= _MOST_TARGETS:
        raise MalformedRequest(f"Name one to {_MOST_TARGETS} targets.", field="with")
    return found


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
