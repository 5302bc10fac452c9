"""Models of others: which can be used, how their vectors are taken, and what is refused before the first text."""

# pyright: reportPrivateUsage=false
# What is inside is compared with what comes out.

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from tests.encoder import foreign

from penstock.config.texts.encoder import EncoderSettings
from penstock.core.errors import ConfigError
from penstock.encoder.files import TOKENIZER, sha256_of
from penstock.encoder.load import load_model
from penstock.encoder.model import Model, Pooling

onnx_library: Any = onnx  # its functions are typed in parts


@pytest.fixture
def tokenizer(encoder_folder: Path) -> Path:
    return encoder_folder / TOKENIZER


def mean_of(model: Model, text: str) -> np.ndarray:
    ids = [*model._before, *model._tokens(text).ids, *model._after]
    mean = foreign.table()[ids].mean(axis=0)
    return mean / np.linalg.norm(mean)


def test_without_an_output_for_the_sentence_it_is_the_mean_of_all_tokens(tmp_path: Path, tokenizer: Path) -> None:
    model = Model(foreign.write(tmp_path / "m.onnx"), tokenizer)
    found = model.encode("pay the rent")
    assert model.width == foreign.WIDTH
    assert np.allclose(found.sentence, mean_of(model, "pay the rent"), atol=1e-6)
    assert found.tokens.shape == (3, foreign.WIDTH)


@pytest.mark.parametrize(
    ("second", "pooling", "is_own"),
    [
        ("sentence_embedding", "auto", True),
        ("sentence_embedding", "mean", False),
        ("pooler_output", "auto", False),
        ("pooler_output", "cls", True),
    ],
)
def test_which_vector_stands_for_the_text(
    tmp_path: Path, tokenizer: Path, second: str, pooling: Pooling, *, is_own: bool
) -> None:
    model = Model(foreign.write(tmp_path / "m.onnx", second=second), tokenizer, pooling=pooling)
    first = foreign.table()[model._before[0]]
    expected = first / np.linalg.norm(first) if is_own else mean_of(model, "pay")
    assert np.allclose(model.encode("pay").sentence, expected, atol=1e-6)


def test_token_types_are_given_where_the_model_wants_them(tmp_path: Path, tokenizer: Path) -> None:
    path = foreign.write(tmp_path / "m.onnx", inputs=("input_ids", "attention_mask", "token_type_ids"))
    assert Model(path, tokenizer).encode("pay").sentence.any()
    assert Model(foreign.write(tmp_path / "n.onnx", inputs=("input_ids",)), tokenizer).encode("pay").sentence.any()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"inputs": ("pixels",)}, "no sentence encoder: its inputs are pixels"),
        ({"inputs": ("input_ids", "position_ids")}, "its inputs are input_ids, position_ids"),
        ({"input_type": TensorProto.INT32}, r"tensor\(int32\).*, not tensor\(int64\)"),
        ({"longest": 200}, "does not take a window of 256 tokens"),
        ({"vectors": np.full((foreign.WORDS, foreign.WIDTH), np.nan, np.float32)}, "gives no usable vectors"),
        ({"vectors": np.zeros((foreign.WORDS, foreign.WIDTH), np.float32)}, "gives no usable vectors"),
        ({"vectors": foreign.table()[:100]}, "does not take a window"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, tokenizer: Path, options: dict[str, object], why: str) -> None:
    path = foreign.write(tmp_path / "m.onnx", **options)  # pyright: ignore[reportArgumentType] - each by its own name
    with pytest.raises(ConfigError, match=why):
        Model(path, tokenizer)


def test_a_model_of_short_texts_can_be_used_with_windows_that_it_takes(tmp_path: Path, tokenizer: Path) -> None:
    model = Model(foreign.write(tmp_path / "m.onnx", longest=200), tokenizer, max_tokens=200)
    assert len(model.encode("word " * 500).tokens) == 500


def test_a_model_without_vectors_of_its_tokens_is_refused(tmp_path: Path, tokenizer: Path) -> None:
    path = foreign.write(tmp_path / "m.onnx", second="sentence_embedding")
    model = onnx_library.load(str(path))
    del model.graph.output[1]
    onnx_library.save_model(model, str(path))
    with pytest.raises(ConfigError, match="it has no output of token vectors"):
        Model(path, tokenizer)


def test_weights_in_another_file_are_refused_since_the_hash_says_nothing_of_them(
    tmp_path: Path, tokenizer: Path
) -> None:
    path = foreign.write(tmp_path / "m.onnx")
    onnx_library.save_model(
        onnx_library.load(str(path)), str(path), save_as_external_data=True, location="m.data", size_threshold=0
    )
    with pytest.raises(ConfigError, match="keeps its weights in other files"):
        Model(path, tokenizer)


@pytest.mark.parametrize(("content", "why"), [(b"", "it is empty"), (b"not a model", "cannot be loaded as a model")])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, tokenizer: Path, content: bytes, why: str) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ConfigError, match=why):
        Model(tmp_path / "m.onnx", tokenizer)
    with pytest.raises(ConfigError, match="No such file"):
        Model(tmp_path / "elsewhere.onnx", tokenizer)


@pytest.mark.parametrize("content", ["", "{}", '{"model": {}}'])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ConfigError, match="cannot be loaded as a tokenizer"):
        Model(foreign.write(tmp_path / "m.onnx"), tmp_path / "tokenizer.json")


def test_a_window_without_room_for_a_text_is_refused(tmp_path: Path, tokenizer: Path) -> None:
    with pytest.raises(ConfigError, match="a window of 2 tokens has no room"):
        Model(foreign.write(tmp_path / "m.onnx"), tokenizer, max_tokens=2)


def test_the_settings_name_files_beside_the_configuration_and_their_hash(tmp_path: Path, tokenizer: Path) -> None:
    path = foreign.write(tmp_path / "own.onnx")
    (tmp_path / "own.json").write_bytes(tokenizer.read_bytes())
    chosen = EncoderSettings(model="own.onnx", tokenizer="own.json", sha256=sha256_of(path), max_tokens=64, windows=2)
    model = load_model(chosen, beside=tmp_path)
    assert (model.width, model.weights_sha256) == (foreign.WIDTH, sha256_of(path))
    wrong = EncoderSettings(model="own.onnx", tokenizer="own.json", sha256="0" * 64)
    with pytest.raises(ConfigError, match=f"encoder.sha256: .*its sha256 is {sha256_of(path)}"):
        load_model(wrong, beside=tmp_path)
    with pytest.raises(ConfigError, match=r"encoder.tokenizer: .*No such file"):
        load_model(EncoderSettings(model="own.onnx", tokenizer="no.json", sha256="0" * 64), beside=tmp_path)
    with pytest.raises(ConfigError, match=r"encoder.model: .*No such file"):
        load_model(EncoderSettings(model="no.onnx", tokenizer="own.json", sha256="0" * 64), beside=tmp_path)
