"""How the injection guard's sum and its networks are fitted: with numpy alone, and the same every time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from training.injection_table import Array, Mask

_HIDDEN: Final = 24


@dataclass(frozen=True, slots=True)
class Network:
    """One hidden layer, with a direct way from the features to the total."""

    weight: Array
    bias: Array
    out: Array
    direct: Array
    constant: float

    def totals(self, rows: Array) -> Array:
        return (np.maximum(rows @ self.weight + self.bias, 0.0) @ self.out + rows @ self.direct + self.constant).astype(
            np.float32
        )


@dataclass(frozen=True, slots=True)
class Plane:
    """A sum: what each column is worth, none less than nothing."""

    weight: Array
    constant: float


def sigmoid(totals: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-np.clip(totals, -30.0, 30.0)))


class _Adam:
    """Steps of the usual kind, which grow smaller to a tenth."""

    def __init__(self, values: Sequence[Array], rate: float, steps: int) -> None:
        self.values = [each.copy() for each in values]
        self._first = [np.zeros_like(each) for each in values]
        self._second = [np.zeros_like(each) for each in values]
        self._rate, self._steps, self._at = rate, steps, 0

    def step(self, slopes: Sequence[Array]) -> None:
        self._at += 1
        rate = self._rate * (1.0 - 0.9 * self._at / self._steps)
        for at, slope in enumerate(slopes):
            self._first[at] += 0.1 * (slope - self._first[at])
            self._second[at] += 0.01 * (slope * slope - self._second[at])
            spread = np.sqrt(self._second[at] / (1 - 0.99**self._at)) + 1e-9
            self.values[at] -= rate * (self._first[at] / (1 - 0.9**self._at)) / spread


def fit_plane(columns: Array, is_attack: Mask, weights: Array, *, steps: int = 400, penalty: float = 0.002) -> Plane:
    share = weights / weights.sum()
    adam = _Adam([np.full(columns.shape[1], 0.2, np.float32), np.array([-2.0], np.float32)], 0.05, steps)
    for _ in range(steps):
        weight, constant = adam.values
        error = ((sigmoid(columns @ weight + constant) - is_attack) * share).astype(np.float32)
        adam.step([columns.T @ error + penalty * weight, error.sum(keepdims=True)])
        np.maximum(adam.values[0], 0.0, out=adam.values[0])
    return Plane(adam.values[0], float(adam.values[1][0]))


def fit_network(
    rows: Array, is_attack: Mask, weights: Array, signed: Array, *, seed: int, steps: int, penalty: float = 1e-4
) -> Network:
    """`signed` says of each column whether it may only add (1), only take off (-1), either (0), or is not used (nan).

    With what only adds and outputs that do too, no sign of an attack ever makes a text less suspicious.
    """
    chance = np.random.default_rng(seed)
    width = rows.shape[1]
    share = weights / weights.sum()
    adam = _Adam(
        [
            (chance.normal(size=(width, _HIDDEN)) / np.sqrt(width)).astype(np.float32),
            np.zeros(_HIDDEN, np.float32),
            (chance.normal(size=_HIDDEN) / np.sqrt(_HIDDEN)).astype(np.float32),
            np.zeros(width, np.float32),
            np.array([-1.0], np.float32),
        ],
        0.02,
        steps,
    )
    _keep_signed(adam.values, signed)
    for _ in range(steps):
        weight, bias, out, direct, constant = adam.values
        inner = rows @ weight + bias
        hidden = np.maximum(inner, 0.0)
        error = ((sigmoid(hidden @ out + rows @ direct + constant) - is_attack) * share).astype(np.float32)
        back = np.outer(error, out) * (inner > 0)
        adam.step(
            [
                rows.T @ back + penalty * weight,
                back.sum(axis=0),
                hidden.T @ error + penalty * out,
                rows.T @ error,
                error.sum(keepdims=True),
            ]
        )
        _keep_signed(adam.values, signed)
    weight, bias, out, direct, constant = adam.values
    return Network(weight, bias, out, direct, float(constant[0]))


def _keep_signed(values: Sequence[Array], signed: Array) -> None:
    weight, _, out, direct, _ = values
    np.maximum(out, 0.0, out=out)
    for part in (weight, direct):
        part[signed > 0] = np.maximum(part[signed > 0], 0.0)
        part[signed < 0] = np.minimum(part[signed < 0], 0.0)
        part[np.isnan(signed)] = 0.0
