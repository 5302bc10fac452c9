"""Alerts over the admin API: listed, acknowledged, and channels tested."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from penstock.admission.identity.audit import Subject, record
from penstock.console.access import Call, Caller, Plane, admin_router, errors, needs
from penstock.console.plane import ControlPlane
from penstock.core.errors import PenstockError
from penstock.watch.alerts.alert import Alert, Scalar, Severity
from penstock.watch.alerts.channel import Channel, Reply
from penstock.watch.alerts.store import AlertChoice, acknowledge, list_alerts
from penstock.watch.alerts.webhook import message_id

router = admin_router("/alerts", "alerts")

AlertState = Literal["open", "acknowledged", "waiting", "failed"]
Text = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
AlertId = Annotated[str, Path(max_length=1000, pattern=r"^[^\x00]*$")]


class UnknownAlert(PenstockError):
    code = "unknown_alert"
    status = 404


class UnknownWebhook(PenstockError):
    code = "unknown_webhook"
    status = 404


class UnknownChannel(PenstockError):
    code = "unknown_channel"
    status = 404


class DeliveryView(BaseModel):
    """How far an alert's way to one channel is."""

    webhook: str = Field(description="The channel's name, whichever way it tells.")
    state: Literal["waiting", "delivered", "given_up"]
    attempts: int
    next_at: datetime | None
    ended_at: datetime | None
    last_status: int | None
    last_error: str | None


class AlertView(BaseModel):
    """One alert.  `deliveries` are shown to callers who span all tenants only: webhooks are the installation's."""

    id: str
    webhook_id: str = Field(description="What webhooks get it under.")
    kind: str
    severity: Severity
    tenant: str | None
    subject: str
    text: str
    facts: dict[str, Scalar]
    at: datetime
    arrived_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    silenced_by: str | None = Field(description="The silence that kept it from people.")
    deliveries: list[DeliveryView]


class AlertPage(BaseModel):
    """The last to arrive first.  `next` is the `after` of the next page; null on the last."""

    items: list[AlertView]
    next: int | None


class Tried(BaseModel):
    """Which channel; absent, all of them."""

    model_config = ConfigDict(extra="forbid")

    channel: Annotated[str | None, Field(max_length=100)] = None


class WebhookReply(BaseModel):
    """What came back.  `status` is null where nothing did, `error` says why it is not taken, `body` is its start."""

    status: int | None
    error: str | None
    body: str
    took_s: float
    is_taken: bool


class ChannelReply(WebhookReply):
    channel: str
    title: str = Field(description="What people call it.")


def _choice(
    call: Caller,
    *,
    tenant: Text = None,
    kind: Text = None,
    since: Annotated[datetime | None, Query(description="Inclusive; ISO 8601, UTC without a zone.")] = None,
    state: AlertState | None = None,
) -> AlertChoice:
    """What was asked for, as far as the caller sees it."""
    if call.scope is not None and state in {"waiting", "failed"}:
        state = None  # which webhooks were told is not for a tenant to see, nor to ask for
    return AlertChoice(scope=call.scope, tenant=call.narrowed(tenant), kind=kind, since=_utc(since), state=state)


@router.get("", openapi_extra=needs("alerts.read"), responses=errors(403, 404))
async def alerts(
    plane: Plane,
    call: Caller,
    choice: Annotated[AlertChoice, Depends(_choice)],
    after: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> AlertPage:
    """Alerts; a caller within a tenant sees those of that tenant.

    `open` ones are not acknowledged; `waiting` and `failed` ones have a webhook that has not been told.
    """
    async with plane.database.connection() as connection:
        rows = await list_alerts(connection, choice, after=after, limit=limit + 1)
    shown = rows[:limit]
    following = shown[-1]["place"] if len(rows) > limit else None
    return AlertPage(items=[_view(row, call) for row in shown], next=following)


# A path, since an id may have a slash in it.
@router.post("/{alert_id:path}/acknowledge", openapi_extra=needs("alerts.write"), responses=errors(403, 404))
async def take_note(plane: Plane, call: Caller, alert_id: AlertId) -> AlertView:
    """Say that somebody knows.  The first to say so stays; to say it again changes nothing."""
    async with plane.database.connection() as connection, connection.transaction():
        found = await acknowledge(connection, alert_id, scope=call.scope, actor=call.actor.id, at=call.now)
        if found is None:
            raise UnknownAlert("There is no such alert.")
        row, is_changed = found
        if is_changed:
            after = {"acknowledged_at": row["acknowledged_at"], "acknowledged_by": row["acknowledged_by"]}
            before = dict.fromkeys(after)
            subject = Subject(id=alert_id, tenant=row["tenant"], before=before, after=after)
            await record(connection, call.change(), "alert.acknowledged", subject)
    return _view(row, call)


@router.post("/webhooks/{name}/test", openapi_extra=needs("webhooks.write"), responses=errors(403, 404))
async def try_webhook(plane: Plane, call: Caller, name: str) -> WebhookReply:
    """Send the webhook a test alert, now and once, and say what came back; no list or filter keeps it away."""
    webhook = next((each for each in plane.alerts.channels if each.name == name), None)
    if webhook is None:
        raise UnknownWebhook("There is no such webhook in the configuration.")
    return _reply(await _try(plane, call, webhook))


@router.post("/test", openapi_extra=needs("webhooks.write"), responses=errors(403, 404))
async def try_channels(plane: Plane, call: Caller, tried: Tried) -> list[ChannelReply]:
    """Send a channel, or each of them, a test alert, now and once, and say what came back."""
    channels = [each for each in plane.alerts.channels if tried.channel in {None, each.name}]
    if tried.channel is not None and not channels:
        raise UnknownChannel("There is no such channel in the configuration.")
    replies = await asyncio.gather(*(_try(plane, call, each) for each in channels))
    return [
        ChannelReply(channel=each.name, title=each.title, **_reply(reply).model_dump())
        for each, reply in zip(channels, replies, strict=True)
    ]


async def _try(plane: ControlPlane, call: Call, channel: Channel) -> Reply:
    alert = Alert(
        id=f"test:{call.request_id}",
        kind="test",
        severity="info",
        subject=channel.name,
        text="This is a test: somebody wanted to see that alerts get here.",
        at=call.now.timestamp(),
    )
    async with plane.database.connection() as connection, connection.transaction():
        subject = Subject(id=f"webhook:{channel.name}", tenant=None, before=None, after={"alert": alert.id})
        await record(connection, call.change(), "webhook.tested", subject)
    return await plane.alerts.test(channel, alert)


def _reply(reply: Reply) -> WebhookReply:
    return WebhookReply(
        status=reply.status, error=reply.problem, body=reply.text, took_s=reply.took_s, is_taken=reply.is_taken
    )


def _view(row: dict[str, Any], call: Call) -> AlertView:
    deliveries: list[Any] = row["deliveries"] if call.scope is None else []
    return AlertView.model_validate({**row, "webhook_id": message_id(row["id"]), "deliveries": deliveries})


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
