"""ADMIT: every stage in order may change the request, take leases, answer or refuse."""

from penstock.core.clock import Clock
from penstock.core.errors import PenstockError
from penstock.core.exchange import Exchange
from penstock.core.facts import StageAnswered, StageRefused
from penstock.core.ports import Reply
from penstock.flow.plan import Plan


async def admit(plan: Plan, exchange: Exchange, clock: Clock) -> Reply | None:
    """Enter the stages.  Returns the answer of the first stage that has one, or None: go and ask a provider.

    A stage that refuses raises a `ClientError` or `CapacityError`, which passes through with a fact beside it.
    """
    for stage in plan.request:
        try:
            outcome = await stage.enter(exchange)
        except PenstockError as refusal:
            at_s = clock.monotonic() - exchange.began_s
            exchange.facts.append(StageRefused(at_s=at_s, stage=stage.name, code=refusal.code))
            raise
        if isinstance(outcome, Reply):
            exchange.facts.append(StageAnswered(at_s=clock.monotonic() - exchange.began_s, stage=stage.name))
            return outcome
    return None
