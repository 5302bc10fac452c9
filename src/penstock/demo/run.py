"""The demo from start to end; `penstock demo` calls `run`."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from penstock.core.clock import SystemClock
from penstock.demo.client import Client, Outcome, call
from penstock.demo.processes import ledger_lines, penstock, simulator
from penstock.demo.replay import replay
from penstock.demo.report import Pass, ProviderCount, saving_of, table_of
from penstock.demo.weather import (
    FAULT_RATE,
    PRIMARY,
    USD_PER_MILLION_INPUT,
    USD_PER_MILLION_OUTPUT,
    Weather,
)
from penstock.demo.workload import Question, read_workload

_HOST = "127.0.0.1"
_LEDGER_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be chosen: how many questions, how much faster than real time, and the prototype's own retries."""

    questions: int = 300
    speed: float = 4.0
    seed: int = 0
    direct_retries: int = 0


class _LedgerRow(msgspec.Struct, frozen=True):
    id: str


def run(settings: Settings, console: Console) -> tuple[Pass, Pass, Pass]:
    """Run all passes, print the table and return what it was made of.  Raises `DemoError` where it cannot."""
    with tempfile.TemporaryDirectory(prefix="penstock-demo-") as folder:
        return asyncio.run(_run(settings, console, Path(folder)))


async def _run(settings: Settings, console: Console, folder: Path) -> tuple[Pass, Pass, Pass]:
    questions = read_workload(settings.questions)
    weather = Weather(
        settings.speed, span_s=questions[-1].at_s, answer_tokens=[question.answer_tokens for question in questions]
    )
    clock = SystemClock()
    columns = (TextColumn("{task.description:<17}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[state]}"), console=console) as progress:
        demo = _Demo(settings, questions, clock, progress)
        async with simulator(folder, profile=weather.profile(), seed=settings.seed, clock=clock) as provider_port:
            direct = await demo.directly(provider_port)
            through, again = await demo.through_penstock(folder, provider_port)
    console.print(table_of(direct, through, again, title="The same questions, the same provider, the same faults"))
    console.print(_caption(settings, weather), style="dim", highlight=False)
    console.print(saving_of(through, again), highlight=False)
    return direct, through, again


@dataclass(frozen=True, slots=True)
class _Demo:
    settings: Settings
    questions: Sequence[Question]
    clock: SystemClock
    progress: Progress

    async def directly(self, provider_port: int) -> Pass:
        retries = self.settings.direct_retries
        client = Client(_HOST, provider_port, "none", PRIMARY, self.clock, retries)
        outcomes = await self._pass("directly", client, provider_port)
        return Pass(outcomes, await self._count(provider_port))

    async def through_penstock(self, folder: Path, provider_port: int) -> tuple[Pass, Pass]:
        """The questions once, and once more: by then their answers are kept."""
        async with penstock(folder, provider_port=provider_port, clock=self.clock) as port:
            key = (folder / "data" / "dev-key").read_text(encoding="ascii").strip()
            client = Client(_HOST, port, key, "assistant", self.clock)
            once = await self._pass("through Penstock", client, provider_port)
            once_count = await self._count(provider_port)
            again = await self._pass("asked again", client, provider_port)
            again_count = await self._count(provider_port)
            recorded = await self._recorded(folder, [*once, *again])
        return Pass(once, once_count, recorded), Pass(again, again_count, recorded)

    async def _pass(self, name: str, client: Client, provider_port: int) -> list[Outcome]:
        """One replay, after the provider has forgotten the last one: both meet the same faults."""
        await call(_HOST, provider_port, "POST /sim/reset")
        bar = self.progress.add_task(name, total=len(self.questions), state="")
        failed = 0

        def on_done(outcome: Outcome) -> None:
            nonlocal failed
            failed += bool(outcome.failure)
            self.progress.update(bar, advance=1, state=f"{failed} not answered" if failed else "")

        return await replay(self.questions, client, clock=self.clock, speed=self.settings.speed, on_done=on_done)

    async def _count(self, provider_port: int) -> ProviderCount:
        reply = await call(_HOST, provider_port, "GET /sim/stats")
        return msgspec.json.decode(reply.body, type=ProviderCount)

    async def _recorded(self, folder: Path, outcomes: Sequence[Outcome]) -> frozenset[str]:
        """The ledger's ids; records are shipped in batches, so what is missing is looked for a little longer."""
        wanted = {outcome.request_id for outcome in outcomes if not outcome.failure}
        deadline_s = self.clock.monotonic() + _LEDGER_WITHIN_S
        while True:
            lines = await ledger_lines(folder)
            recorded = frozenset(msgspec.json.decode(line, type=_LedgerRow).id for line in lines if line.strip())
            if wanted <= recorded or self.clock.monotonic() > deadline_s:
                return recorded
            await self.clock.sleep(0.5)


def _caption(settings: Settings, weather: Weather) -> str:
    retries = "no retries" if not settings.direct_retries else f"{settings.direct_retries} retries, as official SDKs do"
    return (
        f"{settings.questions} questions from BANKING77 at the pace and with the answer lengths of the Azure trace,"
        f" {settings.speed:g} times as fast; response times are of that faster clock and of full answers.\n"
        f"Directly: one model, {retries}. Penstock: the same model, then a second one; three attempts;"
        " its answers are kept: asked again are the same questions at the same pace.\n"
        f"Both models fail {FAULT_RATE:.0%} of calls (500, 503, 429, connection resets); the first is down for"
        f" {weather.outage_s / settings.speed:.1f} s. Calls and tokens are counted by the provider;"
        f" ${USD_PER_MILLION_INPUT:.2f} / ${USD_PER_MILLION_OUTPUT:.2f} per million tokens in / out."
        " Lost records: answers received that no ledger holds."
    )
