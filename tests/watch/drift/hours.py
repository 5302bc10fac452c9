"""Hours of exchanges whose course is known, for the tests of drift."""

import math
import random
from collections.abc import Callable, Mapping

from penstock.watch.drift.series import Piece
from penstock.watch.drift.tally import Sums


def hours_of(
    mean: Callable[[int], float],
    *,
    hours: int,
    seed: int = 7,
    own: float = 0.22,
    days: float = 0.01,
    left: float = 0.0,
    count: int = 60,
) -> dict[int, Piece]:
    """Values between 0 and 1 that lie apart by `days` from day to day, beyond their own deviation.

    So much as is `left` of it is there the next day too.
    """
    rng = random.Random(seed)  # noqa: S311 - a test's traffic
    found: dict[int, Piece] = {}
    off = 0.0
    for hour in range(hours):
        if hour % 24 == 0:
            off = left * off + math.sqrt(1 - left * left) * rng.gauss(0, days)
        many = max(1, round(count * (0.2 + abs(math.sin(hour / 24 * math.pi))) * rng.uniform(0.5, 1.5)))
        level = mean(hour) + off
        total = min(many, max(0.0, level * many + rng.gauss(0, own * math.sqrt(many))))
        found[hour] = Piece(many, total, many * own * own + total * total / many)
    return found


def sums_of(pieces: Mapping[int, Piece]) -> dict[int, Sums]:
    return {hour: Sums(int(piece.count), (piece.total,), piece.squares) for hour, piece in pieces.items()}
