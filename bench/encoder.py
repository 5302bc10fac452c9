"""How fast the sentence encoder reads, and what it weighs: `make bench ARGS=encoder`.

Short questions of customers, each read anew: as many as two cores can, then half as many a second, at random times and
beside an event loop that is as busy as a data plane's.  For comparison at the same times: calls that do nothing, whose
lateness is the machine's doing; and on paper, two threads that have nothing in their way, each text taking what it
takes alone.  Last, the memory of a data plane that has the encoder in it.
"""

import argparse
import asyncio
import heapq
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil
import uvloop

from bench.machine import loop_s, pause
from penstock.app.encoder import load_encoder
from penstock.config import Config, read
from penstock.encoder.executor import Encoder, EncoderBusy

RATE_AIM, P99_AIM_MS, MEMORY_AIM_MB = 700, 6.0, 350
TURN_S = 0.0002
"""What one turn of a busy event loop takes: about one request's share."""
TURNS, REST_S = 5, 0.002
"""A third of its time the event loop has work of its own.  Its timers count in milliseconds: less would be no rest."""
RESTS_S = (0.005, 0.02)
"""Between two texts: long enough for the weights to leave the processor's cache."""
RESTED_TEXTS = 150
READY = "ready"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Delays:
    rate: float
    p50_ms: float
    p99_ms: float
    most_ms: float
    refused: int


async def most_a_second(encoder: Encoder, texts: list[str], seconds: float) -> float:
    """Closed loop: always one more text than are being read."""
    source = itertools.cycle(texts)
    done = 0
    began = time.perf_counter()

    async def reader() -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            await encoder.encode(next(source))
            done += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(reader())
    return done / (time.perf_counter() - began)


