"""Who leaves a page while it is being read: nothing is shown, nothing fails, and nothing is logged."""

import asyncio
from typing import Any

import pytest
from nicegui import Client
from nicegui.page import page

from penstock.console.web.api_client import ApiRefused
from penstock.console.web.layout.parts.region import Region


@pytest.mark.parametrize("is_refused", [False, True])
def test_what_was_read_for_a_page_that_was_left_is_not_shown(*, is_refused: bool) -> None:
    async def main() -> list[Any]:
        shown: list[Any] = []
        client, answer = Client(page("/"), request=None), asyncio.Event()

        async def read() -> dict[str, int]:
            await answer.wait()
            if is_refused:
                raise ApiRefused(503, "overloaded", "Try again.")
            return {"a": 1}

        with client:
            region = Region(None, read, shown.append)  # type: ignore[arg-type] # it asks nothing of its view here
            reading = asyncio.get_running_loop().create_task(region.refresh())
            await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, no time
        client.delete()
        answer.set()
        await reading
        return shown

    assert asyncio.run(main()) == []
