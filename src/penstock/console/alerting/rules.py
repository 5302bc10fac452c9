"""`/admin/v1/alerts/rules`: what is looked at, how it stands, and what would come of it now."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Path
from pydantic import BaseModel, Field

from penstock.config.alerts.rules import RuleKind
from penstock.console.access import Call, Caller, Plane, admin_router, errors, needs
from penstock.core.errors import PenstockError
from penstock.watch.alerts.alert import Alert, Severity
from penstock.watch.alerts.channel import Channel
from penstock.watch.alerts.silences import RULE_KINDS
from penstock.watch.figures.catalog import Unit
from penstock.watch.rules.rule import Group, Rule
from penstock.watch.rules.state import State
from penstock.watch.rules.store import list_states

router = admin_router("/alerts/rules", "alerts")

RuleName = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]*$")]


class UnknownAlertRule(PenstockError):
    code = "unknown_alert_rule"
    status = 404


class GroupView(BaseModel):
    """How a rule stands for one group.  Values are in the figure's unit."""

    group: dict[str, str] = Field(description="By dimension; empty for a rule that is by nothing.")
    state: Literal["quiet", "pending", "firing"]
    since: datetime
    value: float | None
    bound: float | None
    judged_at: datetime
    occasion: str | None = Field(description="The id of the alert that told of it, while it fires.")
    told_at: datetime | None


class RuleView(BaseModel):
    """A rule; `definition` is what its settings say beyond their defaults."""

    name: str
    kind: RuleKind
    severity: Severity
    is_ready_made: bool
    unit: Unit | None
    definition: dict[str, Any]
    state: Literal["quiet", "pending", "firing"] = Field(description="The worst of its groups.")
    groups: list[GroupView]
    channels: list[str] = Field(description="Whom it tells when it fires; for callers who span all tenants only.")


class CheckedGroup(BaseModel):
    group: dict[str, str]
    verdict: Literal["holds", "calm", "unknown", "put_off"]
    value: float | None
    bound: float | None


class CheckView(BaseModel):
    """What would come of it for the minutes until `at`; nobody is told."""

    name: str
    at: datetime
    groups: list[CheckedGroup]


@router.get("", openapi_extra=needs("alerts.read"))
async def rules(plane: Plane, call: Caller) -> list[RuleView]:
    """Every rule with its state; a caller within a tenant sees the groups of that tenant."""
    async with plane.database.connection() as connection:
        states = await list_states(connection)
    channels = plane.alerts.channels if call.scope is None else ()
    return [_view(rule, states.get(rule.name, {}), call, channels) for rule in plane.rules.rules]


@router.post("/{name}/check", openapi_extra=needs("alerts.write"), responses=errors(404))
async def check(plane: Plane, call: Caller, name: RuleName) -> CheckView:
    """Hold one rule against the figures now.  It changes nothing: neither its state, nor what anybody is told."""
    rule = next((each for each in plane.rules.rules if each.name == name), None)
    if rule is None:
        raise UnknownAlertRule("There is no such rule, or it is turned off.")
    found = await asyncio.to_thread(plane.rules.check, rule)
    return CheckView(
        name=name,
        at=_time(plane.rules.minute),
        groups=[
            CheckedGroup(group=_named(rule, group), verdict=each.verdict, value=each.value, bound=each.bound)
            for group, each in sorted(found.items())
            if _is_seen(rule, group, call)
        ],
    )


def _view(rule: Rule, states: Mapping[Group, State], call: Call, channels: Sequence[Channel]) -> RuleView:
    seen = {group: state for group, state in states.items() if _is_seen(rule, group, call)}
    standing = {each.state for each in seen.values()}
    defaults = msgspec.to_builtins(type(rule.settings)())
    said = msgspec.to_builtins(rule.settings)
    return RuleView(
        name=rule.name,
        kind=rule.settings.kind,
        severity=rule.settings.severity,
        is_ready_made=rule.is_ready_made,
        unit=None if rule.figure is None else rule.figure.unit,
        definition={name: value for name, value in said.items() if value != defaults[name]},
        state="firing" if "firing" in standing else "pending" if "pending" in standing else "quiet",
        groups=[_group(rule, group, state) for group, state in seen.items()],
        channels=[each.name for each in channels if _tells(each, rule, seen)],
    )


def _tells(channel: Channel, rule: Rule, groups: Iterable[Group]) -> bool:
    """Whether it hears of any group; a channel of some tenants hears of theirs alone."""
    tenants = {rule.settings.where.get("tenant"), *(rule.tenant(group) for group in groups)}
    return any(
        channel.wants(
            Alert(
                id="",
                kind=RULE_KINDS[0],
                severity=rule.settings.severity,
                subject=rule.name,
                text="",
                at=0.0,
                tenant=tenant,
            )
        )
        for tenant in tenants
    )


def _group(rule: Rule, group: Group, state: State) -> GroupView:
    return GroupView(
        group=_named(rule, group),
        state=state.state,
        since=_time(state.since),
        value=state.value,
        bound=state.bound,
        judged_at=_time(state.judged_at),
        occasion=state.occasion,
        told_at=None if state.told_at is None else _time(state.told_at),
    )


def _is_seen(rule: Rule, group: Group, call: Call) -> bool:
    """States from before a rule was changed may be by something else: they go with the next minute."""
    if len(group) != len(rule.names):
        return False
    return call.scope is None or rule.tenant(group) == call.scope


def _named(rule: Rule, group: Group) -> dict[str, str]:
    return dict(zip(rule.names, group, strict=True))


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
