"""What the semantic cache takes of a request's time, and of memory: the second half of `python -m bench.cache`.

A data plane in a process of its own, with 100,000 questions in one partition, asked 200 times a second by another, and
50 times, so that the time of a lookup can be told from the wait for those before it: questions that mean the same as a
kept one, the same again once they were read, questions that mean something else, and those through a model that keeps
nothing.  Answers come from an upstream that has them at once.
"""

import argparse
import asyncio
import itertools
import math
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
import psutil

from bench import lookup, measure, open_loop
from bench.encoder import questions
from bench.gateways import ROOT, Call, headers
from bench.machine import pause
from bench.payloads import UPSTREAM_MODEL
from bench.processes import HOST, Program, Unavailable, post, start, wait_until_answers
from penstock.app.data_plane import build
from penstock.cache.semantic.stage import SemanticStage
from penstock.config import Config, read
from penstock.config.cache import SemanticSettings
from penstock.core.facts import CacheMissed
from penstock.core.record import Settled
from penstock.server.http.shared import HttpLimits
from penstock.server.run import Listen, Running, run
from penstock.testing.ports import free_port
from penstock.watch.segment import read_chunk, segments

RATE, LOW_RATE = 200.0, 50.0
"""Requests a second.  At the lower one hardly any lookup waits for another."""
_PATH = "/v1/chat/completions"
_SETTLE_S = 1.0
_BUSY = ("lookups_busy", "encoder_busy")
_NOT_KEPT = "absent"
"""What the exact cache says of each text: that it was not asked before."""
_THINGS = [
    "river",
    "bridge",
    "violin",
    "planet",
    "glacier",
    "motor",
    "castle",
    "recipe",
    "novel",
    "orchid",
    "comet",
    "port",
]
_PLACES = ["Norway", "Peru", "Kenya", "Japan", "Wales", "Chile", "Malta", "Nepal", "Ghana", "Oman"]
_ASPECTS = ["height", "colour", "origin", "weight", "history", "price", "author", "shape", "age", "name"]


@dataclass(frozen=True, slots=True)
class Round:
    """`expected` is the mark of the requests that the round is about; `reasons` is why requests missed, by number.

    Of `asked` those of the first second are in `reasons` and not in `result`.
    """

    name: str
    rate: float
    asked: int
    expected: str
    result: open_loop.Result
    reasons: Mapping[str, int]
    cpu_us: float

    @property
    def times(self) -> open_loop.Times | None:
        """Of the requests that it is about; None where none were."""
        return self.result.marks.get(self.expected)

    @property
    def not_looked_up(self) -> float:
        """The share of requests that went on without, since lookups or the encoder fell behind."""
        return sum(self.reasons.get(why, 0) for why in _BUSY) / self.asked

    @property
    def others(self) -> dict[str, open_loop.Times]:
        """By mark, those that were answered in another way."""
        return {mark: times for mark, times in self.result.marks.items() if mark != self.expected}


@dataclass(frozen=True, slots=True)
class Figures:
    rounds: tuple[Round, ...]
    empty_mb: float
    full_mb: float

    def of(self, name: str, rate: float) -> Round:
        return next(each for each in self.rounds if (each.name, each.rate) == (name, rate))


HITS, READ_BEFORE, MISSES, PLAIN = "new texts that mean the same", "texts read before", "new questions", "no cache"


def measured(folder: Path, *, upstream: int, seconds: float) -> Figures:
    """Raises `Unavailable`."""
    port = free_port()
    program, told = _start(folder, port, upstream)
    try:
        call = Call(port, _PATH, headers((folder / "data" / "dev-key").read_text().strip()), "meant")
        for text in questions():
            status, said = post(port, _PATH, call.headers, _request("meant", text))
            if status != 200:
                raise Unavailable(f"answers {status}: {said[:200].decode(errors='replace')}")
        process = psutil.Process(program.process.pid)
        empty = process.memory_info().rss
        _tell(told.with_suffix(".fill"), b"")
        measuring = _Measuring(call, process, told, Journal(folder / "data" / "journal"), seconds)
        rounds = tuple(_rounds(measuring))
        full = process.memory_info().rss
    finally:
        program.stop()
    return Figures(rounds, empty / 1e6, full / 1e6)


