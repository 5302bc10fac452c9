"""Files of what was trained: one that is missing or not whole refuses the start, and says what it is."""

from collections.abc import Callable
from importlib.resources import files
from io import BytesIO

import numpy as np
import pytest

from penstock.cache.semantic.question import load_weights
from penstock.core.errors import ConfigError
from penstock.encoder.heads import arrays_of, shipped
from penstock.encoder.weights import WEIGHTS_SHA256
from penstock.guard.injection.head import load_head
from penstock.guard.personal.names.network import load
from penstock.guard.policy.harm import load_harm
from penstock.routing.complexity import load_complexity

LOADS: dict[str, Callable[[], object]] = {
    "penstock.guard.injection.head": load_head,
    "penstock.guard.policy.harm": load_harm,
    "penstock.guard.personal.names.network": load,
    "penstock.routing.complexity": load_complexity,
    "penstock.cache.semantic.question": lambda: load_weights(encoder_sha256=WEIGHTS_SHA256),
}


def without(name: str) -> bytes:
    file = BytesIO()
    np.savez(file, allow_pickle=False, **{f"not {name}": np.zeros(1)})
    return file.getvalue()


@pytest.mark.parametrize("module", LOADS)
@pytest.mark.parametrize(
    "data", [None, b"", b"PK\x03\x04 half a file", b"no file of arrays", without("it")], ids=["none", *"abcd"]
)
def test_a_file_that_is_missing_or_not_whole_is_refused(
    module: str, data: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(package: str, name: str) -> bytes | None:
        del package, name
        return data

    monkeypatch.setattr(f"{module}.shipped", found)
    with pytest.raises(ConfigError, match="cannot be loaded"):
        LOADS[module]()


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_one_that_was_cut_off_is_refused(share: float) -> None:
    whole = files("penstock.guard.injection").joinpath("injection.npz").read_bytes()
    with (
        pytest.raises(ConfigError, match="the head cannot be loaded"),
        arrays_of(whole[: int(len(whole) * share)], "the head") as arrays,
    ):
        [arrays[name] for name in arrays]


def test_what_is_not_shipped_is_not_there() -> None:
    assert shipped("penstock.guard.injection", "no.npz") is None
