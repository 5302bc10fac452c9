"""What an exchange did not cost, for what was done to it; called at settlement, once its own cost is known.

Told beside the cost and never taken off it: what was not spent is in no bill.  (What a cache's hit saves is in its own
fact: there is no call that it could be compared with.)
"""

from collections.abc import Sequence

import msgspec

from penstock.core.exchange import Exchange
from penstock.core.facts import Saved
from penstock.core.ports import PriceList, Target
from penstock.core.usage import Usage


def savings_of(exchange: Exchange, prices: PriceList, *, at_s: float) -> Sequence[Saved]:
    """The facts to record; empty for most exchanges, and where no model was asked.

    For an answer that a weaker tier gave, the strongest is taken to need as many tokens.
    """
    usage, target = exchange.usage, exchange.target
    is_kept = usage.cache_read_tokens or usage.cache_write_tokens
    if target is None or exchange.first_event_s is None or exchange.attempts == 0:
        return ()
    if not (exchange.spared_tokens or exchange.dearest or is_kept) or usage.accuracy == "unknown":
        return ()
    found: list[Saved] = []
    if exchange.spared_tokens:
        whole = msgspec.structs.replace(usage, input_tokens=usage.input_tokens + exchange.spared_tokens)
        amount = _beyond(exchange, prices, target, whole)
        found.append(Saved(at_s=at_s, by="compaction", tokens=exchange.spared_tokens, nanousd=amount))
    if is_kept:
        unkept = msgspec.structs.replace(usage, cache_read_tokens=0, cache_write_tokens=0)
        amount = _beyond(exchange, prices, target, unkept)
        found.append(Saved(at_s=at_s, by="prompt_cache", tokens=usage.cache_read_tokens, nanousd=amount))
    if exchange.dearest is not None and exchange.dearest.name != target.name:
        amount = _beyond(exchange, prices, exchange.dearest, usage)
        found.append(Saved(at_s=at_s, by="routing", tokens=0, nanousd=amount))
    return found


def _beyond(exchange: Exchange, prices: PriceList, target: Target, usage: Usage) -> int | None:
    """What `usage` would have cost at `target`, beyond what was spent."""
    spent = exchange.cost.amount_nanousd
    amount = prices.cost(target, usage, at=exchange.started_at).amount_nanousd
    return None if amount is None or spent is None else amount - spent
