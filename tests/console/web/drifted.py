"""Ten weeks of sums as the control plane makes them of the ledger, with three changes, each found by what finds them.

They are there before the ledger has anything: so the console's own control plane leaves them as they are.
"""

import math
import random
from collections.abc import Callable, Mapping

import msgspec
import psycopg
from tests.console.web.harness import HOSTILE, Console, until

from penstock.config.drift import DriftSettings
from penstock.core.clock import SystemClock
from penstock.storage.pool import connect
from penstock.testing.clock import FakeClock
from penstock.watch.drift import store
from penstock.watch.drift.checking import SETTLE_S, Checking
from penstock.watch.drift.tally import FEATURES, OCTAVES, Sums, least_of, measures_of

WEEKS = 9
HOURS = WEEKS * 168
Level = Callable[[int], float]
"""By hours before now, which are negative: a share's mean, or an amount's typical one."""
_OWN = {"share": 0.2, "mean": 0.2, "amount": 0.5, "length": 0.6, "tone": 0.4}
_SIGNS = (0.10, 0.02, 0.05, 0.40, 0.12, 0.30)
"""How far exchanges lie apart: a share's deviation, or a logarithm's."""
_PLAIN = ("share", "mean")


def _step(before: float, after: float, at: int) -> Level:
    return lambda hour: after if hour >= at else before


_ASSISTANTS: Mapping[str, tuple[int, Mapping[str, Level]]] = {
    "support": (
        60,
        {
            "groundedness": _step(0.91, 0.79, -60),
            "output_length": _step(180, 180, 0),
            "latency": _step(1.4, 1.4, 0),
            "failed": _step(0.012, 0.012, 0),
            "tone": _step(84, 84, 0),
            "tool_use": _step(0.3, 0.3, 0),
        },
    ),
    "sales": (
        40,
        {
            "cost": _step(420_000, 690_000, -200),
            "input_length": _step(260, 560, -400),
            "blocked": _step(0.02, 0.02, 0),
        },
    ),
    HOSTILE: (1, {"latency": _step(2.0, 2.0, 0)}),
}
_LOOKS = (-400 + 26, -200 + 26, -60 + 14, -60 + 26)


def add_drift(console: Console) -> None:
    rng = random.Random(5)  # noqa: S311 - made sums
    hour = int((SystemClock().now() - SETTLE_S) // store.HOUR_S)
    even = hour - hour % 2  # an hour in which it looks
    rows = [
        (hour + at, count, name, text)
        for name, (usual, levels) in _ASSISTANTS.items()
        for at, count, text in _hours(rng, usual, levels)
    ]
    with connect(console.database_url, name="test") as connection:
        connection.autocommit = True
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO drift_hours (hour, exchanges, assistant, features) VALUES (%s, %s, %s, %s)", rows
            )
            cursor.execute(
                "INSERT INTO drift_summed (hour, at) SELECT each, now() FROM generate_series(%s, %s) AS each",
                (hour - HOURS, hour - 1),
            )
        for look in _LOOKS:
            _look(connection, even + look)


def _look(connection: psycopg.Connection, hour: int) -> None:
    """As the control plane does at that hour; it may be at it itself, and then we wait."""
    checking = Checking(DriftSettings(), FakeClock(now_s=hour * store.HOUR_S + SETTLE_S + 1))
    until(lambda: store.is_alone(connection))
    checking.tend(connection)
    store.let_others(connection)


def _hours(rng: random.Random, usual: int, levels: Mapping[str, Level]) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    off = dict.fromkeys(levels, 0.0)
    for at in range(-HOURS, 0):
        if at % 24 == 0:
            off = {name: rng.gauss(0, 0.05 * _OWN[FEATURES[name]]) for name in levels}
        count = max(1, round(usual * (0.3 + abs(math.sin(at / 24 * math.pi))) * rng.uniform(0.7, 1.3)))
        sums = {name: _sums(rng, name, level(at), off[name], count) for name, level in levels.items()}
        found.append((at, count, msgspec.json.encode(sums).decode()))
    return found


def _sums(rng: random.Random, feature: str, level: float, off: float, count: int) -> Sums:
    kind = FEATURES[feature]
    own = _OWN[kind] if level > 0.5 else math.sqrt(level * (1 - level))
    middle = level if kind in _PLAIN else math.log(level)
    mean = middle + off * (own / _OWN[kind]) + rng.gauss(0, own / math.sqrt(count))
    if kind in _PLAIN:
        mean = min(1.0, max(0.0, mean))
    totals = [mean * count] + [0.0] * (len(measures_of(feature)) - 1)
    if kind == "length":
        parts = [_below(math.log(least_of(octave + 1)), mean, own) for octave in range(OCTAVES - 1)]
        totals[1:] = [count * (high - low) for low, high in zip([0.0, *parts], [*parts, 1.0], strict=True)]
    if kind == "tone":
        totals[1:] = [count * share for share in _SIGNS]
    return Sums(count, tuple(totals), count * (own * own + mean * mean))


def _below(value: float, mean: float, deviation: float) -> float:
    return 0.5 * (1 + math.erf((value - mean) / deviation / math.sqrt(2)))
