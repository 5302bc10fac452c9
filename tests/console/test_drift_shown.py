"""What is shown of drift is made once for one state of things, and anew for another."""

import asyncio

from penstock.console.drift.shown import Shown
from penstock.console.drift.views import FeatureView


def test_it_is_made_once_until_what_it_is_made_of_changes() -> None:
    made: list[str] = []

    def making(word: str) -> list[FeatureView]:
        made.append(word)
        return []

    async def play() -> None:
        shown = Shown()
        for mark in ("one", "one", "two"):
            assert await shown.get("support", mark, lambda mark=mark: making(mark)) == []
        for number in range(300):
            await shown.get(f"assistant-{number}", "one", lambda: making("others"))
        await shown.get("assistant-299", "one", lambda: making("never"))
        await shown.get("support", "two", lambda: making("forgotten"))

    asyncio.run(play())
    assert made == ["one", "two", *["others"] * 300, "forgotten"]
