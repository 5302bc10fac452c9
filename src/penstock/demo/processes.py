"""Starts the two programs that the demo is about, each as its own process: the simulated provider and Penstock."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from penstock.core.clock import Clock
from penstock.demo.client import call
from penstock.demo.weather import BACKUP, PRIMARY, USD_PER_MILLION_INPUT, USD_PER_MILLION_OUTPUT

_READY_WITHIN_S = 60.0
_STOPPED_WITHIN_S = 40.0
_HOST = "127.0.0.1"


class DemoError(Exception):
    """The demo cannot go on; the text is fit for a terminal."""


@asynccontextmanager
async def simulator(folder: Path, *, profile: str, seed: int, clock: Clock) -> AsyncGenerator[int]:
    """Run `penstock sim` while the block runs; gives its port."""
    path = folder / "profile.yaml"
    path.write_text(profile, encoding="utf-8")
    port = free_ports(1)[0]
    arguments = ("sim", "--port", str(port), "--seed", str(seed), "--profile", str(path))
    async with _program("the simulator", arguments, folder / "sim.log") as process:
        await _until_answered(process, port, "GET /sim/stats", folder / "sim.log", clock)
        yield port


@asynccontextmanager
async def penstock(folder: Path, *, provider_port: int, clock: Clock) -> AsyncGenerator[int]:
    """Run `penstock up` with its data in `folder` while the block runs; gives the data plane's port."""
    config = folder / "penstock.yaml"
    config.write_text(config_for(provider_port), encoding="utf-8")
    port, control_port = free_ports(2)
    log = folder / "penstock.log"
    arguments = ("up", "--data-dir", str(folder / "data"), "--port", str(port))
    arguments += ("--control-port", str(control_port), "--config", str(config))
    async with _program("Penstock", arguments, log) as process:
        await _until_answered(process, port, "GET /health/ready", log, clock)
        await _until_answered(process, control_port, "GET /health/ready", log, clock)
        yield port


async def ledger_lines(folder: Path) -> list[bytes]:
    """What `penstock ledger export` prints for the Penstock in `folder`.  Raises `DemoError` where it fails."""
    arguments = ("ledger", "export", "--format", "jsonl", "--data-dir", str(folder / "data"))
    process = await asyncio.create_subprocess_exec(
        *_command(arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=_environ()
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise DemoError(f"penstock ledger export failed: {errors.decode(errors='replace').strip()}")
    return output.splitlines()


def config_for(provider_port: int) -> str:
    """Penstock's configuration for the demo: one model, a first and a second provider, three attempts, and its
    answers kept.
    """
    providers = "".join(
        f"  {name}:\n"
        "    vendor: custom\n"
        "    dialect: openai-chat\n"
        f"    base_url: http://{_HOST}:{provider_port}/v1\n"
        "    prices:\n"
        f"      {model}:\n"
        f"        input_usd_per_million: {USD_PER_MILLION_INPUT}\n"
        f"        output_usd_per_million: {USD_PER_MILLION_OUTPUT}\n"
        for name, model in (("north", PRIMARY), ("south", BACKUP))
    )
    return (
        "discover_providers: false\n"
        f"providers:\n{providers}"
        "models:\n"
        "  assistant:\n"
        "    targets:\n"
        f"      - {{provider: north, model: {PRIMARY}}}\n"
        f"      - {{provider: south, model: {BACKUP}}}\n"
        "    max_attempts: 3\n"
        "    cache: {exact: {}}\n"
    )


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on just now."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind((_HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


@asynccontextmanager
async def _program(name: str, arguments: Sequence[str], log: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *_command(arguments), stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env=_environ()
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOPPED_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise DemoError(f"{name} did not stop; its log: {_tail(log)}") from None


def _command(arguments: Sequence[str]) -> tuple[str, ...]:
    return (sys.executable, "-m", "penstock.cli", *arguments)


def _environ() -> dict[str, str]:
    """The environment without Penstock's own settings, which would change what the demo shows."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}


async def _until_answered(
    process: asyncio.subprocess.Process,
    port: int,
    line: str,
    log: Path,
    clock: Clock,
) -> None:
    deadline_s = clock.monotonic() + _READY_WITHIN_S
    while clock.monotonic() < deadline_s:
        if process.returncode is not None:
            raise DemoError(f"it ended with status {process.returncode} before it was ready; its log: {_tail(log)}")
        try:
            if (await call(_HOST, port, line)).status == 200:
                return
        except (OSError, EOFError):
            pass
        await clock.sleep(0.05)
    raise DemoError(f"not ready after {_READY_WITHIN_S:.0f} s; its log: {_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:].strip() or "(empty)"
