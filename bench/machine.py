"""What the bench runs on, for the report."""

import datetime as dt
import os
import platform
import subprocess
import time
from pathlib import Path

import psutil

from bench import measure, peers
from bench.figures import Conditions
from bench.gateways import ROOT
from bench.payloads import CHAT_ANSWER, chat_request
from bench.processes import Unavailable
from bench.settings import RATE, Plan


def conditions(plan: Plan) -> Conditions:
    """Looks at the machine for two seconds: a share of CPU in use before anything runs makes every figure worse."""
    busy = psutil.cpu_percent(interval=2.0) / 100
    return Conditions(
        date=dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        cores=len(os.sched_getaffinity(0)),
        cpu=_cpu_name(),
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        wrk=_wrk_version(),
        upstream=_upstream(),
        plan=plan.describe(),
        request_bytes=len(chat_request("bench")),
        answer_bytes=len(CHAT_ANSWER),
        connections=measure.CONNECTIONS,
        rate=RATE,
        load_before=round(os.getloadavg()[0], 2),
        others_cpu_share=round(busy, 2),
        commit=_commit(),
    )


def loop_s() -> float:
    """What five million turns of a plain loop take: how fast the interpreter is here, now."""
    began = time.perf_counter()
    turn = 0
    while turn < 5_000_000:
        turn += 1
    return time.perf_counter() - began


def pause(seconds: float) -> None:
    time.sleep(seconds)  # noqa: TID251 - a measuring program has no injected clock


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _wrk_version() -> str:
    try:
        shown = subprocess.run([peers.wrk(), "-v"], capture_output=True, text=True, check=False).stdout
    except Unavailable as error:
        return str(error)
    return " ".join(shown.split()[:2])


def _upstream() -> str:
    try:
        return f"nginx {peers.nginx()[1]}"
    except Unavailable:
        return "asyncio"


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout.strip()
