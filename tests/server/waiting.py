"""Turns of the server's own event loop."""

import asyncio


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, no time


async def until(is_so: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await is_so.wait()
