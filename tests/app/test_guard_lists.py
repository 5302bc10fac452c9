"""Lists of a tenant's own personal data: they hold for its requests and answers, and for nobody else's."""

import asyncio
from pathlib import Path

import pytest

from penstock.app.guards.opening import PlaneGuards, open_guards
from penstock.config import read
from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.events import Finish, Text
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import new_exchange_id
from penstock.testing.clock import FakeClock

CLOCK = FakeClock()
CONFIG = """\
guards:
  lists:
    projects: {kind: PROJECT, terms: [Bluebird], tenants: [acme, shop]}
    numbers: {kind: CASE, patterns: ['CASE-[0-9]{4}']}
models:
  m:
    targets: [{provider: sim, model: sim}]
    guards:
      personal_data: {fail: closed, names: false}
"""
WRITTEN = "Bluebird is CASE-4711."


@pytest.fixture
def guards(tmp_path: Path) -> PlaneGuards:
    path = tmp_path / "penstock.yaml"
    path.write_text(CONFIG)
    return open_guards(read(path, {}), None, CLOCK)


def exchange_of(tenant: str) -> Exchange:
    return Exchange(
        id=new_exchange_id(CLOCK),
        principal=Principal(tenant=tenant, key="k"),
        request=ChatRequest(dialect="openai-chat", model="m", messages=(Message("user", (TextPart(WRITTEN),)),)),
        dialect="openai-chat",
        started_at=CLOCK.now(),
        began_s=CLOCK.monotonic(),
        deadline_s=CLOCK.monotonic() + 60.0,
        gone_policy="abort",
    )


def sent(guards: PlaneGuards, exchange: Exchange) -> str:
    assert guards.stage is not None
    asyncio.run(guards.stage.enter(exchange))  # pyright: ignore[reportArgumentType]  # it never waits here
    request = exchange.request
    assert isinstance(request, ChatRequest)
    part = request.messages[0].parts[0]
    assert isinstance(part, TextPart)
    return part.text


def said(guards: PlaneGuards, exchange: Exchange) -> str:
    assert guards.stage is not None
    asyncio.run(guards.stage.enter(exchange))  # pyright: ignore[reportArgumentType]  # it never waits here
    judge = guards.stage.filter(exchange)
    assert judge is not None
    events = [*judge.feed([Text(WRITTEN), Finish("stop")]), *judge.finish()]
    return "".join(each.text for each in events if isinstance(each, Text))


@pytest.mark.parametrize("tenant", ["acme", "shop", "other", ""])
def test_a_list_holds_for_the_tenants_that_it_names(guards: PlaneGuards, tenant: str) -> None:
    # One after the other in one process: what was found for one tenant is remembered, and not for the next.
    for each in ("acme", tenant, "other"):
        project, named = ("<PROJECT_1>", "[PROJECT]") if each in {"acme", "shop"} else ("Bluebird", "Bluebird")
        assert sent(guards, exchange_of(each)) == f"{project} is <CASE_1>."
        assert said(guards, exchange_of(each)) == f"{named} is [CASE]."
