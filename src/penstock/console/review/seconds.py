"""`/admin/v1/review`: the blind second look, and what is learned from all that was decided."""

from typing import Annotated

import msgspec
from fastapi import Path, Query

from penstock.admission.identity.audit import Subject, record
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.review import views
from penstock.console.review.who import Reviewing
from penstock.review.decision import Decision
from penstock.review.second import agreement, claim_second, decide_second, taxonomy

router = admin_router("/review", "review")

HoldId = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]+$")]
Hours = Annotated[float, Query(gt=0, le=24 * 366)]
_MONTH_H = 24.0 * 30


@router.post("/seconds/next", openapi_extra=needs("review.write"), responses=errors(403))
async def take_second(plane: Plane, call: Caller, act: Reviewing) -> views.BlindClaim:
    """Take the oldest that waits for a second look and that the caller has neither judged nor asked."""
    async with plane.database.connection() as connection, connection.transaction():
        found = await claim_second(connection, act, lease_s=plane.config.review.lease_s)
        if found is None:
            return views.BlindClaim(hold=None)
        subject = Subject(id=found.id, tenant=found.tenant, before=None, after={"second_by": act.who.id})
        await record(connection, call.change(), "hold.second_claimed", subject)
    fields = {**msgspec.to_builtins(found), "until": views.at(found.until)}
    return views.BlindClaim(hold=views.BlindHold.model_validate(fields))


@router.post("/seconds/{hold}", status_code=204, openapi_extra=needs("review.write"), responses=errors(403, 409))
async def judge_second(plane: Plane, call: Caller, act: Reviewing, hold: HoldId, order: views.SecondOrder) -> None:
    """Say what the caller would have done.  For the one who asked nothing changes."""
    decision = Decision(outcome=order.outcome, version=0, reasons=tuple(order.reasons), comment=order.comment)
    async with plane.database.connection() as connection, connection.transaction():
        await decide_second(connection, hold, act, decision)
        subject = Subject(id=hold, tenant=call.scope, before=None, after={"second": order.outcome})
        await record(connection, call.change(), "hold.second_decided", subject)


@router.get("/agreement", openapi_extra=needs("review.read"), responses=errors(403))
async def how_far_agreed(plane: Plane, act: Reviewing, hours: Hours = _MONTH_H) -> views.AgreementView:
    """Cohen's kappa of each two who judged the same, and Krippendorff's alpha of all."""
    async with plane.database.connection() as connection:
        found = await agreement(connection, act.who, since=act.now - hours * 3600.0)
    return views.AgreementView(
        holds=found.holds,
        agreed=found.agreed,
        alpha=found.alpha,
        same_reasons=found.same_reasons,
        pairs=[
            views.PairView(one=each.one, other=each.other, holds=each.holds, kappa=each.kappa) for each in found.pairs
        ],
    )


@router.get("/taxonomy", openapi_extra=needs("review.read"), responses=errors(403))
async def how_answers_fail(plane: Plane, act: Reviewing, hours: Hours = _MONTH_H) -> views.Taxonomy:
    """How often which decision, for which reason, by tenant and model."""
    async with plane.database.connection() as connection:
        found = await taxonomy(connection, act.who, since=act.now - hours * 3600.0)
    return views.Taxonomy(items=[views.CountView.model_validate(msgspec.structs.asdict(each)) for each in found])
