"""Feedback over the admin API: what was said of an exchange, what a reviewer says, and how often which verdict.

What a reviewer writes is masked here too, as far as forms tell: names are found with the encoder, which only the data
plane has.
"""

from datetime import UTC, datetime
from typing import Annotated, Self

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.ledger.faults import UnknownExchange
from penstock.core.exchange import Principal
from penstock.core.feedback import MOST_RATING, MOST_WORDS, Feedback, Remark, Verdict
from penstock.review.remarks import insert_remark
from penstock.watch.feedback import store

router = admin_router("", "feedback")

ExchangeId = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]+$")]
Asked = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]


Words = Annotated[str, Field(min_length=1, max_length=MOST_WORDS)]


class Said(BaseModel):
    """A verdict, or a rating, a correction, a text.  A second one of the same person takes the first one's place."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict | None = None
    rating: Annotated[int, Field(ge=1, le=MOST_RATING)] | None = None
    correction: Words | None = Field(default=None, description="What the answer should have been.")
    comment: Words | None = None
    reason: Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,64}$", description="A word of your taxonomy.")] | None = None

    @property
    def is_remark(self) -> bool:
        return not (self.rating is None and self.correction is None and self.comment is None)

    @model_validator(mode="after")
    def says_something(self) -> Self:
        if self.verdict is None and not self.is_remark:
            raise ValueError("say a verdict, a rating, a correction or a comment")
        if self.verdict is None and self.reason is not None:
            raise ValueError("a reason belongs to a verdict")
        return self


class FeedbackView(BaseModel):
    exchange: str
    verdict: Verdict | None
    reason: str | None
    key: str = Field(description="The credential that said so.")
    user: str | None
    at: datetime
    rating: int | None = None
    correction: str | None = Field(default=None, description="As it is kept: masked.")
    comment: str | None = Field(default=None, description="As it is kept: masked.")


class FeedbackList(BaseModel):
    items: list[FeedbackView]


class Tally(BaseModel):
    """Verdicts on a tenant's exchanges with one model, and one of its tiers where it has some."""

    tenant: str
    model: str
    tier: str | None
    good: int
    bad: int


class Tallies(BaseModel):
    items: list[Tally]


@router.get("/feedback", openapi_extra=needs("feedback.read"), responses=errors(403))
async def counts(
    plane: Plane,
    call: Caller,
    tenant: Asked = None,
    hours: Annotated[float, Query(gt=0, le=24 * 366)] = 24.0,
) -> Tallies:
    """How often which verdict, of the last hours."""
    whose = call.narrowed(tenant)
    async with plane.database.connection() as connection:
        found = await store.counts(connection, tenant=whose, since=plane.clock.now() - hours * 3600.0)
    return Tallies(
        items=[
            Tally(tenant=each.tenant, model=each.model, tier=each.tier, good=each.good, bad=each.bad) for each in found
        ]
    )


@router.get("/exchanges/{exchange}/feedback", openapi_extra=needs("feedback.read"), responses=errors(403))
async def of_exchange(plane: Plane, call: Caller, exchange: ExchangeId) -> FeedbackList:
    """All that was said of one exchange, the oldest first; empty where nothing was."""
    async with plane.database.connection() as connection:
        found = await store.of_exchange(connection, exchange, tenant=call.scope)
    return FeedbackList(items=[_view(each) for each in found])


@router.post(
    "/exchanges/{exchange}/feedback",
    status_code=201,
    openapi_extra=needs("feedback.write"),
    responses=errors(403, 404),
)
async def give(plane: Plane, call: Caller, exchange: ExchangeId, said: Said) -> FeedbackView:
    """What a reviewer says: within seconds a bad answer is in no cache, and the choice of tiers has learned of it."""
    now, who = plane.clock.now(), call.actor.id
    async with plane.database.connection() as connection, connection.transaction():
        tenant = await store.tenant_of(connection, exchange, call.scope)
        if tenant is None:
            raise UnknownExchange("There is no such exchange in the ledger.", field="exchange")
        feedback = remark = None
        if said.verdict is not None:
            feedback = Feedback(
                exchange=exchange, tenant=tenant, key=who, verdict=said.verdict, reason=said.reason, at=now
            )
            await store.insert_one(connection, feedback)
        if said.is_remark:
            remark = Remark(
                exchange=exchange,
                tenant=tenant,
                key=who,
                rating=said.rating,
                correction=said.correction,
                comment=said.comment,
                at=now,
            )
            if plane.wording is not None:
                remark = await plane.wording.masked(remark, Principal(tenant, who))
            await insert_remark(connection, remark)
    return FeedbackView(
        exchange=exchange,
        verdict=said.verdict,
        reason=said.reason,
        key=who,
        user=None,
        at=datetime.fromtimestamp(now, UTC),
        rating=said.rating,
        correction=None if remark is None else remark.correction,
        comment=None if remark is None else remark.comment,
    )


def _view(feedback: Feedback) -> FeedbackView:
    return FeedbackView(
        exchange=feedback.exchange,
        verdict=feedback.verdict,
        reason=feedback.reason,
        key=feedback.key,
        user=feedback.user or None,
        at=datetime.fromtimestamp(feedback.at, UTC),
    )
