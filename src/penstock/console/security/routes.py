"""`/admin/v1/security`: what was masked, found and stopped, which guards let something through, who was refused."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias, get_args

from fastapi import Query
from pydantic import BaseModel, Field

from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.figures.routes import require_kept
from penstock.console.quality.asked import AskedQuality
from penstock.console.quality.classes import sums_of
from penstock.guard.personal.patterns.kinds import GROUPS
from penstock.watch.figures.store import Tally, ask_tallies
from penstock.watch.security.access import read_unusual
from penstock.watch.security.refused import read_refused

router = admin_router("/security", "security")

Kind: TypeAlias = Literal[
    "masked", "secret", "leak_stopped", "leak_found", "injection", "found", "let_through", "guard_failed"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_PREFIXES = ("masked:", "found:", "shadow:found:", "let_through:", "guard_failed:")
_STOPS = frozenset({"mask", "block", "hold"})


class AskedAccess(AskedQuality):
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class SecurityLine(BaseModel):
    """`kind`: values `masked` (secrets are `secret`); what a guard found in an answer and stopped (`leak_stopped`) or
    only saw (`leak_found`); in a request, by the guard of injections (`injection`) or another (`found`); what passed
    unjudged (`let_through`), or was refused since a guard failed (`guard_failed`).  In `shadow` nothing followed.
    """

    at: datetime | None
    group: dict[str, str]
    kind: Kind
    mode: Literal["enforced", "shadow"]
    name: str = Field(description="A kind of data, or guard and action.")
    amount: int


class RefusedLine(BaseModel):
    """Credentials that were refused: it is not known whose they were."""

    at: datetime | None
    place: Literal["data", "control"] = Field(description="The plane; `control` is console and admin API.")
    reason: str
    amount: int


class SecurityView(BaseModel):
    since: datetime
    until: datetime
    lines: list[SecurityLine]
    totals: dict[Kind, int] = Field(description="Of what was enforced.")
    refused: list[RefusedLine] | None = Field(description="Null for who does not see all tenants.")


class UnusualView(BaseModel):
    """An hour of a key's, unlike those of the 28 days before."""

    tenant: str
    key: str
    at: datetime
    exchanges: int
    busiest_before: int = Field(description="Exchanges in its busiest hour before.")
    days_before: int
    why: list[Literal["volume", "hour"]]


class UnusualList(BaseModel):
    since: datetime
    until: datetime
    items: list[UnusualView]


@router.get("", openapi_extra=needs("figures.read"), responses=errors(404))
async def security(plane: Plane, call: Caller, asked: Annotated[AskedQuality, Query()]) -> SecurityView:
    """What guards masked, found and stopped, by step and dimension, and credentials that were refused."""
    wanted = asked.question(call)
    question = sums_of(wanted)
    require_kept(plane, question, call.now)
    refused = None
    async with plane.database.connection() as connection:
        tallies = await ask_tallies(connection, question, _PREFIXES)
        if call.scope is None and not wanted.filters:
            found = await read_refused(
                connection, since=wanted.since, until=wanted.until, step=wanted.step, zone=wanted.zone.key
            )
            refused = [
                RefusedLine.model_validate(
                    {"at": each.at, "place": each.place, "reason": each.reason, "amount": each.amount}
                )
                for each in found
            ]
    lines = [_line(each, wanted.by) for each in tallies]
    totals: dict[Kind, int] = dict.fromkeys(KINDS, 0)
    for line in lines:
        if line.mode == "enforced":
            totals[line.kind] += line.amount
    return SecurityView(since=wanted.since, until=wanted.until, lines=lines, totals=totals, refused=refused)


@router.get("/access", openapi_extra=needs("keys.read"), responses=errors(403, 404))
async def access(
    plane: Plane,
    call: Caller,
    asked: Annotated[AskedAccess, Query()],
) -> UnusualList:
    """Keys that were used as never before; without times, in the last day."""
    wanted = asked.question(call, days=1)
    async with plane.database.connection() as connection:
        found = await read_unusual(
            connection, since=wanted.since, until=wanted.until, tenant=wanted.filters.get("tenant"), limit=asked.limit
        )
    return UnusualList(
        since=wanted.since,
        until=wanted.until,
        items=[
            UnusualView(
                tenant=each.tenant,
                key=each.key,
                at=each.at,
                exchanges=each.exchanges,
                busiest_before=each.most,
                days_before=each.days,
                why=[*(["volume"] if each.is_much else []), *(["hour"] if each.is_new_hour else [])],
            )
            for each in found
        ],
    )


def _line(tally: Tally, by: tuple[str, ...]) -> SecurityLine:
    name = tally.name.removeprefix("shadow:")
    word, _, rest = name.partition(":")
    return SecurityLine(
        at=tally.at,
        group=dict(zip(by, tally.group, strict=True)),
        kind=_kind(word, rest),
        mode="shadow" if name != tally.name else "enforced",
        name=rest,
        amount=tally.amount,
    )


def _kind(word: str, rest: str) -> Kind:
    match word:
        case "masked":
            return "secret" if rest in GROUPS["secrets"] else "masked"
        case "let_through":
            return "let_through"
        case "guard_failed":
            return "guard_failed"
        case _:
            front, _, action = rest.rpartition(":")
            guard, _, direction = front.rpartition(":")
            if direction == "output":
                return "leak_stopped" if action in _STOPS else "leak_found"
            return "injection" if guard == "injection" else "found"
