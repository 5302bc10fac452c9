"""What the semantic cache takes of a request's time, and of memory: the second half of `python -m bench.cache`.

A data plane in a process of its own, with 100,000 questions in one partition, asked 200 times a second by another:
questions that mean the same as a kept one, questions that do not, and the same through a model that keeps nothing.  All
texts are new, so that the encoder reads each, but for those of one round that it has read before: what that takes is
the cache's own.  Answers come from an upstream that has them at once.
"""

import argparse
import itertools
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import psutil

from bench import measure, open_loop
from bench.encoder import questions
from bench.gateways import ROOT, Call, headers
from bench.payloads import UPSTREAM_MODEL
from bench.processes import HOST, Program, Unavailable, free_port, post, start, wait_until_answers
from penstock.app.data_plane import build
from penstock.cache.semantic.question import Question, question_of
from penstock.cache.semantic.stage import SemanticStage
from penstock.config import Config, read
from penstock.config.cache import SemanticSettings
from penstock.server.http.shared import HttpLimits
from penstock.server.run import Listen, Running, run

ENTRIES = 100_000
RATE = 200.0
_PATH = "/v1/chat/completions"
_NEARNESS = 0.6
"""The cosine between a question that is asked and those that fill the partition around it."""
_FORMS = (
    "Hi, {}",
    "Hello! {}",
    "{} Thanks!",
    "{} Thank you.",
    "Hi there, {}",
    "Hello, {} Thanks!",
    "Please help: {}",
    "Hi, {} Thank you!",
    "Hey, {}",
    "Quick question: {}",
    "{} Please help.",
    "Good to see you. {}",
)
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
class Figures:
    hits: open_loop.Result
    read_before: open_loop.Result
    misses: open_loop.Result
    plain: open_loop.Result
    hit_cpu_us: float
    empty_mb: float
    full_mb: float


def measured(folder: Path, *, upstream: int, seconds: float) -> Figures:
    """Raises `Unavailable`."""
    port = free_port()
    program, told = _start(folder, port, upstream)
    try:
        call = Call(port, _PATH, headers((folder / "data" / "dev-key").read_text().strip()), "meant")
        originals = questions()
        for text in originals:
            status, said = post(port, _PATH, call.headers, _request("meant", text))
            if status != 200:
                raise Unavailable(f"answers {status}: {said[:200].decode(errors='replace')}")
        process = psutil.Process(program.process.pid)
        empty = process.memory_info().rss
        told.touch()
        _wait_for(told.with_suffix(".done"))
        asked = [_request("meant", form.format(text)) for form in _FORMS for text in originals]
        others = [_request("meant", text) for text in _others()]
        plain = [_request("plain", text) for text in _others()]
        measure.arrivals(call, rate=RATE, seconds=1.0, bodies=others[-400:])
        before = _cpu_s(process)
        hits = measure.arrivals(call, rate=RATE, seconds=seconds, bodies=asked)
        hit_cpu_s = _cpu_s(process) - before
        known = asked[: len(originals)]
        measure.arrivals(call, rate=RATE / 4, seconds=len(known) / RATE * 4, bodies=known)
        read_before = measure.arrivals(call, rate=RATE, seconds=seconds, bodies=known)
        misses = measure.arrivals(call, rate=RATE, seconds=seconds, bodies=others)
        through = measure.arrivals(replace(call, model="plain"), rate=RATE, seconds=seconds, bodies=plain)
        full = process.memory_info().rss
    finally:
        program.stop()
    return Figures(
        hits, read_before, misses, through, hit_cpu_s / (RATE * (seconds + 1.0)) * 1e6, empty / 1e6, full / 1e6
    )


def _start(folder: Path, port: int, upstream: int) -> tuple[Program, Path]:
    told = folder / "fill"
    command = [sys.executable, "-m", "bench.similar", str(folder), str(port), str(upstream)]
    # As `penstock.app.encoder` sets it: there numpy comes later, here this module has loaded it before.
    environ = {
        "BENCH_KEY": "bench-key",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))),
    }
    program = start("data plane", command, log=folder / "similar.log", env=environ)
    try:
        wait_until_answers(program, port, "/health/ready", timeout_s=60)
    except Unavailable:
        program.stop()
        raise
    return program, told


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _wait_for(path: Path) -> None:
    until = time.monotonic() + 120
    while not path.exists():
        if time.monotonic() > until:
            raise Unavailable("the partition was not filled in time")
        time.sleep(0.1)  # noqa: TID251 - a measuring program has no injected clock


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
        threading.Thread(target=_fill, args=(stage, config, told), daemon=True).start()
        return running

    server = config.server
    limits = HttpLimits(
        header_limit_bytes=server.header_limit_bytes,
        idle_timeout_s=server.idle_timeout_s,
        write_timeout_s=server.write_timeout_s,
        max_connections=server.max_connections,
    )
    run(opened, Listen(host=HOST, port=port, limits=limits, drain_timeout_s=1.0))


def _fill(stage: SemanticStage, config: Config, told: Path) -> None:
    """When told so, and while nothing else is asked: as many questions as are missing."""
    _wait_for(told)
    cache, model = stage.parts.cache, stage.parts.encoder.model
    settings = config.models["meant"].cache.semantic or SemanticSettings()
    read_now = [question_of(text, model.encode(text), cache.weights) for text in questions()]
    bases: Sequence[Question] = [question for question in read_now if question is not None]
    chance = np.random.default_rng(0)
    (partition,) = cache.partitions
    far = (1.0 - _NEARNESS**2) ** 0.5
    for number in range(len(cache), ENTRIES):
        base = bases[number % len(bases)]
        noise = chance.standard_normal(len(base.vector)).astype(np.float32)
        vector = _NEARNESS * base.vector + far * noise / np.linalg.norm(noise)
        question = replace(base, vector=vector / np.linalg.norm(vector))
        cache.add(partition, f"{number:064x}ex_{number:032x}", question, settings)
    told.with_suffix(".done").touch()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name, kind in (("folder", Path), ("port", int), ("upstream", int)):
        parser.add_argument(name, type=kind)
    given = parser.parse_args()
    _serve(given.folder, given.port, given.upstream)