def _rounds(measuring: "_Measuring") -> Iterator[Round]:
    """No text is asked twice: what missed is kept, and would be answered by the exact cache."""
    similar = iter(lookup.reworded())
    others = iter(_others())
    measuring.warm(list(itertools.islice(others, 100)))
    for rate in (LOW_RATE, RATE):
        yield measuring.round(HITS, rate, "similar", _take(similar, rate, measuring.seconds))
        # Half as many: the encoder does not remember more texts than that at the higher rate.
        known = _take(similar, rate, measuring.seconds / 2)
        measuring.let_read(known)
        yield measuring.round(READ_BEFORE, rate, "similar", known, seconds=measuring.seconds / 2)
        yield measuring.round(MISSES, rate, "miss", _take(others, rate, measuring.seconds))
        yield measuring.round(PLAIN, rate, "", _take(iter(_others()), rate, measuring.seconds))


def _take(texts: Iterator[str], rate: float, seconds: float) -> list[str]:
    wanted = math.ceil(rate * (seconds + 1.0))  # the first second is not counted
    found = list(itertools.islice(texts, wanted))
    if len(found) < wanted:
        raise Unavailable("there are not so many texts: ask for fewer --seconds")
    return found


class Journal:
    """Why requests missed, out of the data plane's own journal, from one look to the next."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[Path, int] = {}

    def reasons(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for path in segments(self._folder):
            while True:
                chunk = read_chunk(path, self._offsets.get(path, 0), is_final=False)
                for line in chunk.lines:
                    facts = msgspec.json.decode(line.payload, type=Settled).facts
                    found.update(
                        fact.reason for fact in facts if isinstance(fact, CacheMissed) and fact.reason != _NOT_KEPT
                    )
                if chunk.next_offset == self._offsets.get(path, 0):
                    break
                self._offsets[path] = chunk.next_offset
        return found


@dataclass(frozen=True, slots=True)
class _Measuring:
    call: Call
    process: psutil.Process
    told: Path
    journal: Journal
    seconds: float

    def warm(self, texts: Sequence[str]) -> None:
        bodies = [_request("meant", text) for text in texts]
        measure.arrivals(self.call, rate=LOW_RATE, seconds=len(bodies) / LOW_RATE, bodies=bodies)

    def let_read(self, texts: Sequence[str]) -> None:
        """Have the encoder read them, and nobody else know of them."""
        _tell(self.told.with_suffix(".read"), msgspec.json.encode(texts))

    def round(
        self, name: str, rate: float, expected: str, texts: Sequence[str], *, seconds: float | None = None
    ) -> Round:
        pause(_SETTLE_S)  # until what was kept of the last round is learned
        self.journal.reasons()
        seconds = self.seconds if seconds is None else seconds
        call = self.call if expected else replace(self.call, model="plain")
        before = _cpu_s(self.process)
        bodies = [_request(call.model, text) for text in texts]
        result = measure.arrivals(call, rate=rate, seconds=seconds, bodies=bodies)
        used = _cpu_s(self.process) - before
        return Round(name, rate, len(texts), expected, result, self.journal.reasons(), used / len(texts) * 1e6)


def _tell(file: Path, what: bytes) -> None:
    """Hand it to the data plane's process, and wait until it is done there."""
    draft = file.with_suffix(".draft")
    draft.write_bytes(what)
    draft.replace(file)
    until = time.monotonic() + 120
    while file.exists():
        if time.monotonic() > until:
            raise Unavailable(f"the data plane did not do {file.name} in time")
        pause(0.1)


