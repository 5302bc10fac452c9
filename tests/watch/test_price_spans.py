"""Which price holds when, and sums of many exchanges: against the cost of each, exchange by exchange."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from tests.watch.test_prices import target

from penstock.core.ports import Target
from penstock.core.usage import Usage
from penstock.testing.clock import FakeClock
from penstock.watch.price_rules import PriceSheet, Rate, Tier
from penstock.watch.price_spans import TokenPrice, TokenTier
from penstock.watch.prices import ANY_MODEL, DatedPrice, PriceBook, ensure_table

USAGE = Usage(input_tokens=1000, output_tokens=100)
OCTOBER, JANUARY = date(2026, 10, 1), date(2027, 1, 1)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_table(tmp_path_factory.mktemp("prices"))


def usd(price: str) -> TokenPrice:
    return TokenPrice(Decimal(price), Decimal(0))


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def book(table: Path, *dated: DatedPrice) -> PriceBook:
    return PriceBook(table, clock=FakeClock(now_s=stamp("2026-11-20")), dated=dated, vendors={"eu": "openai"})


def test_the_start_of_an_exchange_decides_which_price_is_its_own(table: Path) -> None:
    prices = book(
        table,
        DatedPrice(provider="eu", model="gpt-4o", price=usd("2"), since=OCTOBER, until=JANUARY),
        DatedPrice(provider="eu", model="gpt-4o", price=usd("3"), since=JANUARY),
    )
    costs = {
        at: prices.cost(target("eu", "gpt-4o"), USAGE, at=stamp(at)).amount_nanousd
        for at in ("2026-09-30T23:59:59.999", "2026-10-01", "2026-12-31T23:59:59.999", "2027-01-01")
    }
    assert list(costs.values()) == [3_500_000, 2_000_000, 2_000_000, 3_000_000]  # the first is the list's
    assert prices.cost(target("eu", "gpt-4o"), USAGE).amount_nanousd == 2_000_000


def test_the_narrower_price_comes_before_the_wider(table: Path) -> None:
    prices = book(
        table,
        DatedPrice(provider="eu", model=ANY_MODEL, price=usd("7")),
        DatedPrice(provider="eu", model="gpt-4o", price=usd("5"), since=OCTOBER),
        DatedPrice(provider="eu", model="gpt-4o", region="ie", price=usd("4"), since=JANUARY),
    )
    here = target("eu", "gpt-4o")
    there = Target(name="eu/gpt-4o@ie", provider=here.provider, model="gpt-4o", region="ie")
    for at, plain, of_region in (("2026-01-01", 7, 7), ("2026-11-01", 5, 5), ("2027-02-01", 5, 4)):
        assert prices.cost(here, USAGE, at=stamp(at)).amount_nanousd == plain * 1_000_000
        assert prices.cost(there, USAGE, at=stamp(at)).amount_nanousd == of_region * 1_000_000


def test_every_kind_of_token_has_its_own_price_and_its_tiers(table: Path) -> None:
    price = TokenPrice(
        Decimal(1), Decimal(10), Decimal("0.1"), Decimal(2), Decimal(20), Decimal("0.003"),
        (TokenTier(1000, Decimal(3), reasoning_usd_per_million=Decimal(30)), TokenTier(5000, Decimal(5))),
    )  # fmt: skip
    prices = book(table, DatedPrice(provider="eu", model="gpt-4o", price=price))

    def cost(into: int) -> int | None:
        usage = Usage(
            input_tokens=into, cache_read_tokens=100, cache_write_tokens=50, output_tokens=30, reasoning_tokens=10
        )
        return prices.cost(target("eu", "gpt-4o"), usage).amount_nanousd

    always = 100 * 100 + 50 * 2000 + 20 * 10_000 + 3_000_000
    assert cost(1000) == 850 * 1000 + always + 10 * 20_000
    assert cost(1001) == 851 * 3000 + always + 10 * 30_000
    assert cost(5001) == 4851 * 5000 + always + 10 * 30_000


def test_what_will_hold_is_told_with_where_it_is_from(table: Path) -> None:
    prices = book(
        table,
        DatedPrice(provider="openai", model="o3", price=usd("1"), since=date(2026, 1, 1), until=date(2026, 12, 1)),
    )
    schedule = prices.schedule("openai", "o3")
    told = [(each.source.split()[0], str(each.since), str(each.until)) for each in schedule.timeline(date(2025, 1, 1))]
    assert told == [
        ("genai-prices", "None", "2025-06-10"),  # OpenAI's own change of price
        ("genai-prices", "2025-06-10", "2026-01-01"),
        ("configuration", "2026-01-01", "2026-12-01"),
        ("genai-prices", "2026-12-01", "None"),
    ]
    assert [str(each.since) for each in schedule.timeline(date(2026, 12, 1))] == ["2026-12-01"]
    between = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)
    assert [str(cut.date()) for cut in schedule.cuts(*between)] == ["2026-12-01"]
    by_hour = prices.schedule("deepseek", "deepseek-chat")
    assert [each.hours for each in by_hour.timeline(date(2026, 11, 1))] == [None, (1800, 59_400)]
    assert [f"{cut:%d %H:%M}" for cut in by_hour.cuts(datetime(2026, 11, 1, 12, tzinfo=UTC), between[1])][:3] == [
        "01 16:30", "02 00:30", "02 16:30",
    ]  # fmt: skip
    assert prices.schedule("nobody", "nothing").timeline(OCTOBER)[0].rates == ()


def test_the_cost_of_many_is_the_sum_of_each_before_rounding() -> None:
    chance = random.Random(11)  # noqa: S311 - a sample, no secret
    for _ in range(200):
        prices = {unit: Decimal(chance.randint(0, 9999)) / 1000 for unit in ("input", "output", "reasoning")}
        prices |= {unit: Decimal(chance.randint(0, 9999)) / 10**6 for unit in ("cache_read", "cache_write")}
        kept = chance.sample(("cache_read", "cache_write", "reasoning"), chance.randint(0, 3))
        tiers = (Tier(500, Decimal(chance.randint(1, 99))),)
        rates = tuple(Rate(unit, 1_000_000, prices[unit], tiers) for unit in ("input", "output", *kept))
        sheet = PriceSheet((*rates, Rate("requests", 1, Decimal("0.0000001"))))
        is_long = chance.random() < 0.5
        usages = [_usage(chance, is_long=is_long) for _ in range(chance.randint(1, 40))]
        summed = usages[0]
        for usage in usages[1:]:
            summed = summed.plus(usage)
        longest = max(usage.input_tokens for usage in usages)
        whole = sheet.cost_of_many(summed, exchanges=len(usages), longest=longest)
        parts = sum(
            (sheet.cost_of_many(each, exchanges=1, longest=each.input_tokens) or 0 for each in usages), Fraction()
        )
        assert whole == parts
        rounded = [sheet.cost(each).amount_nanousd or 0 for each in usages]
        assert abs(sum(rounded) - parts) <= Fraction(len(usages), 2)
    assert sheet.lengths == {500}


def _usage(chance: random.Random, *, is_long: bool) -> Usage:
    into = chance.randint(501, 9000) if is_long else chance.randint(0, 500)
    out = chance.randint(0, 900)
    read = chance.randint(0, into)
    return Usage(
        input_tokens=into,
        output_tokens=out,
        cache_read_tokens=read,
        cache_write_tokens=chance.randint(0, into - read),
        reasoning_tokens=chance.randint(0, out),
    )
