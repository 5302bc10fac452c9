"""Small heads on the encoder's pass: linear maps that were trained on its vectors and are shipped as package data.

Each has a model card beside it (`heads/<name>.md`: data, metrics, limits) and is made by a script in `training/`.  A
head belongs to the encoder that it was trained on: with another one it would say nonsense, so it is refused.
"""

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from zipfile import BadZipFile

import numpy as np

from penstock.core.errors import ConfigError
from penstock.encoder.model import Vector


@dataclass(frozen=True, slots=True)
class Head:
    """`weight` is [classes, features] and `bias` [classes], or one row for a head of one score."""

    name: str
    labels: tuple[str, ...]
    weight: Vector
    bias: Vector

    def scores(self, features: Vector) -> Vector:
        """One number for each label, before any softmax or sigmoid."""
        return self.weight @ features + self.bias

    def probability(self, features: Vector) -> float:
        """Of the one label of a head with one row, between 0 and 1."""
        return float(1.0 / (1.0 + np.exp(-self.scores(features)[0])))


def load_head(name: str, *, encoder_sha256: str) -> Head:
    """A shipped head, for an encoder whose `weights_sha256` is this one.

    Raises `ConfigError` where there is none, it is damaged, or it was trained on another encoder.
    """
    return read_head(files("penstock.encoder") / "heads_data" / f"{name}.npz", name, encoder_sha256=encoder_sha256)


def read_head(source: Traversable, name: str, *, encoder_sha256: str) -> Head:
    """As `load_head`, from its file: `weight`, `bias`, `labels`, and `encoder_sha256`, what it was trained on."""
    try:
        with source.open("rb") as file, np.load(file, allow_pickle=False) as data:
            trained_on = str(data["encoder_sha256"])
            weight, bias = (np.asarray(data[part], np.float32) for part in ("weight", "bias"))
            labels = tuple(str(label) for label in data["labels"])
    except FileNotFoundError:
        raise ConfigError(f"there is no head `{name}`") from None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ConfigError(f"the head `{name}` is damaged ({error}): install Penstock again") from None
    if trained_on != encoder_sha256:
        raise ConfigError(f"the head `{name}` was trained on another encoder: it cannot be used with this one")
    if weight.ndim != 2 or bias.shape != weight.shape[:1] or not np.isfinite(weight).all():
        raise ConfigError(f"the head `{name}` is damaged (its numbers do not fit): install Penstock again")
    return Head(name, labels, weight, bias)
