"""What a usage costs at a target: `core.ports.PriceList` over the published price list and the operator's own prices.

The price list is genai-prices', compiled into a file of the data directory by a short-lived process
(`ensure_table`, on start).  A target's price is looked up in it once and kept; the rest of the list is forgotten again.
A price that nobody knows is unknown, never zero: only an override of the operator's makes a model free.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import msgspec

from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.core.ports import Target
from penstock.core.usage import UNKNOWN_COST, Cost, Usage
from penstock.watch.price_rules import Model, Period, PriceSheet, Provider, Rate

ANY_MODEL = "*"
_BUILD_TIMEOUT_S = 60
_MAX_RESOLVED = 10_000
_COMPACT_DATE = re.compile(r"(-)(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")

PRICE_LIST_IDS: Mapping[str, str] = MappingProxyType(
    {
        "bedrock": "aws",
        "fireworks-ai": "fireworks",
        "gemini": "google",
        "google-vertex": "google",
        "mistralai": "mistral",
        "moonshot": "moonshotai",
        "togetherai": "together",
        "together-ai": "together",
        "vertex": "google",
        "voyage": "voyageai",
        "xai": "x-ai",
    }
)
"""Vendors whose name in Penstock is not their id in the price list; any other vendor is looked up by its own name."""


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """An operator's own price, in US dollars a million tokens.  A cache price left out is the input price."""

    input_usd_per_million: Decimal
    output_usd_per_million: Decimal
    cache_read_usd_per_million: Decimal | None = None
    cache_write_usd_per_million: Decimal | None = None

    def rates(self) -> tuple[Rate, ...]:
        named = (
            ("input", self.input_usd_per_million),
            ("output", self.output_usd_per_million),
            ("cache_read", self.cache_read_usd_per_million),
            ("cache_write", self.cache_write_usd_per_million),
        )
        return tuple(Rate(unit, 1_000_000, price) for unit, price in named if price is not None)


SIM_PRICE = TokenPrice(Decimal("0.50"), Decimal("1.50"), Decimal("0.05"))
"""What the scripted provider pretends to cost, so that a demo has figures: a small model's list price."""


def ensure_table(data_dir: Path) -> Path:
    """The compiled price list in `data_dir`, made first where this version of it is not there yet (about a second).

    Raises `ConfigError` where it cannot be made.
    """
    path = data_dir / f"prices-{version('genai-prices')}.json"
    if path.exists():
        return path
    command = [sys.executable, "-m", "penstock.watch.price_table", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_BUILD_TIMEOUT_S)  # noqa: S603 - our own module
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"the price list cannot be compiled: {error}") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise ConfigError(f"the price list cannot be compiled: {said[-1]}")
    return path


class PriceBook:
    """`core.ports.PriceList`.

    `table` is `ensure_table`'s file.  `overrides` come first, keyed by provider name and upstream model, or
    `ANY_MODEL`.  `vendors` says which vendor stands behind a provider whose name is the operator's own; a provider that
    is not in it is taken to be named for its vendor.
    """

    def __init__(
        self,
        table: Path,
        *,
        clock: Clock,
        overrides: Mapping[tuple[str, str], TokenPrice] | None = None,
        vendors: Mapping[str, str] | None = None,
    ) -> None:
        self._table = table
        self._clock = clock
        self._overrides = {("sim", ANY_MODEL): SIM_PRICE, **(overrides or {})}
        self._vendors = dict(vendors or {})
        self._resolved: dict[tuple[str, str], tuple[tuple[Period, PriceSheet], ...]] = {}

    def prepare(self, targets: Iterable[Target]) -> tuple[str, ...]:
        """Look the targets' prices up ahead of traffic; returns the names of those whose price nobody knows."""
        return tuple(target.name for target in targets if not self._lookup(target.provider.name, target.model))

    def cost(self, target: Target, usage: Usage) -> Cost:
        """What `usage` costs at `target` now.

        The first call for a target reads the price list (some milliseconds); `prepare` does so ahead of traffic.
        """
        periods = self._lookup(target.provider.name, target.model)
        if len(periods) > 1:
            moment = datetime.fromtimestamp(self._clock.now(), UTC)
            for period, sheet in reversed(periods):
                if period.is_active(moment):
                    return sheet.cost(usage)
        return periods[0][1].cost(usage) if periods else UNKNOWN_COST

    def _lookup(self, provider: str, model: str) -> tuple[tuple[Period, PriceSheet], ...]:
        """The periods of a price, empty where it is unknown."""
        key = (provider, model)
        found = self._resolved.get(key)
        if found is None:
            if len(self._resolved) >= _MAX_RESOLVED:
                # Names that callers made up may pass through to a provider; they must not fill the memory.
                self._resolved.clear()
            found = self._resolved[key] = self._resolve(provider, model)
        return found

    def _resolve(self, provider: str, model: str) -> tuple[tuple[Period, PriceSheet], ...]:
        override = self._overrides.get((provider, model)) or self._overrides.get((provider, ANY_MODEL))
        if override is not None:
            rates = override.rates()
            return ((Period(rates), PriceSheet(rates)),)
        vendor = self._vendors.get(provider, provider)
        entry = find_model(self._table.read_bytes(), PRICE_LIST_IDS.get(vendor, vendor), model)
        if entry is None or not any(period.rates for period in entry.periods):
            return ()
        return tuple((period, PriceSheet(period.rates)) for period in entry.periods)


def find_model(table: bytes, provider: str, model: str) -> Model | None:
    """The list's entry for a provider's model, by the rules by which genai-prices finds it."""
    providers = msgspec.json.decode(table, type=dict[str, msgspec.Raw])
    if provider not in providers:
        return None
    own = msgspec.json.decode(providers[provider], type=Provider)
    name = model.lower()
    dashed = _COMPACT_DATE.sub(_dashed_date, name)
    for spelling in (name,) if dashed == name else (name, dashed):
        for entry in own.models:
            if entry.match.is_match(spelling):
                return entry
        for other in own.fallback:
            for entry in msgspec.json.decode(providers[other], type=Provider).models:
                if entry.match.is_match(spelling):
                    return entry
    return None


def _dashed_date(found: re.Match[str]) -> str:
    year, month, day = int(found[2]), int(found[3]), int(found[4])
    try:
        date(year, month, day)
    except ValueError:
        return found[0]
    return f"{found[1]}{year:04d}-{month:02d}-{day:02d}"
