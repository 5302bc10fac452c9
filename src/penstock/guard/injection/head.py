"""The injection head: what the encoder's tokens add to the signs, for texts that may not instruct.

For each unit: the mean of its token vectors in 64 directions, how unlike its text it is, its signs and those beside
it, and one hidden layer.  What was put into a document speaks of something else, and asks.  Shipped as `injection.npz`,
made by `python -m training.injection`.  numpy is needed here and nowhere else in this room.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from penstock.encoder.heads import arrays_of, shipped
from penstock.guard.injection.signs import FEATURES, Signs
from penstock.guard.injection.weigh import Scale

Array = NDArray[np.float32]

STRANGE: Final = 4
"""Features of how unlike its text a unit is."""
_FEW: Final = 3
_AT_ONCE: Final = 10
_LEAST_NORM: Final = 1e-9


class Tokens(Protocol):
    """What one pass of the encoder gives; `encoder.Encoded` is one."""

    @property
    def tokens(self) -> Array: ...
    @property
    def spans(self) -> tuple[tuple[int, int], ...]: ...


def signs_of(signs: Signs) -> tuple[Array, Array]:
    """A row for each unit: its own signs, and those of the units beside it."""
    own = np.zeros((len(signs.rows), len(FEATURES)), np.float32)
    for at, row in enumerate(signs.rows):
        own[at, list(row)] = 1.0
    beside = np.zeros_like(own)
    beside[1:] = own[:-1]
    beside[:-1] = np.maximum(beside[:-1], own[1:])
    return own, beside


def unit_means(signs: Signs, encoded: Tokens) -> Array:
    """The mean of each unit's token vectors; zero for a unit that the encoder did not read."""
    found = np.zeros((len(signs.spans), encoded.tokens.shape[1]), np.float32)
    if not encoded.spans or not signs.spans:
        return found
    starts = np.array([begin for begin, _ in signs.spans])
    unit = np.searchsorted(starts, np.array([begin for begin, _ in encoded.spans]), side="right") - 1
    unit = np.maximum.accumulate(np.maximum(unit, 0))
    firsts = np.flatnonzero(np.diff(unit, prepend=-1))
    counts = np.diff(firsts, append=len(unit))
    found[unit[firsts]] = np.add.reduceat(encoded.tokens, firsts, axis=0) / counts[:, None]
    return found


def strangeness(means: Array) -> Array:
    """How unlike its text a unit is: its likeness to the rest, before and after the text's average is taken off, and to
    the units beside it.  Zero where there are too few units to tell which is the strange one.
    """
    found = np.zeros((len(means), STRANGE), np.float32)
    if len(means) < _FEW:
        return found
    plain = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), _LEAST_NORM)
    rest = plain.sum(axis=0) - plain
    rest /= np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), _LEAST_NORM)
    likeness = (plain * rest).sum(axis=1)
    beside = (plain[1:] * plain[:-1]).sum(axis=1)
    found[:, 0] = likeness - likeness.mean()
    found[1:, 1] = beside - beside.mean()
    found[:-1, 2] = beside - beside.mean()
    found[:, 3] = likeness
    return found


@dataclass(frozen=True, slots=True)
class Head:
    """Blocking, well under a millisecond, safe in any thread.  `scale` is for the mean of its totals and the signs'."""

    encoder_sha256: str
    mean: Array
    directions: Array
    strange: Array
    beside: NDArray[np.int64]
    hidden: Array
    hidden_bias: Array
    out: Array
    direct: Array
    bias: float
    scale: Scale

    def unit_totals(self, signs: Signs, encoded: Tokens) -> Array:
        """One for each unit of the text that was encoded; units that the encoder left out count by their signs."""
        if not signs.spans:
            return np.zeros(0, np.float32)
        means = unit_means(signs, encoded)
        own, beside = signs_of(signs)
        rows = self.features(own, beside, means, strangeness(means))
        found = np.maximum(rows @ self.hidden + self.hidden_bias, 0.0) @ self.out + rows @ self.direct + self.bias
        return found.astype(np.float32, copy=False)

    def features(self, own: Array, beside: Array, means: Array, strange: Array) -> Array:
        """As the hidden layer reads them; a unit that the encoder did not read is an average one."""
        around = np.where(means.any(axis=1, keepdims=True), means - self.mean, np.float32(0.0))
        # Ten rows at once: of more, the product would be shared out to all cores, and waiting for them takes longer.
        parts = [around[at : at + _AT_ONCE] @ self.directions for at in range(0, len(around), _AT_ONCE)]
        return np.hstack([own, beside[:, self.beside], strange * self.strange, np.concatenate(parts)])


def load_head() -> Head:
    """The head that is shipped.  Raises `ConfigError` where it is not there or not whole.

    It belongs to the encoder whose weights have `encoder_sha256`; whoever uses it with another must refuse.
    """
    with arrays_of(shipped("penstock.guard.injection", "injection.npz"), "the injection head") as data:
        return Head(
            encoder_sha256=str(data["encoder_sha256"]),
            mean=data["mean"].astype(np.float32),
            directions=data["directions"].astype(np.float32),
            strange=data["strange"],
            beside=data["beside"],
            hidden=data["hidden"].astype(np.float32),
            hidden_bias=data["hidden_bias"],
            out=data["out"],
            direct=data["direct"],
            bias=float(data["bias"]),
            scale=Scale(float(data["middle"]), float(data["slope"])),
        )
