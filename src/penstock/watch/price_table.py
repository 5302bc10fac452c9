"""Writes genai-prices' price list as one compact file: `python -m penstock.watch.price_table FILE`.

A process of its own because importing the list costs some 90 MB and a second, and the data plane needs neither: it
reads the file and keeps the few models that it serves.  `prices.ensure_table` runs this once a version of the list.

Only the units are kept that an answer's usage can tell: tokens by direction, cache, audio and reasoning, and web
searches.  A model without any price is kept without one: unknown, not free.
"""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

import msgspec
from genai_prices import types
from genai_prices.data import providers

from penstock.watch.price_rules import Clause, Model, Period, Provider, Rate, Tier

_UNITS: dict[str, tuple[str, int]] = {
    "input_mtok": ("input", 1_000_000),
    "output_mtok": ("output", 1_000_000),
    "cache_read_mtok": ("cache_read", 1_000_000),
    "cache_write_mtok": ("cache_write", 1_000_000),
    "cache_write_1h_mtok": ("cache_write_1h", 1_000_000),
    "input_audio_mtok": ("input_audio", 1_000_000),
    "output_audio_mtok": ("output_audio", 1_000_000),
    "cache_audio_read_mtok": ("cache_audio_read", 1_000_000),
    "output_reasoning_mtok": ("reasoning", 1_000_000),
    "requests_kcount": ("requests", 1_000),
    "web_searches_kcount": ("web_searches", 1_000),
}


def write_table(path: Path) -> None:
    """Write the file in one step: readers see all of it or none."""
    table = {provider.id: _provider(provider) for provider in providers}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")  # both planes may be at it at once
    draft.write_bytes(msgspec.json.encode(table))
    draft.replace(path)


def _provider(provider: types.Provider) -> Provider:
    return Provider(
        fallback=tuple(provider.fallback_model_providers or ()),
        models=tuple(_model(model) for model in provider.models),
    )


def _model(model: types.ModelInfo) -> Model:
    if isinstance(model.prices, types.ModelPrice):
        periods = (Period(rates=_rates(model.prices)),)
    else:
        periods = tuple(_period(price) for price in model.prices)
    return Model(id=model.id, match=_clause(model.match), periods=periods)


def _period(price: types.ConditionalPrice) -> Period:
    rates = _rates(price.prices)
    match price.constraint:
        case None:
            return Period(rates=rates)
        case types.StartDateConstraint(start_date=start):
            return Period(rates=rates, from_day=start.toordinal())
        case types.TimeOfDateConstraint(start_time=start, end_time=end):
            return Period(rates=rates, from_second=_second_of_day(start), to_second=_second_of_day(end))


def _second_of_day(value: time) -> int:
    moment = datetime.combine(date(1970, 1, 1), value)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _rates(price: types.ModelPrice) -> tuple[Rate, ...]:
    rates: list[Rate] = []
    for key, value in price.__dict__.items():
        if value is None or key not in _UNITS:
            continue
        unit, per = _UNITS[key]
        match value:
            case types.TieredPrices(base=base, tiers=tiers):
                steps = tuple(Tier(above=tier.start, price=tier.price) for tier in tiers)
                rates.append(Rate(unit=unit, per=per, price=base, tiers=steps))
            case _:
                rates.append(Rate(unit=unit, per=per, price=value))
    return tuple(rates)


def _clause(match_logic: types.MatchLogic) -> Clause:
    match match_logic:
        case types.ClauseEquals(equals=text):
            return Clause(kind="equals", text=text.lower())
        case types.ClauseStartsWith(starts_with=text):
            return Clause(kind="starts_with", text=text.lower())
        case types.ClauseEndsWith(ends_with=text):
            return Clause(kind="ends_with", text=text.lower())
        case types.ClauseContains(contains=text):
            return Clause(kind="contains", text=text.lower())
        case types.ClauseRegex(regex=text):
            return Clause(kind="regex", text=text)
        case types.ClauseOr(or_=clauses):
            return Clause(kind="or", clauses=tuple(_clause(clause) for clause in clauses))
        case types.ClauseAnd(and_=clauses):
            return Clause(kind="and", clauses=tuple(_clause(clause) for clause in clauses))


def main(arguments: Sequence[str]) -> None:
    write_table(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
