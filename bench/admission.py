"""What admission itself costs, in one process and with nothing else on: credential, every stage, headers, settlement.

Run as a program; writes a JSON result to stdout.  The stages are those that the data plane makes of the bench's own
configuration; limits are counted in memory, since what is asked of a store is asked beside the requests.  Times are
CPU times of this process, per exchange, the median of many batches.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from bench import controls
from bench.issuer import ALGORITHM, new_issuer
from bench.payloads import UPSTREAM_MODEL, chat_request
from penstock.admission.identity.known import TenantEntry
from penstock.admission.identity.signing_keys import read_key_set
from penstock.admission.identity.tokens import LiveTokens
from penstock.admission.limits.stage import LimitStage
from penstock.app.data_plane import new_catalog, new_plan, new_prices
from penstock.app.limits import open_limits
from penstock.app.upstreams import connect
from penstock.config.datadir import DataDir
from penstock.config.read import read
from penstock.core.clock import SystemClock
from penstock.core.exchange import Exchange, Principal
from penstock.core.facts import LeaseSettled
from penstock.core.ids import ExchangeIds
from penstock.core.usage import Usage
from penstock.flow.plan import Plan
from penstock.watch.prices import PriceBook
from penstock.wire.openai_chat.dialect import OpenAIChat

_TENANT = "bench"
_BATCH = 250
_BATCHES = 40
_BETWEEN_S = 0.06
"""Longer than the limits' own beat, which so runs between two batches."""
_CONFIG = f"""discover_providers: false
log: {{level: error}}
limit_store: {{kind: memory}}
providers:
  bench: {{vendor: openai, base_url: "http://127.0.0.1:9/v1", api_key: "env:BENCH_KEY"}}
models:
  bench: {{targets: [{{provider: bench, model: {UPSTREAM_MODEL}}}]}}
"""


class AdmissionCost(msgspec.Struct, kw_only=True):
    """Microseconds of CPU an exchange.

    `known_us` is all of admission with a token that was seen before, `unseen_us` with one that was not: its signature
    is checked.  `credential_us` is the known token alone, `without_us` all with a known token and no limits.
    """

    known_us: float
    unseen_us: float
    credential_us: float
    without_us: float
    algorithm: str = ALGORITHM


@dataclass(frozen=True, slots=True)
class _Bench:
    tokens: LiveTokens
    plan: Plan
    limits: LimitStage
    prices: PriceBook
    clock: SystemClock
    ids: ExchangeIds

    def begin(self, count: int, principal: Principal) -> list[Exchange]:
        """Exchanges as the server makes them, whose request was read already."""
        now_s = self.clock.monotonic()
        body = chat_request("bench")
        dialect = OpenAIChat()
        return [
            Exchange(
                id=self.ids.new(),
                principal=principal,
                request=dialect.parse(body),
                dialect="openai-chat",
                started_at=self.clock.now(),
                began_s=now_s,
                deadline_s=now_s + 60,
                gone_policy="abort",
            )
            for _ in range(count)
        ]

    async def admit(self, exchange: Exchange, token: str) -> None:
        """What a request meets before it is sent anywhere."""
        exchange.principal = self.tokens.verify(token)
        for stage in self.plan.request:
            await stage.enter(exchange)

    def answered(self, exchange: Exchange) -> None:
        """What the engine notes of the call and of its answer: no part of admission, so it is not timed."""
        route = exchange.route
        if route is None:
            raise RuntimeError("no route was chosen")
        exchange.attempts = 1
        exchange.target = route.targets[0]
        exchange.usage = Usage(input_tokens=342, output_tokens=47)
        exchange.cost = self.prices.cost(route.targets[0], exchange.usage)
        exchange.end = "completed"

    def let_go(self, exchange: Exchange) -> None:
        """What an answer waits for besides: its headers, and what was reserved."""
        while exchange.leases:
            lease = exchange.leases.pop()
            lease.settle(exchange)
            exchange.facts.append(LeaseSettled(at_s=0.0, lease=lease.name))
        self.limits.headers(exchange)


