"""`kill -9` of the data plane under load: what a client received whole is in the ledger, exactly once."""

import asyncio
import json  # noqa: TID251 - the application's side
import os
import random
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from tests.system.conftest import Installation, running
from tests.system.rawhttp import exchange, request

REQUESTS_A_SECOND = 200
KILLS = 10
DONE = b"data: [DONE]\n\n"


@dataclass
class Load:
    """Requests at a steady rate, unary and streamed in turn; remembers the id of each answer that came whole."""

    up: Installation
    whole: list[str] = field(default_factory=list[str])
    broken: int = 0
    sent: int = 0

    async def one(self, number: int) -> None:
        is_streamed = number % 2 == 1
        body = {
            "model": "sim:first=5ms,gap=2ms,tokens=12",
            "messages": [{"role": "user", "content": f"question {number}"}],
            "stream": is_streamed,
        }
        data = request("/v1/chat/completions", json.dumps(body).encode(), {"authorization": f"Bearer {self.up.key}"})
        try:
            reply = await exchange(self.up.port, data)
        except OSError:
            self.broken += 1
            return
        is_answer = reply.status == 200 and reply.is_whole
        if is_answer and (not is_streamed or reply.body.endswith(DONE)):
            self.whole.append(reply.headers["x-request-id"])
        else:
            self.broken += 1

    async def run(self, stopping: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as tasks:
            while not stopping.is_set():
                tasks.create_task(self.one(self.sent))
                self.sent += 1
                await asyncio.sleep(max(0.0, began + self.sent / REQUESTS_A_SECOND - loop.time()))  # noqa: TID251 - a steady rate is real time


def data_plane_of(up: Installation) -> psutil.Process:
    assert up.process is not None
    for child in psutil.Process(up.process.pid).children(recursive=True):
        with suppress(psutil.Error):  # one that was killed a moment ago is a zombie, or gone
            if "serve" in child.cmdline():
                return child
    raise AssertionError("there is no data plane")


async def kill_repeatedly(up: Installation, load: Load) -> None:
    stopping = asyncio.Event()
    running_load = asyncio.get_running_loop().create_task(load.run(stopping))
    rng = random.Random(11)  # noqa: S311 - a test's chance
    for _ in range(KILLS):
        await asyncio.sleep(rng.uniform(0.4, 1.0))  # noqa: TID251 - load runs in real time
        victim = await asyncio.to_thread(data_plane_of, up)
        os.kill(victim.pid, signal.SIGKILL)
        seen = len(load.whole)
        async with asyncio.timeout(30):
            while len(load.whole) < seen + 20:  # it serves again
                await asyncio.sleep(0.05)  # noqa: TID251 - waits for another process
    stopping.set()
    await running_load


@pytest.mark.timeout(180)
def test_what_a_client_received_whole_is_in_the_ledger_exactly_once(short_dir: Path) -> None:

    with running(short_dir / "data") as up:
        load = Load(up)
        asyncio.run(kill_repeatedly(up, load))
        times = Counter(str(row["id"]) for row in up.ledger())
    assert len(load.whole) > 500
    assert load.broken > 0, "ten kills under load break something, or nothing was tested"
    missing = [name for name in load.whole if times[name] == 0]
    doubled = [name for name, count in times.items() if count > 1]
    assert missing == []
    assert doubled == []
