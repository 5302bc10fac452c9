"""The measurements themselves: each takes started gateways and returns plain figures."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench import open_loop, peers, stream_client
from bench.gateways import PYTHON, ROOT, Call, Gateway
from bench.payloads import chat_request, stream_request
from bench.processes import Memory, Unavailable, cpu_s, memory, post

HERE = Path(__file__).parent
CONNECTIONS = 64
EVENTS_PER_S = 50


_TAKE_TURNS = """local requests, turn = {}, 0
function init(args)
  for number, token in ipairs(tokens) do
    wrk.headers["authorization"] = "Bearer " .. token
    requests[number] = wrk.format()
  end
end
function request()
  turn = turn % #requests + 1
  return requests[turn]
end"""

# Each thread begins elsewhere, so that no two ask for the same at the same time.
_TAKE_TURNS_IN_BODIES = """local requests, threads = {}, 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end
function init(args)
  for line in io.lines(bodies) do
    requests[#requests + 1] = wrk.format(nil, nil, nil, line)
  end
  turn = math.floor(#requests / 2) * number
end
function request()
  turn = turn % #requests + 1
  return requests[turn]
end"""


class Unary(msgspec.Struct, kw_only=True):
    """One closed-loop run.  CPU is per request, of the processes that carry requests and of all of the gateway's."""

    requests: int
    errors: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    cpu_all_us: float


class WrkOutput(msgspec.Struct):
    requests: int
    duration_us: int
    errors: int
    p50_us: float
    p99_us: float


class Streams(msgspec.Struct, kw_only=True):
    """One run of some number of streams at once."""

    result: stream_client.Result
    cpu_us_per_event: float

    @property
    def is_clean(self) -> bool:
        return not self.result.failed and not self.result.stalls


class Footprint(msgspec.Struct, kw_only=True):
    data_plane_rss_mb: float
    all_rss_mb: float
    all_pss_mb: float
    processes: int


def check(call: Call) -> None:
    """One real request of each kind must come back right before anything is measured."""
    status, body = post(call.port, call.path, call.headers, chat_request(call.model))
    if status != 200:
        raise Unavailable(f"answers {status}: {body[:200].decode(errors='replace')}")
    answer = msgspec.json.decode(body)
    if not answer["choices"][0]["message"]["content"].startswith("A pending payment"):
        raise Unavailable("the answer is not upstream's")


def unary(gateway: Gateway, *, seconds: float, bodies: Path | None = None) -> Unary:
    """`bodies` is a file with a request a line, which take turns in place of the same request again and again."""
    call = gateway.unary
    script = gateway.program.log.with_suffix(".lua")
    script.write_text(_lua(call, bodies))
    url = f"http://127.0.0.1:{call.port}{call.path}"
    command = [peers.wrk(), "-t2", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
    pids, carrying = gateway.pids(), gateway.data_plane()
    before, before_carrying = cpu_s(pids), cpu_s(carrying)
    done = subprocess.run(
        [*command, "-s", str(script), url], capture_output=True, text=True, timeout=seconds + 60, check=False
    )
    used, used_carrying = cpu_s(pids) - before, cpu_s(carrying) - before_carrying
    figures = next((line for line in done.stdout.splitlines() if line.startswith("{")), None)
    if figures is None:
        raise Unavailable(f"wrk gave no figures: {done.stderr.strip()[-200:]}")
    out = msgspec.json.decode(figures, type=WrkOutput)
    good = out.requests - out.errors
    if good <= 0:
        raise Unavailable(f"no request succeeded: {out.errors} errors")
    return Unary(
        requests=good,
        errors=out.errors,
        requests_per_s=good / (out.duration_us / 1e6),
        p50_ms=out.p50_us / 1e3,
        p99_ms=out.p99_us / 1e3,
        cpu_us=used_carrying / good * 1e6,
        cpu_all_us=used / good * 1e6,
    )


def _lua(call: Call, bodies: Path | None) -> str:
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{chat_request(call.model).decode()}]==]"]
    if bodies is not None:
        lines += [f'local bodies = "{bodies}"', _TAKE_TURNS_IN_BODIES]
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in call.headers.items()]
    if call.tokens:
        listed = ", ".join(f'"{token}"' for token in call.tokens)
        lines += [f"local tokens = {{{listed}}}", _TAKE_TURNS]
    return "\n".join(lines) + "\n" + (HERE / "report.lua").read_text()


def arrivals(call: Call, *, rate: float, seconds: float, bodies: Sequence[bytes] = ()) -> open_loop.Result:
    """`bodies` take turns, in place of the same request again and again."""
    job = open_loop.Job(
        port=call.port,
        path=call.path,
        headers=dict(call.headers),
        tokens=list(call.tokens),
        body=chat_request(call.model).decode(),
        bodies=[body.decode() for body in bodies],
        rate=rate,
        seconds=seconds,
    )
    return msgspec.json.decode(_client("bench.open_loop", job, timeout_s=seconds + 30), type=open_loop.Result)


def admission() -> bytes:
    """What `bench.admission` found, as JSON."""
    return _client("bench.admission", None, timeout_s=120)


def streams(gateway: Gateway, *, count: int, seconds: float) -> Streams:
    call = gateway.stream
    if call is None:
        raise Unavailable("its streams are not measured")
    job = stream_client.Job(
        port=call.port,
        path=call.path,
        headers=dict(call.headers),
        body=stream_request(call.model, round(seconds * EVENTS_PER_S)).decode(),
        streams=count,
        ramp_s=1.5,
        timeout_s=seconds + 20,
    )
    carrying = gateway.data_plane()
    before = cpu_s(carrying)
    raw = _client("bench.stream_client", job, timeout_s=seconds + 40)
    used = cpu_s(carrying) - before
    result = msgspec.json.decode(raw, type=stream_client.Result)
    return Streams(result=result, cpu_us_per_event=used / max(1, result.events) * 1e6)


def most_streams(gateway: Gateway, levels: Sequence[int], *, seconds: float) -> list[Streams]:
    """Rising levels until one has a stall or a failed stream twice: on a shared machine each gets a second try."""
    runs: list[Streams] = []
    for level in levels:
        run = streams(gateway, count=level, seconds=seconds)
        if not run.is_clean:
            time.sleep(1)  # noqa: TID251 - let the gateway clear what the failed run left
            second = streams(gateway, count=level, seconds=seconds)
            run = min(run, second, key=lambda r: (r.result.failed, r.result.stalls))
        runs.append(run)
        if not run.is_clean:
            break
    return runs


def footprint(gateway: Gateway) -> Footprint:
    pids = gateway.pids()
    whole: Memory = memory(pids)
    return Footprint(
        data_plane_rss_mb=memory(gateway.data_plane()).rss_mb,
        all_rss_mb=whole.rss_mb,
        all_pss_mb=whole.pss_mb,
        processes=len(pids),
    )


def _client(module: str, job: msgspec.Struct | None, *, timeout_s: float) -> bytes:
    done = subprocess.run(
        [str(PYTHON), "-m", module],
        input=msgspec.json.encode(job),
        capture_output=True,
        timeout=timeout_s,
        cwd=ROOT,
        check=False,
    )
    if done.returncode != 0:
        raise Unavailable(f"{module} failed: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return done.stdout
