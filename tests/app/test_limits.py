"""How the data plane puts its limits together: prices, stores, time zones, and who hears of thresholds."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.admission.limits.scene import Scene

from penstock.admission.limits.book import Notice
from penstock.admission.limits.rules.stored import Stored, StoredRule, save_stored
from penstock.app.limits import PlaneLimits, open_limits, price_estimate, store_kind
from penstock.config import Config, read
from penstock.config.datadir import EXPECTS_DATABASE, DataDir
from penstock.core.errors import RateLimited
from penstock.core.ports import Fallback, Route, Target
from penstock.core.usage import UNKNOWN_COST, Cost, NanoUsd, Usage
from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider

RULES = "[{name: b, per: day, scope: [tenant], hard_usd: 0.000001, thresholds: [50]}]"


class Prices:
    """So many nano-dollars a token, by model; None where nobody knows."""

    def __init__(self, **prices: int | None) -> None:
        self._prices = prices

    def cost(self, target: Target, usage: Usage, *, at: float) -> Cost:
        price = self._prices[target.model]
        tokens = usage.input_tokens + usage.output_tokens
        return UNKNOWN_COST if price is None else Cost(NanoUsd(price * tokens), "estimated")


def target(model: str) -> Target:
    return Target(f"p/{model}", ScriptedProvider(), model)


def settings(folder: Path, **environ: str) -> Config:
    return read(None, {"PENSTOCK__DATA_DIR": str(folder), **environ})


def opened(folder: Path, clock: FakeClock, heard: list[Notice], **environ: str) -> PlaneLimits:
    config = settings(folder, **environ)
    return open_limits(
        config,
        {},
        data_dir=DataDir(folder),
        clock=clock,
        prices=Prices(m=1),
        connect=lambda _: None,
        on_notice=heard.append,
    )


@pytest.mark.parametrize(
    ("prices", "most"),
    [
        ({"first": 1, "second": 2, "spare": 3}, 90),
        ({"first": 5, "second": 2, "spare": 3}, 150),
        ({"first": 1, "second": 9, "spare": 3}, 270),
        ({"first": 1, "second": 2, "spare": None}, None),
        ({"first": None, "second": 2, "spare": 3}, None),
    ],
)
def test_a_request_may_cost_what_the_dearest_of_its_targets_asks(
    prices: Mapping[str, int | None], most: int | None
) -> None:
    exchange = Scene(()).exchange()
    fallbacks = (Fallback(frozenset({"down"}), (target("spare"),)), Fallback(frozenset({"slow"}), answer="Later."))
    exchange.route = Route("r", (target("first"), target("second")), fallbacks=fallbacks)
    assert price_estimate(Prices(**prices))(exchange, 10, 20) == most


def test_auto_is_the_ledgers_database_where_there_is_or_will_be_one(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    assert store_kind(settings(tmp_path), {}, data_dir) == "memory"
    assert store_kind(settings(tmp_path), {EXPECTS_DATABASE: "1"}, data_dir) == "postgres"
    assert store_kind(settings(tmp_path, PENSTOCK__DATABASE_URL="postgresql://db/p"), {}, data_dir) == "postgres"
    chosen = settings(tmp_path, PENSTOCK__LIMIT_STORE__KIND="memory")
    assert store_kind(chosen, {EXPECTS_DATABASE: "1"}, data_dir) == "memory"
    data_dir.embedded_database.mkdir()
    assert store_kind(settings(tmp_path), {}, data_dir) == "postgres"


def test_a_threshold_is_heard_of_and_the_time_zone_is_the_files(tmp_path: Path) -> None:
    async def play() -> None:
        clock, heard = FakeClock(), list[Notice]()
        limits = opened(
            tmp_path, clock, heard, PENSTOCK__BUDGETS=RULES, PENSTOCK__TENANTS="{acme: {time_zone: Asia/Tokyo}}"
        )
        limits.stage.supply.start()
        scene = Scene((), clock=clock)
        exchange = scene.exchange(max_tokens=600)
        exchange.route = Route("r", (target("m"),))
        await limits.stage.enter(exchange)
        scene.settle(exchange, out=600)
        clock.advance(2)
        assert [(each.budget, each.percent, each.scope) for each in heard] == [("b", 50, (("tenant", "acme"),))]
        assert heard[0].period_start % 86_400 == 15 * 3600
        assert limits.problems() == ()
        assert {name: value for name, _, value in limits.gauges()}["penstock_limit_store_up"] == 1

    asyncio.run(play())


def test_rules_that_were_read_before_hold_while_the_database_is_away(tmp_path: Path) -> None:
    sound = StoredRule("l", "limit", None, '{"name":"l","unit":"requests","amount":"1","per":"day"}')
    odd = StoredRule("odd", "limit", None, "{}")
    save_stored(tmp_path / "rules.json", Stored((sound, odd), (), (("t", "Asia/Tokyo"),)))
    limits = opened(tmp_path, FakeClock(), [])
    assert [rule.name for rule in limits.rules.now.rules] == ["l"]
    assert limits.rules.zone_of("t") == "Asia/Tokyo"
    assert "`odd`" in limits.problems()[0]
    (tmp_path / "rules.json").write_text("{")
    assert opened(tmp_path, FakeClock(), []).rules.now.rules == ()


def test_another_file_holds_from_the_next_request_on_and_what_was_counted_still_counts(tmp_path: Path) -> None:
    rule = "{{name: {name}, unit: requests, amount: {amount}, per: day, scope: [tenant]}}"

    def file(*rules: str, zone: str = "UTC") -> Config:
        zones = f"{{acme: {{time_zone: {zone}}}}}"
        return settings(tmp_path, PENSTOCK__LIMITS=f"[{', '.join(rules)}]", PENSTOCK__TENANTS=zones)

    async def play() -> None:
        clock = FakeClock()
        limits = opened(tmp_path, clock, [], PENSTOCK__LIMITS=f"[{rule.format(name='a', amount=2)}]")
        limits.stage.supply.start()
        scene = Scene((), clock=clock)

        async def admitted(most: int = 20) -> int:
            for count in range(most):
                exchange = scene.exchange()
                exchange.route = Route("r", (target("m"),))
                try:
                    await limits.stage.enter(exchange)
                except RateLimited:
                    return count
                scene.settle(exchange, out=1)
            return most

        assert await admitted() == 2
        limits.use(file(rule.format(name="a", amount=5)))
        assert await admitted() == 3
        limits.use(file(rule.format(name="a", amount=5), rule.format(name="b", amount=1)))
        assert await admitted() == 0
        limits.use(file(rule.format(name="a", amount=1)))
        assert await admitted() == 0
        limits.use(file(rule.format(name="a", amount=6), zone="Asia/Tokyo"))
        assert await admitted() == 6, "a changed time zone begins a period of its own"
        limits.use(settings(tmp_path))
        assert await admitted(most=20) == 20

    asyncio.run(play())
