"""SETTLE: exactly once, and without a single wait, so that no cancellation can come between its steps."""

from penstock.core.chat import ChatRequest
from penstock.core.clock import Clock
from penstock.core.ends import End
from penstock.core.errors import PenstockError, UpstreamError
from penstock.core.exchange import Exchange, ExtraCall
from penstock.core.facts import Ended, ExtraCallBilled, LeaseSettled, PriceUnknown, ToolsOffered
from penstock.core.ports import Ledger, PriceList, TokenCounter
from penstock.core.record import Settled
from penstock.core.usage import UNKNOWN_USAGE, Cost, NanoUsd, Usage
from penstock.flow.meter import Meter
from penstock.flow.savings import savings_of

NOTHING_USED = Usage(accuracy="exact")
NOTHING_SPENT = Cost(NanoUsd(0), "exact")


class Settlement:
    """Knows the books; the engine calls `settle` at the one place where every exchange ends."""

    __slots__ = ("_clock", "_counter", "_ledger", "_prices")

    def __init__(self, *, ledger: Ledger, prices: PriceList, counter: TokenCounter, clock: Clock) -> None:
        self._ledger = ledger
        self._prices = prices
        self._counter = counter
        self._clock = clock

    def settle(self, exchange: Exchange, meter: Meter, *, end: End, error: PenstockError | None) -> None:
        """Fix the end, the usage and the cost, give every lease back, and append the record.

        The record is written last and before the sink releases the answer's last byte: what a client has received
        whole is in the ledger.  Raises `LedgerUnavailable` where it cannot be written.
        """
        if exchange.end is not None:
            raise RuntimeError(f"{exchange.id} was settled as {exchange.end} already")
        exchange.end = end
        exchange.error = error
        at_s = self._clock.monotonic() - exchange.began_s
        exchange.usage = self._usage(exchange, meter, at_s=at_s)
        if isinstance(exchange.request, ChatRequest) and exchange.request.tools and exchange.first_event_s is not None:
            offered = len(exchange.request.tools)
            exchange.facts.append(ToolsOffered(at_s=at_s, offered=offered, calls=meter.calls))
        exchange.cost = self._cost(exchange, at_s=at_s)
        exchange.facts += savings_of(exchange, self._prices, at_s=at_s)
        if exchange.extra_calls:
            self._add_extra_calls(exchange, at_s=at_s)
        while exchange.leases:
            lease = exchange.leases.pop()
            lease.settle(exchange)
            exchange.facts.append(LeaseSettled(at_s=at_s, lease=lease.name))
        exchange.facts.append(Ended(at_s=at_s, end=end, code=error.code if error is not None else None))
        self._ledger.append(_record(exchange, duration_s=at_s))

    def _usage(self, exchange: Exchange, meter: Meter, *, at_s: float) -> Usage:
        """What the answer used, as far as it came; and of every call beside it, in the exchange, what that did."""
        usage = NOTHING_USED
        if exchange.first_event_s is not None:
            usage = meter.usage(exchange, self._counter, at_s=at_s)
        for extra in exchange.extra_calls:
            if extra.usage is None:
                extra.usage = self._usage_unsaid(exchange, extra, output_tokens=usage.output_tokens)
        return usage

    def _usage_unsaid(self, exchange: Exchange, extra: ExtraCall, *, output_tokens: int) -> Usage:
        """What a call used that ended without a word about it.

        What was stopped while a provider was at work has used its prompt at least, and of a stream what had come of
        it.  The answer that is not streamed may have been made in full: then it was about as long as the one that was
        given, and where none was, nobody can say.
        """
        if extra.is_whole and exchange.first_event_s is None and isinstance(exchange.error, UpstreamError):
            return UNKNOWN_USAGE
        model = extra.target.model
        if extra.said:
            output_tokens = self._counter.count_text(extra.said, model)
        elif not extra.is_whole:
            output_tokens = 0
        return Usage(
            input_tokens=self._counter.count_request(exchange.request, model),
            output_tokens=output_tokens,
            accuracy="estimated",
        )

    def _cost(self, exchange: Exchange, *, at_s: float) -> Cost:
        target = exchange.target
        if target is None or exchange.usage == NOTHING_USED:
            return NOTHING_SPENT
        cost = self._prices.cost(target, exchange.usage, at=exchange.started_at)
        if cost.amount_nanousd is None:
            exchange.facts.append(PriceUnknown(at_s=at_s, target=target.name))
        return cost

    def _add_extra_calls(self, exchange: Exchange, *, at_s: float) -> None:
        for extra in exchange.extra_calls:
            usage = extra.usage if extra.usage is not None else UNKNOWN_USAGE
            extra.cost = self._prices.cost(extra.target, usage, at=exchange.started_at)
            exchange.facts.append(
                ExtraCallBilled(
                    at_s=at_s,
                    target=extra.target.name,
                    why=extra.why,
                    input_tokens=usage.input_tokens,
                    output_tokens=usage.output_tokens,
                    accuracy=usage.accuracy,
                    cost_nanousd=extra.cost.amount_nanousd,
                )
            )
            exchange.usage = exchange.usage.plus(usage)
            exchange.cost = exchange.cost.plus(extra.cost)


def _record(exchange: Exchange, *, duration_s: float) -> Settled:
    request = exchange.request
    usage = exchange.usage
    return Settled(
        id=exchange.id,
        started_at=exchange.started_at,
        duration_s=duration_s,
        first_event_s=exchange.first_event_s,
        tenant=exchange.principal.tenant,
        key=exchange.principal.key,
        user=exchange.principal.user,
        dialect=exchange.dialect,
        operation="chat" if isinstance(request, ChatRequest) else "embeddings",
        is_streamed=request.stream,
        model=request.model,
        target=exchange.target.name if exchange.target is not None else None,
        outcome=exchange.end or "failed",
        outcome_code=exchange.error.code if exchange.error is not None else None,
        attempts=exchange.attempts,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        usage_accuracy=usage.accuracy,
        cost_nanousd=exchange.cost.amount_nanousd,
        cost_accuracy=exchange.cost.accuracy,
        config_hash=exchange.config_hash,
        facts=tuple(exchange.facts),
        project=exchange.principal.project,
        feature=exchange.principal.feature,
        region=exchange.target.region if exchange.target is not None else None,
    )
