"""Nothing leaves its regions: not the route, not what follows it, not a cheaper model, not a name nobody configured."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.routing.tiers import EASY, HARD, TIERS, UPSTREAMS, Site, chat, configured

from penstock.config import InvalidConfig
from penstock.config.routing.residency import may_rest_here, regions_of
from penstock.core.errors import Forbidden
from penstock.core.exchange import Principal
from penstock.core.ports import Fallback, Route, Target
from penstock.routing.residency import within

HOME = "region: eu\n"
EU_TENANT = "tenants: {acme: {regions: [eu]}}\n"
PLAIN = """\
models:
  plain:
    targets: [{provider: sim, model: a, region: us}, {provider: sim, model: b, region: eu}]
    cheaper: cheap
    fallbacks:
      - {on: [down], targets: [{provider: sim, model: c, region: us}, {provider: sim, model: d}]}
      - {on: [down], answer: Later.}
  cheap:
    targets: [{provider: sim, model: e, region: us}]
"""


def bound(folder: Path, text: str) -> Site:
    config = configured(folder, text=HOME + EU_TENANT + text)
    return Site(config, regions=partial(regions_of, config))


def test_a_tenants_requests_see_only_what_lies_in_its_regions(tmp_path: Path) -> None:
    site = bound(tmp_path, PLAIN)
    exchange = asyncio.run(_routed(site, "plain", "acme"))
    assert exchange is not None
    assert [target.name for target in exchange.targets] == ["sim/b@eu"]
    assert [(step.targets, step.answer) for step in exchange.fallbacks] == [((), "Later.")]
    assert exchange.cheaper is None
    free = asyncio.run(_routed(site, "plain", "other"))
    assert free is not None
    assert len(free.targets) == 2
    assert free.cheaper is not None


@pytest.mark.parametrize("model", ["cheap", "sim", "sim/anything"])
def test_without_a_target_in_its_regions_a_request_is_refused(tmp_path: Path, model: str) -> None:
    with pytest.raises(Forbidden, match="in a region allowed here: eu"):
        asyncio.run(_routed(bound(tmp_path, PLAIN), model, "acme"))


def test_the_tier_is_one_that_is_allowed_and_the_journal_says_why(tmp_path: Path) -> None:
    site = bound(tmp_path, TIERS)
    acme = Principal("acme", "key_1")
    exchange, fact = asyncio.run(site.serve(chat(HARD), caller=acme))
    assert (fact.tier, fact.why, fact.targets) == ("good", "outside_of_regions", ("sim/middle@eu",))
    assert exchange.route is not None
    assert {target.region for step in exchange.route.fallbacks for target in step.targets} == {"eu"}
    assert asyncio.run(site.serve(chat(EASY), caller=acme))[1].tier == "fast"
    assert asyncio.run(site.serve(chat(EASY), caller=acme, tier="strong"))[1].targets == ("sim/middle@eu",)
    assert site.ask(HARD, caller=Principal("other", "key_2")).tier == "strong"


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("targets: [{provider: sim, model: a, region: us}]", "models.m.targets.0.region"),
        ("targets: [{provider: sim, model: a}]", "models.m.targets.0.region"),
        (
            "tiers: {x: [{provider: sim, model: a, region: eu}], y: [{provider: sim, model: b, region: us}]}",
            "models.m.tiers.y.0.region",
        ),
        (
            "targets: [{provider: sim, model: a, region: eu}]\n    fallbacks: [{on: [down], targets: [*us]}]",
            "models.m.fallbacks.0.targets.0.region",
        ),
        ("targets: [{provider: sim, model: a, region: eu}]\n    cheaper: n", "models.m.cheaper"),
    ],
)
def test_a_step_that_would_leave_the_models_regions_refuses_to_start(tmp_path: Path, model: str, path: str) -> None:
    other = "  n: {targets: [&us {provider: sim, model: z, region: us}]}\n"
    with pytest.raises(InvalidConfig) as caught:
        configured(tmp_path, text=f"{HOME}models:\n{other}  m:\n    regions: [eu]\n    {model}\n")
    assert [problem.path for problem in caught.value.problems] == [path]


def test_regions_are_refused_where_nobody_says_where_penstock_itself_runs(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="where this installation runs"):
        configured(tmp_path, text=EU_TENANT + PLAIN)


def test_what_both_model_and_tenant_allow_holds_and_nothing_rests_outside_of_it(tmp_path: Path) -> None:
    text = "region: us\ntenants: {acme: {regions: [eu, us]}, gov: {regions: [us]}}\nmodels:\n"
    text += "  m: {regions: [eu], targets: [{provider: sim, model: a, region: eu}]}\n"
    text += "  n: {targets: [{provider: sim, model: a}]}\n"
    config = configured(tmp_path, text=text)
    assert regions_of(config, "m", "acme") == {"eu"}
    assert regions_of(config, "m", "gov") == frozenset()
    assert regions_of(config, "n", "gov") == {"us"}
    assert regions_of(config, "n", "nobody") is None
    assert [may_rest_here(config, *each) for each in (("m", "acme"), ("n", "gov"), ("n", "nobody"), ("m", "gov"))] == [
        False,
        True,
        True,
        False,
    ]


PLACES = st.sampled_from([None, "eu", "us", "ap"])
TARGETS = st.lists(PLACES, max_size=4).map(
    lambda places: tuple(Target(f"t@{place}", UPSTREAMS["sim"].provider, "m", place) for place in places)
)
STEPS = st.lists(TARGETS.map(lambda targets: Fallback(frozenset(("down",)), targets)), max_size=3).map(tuple)


@given(TARGETS, STEPS, TARGETS, STEPS, st.frozensets(st.sampled_from(["eu", "us", "ap"])))
def test_no_step_of_any_route_leaves_the_regions(
    targets: tuple[Target, ...],
    steps: tuple[Fallback, ...],
    cheaper: tuple[Target, ...],
    cheaper_steps: tuple[Fallback, ...],
    regions: frozenset[str],
) -> None:
    found = within(Route("m", targets, 2, steps, cheaper=Route("n", cheaper, 2, cheaper_steps)), regions)
    assert (found is None) == (not any(target.region in regions for target in targets))
    while found is not None:
        every = [*found.targets, *(target for step in found.fallbacks for target in step.targets)]
        assert all(target.region in regions for target in every)
        found = found.cheaper


async def _routed(site: Site, model: str, tenant: str) -> Route | None:
    exchange = site.exchange(chat("hi", model=model), Principal(tenant, "key_1"))
    await site.route.enter(exchange)
    return exchange.route