async def at_rate(encode: Callable[[str], Awaitable[object]], texts: list[str], rate: float, seconds: float) -> Delays:
    """Open loop: texts arrive at random times, whether or not those before have been read."""
    draw = random.Random(1)  # noqa: S311 - arrivals, not a secret
    source = itertools.cycle(texts)
    delays: list[float] = []
    refused = 0
    began = loop_time = asyncio.get_running_loop().time()

    async def one(due: float) -> None:
        nonlocal refused
        try:
            await encode(next(source))
        except EncoderBusy:
            refused += 1
            return
        delays.append(asyncio.get_running_loop().time() - due)

    busy = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_be_busy(busy))
        while loop_time - began < seconds:
            loop_time += draw.expovariate(rate)
            await _until(loop_time)
            tasks.create_task(one(loop_time))
        busy.set()
    delays.sort()
    return Delays(
        rate=len(delays) / seconds,
        p50_ms=delays[len(delays) // 2] * 1e3,
        p99_ms=delays[int(len(delays) * 0.99)] * 1e3,
        most_ms=delays[-1] * 1e3,
        refused=refused,
    )


def on_paper(alone_s: list[float], rate: float) -> float:
    """The p99 in ms of texts that take so long, arriving at random, first come first served by as many threads."""
    draw = random.Random(1)  # noqa: S311 - arrivals, not a secret
    free = [0.0] * len(os.sched_getaffinity(0))
    now = 0.0
    delays: list[float] = []
    for taken in itertools.islice(itertools.cycle(alone_s), 20_000):
        now += draw.expovariate(rate)
        began = max(now, heapq.heappop(free))
        heapq.heappush(free, began + taken)
        delays.append(began + taken - now)
    delays.sort()
    return delays[int(len(delays) * 0.99)] * 1e3


def alone(encoder: Encoder, texts: list[str], *, rest_s: float = 0.0) -> list[float]:
    """What each text takes with nothing beside it, in seconds of CPU; after each one a rest."""
    taken: list[float] = []
    for text in texts:
        pause(rest_s)
        began = time.thread_time()
        encoder.model.encode(text)
        taken.append(time.thread_time() - began)
    return taken


async def _be_busy(enough: asyncio.Event) -> None:
    while not enough.is_set():
        for _ in range(TURNS):
            until = time.perf_counter() + TURN_S
            while time.perf_counter() < until:
                msgspec.json.decode(b'{"model":"fast","messages":[{"role":"user","content":"Hello"}]}')
            await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, not a time
        await _until(asyncio.get_running_loop().time() + REST_S)


async def _until(when: float) -> None:
    loop = asyncio.get_running_loop()
    reached = loop.create_future()
    loop.call_at(when, reached.set_result, None)
    await reached


def questions() -> list[str]:
    lines = files("penstock.demo").joinpath("banking77.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=dict[str, Any])["text"] for line in lines if line]


def unremembering(config: Config) -> Config:
    """Each text is to be read, however often it comes."""
    return msgspec.structs.replace(config, encoder=msgspec.structs.replace(config.encoder, memory_mib=0))


def footprint_mb() -> float:
    """Resident memory of a data plane with the encoder, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        command = [sys.executable, "-m", "bench.encoder", "--hold", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as program:
            try:
                if program.stdout is None or program.stdout.readline().strip() != READY:
                    sys.exit("the data plane did not start")
                return psutil.Process(program.pid).memory_info().rss / 1e6
            finally:
                program.kill()


async def hold(folder: Path) -> None:
    """Be a data plane that has read as many texts as it remembers, and some very long ones."""
    from penstock.app.data_plane import WARM_AFTER_S, build  # noqa: PLC0415 - the other figures are taken without it

    config = read(None, {**os.environ, "PENSTOCK__DATA_DIR": str(folder)})
    running = await build(config, {})
    await _until(asyncio.get_running_loop().time() + WARM_AFTER_S + 3.0)  # until it has loaded its tokenizer
    encoder = load_encoder(config)
    for number, text in enumerate(itertools.islice(itertools.cycle(questions()), 1_500)):
        await encoder.encode(f"{text} ({number})")
    for _ in range(4):
        await encoder.encode("a long text " * 100_000)
    print(READY, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    encoder.close()
    await running.aclose()


@dataclass(frozen=True, slots=True)
class Found:
    """`delays` and those of calls that do `nothing` are at half of `most` a second; `single` is each text alone.

    `rested` is the median of a text alone after rests of `RESTS_S`.
    """

    most: float
    delays: Delays
    nothing: Delays
    single: list[float]
    rested: list[float]


async def measure(seconds: float) -> Found:
    encoder = load_encoder(unremembering(read(None, os.environ)))
    texts = questions()
    await most_a_second(encoder, texts, min(seconds, 2.0))
    single = alone(encoder, texts)
    rested = [statistics.median(alone(encoder, texts[:RESTED_TEXTS], rest_s=rest_s)) for rest_s in RESTS_S]
    most = await most_a_second(encoder, texts, seconds)
    pause(0.5)
    rate = min(most, RATE_AIM) / 2
    delays = await at_rate(encoder.encode, texts, rate, seconds)
    encoder.close()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        loop = asyncio.get_running_loop()
        nothing = await at_rate(lambda text: loop.run_in_executor(pool, len, text), texts, rate, seconds)
    return Found(most, delays, nothing, single, rested)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.encoder", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    parser.add_argument("--hold", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.hold is not None:
        _run(hold(chosen.hold))
        return 0
    _print(_run(measure(chosen.seconds)), footprint_mb())
    return 0


def _print(found: Found, memory_mb: float) -> None:
    most, delays, nothing, single = found.most, found.delays, found.nothing, found.single
    rested = [
        (f"p50 of a text {rest_s * 1e3:.0f} ms after another", "", f"{median * 1e3:.1f} ms", None)
        for rest_s, median in zip(RESTS_S, found.rested, strict=True)
    ]
    rows = (
        ("short texts a second", f"≥ {RATE_AIM}", f"{most:.0f}", most >= RATE_AIM),
        (f"p50 at {delays.rate:.0f} a second", "", f"{delays.p50_ms:.1f} ms", None),
        (
            f"p99 at {delays.rate:.0f} a second",
            f"≤ {P99_AIM_MS:g} ms",
            f"{delays.p99_ms:.1f} ms",
            delays.p99_ms <= P99_AIM_MS,
        ),
        ("longest", "", f"{delays.most_ms:.1f} ms", None),
        ("p50 of a text alone", "", f"{statistics.median(single) * 1e3:.1f} ms", None),
        ("p99 of a text alone", "", f"{statistics.quantiles(single, n=100)[-1] * 1e3:.1f} ms", None),
        *rested,
        ("p99 on paper at this rate", "", f"{on_paper(single, delays.rate):.1f} ms", None),
        ("p50 of calls that do nothing", "", f"{nothing.p50_ms:.1f} ms", None),
        ("p99 of calls that do nothing", "", f"{nothing.p99_ms:.1f} ms", None),
        ("refused", "", f"{delays.refused}", None),
        ("five million turns of a loop", "", f"{loop_s():.2f} s", None),
        ("memory of the data plane", f"≤ {MEMORY_AIM_MB} MB", f"{memory_mb:.0f} MB", memory_mb <= MEMORY_AIM_MB),
    )
    words = {True: "met", False: "MISSED", None: ""}
    print(f"{'':32} {'aim':>12} {'measured':>12}")
    for name, aim, shown, is_met in rows:
        print(f"{name:32} {aim:>12} {shown:>12}   {words[is_met]}")


def _run(main: Coroutine[None, None, Result]) -> Result:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


if __name__ == "__main__":
    raise SystemExit(main())
