"""Runs the simulator as a program: `penstock sim`."""

import asyncio
import signal

import uvloop

from penstock.testing.sim.profile import Profile
from penstock.testing.sim.simulator import Simulator


def serve(*, host: str, port: int, seed: int, profile: Profile) -> None:
    """Serve until SIGINT or SIGTERM.  Prints one line once it listens.  Raises `OSError` where the port is taken."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(host, port, seed, profile))


async def _serve(host: str, port: int, seed: int, profile: Profile) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    simulator = Simulator(seed=seed, profile=profile)
    await simulator.start(host=host, port=port)
    print(f"simulating providers on {simulator.base_url} (model `sim`; counts on /sim/stats)", flush=True)  # noqa: T201 - a command's one line
    try:
        await stopped.wait()
    finally:
        await simulator.stop()
