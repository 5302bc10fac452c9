"""One process of a fleet: admits as fast as it may and writes a byte for each request that it let in.

python -m tests.admission.limits.fleet_worker KIND URL FOLDER AMOUNT FILE
"""

import asyncio
import os
import sys
from pathlib import Path

from tests.admission.limits.conftest import open_store
from tests.admission.limits.scene import Scene, deaf, flat_price, utc

from penstock.admission.limits.limit import Limit
from penstock.admission.limits.opening import LimitPlace, open_limits
from penstock.core.clock import SystemClock
from penstock.core.errors import CapacityError
from penstock.core.usage import Usage

_PAUSE_S = 0.002
_GIVE_UP_AFTER_S = 1.0
_AT_ONCE = 4


async def work(kind: str, url: str, folder: Path, amount: int, file: Path) -> None:
    clock = SystemClock()
    stage = open_limits(
        [Limit(name="fleet", unit="requests", amount=amount, per="month", scope=("tenant",))],
        store=open_store((kind, url)),
        clock=clock,
        price=flat_price,
        on_notice=deaf,
        zone_of=utc,
        place=LimitPlace(folder, 60),
    )
    scene = Scene(())
    stage.supply.start()
    out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def client() -> None:
        last_s = clock.monotonic()
        while clock.monotonic() - last_s < _GIVE_UP_AFTER_S:
            exchange = scene.exchange()
            try:
                await stage.enter(exchange)
            except CapacityError:
                await clock.sleep(0.05)
                continue
            os.write(out, b".")
            last_s = clock.monotonic()
            await clock.sleep(_PAUSE_S)
            exchange.usage, exchange.end, exchange.attempts = Usage(), "completed", 1
            exchange.leases.pop().settle(exchange)

    await asyncio.gather(*(client() for _ in range(_AT_ONCE)))
    stage.supply.close()


if __name__ == "__main__":
    _, kind_, url_, folder_, amount_, file_ = sys.argv
    asyncio.run(work(kind_, url_, Path(folder_), int(amount_), Path(file_)))
