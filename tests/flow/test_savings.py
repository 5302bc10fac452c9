"""What is recorded as saved: only what was, at the prices of then, and never taken off the bill."""

import pytest

from penstock.core.chat import ChatRequest
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import ExchangeId
from penstock.core.ports import Target
from penstock.core.usage import Cost, NanoUsd, Usage
from penstock.flow.savings import savings_of
from penstock.testing.scripted import ScriptedProvider

USAGE = Usage(input_tokens=100, output_tokens=10)


class Prices:
    """A token of the `small` model costs one, of the `large` one ten; cached input a tenth, written input two."""

    def cost(self, target: Target, usage: Usage, *, at: float) -> Cost:
        if target.model == "strange":
            return Cost(None, "unknown")
        plain = usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens + usage.output_tokens
        total = 10 * plain + usage.cache_read_tokens + 20 * usage.cache_write_tokens
        return Cost(NanoUsd(total * (10 if target.model == "large" else 1)), usage.accuracy)


def target(model: str) -> Target:
    return Target(f"p/{model}", ScriptedProvider(), model)


def ended(model: str, usage: Usage = USAGE, *, spared: int = 0, dearest: str | None = None) -> Exchange:
    prices, at = Prices(), target(model)
    return Exchange(
        id=ExchangeId("ex_1"),
        principal=Principal(tenant="t", key="k"),
        request=ChatRequest(dialect="openai-chat", model="m", messages=()),
        dialect="openai-chat",
        started_at=0.0,
        began_s=0.0,
        deadline_s=1.0,
        gone_policy="abort",
        attempts=1,
        first_event_s=0.1,
        target=at,
        usage=usage,
        cost=prices.cost(at, usage, at=0.0),
        spared_tokens=spared,
        dearest=None if dearest is None else target(dearest),
    )


def saved(exchange: Exchange) -> list[tuple[str, int, int | None]]:
    return [(fact.by, fact.tokens, fact.nanousd) for fact in savings_of(exchange, Prices(), at_s=1.0)]


def test_an_ordinary_exchange_has_saved_nothing() -> None:
    assert saved(ended("small")) == []
    assert saved(ended("large", dearest="large")) == []


def test_a_shorter_prompt_a_weaker_tier_and_a_kept_prefix_each_say_what_they_saved() -> None:
    assert saved(ended("small", spared=50)) == [("compaction", 50, 500)]
    assert saved(ended("small", dearest="large")) == [("routing", 0, 9 * 1100)]
    read = Usage(input_tokens=100, output_tokens=10, cache_read_tokens=80)
    assert saved(ended("small", read)) == [("prompt_cache", 80, 720)]


def test_a_prefix_that_was_written_and_not_read_has_cost_more() -> None:
    written = Usage(input_tokens=100, output_tokens=10, cache_write_tokens=80)
    assert saved(ended("small", written)) == [("prompt_cache", 0, -800)]


@pytest.mark.parametrize("model", ["small", "strange"])
def test_where_a_price_is_unknown_so_is_what_was_saved(model: str) -> None:
    exchange = ended(model, dearest="strange" if model == "small" else "large")
    assert saved(exchange) == [("routing", 0, None)]


def test_what_was_never_answered_saves_nothing() -> None:
    exchange = ended("small", spared=50, dearest="large")
    exchange.first_event_s = None
    assert saved(exchange) == []
    from_cache = ended("small", Usage(accuracy="exact"), spared=50, dearest="large")
    from_cache.attempts = 0
    assert saved(from_cache) == []


def test_a_usage_that_nobody_knows_saves_nothing() -> None:
    assert saved(ended("small", Usage(accuracy="unknown"), spared=50)) == []
