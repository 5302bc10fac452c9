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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from bench import controls
from bench.figures import AdmissionCost
from bench.issuer import ALGORITHM, new_issuer
from bench.payloads import UPSTREAM_MODEL, chat_request
from penstock.admission.identity.known import TenantEntry
from penstock.admission.identity.signing_keys import read_key_set
from penstock.admission.identity.tokens import LiveTokens
from penstock.admission.limits.stage import LimitStage
from penstock.app.layers import Ground, layers_of_file
from penstock.app.limits import open_limits
from penstock.app.money.prices import new_prices
from penstock.app.plan import new_plan
from penstock.app.upstreams import connect, new_catalog
from penstock.config.datadir import DataDir
from penstock.config.read import read
from penstock.core.clock import SystemClock
from penstock.core.exchange import Exchange, Principal
from penstock.core.facts import LeaseSettled
from penstock.core.ids import ExchangeIds
from penstock.core.usage import Usage
from penstock.flow.plan import Plan
from penstock.watch.prices import PriceBook
from penstock.watch.tokens import Counter
from penstock.wire.openai_chat.dialect import OpenAIChat

_TENANT = "bench"
_NOBODY = Principal(tenant=_TENANT, key="")
_BATCH = 250
_BATCHES = 40
_WARM = 4
"""Batches that are not counted: in them is leased what is needed."""
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


@dataclass(frozen=True, slots=True)
class _Bench:
    tokens: LiveTokens
    plan: Plan
    limits: LimitStage
    prices: PriceBook
    clock: SystemClock
    ids: ExchangeIds

    def begin(self, count: int) -> list[Exchange]:
        """Exchanges as the server makes them, whose request was read already and whose caller is not known yet."""
        now_s = self.clock.monotonic()
        body = chat_request("bench")
        dialect = OpenAIChat()
        return [
            Exchange(
                id=self.ids.new(),
                principal=_NOBODY,
                request=dialect.parse(body),
                dialect="openai-chat",
                started_at=self.clock.now(),
                began_s=now_s,
                deadline_s=now_s + 60,
                gone_policy="abort",
                body_bytes=len(body),
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
        exchange.cost = self.prices.cost(route.targets[0], exchange.usage, at=exchange.started_at)
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
    trust = controls.of_issuer(issuer, tenant=_TENANT)
    clock = SystemClock()
    limited = _open(_CONFIG + controls.LIMITS + trust, folder / "limited", clock, issuer.key_set)
    free = _open(_CONFIG + trust, folder / "free", clock, issuer.key_set)
    tokens = issuer.tokens(controls.USERS)
    shown = [tokens[turn % len(tokens)] for turn in range(_BATCH)]
    known: list[float] = []
    unseen: list[float] = []
    without: list[float] = []
    for number in range(_WARM + _BATCHES):
        new = [issuer.token(f"customer-{turn % controls.USERS}") for turn in range(_BATCH)]
        found = (await _batch(limited, shown), await _batch(limited, new), await _batch(free, shown))
        if number >= _WARM:
            for values, value in zip((known, unseen, without), found, strict=True):
                values.append(value)
        await asyncio.sleep(_BETWEEN_S)  # noqa: TID251 - a measuring program has no injected clock
    result = AdmissionCost(
        known_us=statistics.median(known),
        unseen_us=statistics.median(unseen),
        without_us=statistics.median(without),
        credential_us=statistics.median([_credentials(limited, shown) for _ in range(_BATCHES)]),
        algorithm=ALGORITHM,
    )
    for each in (limited, free):
        each.limits.supply.close()
    return result


async def _batch(bench: _Bench, tokens: Sequence[str]) -> float:
    exchanges = bench.begin(_BATCH)
    began_ns = time.process_time_ns()
    for exchange, token in zip(exchanges, tokens, strict=True):
        await bench.admit(exchange, token)
    used_ns = time.process_time_ns() - began_ns
    for exchange in exchanges:
        bench.answered(exchange)
    began_ns = time.process_time_ns()
    for exchange in exchanges:
        bench.let_go(exchange)
    used_ns += time.process_time_ns() - began_ns
    return used_ns / _BATCH / 1e3


def _credentials(bench: _Bench, tokens: Sequence[str]) -> float:
    began_ns = time.process_time_ns()
    for token in tokens:
        bench.tokens.verify(token)
    return (time.process_time_ns() - began_ns) / len(tokens) / 1e3


def _open(text: str, folder: Path, clock: SystemClock, key_set: bytes) -> _Bench:
    folder.mkdir(parents=True)
    file = folder / "penstock.yaml"
    file.write_text(f"data_dir: {folder}\n{text}")
    environ = {"BENCH_KEY": "k"}
    config = read(file, environ)
    data_dir = DataDir(folder)
    connected = connect(config, environ, clock)
    catalog = new_catalog(config, connected)
    prices = new_prices(config, data_dir, clock)
    limits = open_limits(config, environ, data_dir=data_dir, clock=clock, prices=prices, connect=lambda _: None).stage
    limits.supply.start()
    tokens = LiveTokens(config.identity.issuers, clock, lambda _: False)
    tokens.replace_tenants({_TENANT: TenantEntry(_TENANT, is_active=True)})
    for name in config.identity.issuers:
        tokens.replace_keys(name, read_key_set(key_set), confirmed_at=clock.now())
    ground = Ground(
        catalog=catalog,
        endpoints=connected,
        data_dir=data_dir,
        connect=lambda _: None,
        find_url=lambda: None,
        counter=Counter(),
    )
    layers = layers_of_file(config, clock, ground)
    plan = new_plan(config, clock, limits=limits, layers=layers)
    return _Bench(tokens, plan, limits, prices, clock, ExchangeIds(clock))


def main() -> int:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with tempfile.TemporaryDirectory(prefix="penstock-admission-") as folder:
        cost = asyncio.run(measure(Path(folder)))
    sys.stdout.buffer.write(msgspec.json.encode(cost) + b"\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
