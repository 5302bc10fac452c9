"""Prices of the operator's own: what cannot be meant is refused with its file and line."""

from pathlib import Path

import pytest

from penstock.app.money.prices import check_prices
from penstock.config import Config, read
from penstock.config.problems import InvalidConfig
from penstock.core.clock import SystemClock
from penstock.testing.scripted import ScriptedProvider

HEAD = """\
models:
  fast:
    targets: [{provider: home, model: my-own, region: east}]
providers:
  home: {vendor: custom, dialect: openai-chat, base_url: "http://x"}
prices:
"""
TIER = "{above_tokens: 9, input_usd_per_million: 1}"
PRICE = "input_usd_per_million: 1, output_usd_per_million: 2"


def written(folder: Path, *prices: str, head: str = HEAD) -> Config:
    path = folder / "penstock.yaml"
    path.write_text(head + "".join(f"  - {{{price}}}\n" for price in prices))
    return read(path, {})


def problems(folder: Path, *prices: str) -> list[tuple[int | None, str | None, str]]:
    with pytest.raises(InvalidConfig) as caught:
        written(folder, *prices)
    assert all(each.file == str(folder / "penstock.yaml") for each in caught.value.problems)
    return [(each.line, each.path, each.message) for each in caught.value.problems]


def test_what_follows_without_a_gap_is_taken(tmp_path: Path) -> None:
    config = written(
        tmp_path,
        f"provider: sim, model: sim, until: 2026-10-01, {PRICE}",
        f"provider: sim, model: sim, since: 2026-10-01, until: 2027-01-01, {PRICE}, usd_per_request: 0.001",
        f"provider: sim, model: sim, since: 2027-01-01, {PRICE},"
        " tiers: [{above_tokens: 1000, input_usd_per_million: 3}, {above_tokens: 5000, output_usd_per_million: 9}]",
        f"provider: home, model: my-own, region: east, {PRICE}",
    )
    assert [str(each.since) for each in config.prices] == ["None", "2026-10-01", "2027-01-01", "None"]
    check_prices(config, SystemClock(), [ScriptedProvider(name="sim"), ScriptedProvider(name="home")])


@pytest.mark.parametrize(
    ("prices", "at", "said"),
    [
        ([f"since: 2026-01-01, {PRICE}", f"since: 2026-06-01, {PRICE}"], (8, "prices.1"), "only one can"),
        ([f"until: 2026-07-01, {PRICE}", f"since: 2026-06-30, {PRICE}"], (8, "prices.1"), "from 2026-06-30 on too"),
        ([PRICE, PRICE], (8, "prices.1"), "from the beginning on too"),
        ([f"until: 2026-06-01, {PRICE}", f"since: 2026-06-02, {PRICE}"], (8, "prices.1.since"), "close the gap"),
        ([f"since: 2026-06-01, until: 2026-06-01, {PRICE}"], (7, "prices.0.until"), "it would never hold"),
        ([f"{PRICE}, cache_read_usd_per_million: -0.1"], (7, "prices.0.cache_read_usd_per_million"), "not negative"),
        ([f"{PRICE}, usd_per_request: 0.0000000000001"], (7, "prices.0.usd_per_request"), "12 places"),
        (
            [f"{PRICE}, tiers: [{TIER}, {TIER}]"],
            (7, "prices.0.tiers.1.above_tokens"),
            "tiers go upwards",
        ),
        ([f"{PRICE}, tiers: [{{above_tokens: 9}}]"], (7, "prices.0.tiers.0"), "it names no price"),
        (
            [f"{PRICE}, tiers: [{{above_tokens: 9, reasoning_usd_per_million: 1}}]"],
            (7, "prices.0.tiers.0.reasoning_usd_per_million"),
            "no such price below the tier",
        ),
        ([f"since: tomorrow, {PRICE}"], (7, "prices.0.since"), "date"),
        (["input_usd_per_million: 1"], (7, "prices.0.output_usd_per_million"), "it is required"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(tmp_path: Path, prices: list[str], at: tuple[int, str], said: str) -> None:
    found = problems(tmp_path, *(f"provider: sim, model: sim, {price}" for price in prices))
    assert [(line, path) for line, path, _ in found] == [at]
    assert said in found[0][2]


@pytest.mark.parametrize(
    ("price", "said"),
    [
        ("provider: homme, model: sim", "7: prices.0.provider: there is no provider `homme`"),
        (
            "provider: home, model: my-owm",
            "7: prices.0.model: no target of `home` and no price list has",
        ),
        (
            "provider: home, model: my-own, region: eats",
            "7: prices.0.region: no target of `home` is in a region",
        ),
    ],
)
def test_a_price_that_no_call_could_have_is_refused(tmp_path: Path, price: str, said: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        check_prices(written(tmp_path, f"{price}, {PRICE}"), SystemClock(), [ScriptedProvider(name="home")])
    assert f"penstock.yaml:{said}" in str(caught.value)
    assert "did you mean" in str(caught.value).lower()


def test_what_an_answer_is_worth_is_an_amount(tmp_path: Path) -> None:
    path = tmp_path / "penstock.yaml"
    path.write_text("models:\n  a:\n    targets: [{provider: sim, model: sim}]\n    value: {usd_per_handling: -1}\n")
    with pytest.raises(InvalidConfig) as caught:
        read(path, {})
    assert [each.line for each in caught.value.problems] == [4]
    path.write_text(path.read_text().replace("{usd_per_handling: -1}", "{}"))
    with pytest.raises(InvalidConfig, match="names no amount"):
        read(path, {})
