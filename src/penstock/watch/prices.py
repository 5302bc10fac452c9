"""What a usage costs at a target: `core.ports.PriceList` over the published price list and the operator's own prices.

The price list is genai-prices', compiled into a file of the data directory by a short-lived process
(`ensure_table`, on start).  A target's price is looked up in it once and kept; the rest of the list is forgotten again.
A price that nobody knows is unknown, never zero: only an override of the operator's makes a model free.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import msgspec

from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.core.ports import Target
from penstock.core.usage import UNKNOWN_COST, Cost, Usage
from penstock.watch.price_rules import Model, PriceSheet, Provider
from penstock.watch.price_spans import Listed, Schedule, Span, TokenPrice

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


_SIM = "sim"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedPrice:
    """An operator's price for a provider's model (or `ANY_MODEL`), from `since` on and before `until`: days, UTC.

    With `region` it is for targets there alone.
    """

    provider: str
    model: str
    price: TokenPrice
    region: str | None = None
    since: date | None = None
    until: date | None = None


class PriceBook:
    """`core.ports.PriceList`.

    `table` is `ensure_table`'s file.  `dated` prices come first, the narrower before the wider; then `overrides`, keyed
    by provider name and upstream model, or `ANY_MODEL`; then the list.  `vendors` says which vendor stands behind a
    provider whose name is the operator's own; a provider that is not in it is taken to be named for its vendor.
    """

    def __init__(
        self,
        table: Path,
        *,
        clock: Clock,
        overrides: Mapping[tuple[str, str], TokenPrice] | None = None,
        dated: Sequence[DatedPrice] = (),
        vendors: Mapping[str, str] | None = None,
    ) -> None:
        self._table = table
        self._clock = clock
        self._overrides = dict(overrides or {})
        self._dated = tuple(dated)
        self._vendors = dict(vendors or {})
        self._resolved: dict[tuple[str, str, str | None], Schedule] = {}

    def prepare(self, targets: Iterable[Target]) -> tuple[str, ...]:
        """Look the targets' prices up ahead of traffic; returns the names of those whose price nobody knows now."""
        now = self._clock.now()
        return tuple(
            target.name
            for target in targets
            if (sheet := self.schedule(target.provider.name, target.model, target.region).at(now)) is None
            or sheet.is_empty
        )

    def cost(self, target: Target, usage: Usage, *, at: float | None = None) -> Cost:
        """What `usage` costs at `target` for an exchange that began at the Unix time `at` (None: now).

        The first call for a target reads the price list (some milliseconds); `prepare` does so ahead of traffic.
        """
        schedule = self.schedule(target.provider.name, target.model, target.region)
        sheet = schedule.at(self._clock.now() if at is None else at)
        return UNKNOWN_COST if sheet is None else sheet.cost(usage)

    def schedule(self, provider: str, model: str, region: str | None = None) -> Schedule:
        """When which price of a provider's model holds."""
        key = (provider, model, region)
        found = self._resolved.get(key)
        if found is None:
            if len(self._resolved) >= _MAX_RESOLVED:
                # Names that callers made up may pass through to a provider; they must not fill the memory.
                self._resolved.clear()
            found = self._resolved[key] = self._resolve(provider, model, region)
        return found

    def is_listed(self, provider: str, model: str) -> bool:
        """Whether the price list knows the provider's model, with or without a price."""
        return self._entry(provider, model) is not None

    def _resolve(self, provider: str, model: str, region: str | None) -> Schedule:
        levels = [
            [
                _span(each.price, "configuration", each.since, each.until)
                for each in self._dated
                if (each.provider, each.model, each.region) == (provider, named, place)
            ]
            for named in (model, ANY_MODEL)
            for place in ((None,) if region is None else (region, None))
        ]
        own = self._overrides.get((provider, model)) or self._overrides.get((provider, ANY_MODEL))
        if own is not None:
            levels.append([_span(own, "configuration")])
        elif provider == _SIM:
            levels.append([_span(SIM_PRICE, "built in")])
        entry = self._entry(provider, model)
        if entry is None or not any(period.rates for period in entry.periods):
            return Schedule(levels, (), self.source)
        return Schedule(levels, [Listed(period, PriceSheet(period.rates)) for period in entry.periods], self.source)

    def _entry(self, provider: str, model: str) -> Model | None:
        vendor = self._vendors.get(provider, provider)
        return find_model(self._table.read_bytes(), PRICE_LIST_IDS.get(vendor, vendor), model)

    @property
    def source(self) -> str:
        """The price list and its version."""
        return f"genai-prices {version('genai-prices')}"


def _span(price: TokenPrice, source: str, since: date | None = None, until: date | None = None) -> Span:
    rates = price.rates()
    return Span(rates, PriceSheet(rates), source, since, until)


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
