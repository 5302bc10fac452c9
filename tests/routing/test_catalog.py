"""Model names to routes: exactly, by provider, by vendor, by their beginning, or not at all."""

import asyncio
from pathlib import Path

import pytest

from penstock.config import InvalidConfig, read
from penstock.core.chat import ChatRequest
from penstock.core.errors import BudgetExhausted, UnknownModel
from penstock.core.exchange import BudgetAction, Exchange, Principal
from penstock.core.facts import RouteChosen
from penstock.core.ids import ExchangeId
from penstock.routing.catalog import Catalog, RouteStage, Upstream, build_catalog
from penstock.routing.tier import TierStage
from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider

UPSTREAMS = {
    "my-openai": Upstream(ScriptedProvider(name="my-openai"), "openai", ("gpt-", "o1")),
    "openrouter": Upstream(ScriptedProvider(name="openrouter"), "openrouter"),
    "anthropic": Upstream(ScriptedProvider(name="anthropic"), "anthropic", ("claude-",)),
    "sim": Upstream(ScriptedProvider(name="sim"), "sim", ("sim",), ("sim",)),
}
CONFIG = """\
models:
  fast:
    max_attempts: 3
    targets:
      - {provider: my-openai, model: gpt-4o-mini, region: eu}
      - {provider: anthropic, model: claude-3-5-haiku-latest}
  gpt-4o:
    targets: [{provider: sim, model: sim}]
    cheaper: fast
    hedged: true
    fallbacks:
      - {on: [down, slow], targets: [{provider: anthropic, model: claude-3-5-haiku-latest}]}
      - {on: [down], answer: Please come back later.}
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    path = tmp_path / "penstock.yaml"
    path.write_text(CONFIG)
    return build_catalog(read(path, {}), UPSTREAMS)


def test_a_configured_name_has_its_targets_in_order(catalog: Catalog) -> None:
    route = catalog.resolve("fast")
    assert [target.name for target in route.targets] == [
        "my-openai/gpt-4o-mini@eu",
        "anthropic/claude-3-5-haiku-latest",
    ]
    assert (route.name, route.max_attempts, route.targets[0].region) == ("fast", 3, "eu")


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("gpt-4o", "sim/sim"),
        ("gpt-4o-2024", "my-openai/gpt-4o-2024"),
        ("o1-mini", "my-openai/o1-mini"),
        ("claude-sonnet-4", "anthropic/claude-sonnet-4"),
        ("my-openai/gpt-4o", "my-openai/gpt-4o"),
        ("openai/gpt-4o", "my-openai/gpt-4o"),
        ("openrouter/meta/llama-3", "openrouter/meta/llama-3"),
        ("sim", "sim/sim"),
        ("sim-slow", "sim/sim-slow"),
        ("sim/anything", "sim/anything"),
    ],
)
def test_a_name_leads_to_one_target(catalog: Catalog, name: str, target: str) -> None:
    assert [each.name for each in catalog.resolve(name).targets] == [target]


@pytest.mark.parametrize("name", ["", "llama", "meta/llama", "openai/", "/x", "GPT-4o", "x" * 257])
def test_anything_else_is_unknown(catalog: Catalog, name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        catalog.resolve(name)
    assert caught.value.field == "model"
    assert len(caught.value.public) < 200


def test_an_unknown_name_is_answered_with_the_nearest_known_one(catalog: Catalog) -> None:
    with pytest.raises(UnknownModel, match="Did you mean `fast`"):
        catalog.resolve("fst")


def test_names_lists_the_configured_models_first_and_each_once(catalog: Catalog) -> None:
    assert catalog.names() == ("fast", "gpt-4o", "sim")


def test_names_chosen_by_callers_do_not_fill_the_memory(catalog: Catalog) -> None:
    for number in range(5000):
        catalog.resolve(f"sim-{number}")
    assert len(catalog._cache) <= 1024  # pyright: ignore[reportPrivateUsage]  # the bound is what is tested
    assert catalog.resolve("fast") is catalog.resolve("fast")


def test_a_target_whose_provider_is_not_there_refuses_to_start(tmp_path: Path) -> None:
    path = tmp_path / "penstock.yaml"
    path.write_text(CONFIG)
    config = read(path, {})
    with pytest.raises(InvalidConfig) as caught:
        build_catalog(config, {"anthropik": UPSTREAMS["anthropic"]}, known=("sim",))
    texts = [str(problem) for problem in caught.value.problems]
    assert "yaml:5: models.fast.targets.0.provider: there is no provider `my-openai`" in texts[0]
    assert "yaml:6: models.fast.targets.1.provider:" in texts[1]
    assert "did you mean `anthropik`?" in texts[1]
    assert "there is no API key for `sim`" in texts[2]


def an_exchange(model: str) -> Exchange:
    return Exchange(
        id=ExchangeId("ex_1"),
        principal=Principal("acme", "key_1"),
        request=ChatRequest(dialect="openai-chat", model=model, messages=()),
        dialect="openai-chat",
        started_at=0.0,
        began_s=999.0,
        deadline_s=1_060.0,
        gone_policy="abort",
    )


def test_the_stage_sets_the_route_and_says_so(catalog: Catalog) -> None:
    exchange = an_exchange("fast")
    asyncio.run(RouteStage(catalog, FakeClock()).enter(exchange))
    assert exchange.route is catalog.resolve("fast")
    assert exchange.facts == [
        RouteChosen(at_s=1.0, route="fast", targets=("my-openai/gpt-4o-mini@eu", "anthropic/claude-3-5-haiku-latest"))
    ]


def test_a_configured_route_knows_its_steps_down_and_its_cheaper_tier(catalog: Catalog) -> None:
    route = catalog.resolve("gpt-4o")
    assert (route.is_hedged, route.is_balanced) == (True, False)
    assert route.cheaper == catalog.resolve("fast")
    assert [(each.causes, [target.name for target in each.targets], each.answer) for each in route.fallbacks] == [
        ({"down", "slow"}, ["anthropic/claude-3-5-haiku-latest"], None),
        ({"down"}, [], "Please come back later."),
    ]
    assert route.helps_with("slow")
    assert not route.helps_with("limited")


@pytest.mark.parametrize(
    ("action", "model", "goes_to"),
    [
        (None, "gpt-4o", "gpt-4o"),
        ("cheaper_tier", "gpt-4o", "fast"),
        ("cheaper_tier", "fast", None),
        ("cache_only", "gpt-4o", None),
    ],
)
def test_a_budget_without_room_sends_a_request_to_the_cheaper_tier_or_nowhere(
    catalog: Catalog, action: BudgetAction | None, model: str, goes_to: str | None
) -> None:
    clock = FakeClock()
    exchange = an_exchange(model)
    exchange.budget_action = action
    asyncio.run(RouteStage(catalog, clock).enter(exchange))
    if goes_to is None:
        with pytest.raises(BudgetExhausted):
            asyncio.run(TierStage(clock).enter(exchange))
        return
    asyncio.run(TierStage(clock).enter(exchange))
    assert exchange.route is not None
    assert exchange.route.name == goes_to


def test_a_name_that_no_model_configures_is_tried_as_often_as_one_that_says_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "penstock.yaml"
    path.write_text("models: {plain: {targets: [{provider: sim, model: sim}]}}")
    catalog = build_catalog(read(path, {}), UPSTREAMS)
    assert catalog.resolve("openai/gpt-4o").max_attempts == catalog.resolve("plain").max_attempts == 4
