"""Small heads on the encoder's vectors: read whole, and only for the encoder that they were trained on."""

from pathlib import Path

import numpy as np
import pytest

from penstock.core.errors import ConfigError
from penstock.encoder.files import WEIGHTS_SHA256
from penstock.encoder.heads import load_head, read_head


def write(path: Path, **changed: object) -> Path:
    parts = {
        "weight": np.array([[1.0, 0.0], [0.0, 2.0]], np.float32),
        "bias": np.array([0.0, -1.0], np.float32),
        "labels": np.array(["easy", "hard"]),
        "encoder_sha256": np.array(WEIGHTS_SHA256),
    } | changed
    np.savez(path, **parts)  # pyright: ignore[reportArgumentType] - each by its own name
    return path


def test_a_head_gives_a_score_for_each_label(tmp_path: Path) -> None:
    head = read_head(write(tmp_path / "h.npz"), "h", encoder_sha256=WEIGHTS_SHA256)
    assert head.labels == ("easy", "hard")
    assert head.scores(np.array([0.5, 1.5], np.float32)).tolist() == [0.5, 2.0]


def test_a_head_of_one_score_gives_a_probability(tmp_path: Path) -> None:
    path = write(tmp_path / "h.npz", weight=np.array([[2.0, 0.0]]), bias=np.array([-1.0]), labels=np.array(["hard"]))
    head = read_head(path, "h", encoder_sha256=WEIGHTS_SHA256)
    assert head.probability(np.array([0.5, 9.0], np.float32)) == pytest.approx(0.5)
    assert head.probability(np.array([5.0, 9.0], np.float32)) > 0.99


def test_a_head_of_another_encoder_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "h.npz")
    with pytest.raises(ConfigError, match="trained on another encoder"):
        read_head(path, "h", encoder_sha256="0" * 64)


def test_a_head_that_is_not_there_is_said() -> None:
    with pytest.raises(ConfigError, match="there is no head `nowhere`"):
        load_head("nowhere", encoder_sha256=WEIGHTS_SHA256)


@pytest.mark.parametrize(
    "changed",
    [
        {"weight": np.array([1.0])},
        {"bias": np.array([1.0])},
        {"weight": np.array([[np.nan, 0.0], [0.0, 1.0]])},
        {"weight": np.array([{"a": 1}], object)},
    ],
    ids=["a row", "a short bias", "not a number", "an object"],
)
def test_a_damaged_head_is_refused(tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="is damaged"):
        read_head(write(tmp_path / "h.npz", **changed), "h", encoder_sha256=WEIGHTS_SHA256)


@pytest.mark.parametrize("keep", [0, 20, 300])
def test_a_head_that_was_cut_off_is_refused(tmp_path: Path, keep: int) -> None:
    path = write(tmp_path / "h.npz")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ConfigError, match="is damaged"):
        read_head(path, "h", encoder_sha256=WEIGHTS_SHA256)
