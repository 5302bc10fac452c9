"""Who is asked for a second opinion: never anybody outside of the regions that hold for the caller."""

import asyncio
from pathlib import Path

import pytest

from penstock.app.explain import explain
from penstock.app.knowledge.grounding import others
from penstock.app.upstreams import connect, new_catalog
from penstock.config import read
from penstock.config.routing.residency import regions_of
from penstock.core.chat import ChatRequest
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import new_exchange_id
from penstock.core.json import dumps
from penstock.testing.clock import FakeClock

CONFIG = """\
region: eu
tenants:
  acme: {regions: [eu]}
models:
  help:
    tiers:
      fast: [{provider: sim, model: "sim:tokens=1", region: eu}]
      strong:
        - {provider: sim, model: "sim:tokens=2", region: us}
        - {provider: sim, model: "sim:tokens=3", region: eu}
    knowledge: {bases: [b], grounding: {fail: closed, confidence: {second_opinion: 0.5, tier: strong}}}
  away:
    targets: [{provider: sim, model: "sim:tokens=1", region: eu}]
    knowledge: {bases: [b], grounding: {fail: closed, confidence: {second_opinion: 0.5, model: other}}}
  other: {targets: [{provider: sim, model: "sim:tokens=4", region: us}]}
  shadow:
    targets: [{provider: sim, model: "sim:tokens=1"}]
    knowledge: {bases: [b], grounding: {fail: closed, mode: shadow, confidence: {second_opinion: 0.5, model: other}}}
"""


@pytest.mark.parametrize(
    ("model", "tenant", "first", "asked"),
    [
        ("help", "umbra", 0, ["sim/sim:tokens=2@us", "sim/sim:tokens=3@eu"]),
        ("help", "acme", 0, ["sim/sim:tokens=3@eu"]),
        ("help", "umbra", 1, []),
        ("away", "umbra", 0, ["sim/sim:tokens=4@us"]),
        ("away", "acme", 0, []),
        ("shadow", "umbra", 0, []),
    ],
    ids=["everywhere", "in the region", "it was theirs", "another model", "outside", "shadow"],
)
def test_who_is_asked(tmp_path: Path, model: str, tenant: str, first: int, asked: list[str]) -> None:
    path = tmp_path / "penstock.yaml"
    path.write_text(CONFIG)
    config, clock = read(path, {}), FakeClock()
    catalog = new_catalog(config, connect(config, {}, clock))
    second = others(config, catalog, lambda model, tenant: regions_of(config, model, tenant))
    tiers = catalog.tiers(model)
    exchange = Exchange(
        id=new_exchange_id(clock),
        principal=Principal(tenant, "key"),
        request=ChatRequest(dialect="openai-chat", model=model, messages=()),
        dialect="openai-chat",
        started_at=0.0,
        began_s=0.0,
        deadline_s=60.0,
        gone_policy="abort",
        target=(catalog.resolve(model) if tiers is None else tiers.routes[first]).targets[0],
    )
    assert [target.name for target in second(exchange)] == asked


REPEATED = """\
discover_providers: false
models:
  help:
    targets: [{provider: sim, model: sim}]
    knowledge:
      bases: [b]
      fail: open
      grounding: {fail: closed, confidence: {hold: 0.2, samples: {count: 3, below: 0.8, agreement: 0.4}}}
"""


def test_explain_says_when_a_model_is_asked_the_same_again(tmp_path: Path) -> None:
    path = tmp_path / "penstock.yaml"
    path.write_text(f"data_dir: {tmp_path / 'data'}\n{REPEATED}")
    body = dumps({"model": "help", "messages": [{"role": "user", "content": "How much leave is there?"}]})
    found = asyncio.run(explain(read(path, {}), {}, body, "openai-chat"))
    [line] = [each for each in found.course if "the same" in each]
    assert line.startswith("an answer of less confidence than 0.8: its target is asked the same 3 more times")
