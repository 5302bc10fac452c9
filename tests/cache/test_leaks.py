"""Nobody gets an answer that was made for others: ten thousand callers, drawn so that many differ in little."""

import asyncio
import random
from collections.abc import Sequence
from typing import cast

from tests.cache.scene import Scene, question

from penstock.cache.entry import Entry, encode_events
from penstock.core.events import Finish, Text
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import new_exchange_id
from penstock.core.ports import Reply

DRAWS = 10_000
TENANTS = ("acme", "acme2", "a", "cme", "umbra", "", "null", "acme,staff", '["acme"]')
GROUPS = ("staff", "hr", "hr,staff", "st", "aff", "", "null")
MODELS = ("sim", "sim2", "hr", "acme")


def whose(who: Principal, model: str) -> tuple[str, Sequence[str], str]:
    return who.tenant, sorted(set(who.groups)), model


def test_of_ten_thousand_random_callers_none_gets_an_answer_of_others() -> None:
    async def main() -> tuple[int, int]:
        chance = random.Random(20_261_121)  # noqa: S311 - a test's draws
        scene = Scene(models=MODELS)
        owners: dict[str, tuple[str, Sequence[str], str]] = {}
        hits = foreign = 0
        for number in range(DRAWS):
            groups = tuple(chance.choices(GROUPS, k=chance.randrange(4)))
            who = Principal(tenant=chance.choice(TENANTS), key=f"k{number}", groups=groups)
            model = chance.choice(MODELS)
            exchange = Exchange(
                id=new_exchange_id(scene.clock),
                principal=who,
                request=question(model=model),
                dialect="openai-chat",
                started_at=scene.clock.now(),
                began_s=scene.clock.monotonic(),
                deadline_s=scene.clock.monotonic() + 60.0,
                gone_policy="abort",
                route=scene.routes[model],
            )
            answer = await scene.cache.enter(exchange)
            if isinstance(answer, Reply):
                hits += 1
                (text, _) = answer.events
                assert isinstance(text, Text)
                foreign += owners[text.text] != whose(who, model)
                continue
            (making,) = exchange.leases
            owners[exchange.id] = whose(who, model)
            key = cast("bytes", getattr(making, "key"))  # noqa: B009 - the cache's own lease
            scene.shelf.keep(
                Entry(
                    id=exchange.id,
                    kind="exact",
                    key=key,
                    partition=b"",
                    tenant=who.tenant,
                    model=model,
                    target="sim/sim",
                    events=encode_events([Text(exchange.id), Finish("stop")]),
                    created_at=scene.clock.now(),
                    expires_at=scene.clock.now() + 60.0,
                ),
                scene.drops.now,
            )
            exchange.end = "failed"
            exchange.leases.pop().settle(exchange)
        assert len(owners) == len({str(owner) for owner in owners.values()}), "its own answer was not found again"
        return hits, foreign

    hits, foreign = asyncio.run(main())
    assert hits > DRAWS // 2
    assert foreign == 0