async def measure(folder: Path) -> AdmissionCost:
    issuer = new_issuer("https://issuer.bench")
    limited = _CONFIG + controls.LIMITS + controls.of_issuer(issuer, tenant=_TENANT)
    plain = _CONFIG + controls.of_issuer(issuer, tenant=_TENANT)
    tokens = issuer.tokens(controls.USERS)
    clock = SystemClock()
    bench, without = [_open(text, folder / str(n), clock, issuer.key_set) for n, text in enumerate((limited, plain))]
    for each in (bench, without):
        await _admission(each, tokens, batches=4)  # to warm up, and to lease what is needed
    known = await _admission(bench, tokens, batches=_BATCHES)
    unseen = await _admission(bench, tokens, batches=_BATCHES // 4, new=issuer.token)
    result = AdmissionCost(
        known_us=known,
        unseen_us=unseen,
        credential_us=await _credentials(bench, tokens),
        without_us=await _admission(without, tokens, batches=_BATCHES),
    )
    for each in (bench, without):
        each.limits.supply.close()
    return result


async def _admission(
    bench: _Bench, tokens: Sequence[str], *, batches: int, new: Callable[[str], str] | None = None
) -> float:
    found: list[float] = []
    for number in range(batches):
        shown = [tokens[turn % len(tokens)] for turn in range(_BATCH)]
        if new is not None:
            shown = [new(f"visitor-{number}-{turn}") for turn in range(_BATCH)]
        exchanges = bench.begin(_BATCH, bench.tokens.verify(tokens[0]))
        used_ns = await _timed(lambda: _admit_all(bench, exchanges, shown))
        for exchange in exchanges:
            bench.answered(exchange)
        used_ns += await _timed(lambda: _let_all_go(bench, exchanges))
        found.append(used_ns / _BATCH / 1e3)
        await asyncio.sleep(_BETWEEN_S)  # noqa: TID251 - a measuring program has no injected clock
    return statistics.median(found)


async def _admit_all(bench: _Bench, exchanges: Sequence[Exchange], tokens: Sequence[str]) -> None:
    for exchange, token in zip(exchanges, tokens, strict=True):
        await bench.admit(exchange, token)


async def _let_all_go(bench: _Bench, exchanges: Sequence[Exchange]) -> None:
    for exchange in exchanges:
        bench.let_go(exchange)


async def _credentials(bench: _Bench, tokens: Sequence[str]) -> float:
    async def verify_all() -> None:
        for turn in range(_BATCH):
            bench.tokens.verify(tokens[turn % len(tokens)])

    return statistics.median([await _timed(verify_all) / _BATCH / 1e3 for _ in range(_BATCHES)])


async def _timed(work: Callable[[], Awaitable[None]]) -> int:
    began_ns = time.process_time_ns()
    await work()
    return time.process_time_ns() - began_ns


def _open(text: str, folder: Path, clock: SystemClock, key_set: bytes) -> _Bench:
    folder.mkdir(parents=True)
    file = folder / "penstock.yaml"
    file.write_text(f"data_dir: {folder}\n{text}")
    environ = {"BENCH_KEY": "k"}
    config = read(file, environ)
    data_dir = DataDir(folder)
    catalog = new_catalog(config, connect(config, environ, clock))
    prices = new_prices(config, data_dir, clock)
    limits = open_limits(config, environ, data_dir=data_dir, clock=clock, prices=prices, connect=lambda _: None).stage
    limits.supply.start()
    tokens = LiveTokens(config.identity.issuers, clock, lambda _: False)
    tokens.replace_tenants({_TENANT: TenantEntry(_TENANT, is_active=True)})
    for name in config.identity.issuers:
        tokens.replace_keys(name, read_key_set(key_set), confirmed_at=clock.now())
    plan = new_plan(config, catalog, clock, limits=limits)
    return _Bench(tokens, plan, limits, prices, clock, ExchangeIds(clock))


def main() -> int:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with tempfile.TemporaryDirectory(prefix="penstock-admission-") as folder:
        cost = asyncio.run(measure(Path(folder)))
    sys.stdout.buffer.write(msgspec.json.encode(cost) + b"\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
