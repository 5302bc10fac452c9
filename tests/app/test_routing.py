"""How the data plane puts routing together, and what `explain` and the metrics say of it."""

import asyncio
from pathlib import Path

import pytest

from penstock.app.explain import explain
from penstock.app.routing import open_routing
from penstock.app.upstreams import connect, new_catalog
from penstock.config import Config, read
from penstock.config.explanation import Explanation
from penstock.config.reload.changes import adopt
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.clock import SystemClock
from penstock.core.exchange import Exchange, Principal, Wishes
from penstock.core.ids import ExchangeId
from penstock.core.json import dumps
from penstock.watch.metrics import Metrics

SITE = """\
region: eu
discover_providers: false
tenants:
  acme: {plan: gold, regions: [eu]}
  far: {regions: [us]}
models:
  support:
    tiers:
      fast: [{provider: sim, model: sim, region: eu}]
      strong: [{provider: sim, model: sim-large, region: us}]
    cache: {exact: {}}
    routing:
      rules: [{when: {plans: [gold]}, at_least: strong}]
"""
QUESTION = "Explain the difference between TCP and UDP in two sentences."


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "penstock.yaml"
    path.write_text(f"data_dir: {tmp_path / 'data'}\n{SITE}")
    return read(path, {})


def explained(config: Config, model: str, tenant: str) -> Explanation:
    body = dumps({"model": model, "messages": [{"role": "user", "content": QUESTION}]})
    return asyncio.run(explain(config, {}, body, "openai-chat", Principal(tenant, "key_1")))


def test_explain_says_which_tier_and_why_before_the_limits(config: Config) -> None:
    found = explained(config, "support", "other")
    names = [each.stage for each in found.stages]
    assert names.index("route") + 1 == names.index("choose tier") == names.index("limits") - 1
    why = next(each.why for each in found.stages if each.stage == "choose tier")
    assert "tier fast, by complexity, targets sim/sim@eu, why " in why
    assert [call.target for call in found.calls] == ["sim/sim@eu"]
    assert "tiers: fast (sim) < strong (sim-large); 80% of the quality between them is to be kept" in found.course[0]


def test_explain_shows_the_regions_and_what_they_take_away(config: Config) -> None:
    found = explained(config, "support", "acme")
    assert [call.target for call in found.calls] == ["sim/sim@eu"]
    why = next(each.why for each in found.stages if each.stage == "choose tier")
    assert "why outside_of_regions" in why
    assert "regions: eu; what is made of the request may be kept here" in found.course
    assert not any("us" in line.split() for line in found.course)


def test_what_may_not_rest_here_is_left_aside_by_the_cache_as_explain_says(config: Config) -> None:
    found = explained(config, "support", "far")
    why = next(each.why for each in found.stages if each.stage == "cache")
    assert why == "reason region"
    assert "regions: us; what is made of the request is not kept here" in found.course
    kept = explained(config, "support", "acme")
    assert "region" not in next(each.why for each in kept.stages if each.stage == "cache")


def test_a_name_that_no_configuration_bounds_is_bounded_by_the_tenant(config: Config) -> None:
    assert (explained(config, "sim", "acme").error or "").startswith("403 forbidden: No provider of `sim`")
    assert explained(config, "sim", "other").error is None


def test_metrics_count_requests_by_model_tier_and_what_chose_it() -> None:
    text = Metrics().render(in_flight=0, tiers={("support", "fast", "complexity"): 3}).decode()
    assert 'penstock_tier_requests_total{by="complexity",model="support",tier="fast"} 3.0' in text


def test_a_tenants_regions_and_plan_hold_as_soon_as_the_file_that_names_them_is_taken_over(tmp_path: Path) -> None:
    text = f"data_dir: {tmp_path / 'data'}\n{SITE}"
    path = tmp_path / "penstock.yaml"
    path.write_text(text.replace("acme: {plan: gold, regions: [eu]}", "acme: {}"))
    config, clock = read(path, {}), SystemClock()
    routing = open_routing(config, new_catalog(config, connect(config, {}, clock)), clock)
    assert routing.choice is not None

    async def served() -> tuple[str | None, ...]:
        exchange = Exchange(
            id=ExchangeId("ex_1"),
            principal=Principal("acme", "key_1"),
            request=ChatRequest(
                dialect="openai-chat", model="support", messages=(Message("user", (TextPart(QUESTION),)),)
            ),
            dialect="openai-chat",
            started_at=0.0,
            began_s=0.0,
            deadline_s=60.0,
            gone_policy="abort",
            wishes=Wishes(tier="strong"),
        )
        for stage in routing.stages:
            await stage.enter(exchange)
        assert exchange.route is not None
        return tuple(target.region for target in exchange.route.targets)

    assert asyncio.run(served()) == ("us",)
    path.write_text(text)
    routing.use(adopt(config, read(path, {})).config)
    assert asyncio.run(served()) == ("eu",)
