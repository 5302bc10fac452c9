import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import NoReturn

import pytest
from genai_prices import Usage as ListUsage
from genai_prices import calc_price
from genai_prices.data import providers

from penstock.core.chat import Dialect, Request
from penstock.core.events import UsageReport
from penstock.core.ports import Source, Target
from penstock.core.usage import UNKNOWN_COST, UNKNOWN_USAGE, Cost, NanoUsd, Usage
from penstock.providers.anthropic.answer import usage_report as anthropic_usage
from penstock.providers.bedrock.answer import usage_report as bedrock_usage
from penstock.providers.openai_chat.usage import read_usage as openai_usage
from penstock.testing.clock import FakeClock
from penstock.watch.price_spans import TokenPrice
from penstock.watch.prices import ANY_MODEL, PRICE_LIST_IDS, PriceBook, ensure_table, find_model

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class NamedProvider:
    """A provider that is only ever asked for its name."""

    name: str
    dialect: Dialect = "openai-chat"

    def advisory(self, request: Request) -> Sequence[str]:
        del request
        return ()

    async def open(self, request: Request, model: str, *, timeout_s: float) -> Source:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Nothing is open."""


def target(provider: str, model: str) -> Target:
    return Target(name=f"{provider}/{model}", provider=NamedProvider(provider), model=model)


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_table(tmp_path_factory.mktemp("prices"))


def book_at(table: Path, moment: datetime = NOW) -> PriceBook:
    return PriceBook(table, clock=FakeClock(now_s=moment.timestamp()))


def listed(provider: str, model: str, usage: ListUsage, moment: datetime = NOW) -> int:
    """What genai-prices says, in nano-dollars."""
    price = calc_price(usage, model, provider_id=provider, genai_request_timestamp=moment).total_price
    return int((price * 10**9).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def test_costs_agree_with_the_price_list_for_sampled_models_and_usages(table: Path) -> None:
    """Cached, cache-writing, audio, reasoning tokens, long prompts and periods, over models drawn at random."""
    chance = random.Random(3)  # noqa: S311 - a sample, no secret
    models = [(provider.id, model) for provider in providers for model in provider.models]
    priced = [
        (provider, name)
        for provider, model in models
        if any(name := clause for clause in _names(model.match))
        and calc_price(ListUsage(input_tokens=9, output_tokens=9), name, provider_id=provider).total_price > 0
    ]
    moments = (NOW, datetime(2025, 9, 1, 1, 30, tzinfo=UTC), datetime(2024, 3, 1, 17, 0, tzinfo=UTC))
    books = {moment: book_at(table, moment) for moment in moments}
    compared = 0
    for provider, name in chance.sample(priced, 650):
        size = chance.choice((10, 5_000, 150_000, 250_000, 1_200_000))
        usage = Usage(
            input_tokens=(whole := chance.randint(size // 2, size)),
            output_tokens=(out := chance.randint(0, 9000)),
            cache_read_tokens=chance.choice((0, whole // 3)),
            cache_write_tokens=chance.choice((0, whole // 5)),
            reasoning_tokens=chance.choice((0, out // 2)),
            input_audio_tokens=chance.choice((0, 0, whole // 7)),
            output_audio_tokens=chance.choice((0, 0, out // 3)),
        )
        moment = chance.choice(moments)
        cost = books[moment].cost(target(provider, name), usage)
        try:
            expected = listed(
                provider,
                name,
                ListUsage(
                    input_tokens=usage.input_tokens,
                    output_tokens=usage.output_tokens,
                    cache_read_tokens=usage.cache_read_tokens,
                    cache_write_tokens=usage.cache_write_tokens,
                    output_reasoning_tokens=usage.reasoning_tokens,
                    input_audio_tokens=usage.input_audio_tokens,
                    output_audio_tokens=usage.output_audio_tokens,
                ),
                moment,
            )
        except ValueError:
            assert cost.accuracy == "estimated"  # cached audio: the list asks for a figure that no provider reports
            continue
        if cost == UNKNOWN_COST:
            assert _has_no_output_price(provider, name)
            continue
        compared += 1
        assert cost == Cost(NanoUsd(expected), "exact"), (provider, name, usage, moment)
    assert compared >= 500


def _names(match: object) -> list[str]:
    """Names that the rule is plainly made for."""
    texts = [getattr(match, kind) for kind in ("equals", "starts_with") if hasattr(match, kind)]
    for kind in ("or_", "and_"):
        for clause in getattr(match, kind, ()):
            texts += _names(clause)
    return texts[:1]


def _has_no_output_price(provider: str, name: str) -> bool:
    model = calc_price(ListUsage(input_tokens=1), name, provider_id=provider).model_price
    return "output_mtok" not in model.__dict__ or "input_mtok" not in model.__dict__


def test_every_model_of_the_list_is_found_by_our_rules(table: Path) -> None:
    data = table.read_bytes()
    sample = random.Random(5).sample([(p, m) for p in providers for m in p.models], 120)  # noqa: S311 - a sample
    for provider, model in sample:
        for name in (model.id, model.id.upper(), f"{model.id}-20251211"):
            theirs = provider.find_model(name, all_providers=providers)
            ours = find_model(data, provider.id, name)
            assert (ours.id if ours else None) == (theirs.id if theirs else None), (provider.id, name)


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        ("gpt-4o", Usage(input_tokens=1000, output_tokens=500), "0.0075"),
        ("gpt-4o", Usage(input_tokens=1000, output_tokens=500, cache_read_tokens=400), "0.007"),
        ("gpt-4o-mini", Usage(input_tokens=7, output_tokens=1), "0.00000165"),
    ],
)
def test_known_prices_come_out_as_on_the_vendor_s_page(table: Path, model: str, usage: Usage, usd: str) -> None:
    cost = book_at(table).cost(target("openai", model), usage)
    assert cost == Cost(NanoUsd(int(Decimal(usd) * 10**9)), "exact")


def test_a_one_hour_cache_write_costs_what_anthropic_asks_for_it(table: Path) -> None:
    native: dict[str, object] = {"cache_creation": {"ephemeral_1h_input_tokens": 600, "ephemeral_5m_input_tokens": 400}}
    plain = Usage(input_tokens=2000, output_tokens=10, cache_write_tokens=1000)
    hour = Usage(
        input_tokens=2000,
        output_tokens=10,
        cache_write_tokens=1000,
        native_dialect="anthropic",
        native=native,  # pyright: ignore[reportArgumentType] # a JSON object
    )
    book, sonnet = book_at(table), target("anthropic", "claude-sonnet-4-5")
    costs = [book.cost(sonnet, usage).amount_nanousd or 0 for usage in (plain, hour)]
    expected = ListUsage(input_tokens=2000, output_tokens=10, cache_write_tokens=1000, cache_write_1h_tokens=600)
    assert costs[1] == listed("anthropic", "claude-sonnet-4-5", expected)
    assert costs[1] - costs[0] == 600 * 2250  # $6 instead of $3.75 a million


@pytest.mark.parametrize(
    ("provider", "model", "report", "usd"),
    [
        # $3 in, $15 out, $0.30 read, $3.75 written a million: platform.claude.com/docs/en/about-claude/pricing
        (
            "anthropic",
            "claude-sonnet-4-5",
            anthropic_usage(
                {"input_tokens": 100, "cache_read_input_tokens": 2000, "cache_creation_input_tokens": 1000}
            ),
            "0.00465",
        ),
        (
            "bedrock",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            bedrock_usage({"inputTokens": 100, "cacheReadInputTokens": 2000, "cacheWriteInputTokens": 1000}),
            "0.00465",
        ),
        # $2.50 in, half of that read: openai.com/api/pricing
        (
            "openai",
            "gpt-4o",
            openai_usage({"prompt_tokens": 3000, "prompt_tokens_details": {"cached_tokens": 2000}}),
            "0.005",
        ),
    ],
)
def test_what_is_read_from_and_written_to_a_providers_cache_has_its_own_price(
    table: Path, provider: str, model: str, report: UsageReport | Usage | None, usd: str
) -> None:
    usage = report.usage if isinstance(report, UsageReport) else report
    assert usage is not None
    cost = book_at(table).cost(target(provider, model), usage)
    assert cost == Cost(NanoUsd(int(Decimal(usd) * 10**9)), "exact")


def test_an_unknown_price_is_unknown_and_never_zero(table: Path) -> None:
    book = book_at(table)
    usage = Usage(input_tokens=10, output_tokens=10)
    assert book.cost(target("openai", "my-finetune"), usage) == UNKNOWN_COST
    assert book.cost(target("ollama", "llama3"), usage) == UNKNOWN_COST
    assert book.cost(target("github-copilot", "gpt-4o"), usage) == UNKNOWN_COST  # listed, without a price
    assert book.prepare([target("openai", "gpt-4o"), target("ollama", "llama3")]) == ("ollama/llama3",)


def test_a_usage_that_nobody_knows_costs_nobody_knows_what(table: Path) -> None:
    assert book_at(table).cost(target("openai", "gpt-4o"), UNKNOWN_USAGE) == UNKNOWN_COST


def test_an_estimated_usage_makes_an_estimated_cost(table: Path) -> None:
    cost = book_at(table).cost(target("openai", "gpt-4o"), Usage(input_tokens=1000, accuracy="estimated"))
    assert cost == Cost(NanoUsd(2_500_000), "estimated")


def test_parts_that_exceed_their_whole_are_never_paid_back(table: Path) -> None:
    usage = Usage(input_tokens=100, output_tokens=0, cache_read_tokens=1000)
    cost = book_at(table).cost(target("openai", "gpt-4o"), usage)
    assert cost == Cost(NanoUsd(1_250_000), "estimated")


def test_the_operator_s_price_comes_before_the_list(table: Path) -> None:
    book = PriceBook(
        table,
        clock=FakeClock(),
        overrides={
            ("eu", "gpt-4o"): TokenPrice(Decimal("0.0000015"), Decimal(1)),
            ("home", ANY_MODEL): TokenPrice(Decimal(0), Decimal(0)),
        },
        vendors={"eu": "openai"},
    )
    usage = Usage(input_tokens=1000, output_tokens=3, cache_read_tokens=500)
    # 1.5 nano-dollars in and 3,000 out: rounded half up
    assert book.cost(target("eu", "gpt-4o"), usage) == Cost(NanoUsd(3002), "exact")
    assert book.cost(target("eu", "gpt-4o-mini"), usage) == book.cost(target("openai", "gpt-4o-mini"), usage)
    assert book.cost(target("home", "anything"), usage) == Cost(NanoUsd(0), "exact")


def test_the_scripted_provider_has_a_price_so_that_a_demo_has_figures(table: Path) -> None:
    cost = book_at(table).cost(target("sim", "sim"), Usage(input_tokens=1000, output_tokens=1000))
    assert cost == Cost(NanoUsd(2_000_000), "exact")


def test_an_hour_of_the_day_has_its_own_price(table: Path) -> None:
    usage = Usage(input_tokens=1000, output_tokens=1000)
    costs = {
        hour: book_at(table, datetime(2025, 5, 1, hour, 0, tzinfo=UTC)).cost(target("deepseek", "deepseek-chat"), usage)
        for hour in (12, 20)
    }
    assert costs[12] != costs[20]
    assert costs[20].amount_nanousd == listed(
        "deepseek",
        "deepseek-chat",
        ListUsage(input_tokens=1000, output_tokens=1000),
        datetime(2025, 5, 1, 20, 0, tzinfo=UTC),
    )


def test_the_vendors_are_providers_of_the_list() -> None:
    assert set(PRICE_LIST_IDS.values()) <= {provider.id for provider in providers}


def test_a_lookup_never_imports_the_price_list(table: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from penstock.watch.prices import find_model, ensure_table;"
        f"assert find_model(Path({str(table)!r}).read_bytes(), 'openai', 'gpt-4o');"
        "assert not [name for name in sys.modules if name.startswith(('genai_prices', 'pydantic'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_table_is_made_once(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> NoReturn:
        pytest.fail("compiled a second time")

    monkeypatch.setattr(subprocess, "run", never)
    assert ensure_table(table.parent) == table
