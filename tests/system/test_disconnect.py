"""Clients that leave, over real sockets: how soon it is noticed, what upstream sees of it, and what it costs."""

import asyncio
import json  # noqa: TID251 - the application's side
import shutil
import socket
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from statistics import median
from typing import Literal

import pytest
from tests.system.conftest import Installation, running
from tests.system.rawhttp import request
from tests.system.upstream import USAGE, Upstream, config, serving

from penstock.testing.ports import free_port

Policy = Literal["abort", "drain"]
ROUNDS = 5
NOTICED_S = 0.1
STUCK_S = 2.0
"""Beyond this it is no matter of a busy machine."""
CASES = list(product(["unary", "stream"], ["before", "mid"], ["fin", "rst"]))


@dataclass(frozen=True)
class Departure:
    """One client that left at `left_at`; `rows` are what the ledger has of it."""

    left_at: float
    hung_up_at: float | None
    rows: list[dict[str, object]]

    @property
    def settled_at(self) -> float:
        began = datetime.fromisoformat(str(self.rows[0]["time"])).timestamp()
        return began + float(str(self.rows[0]["duration_s"]))


async def _leave(up: Installation, upstream: Upstream, case: tuple[str, str, str], model: str, policy: Policy) -> float:
    """Ask, wait until the answer has come as far as the case says, and go.  Returns when that was."""
    mode, phase, how = case
    body = {
        "model": f"held/{model}",
        "messages": [{"role": "user", "content": "say four words"}],
        "stream": mode == "stream",
    }
    reader, writer = await asyncio.open_connection("127.0.0.1", up.port)
    writer.write(request("/v1/chat/completions", json.dumps(body).encode(), {"authorization": f"Bearer {up.key}"}))
    call = upstream.call(model)
    async with asyncio.timeout(20):
        await call.has_begun.wait()
        if mode == "stream" and phase == "mid":
            await reader.readuntil(b" two")
    if how == "rst":
        plain: socket.socket = writer.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    left_at = time.time()  # noqa: TID251 - two processes compare their times
    writer.transport.abort()
    if policy == "drain":
        try:
            async with asyncio.timeout(3 * NOTICED_S):
                await call.is_over.wait()
        except TimeoutError:
            call.go_on.set()
    async with asyncio.timeout(20):
        await call.is_over.wait()
    return left_at


async def _leave_often(up: Installation, port: int, policy: Policy) -> dict[str, tuple[float, float | None]]:
    async with serving(port) as upstream:
        turns = {f"{case[1]}-{case[0]}-{case[2]}-{turn}": case for case in CASES for turn in range(ROUNDS)}
        leaving = [_leave(up, upstream, case, model, policy) for model, case in turns.items()]
        # One after the other where their times count.
        left = await asyncio.gather(*leaving) if policy == "drain" else [await each for each in leaving]
        return {model: (left_at, upstream.call(model).hung_up_at) for model, left_at in zip(turns, left, strict=True)}


@pytest.fixture(scope="module", params=["abort", "drain"])
def departures(request: pytest.FixtureRequest) -> Iterator[tuple[Policy, dict[str, list[Departure]]]]:
    """Every case, several times, by its name; the ledger is read after Penstock has stopped."""
    policy: Policy = request.param
    folder = Path(tempfile.mkdtemp(prefix="penstock-"))
    port = free_port()
    with running(folder / "data", config(port, on_client_gone=policy)) as up:
        seen = asyncio.run(_leave_often(up, port, policy))
    rows = up.ledger()
    found: dict[str, list[Departure]] = {}
    for model, (left_at, hung_up_at) in seen.items():
        own = [row for row in rows if row["model"] == f"held/{model}"]
        found.setdefault(model.rpartition("-")[0], []).append(Departure(left_at, hung_up_at, own))
    yield policy, found
    shutil.rmtree(folder)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_a_client_that_leaves(
    departures: tuple[Policy, dict[str, list[Departure]]],
    case: tuple[str, str, str],
    record_property: Callable[[str, object], None],
) -> None:
    policy, found = departures
    mode, phase, how = case
    gone = found[f"{phase}-{mode}-{how}"]
    assert [len(each.rows) for each in gone] == [1] * ROUNDS, "exactly one row for each"
    rows = [each.rows[0] for each in gone]
    assert {row["outcome"] for row in rows} == {"client_gone"}
    assert {row["accuracy"] for row in rows} == {"estimated" if policy == "abort" else "exact"}
    if policy == "drain":
        assert [each.hung_up_at for each in gone] == [None] * ROUNDS, "upstream is read to its end"
        assert {row["output_tokens"] for row in rows} == {USAGE["completion_tokens"]}
        return
    settled_s = [each.settled_at - each.left_at for each in gone]
    hung_up_s = [each.hung_up_at - each.left_at for each in gone if each.hung_up_at is not None]
    assert len(hung_up_s) == ROUNDS, "upstream is closed, not read on"
    record_property("noticed_ms", f"{max(settled_s + hung_up_s) * 1e3:.0f}")
    # The median, since a busy machine may be late once; the worst only shows that nothing waited for a timeout.
    assert median(settled_s) <= NOTICED_S
    assert median(hung_up_s) <= NOTICED_S
    assert max(settled_s + hung_up_s) <= STUCK_S
