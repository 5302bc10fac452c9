"""`/admin/v1/costs/compare`: what the recorded traffic would have cost at other targets' prices.

The token counts of the ledger are priced anew, exactly: sums of exchanges for which the same prices hold, rounded once
for each pair of targets.  Nothing is asked of any model.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Annotated, Final, Literal

from fastapi import Depends, Query

from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.money import compared as views
from penstock.console.money.asking import Asked, NamedTarget, Since, Until, all_named, between, configured
from penstock.console.money.kept import read_kept
from penstock.console.money.store import Span
from penstock.console.money.traffic import Prices, Traffic, TrafficRow, read_measured, read_traffic
from penstock.console.plane import ControlPlane
from penstock.core.usage import Usage
from penstock.watch.price_spans import Schedule

router = admin_router("/costs", "ledger")

PricesOf = Literal["then", "now"]
_HOUR: Final = timedelta(hours=1)


def _span(call: Caller, *, since: Since = None, until: Until = None, model: Asked = None, tenant: Asked = None) -> Span:
    begins, ends = between(since, until, call.now)
    return Span(since=begins, until=ends, tenant=call.narrowed(tenant), model=model)


@router.get("/compare", openapi_extra=needs("providers.read"), responses=errors(403, 404))
async def compare(
    plane: Plane,
    call: Caller,
    span: Annotated[Span, Depends(_span)],
    targets: Annotated[str, Query(alias="with", max_length=2000, description="Targets, with commas between.")],
    prices: Annotated[PricesOf, Query(description="`then`: of each exchange's own time.")] = "then",
) -> views.Comparison:
    """What the exchanges of a time would have cost elsewhere, and how other targets did where they had traffic.

    Six hours and less are told to the second; longer times by whole hours, which `since` and `until` of the answer say.
    """
    known = await asyncio.to_thread(configured, plane)
    wanted = all_named(targets, known)
    schedules = await asyncio.to_thread(_schedules, plane, [*known.values(), *wanted])
    timed = schedules.values() if prices == "then" else ()
    begins, ends = span.since - _HOUR, span.until + _HOUR  # it may be widened to whole hours
    cuts = {cut for each in timed for cut in each.cuts(begins, ends)}
    lengths = {length for each in schedules.values() for length in each.lengths}
    async with plane.database.connection() as connection, connection.transaction():
        # One moment for all, so that the parts are of the same exchanges.
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        asked = Prices(sorted(cuts), sorted(lengths))
        told = await read_kept(connection, span, asked)
        if told is None:
            rows, left_out = await read_traffic(connection, span, asked)
            names = sorted({row.target for row in rows} | {each.name for each in wanted})
            told = Traffic(span, rows, left_out, await read_measured(connection, span, names))
    traffic = _Traffic(told, call.now if prices == "now" else None)
    own = {target: schedules.get(target) for target in traffic.rows}
    return views.Comparison(
        since=told.span.since,
        until=told.span.until,
        tenant=span.tenant,
        model=span.model,
        prices=prices,
        recorded=[_recorded(target, own[target], traffic) for target in sorted(own)],
        recorded_nanousd=sum(row.cost_nanousd for row in told.rows),
        exchanges=sum(row.exchanges for row in told.rows),
        left_out=[
            views.LeftOutView(reason=each.reason, exchanges=each.exchanges, nanousd=each.cost_nanousd)
            for each in told.left_out
        ],
        candidates=[_candidate(each, known, schedules[each.name], traffic) for each in wanted],
    )


def _schedules(plane: ControlPlane, targets: Sequence[NamedTarget]) -> dict[str, Schedule]:
    book = plane.prices.get()
    return {each.name: book.schedule(each.provider, each.model, each.region) for each in targets}


def repriced(rows: Sequence[TrafficRow], schedule: Schedule, at: datetime | None, *, cached: bool) -> int | None:
    """Nano-dollars of the rows by the prices of their own time, or of `at`; None where some have none.

    Without `cached` nothing that was read from or written to a provider's cache is taken to be.
    """
    total = Fraction()
    for row in rows:
        sheet = schedule.at((row.first_at if at is None else at).timestamp())
        usage = Usage(
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            cache_read_tokens=row.cache_read_tokens if cached else 0,
            cache_write_tokens=row.cache_write_tokens if cached else 0,
            reasoning_tokens=row.reasoning_tokens,
        )
        cost = None if sheet is None else sheet.cost_of_many(usage, exchanges=row.exchanges, longest=row.longest)
        if cost is None:
            return None
        total += cost
    return rounded(total)


def rounded(amount: Fraction) -> int:
    """Half up, as each exchange's cost is."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


class _Traffic:
    """What was read of the ledger, by target; `at` is when the prices are of, None: of each exchange's own time."""

    def __init__(self, told: Traffic, at: datetime | None) -> None:
        self.at = at
        self.rows: defaultdict[str, list[TrafficRow]] = defaultdict(list)
        for row in told.rows:
            self.rows[row.target].append(row)
        self._measured = {row.target: row for row in told.measured}

    def measured(self, target: str) -> views.Measured | None:
        """None where it had no traffic."""
        row = self._measured.get(target)
        if row is None:
            return None
        durations = row.durations_s or [None, None]
        firsts = row.first_events_s or [None, None]
        return views.Measured(
            exchanges=row.exchanges,
            failed=row.failed,
            median_s=durations[0],
            p95_s=durations[1],
            first_event_median_s=firsts[0],
            first_event_p95_s=firsts[1],
        )


def _recorded(target: str, schedule: Schedule | None, traffic: _Traffic) -> views.RecordedTarget:
    own = traffic.rows[target]
    return views.RecordedTarget(
        target=target,
        exchanges=sum(row.exchanges for row in own),
        input_tokens=sum(row.input_tokens for row in own),
        output_tokens=sum(row.output_tokens for row in own),
        cache_read_tokens=sum(row.cache_read_tokens for row in own),
        recorded_nanousd=sum(row.cost_nanousd for row in own),
        recomputed_nanousd=None if schedule is None else repriced(own, schedule, traffic.at, cached=True),
        measured=traffic.measured(target),
    )


def _candidate(
    target: NamedTarget, known: Mapping[str, NamedTarget], schedule: Schedule, traffic: _Traffic
) -> views.Candidate:
    lines: list[views.CandidateLine] = []
    for source, own in sorted(traffic.rows.items()):
        cost = repriced(own, schedule, traffic.at, cached=True)
        lines.append(
            views.CandidateLine(
                target=source,
                recorded_nanousd=sum(row.cost_nanousd for row in own),
                nanousd=cost,
                uncached_nanousd=repriced(own, schedule, traffic.at, cached=False),
                tokens=views.tokens_of(_model_of(source, known), target.model),
            )
        )
    recorded = sum(line.recorded_nanousd for line in lines)
    cost = _whole([line.nanousd for line in lines])
    return views.Candidate(
        target=target.name,
        nanousd=cost,
        uncached_nanousd=_whole([line.uncached_nanousd for line in lines]),
        difference_nanousd=None if cost is None else cost - recorded,
        reason=None if cost is not None else "nobody knows its price for all of what was used, at all of the times",
        lines=lines,
        measured=traffic.measured(target.name),
    )


def _model_of(target: str, known: Mapping[str, NamedTarget]) -> str:
    """Of a target that the ledger names: nobody who asks is to blame where that reads like no target's name."""
    return known[target].model if target in known else target.partition("/")[2]


def _whole(parts: Sequence[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
