"""What the next turn is told of a held answer: as its asker may read it now, with everything that the asker is."""

import pytest
from tests.review.holds import NOW, Act, connected, decision, document, hold, keep, source_of
from tests.review.test_sources import BOARD, of_board, permit

from penstock.app.memory.plane import releases
from penstock.core.exchange import Principal
from penstock.review import queue


@pytest.mark.parametrize(
    ("reader", "who"),
    [
        ("group:leads", Principal(tenant="acme", key="app", user="ada", groups=("leads",))),
        ("role:viewer", Principal(tenant="acme", key="app", user="ada", roles=("viewer",))),
        ("user:ada", Principal(tenant="acme", key="app", user="ada")),
    ],
)
async def test_the_next_turn_has_what_its_asker_may_read(database_url: str, reader: str, who: Principal) -> None:
    made = document(database_url, BOARD)
    keep(database_url, [hold(1, sources=(source_of(made),)), hold(2)])
    ivy = Act(of_board(), NOW)
    async with connected(database_url) as connection:
        row = await queue.claim(connection, "hold_0001", ivy, lease_s=600.0)
        await queue.decide(connection, "hold_0001", ivy, decision(version=row.version))
        permit(database_url, made, reader)
        found = await releases(connection, who, ["hold_0001", "hold_0002"])
        assert [text for _, text in found["hold_0001"].said] == ["Yes, order 1 within 90 days."]
        assert "hold_0002" not in found  # nobody has decided it
        permit(database_url, made, "group:others")
        assert (await releases(connection, who, ["hold_0001"]))["hold_0001"].said == ()