def parts() -> list[lookup.Part]:
    """What `bench.lookup` found."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.lookup"],
        env={**os.environ, **_ENVIRON},
        capture_output=True,
        cwd=ROOT,
        timeout=180,
        check=False,
    )
    if done.returncode != 0:
        raise Unavailable(f"bench.lookup failed: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return msgspec.json.decode(done.stdout, type=list[lookup.Part])


# As `penstock.app.encoder` sets it: there numpy comes later, here this module has loaded it before.
_ENVIRON: Final = {
    "BENCH_KEY": "bench-key",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))),
}


def _start(folder: Path, port: int, upstream: int) -> tuple[Program, Path]:
    told = folder / "fill"
    command = [sys.executable, "-m", "bench.similar", str(folder), str(port), str(upstream)]
    program = start("data plane", command, log=folder / "similar.log", env=_ENVIRON)
    try:
        wait_until_answers(program, port, "/health/ready", timeout_s=60)
    except Unavailable:
        program.stop()
        raise
    return program, told


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _request(model: str, text: str) -> bytes:
    return msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": text}]})


def _others() -> Iterator[str]:
    """Questions about nothing that is kept."""
    number = itertools.count(1)
    for aspect, thing, place in itertools.product(_ASPECTS, _THINGS, _PLACES):
        yield f"What is the {aspect} of the {thing} in {place}, and of which {thing} do you know more?"
        yield f"Who wrote {next(number)} pages about the {aspect} of a {thing} near {place}?"


# --- the data plane's process ----------------------------------------------------------------------------------------


def _serve(folder: Path, port: int, upstream: int) -> None:
    told = folder / "fill"
    file = folder / "similar.yaml"
    target = f"{{targets: [{{provider: bench, model: {UPSTREAM_MODEL}}}]"
    file.write_text(
        f"""discover_providers: false
log: {{level: warning}}
providers:
  bench: {{vendor: openai, base_url: "http://{HOST}:{upstream}/v1", api_key: "env:BENCH_KEY"}}
models:
  plain: {target}}}
  meant: {target}, cache: {{exact: {{}}, semantic: {{start: shipped, check_share: 0.0001}}}}}}
"""
    )
    config = read(file, {**os.environ, "PENSTOCK__DATA_DIR": str(folder / "data")})

    async def opened() -> Running:
        running = await build(config, os.environ)
        stages = running.service.engine.plan.request
        stage = next(each for each in stages if isinstance(each, SemanticStage))
        loop = asyncio.get_running_loop()
        threading.Thread(target=_obey, args=(stage, config, told, loop), daemon=True).start()
        return running

    server = config.server
    limits = HttpLimits(
        header_limit_bytes=server.header_limit_bytes,
        idle_timeout_s=server.idle_timeout_s,
        write_timeout_s=server.write_timeout_s,
        max_connections=server.max_connections,
    )
    run(opened, Listen(host=HOST, port=port, limits=limits, drain_timeout_s=1.0))


def _obey(stage: SemanticStage, config: Config, told: Path, loop: asyncio.AbstractEventLoop) -> None:
    """Do what is told, while nothing else is asked, until the process ends."""
    fill, texts = told.with_suffix(".fill"), told.with_suffix(".read")
    while True:
        if fill.exists():
            _fill(stage, config)
            fill.unlink()
        if texts.exists():
            for text in msgspec.json.decode(texts.read_bytes(), type=list[str]):
                asyncio.run_coroutine_threadsafe(stage.parts.encoder.encode(text), loop).result()
            texts.unlink()
        pause(0.1)


def _fill(stage: SemanticStage, config: Config) -> None:
    """As many questions as are missing."""
    cache = stage.parts.cache
    settings = config.models["meant"].cache.semantic or SemanticSettings()
    real = lookup.bases(stage.parts.encoder.model, cache.weights)
    (partition,) = cache.partitions
    kept = len(cache)
    for number, question in enumerate(lookup.around(real, lookup.ENTRIES - kept), start=kept):
        cache.add(partition, f"{number:064x}ex_{number:032x}", question, settings)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name, kind in (("folder", Path), ("port", int), ("upstream", int)):
        parser.add_argument(name, type=kind)
    given = parser.parse_args()
    _serve(given.folder, given.port, given.upstream)
