"""A text in, vectors out: whatever the text is, and however long."""

# pyright: reportPrivateUsage=false
# What is inside is compared with what comes out.

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.encoder.files import MODEL, TOKENIZER
from penstock.encoder.model import Encoded, Model

LONG = "The tenant pays the rent on the first day of each month. " * 60


@pytest.fixture(scope="module")
def model(encoder_folder: Path) -> Model:
    return Model(encoder_folder / MODEL, encoder_folder / TOKENIZER)


def same(one: Encoded, other: Encoded) -> bool:
    return np.array_equal(one.sentence, other.sentence) and np.array_equal(one.tokens, other.tokens)


def is_unit(found: Encoded) -> bool:
    return abs(float(found.sentence @ found.sentence) - 1.0) < 1e-5


def test_a_question_is_nearer_to_its_paraphrase_than_to_another_question(model: Model) -> None:
    refund, money, weather = (
        model.encode(text).sentence
        for text in ("How do I get a refund?", "I want my money back.", "It will rain today.")
    )
    assert float(refund @ money) > 0.5 > float(refund @ weather)


def test_a_text_is_the_same_alone_and_after_others(model: Model, encoder_folder: Path) -> None:
    alone = Model(encoder_folder / MODEL, encoder_folder / TOKENIZER).encode("My card was declined.")
    for other in ("", LONG, "😀", "x" * 5_000):
        model.encode(other)
    assert same(model.encode("My card was declined."), alone)


def test_spans_point_at_the_characters_of_the_text(model: Model) -> None:
    text = "Größe: 4,5 kg — naïve café, 東京 №7 ok"
    found = model.encode(text)
    assert len(found.spans) == len(found.tokens)
    assert [text[begin:end] for begin, end in found.spans][-2:] == ["7", "ok"]
    words = "".join(text[begin:end] for begin, end in found.spans)
    assert words == text.replace(" ", "")


def test_spans_behind_characters_of_four_bytes_still_point_right(model: Model) -> None:
    text = "😀😀 pay 𓀀𓀁 now"
    found = model.encode(text)
    assert text[slice(*found.spans[-1])] == "now"
    assert text[slice(*found.unknown[0])] == "😀😀"


@pytest.mark.parametrize("text", ["", "   \n\t ", "\x00\x01", "\u200b"])
def test_a_text_without_a_token_is_zero(model: Model, text: str) -> None:
    found = model.encode(text)
    assert not found.sentence.any()
    assert found.sentence.shape == (model.width,)
    assert (found.tokens.shape, found.spans, found.is_whole) == ((0, model.width), (), True)


def test_emoji_alone_resemble_nothing_not_even_each_other(model: Model) -> None:
    party, sad = model.encode("🎉🎉"), model.encode("😢")
    assert not party.sentence.any()
    assert not sad.sentence.any()
    assert (party.unknown, sad.unknown) == (((0, 2),), ((0, 1),))


def test_what_the_model_has_no_word_for_is_told(model: Model) -> None:
    text = "I feel 😢 about it"
    found = model.encode(text)
    assert [text[slice(*span)] for span in found.unknown] == ["😢"]
    assert same(found, model.encode(text.replace("😢", "🎉"))), "which is why it must be told"
    assert model.encode("I feel sad about it").unknown == ()


def test_mixed_scripts_are_read(model: Model) -> None:
    text = "Hello мир 世界 مرحبا γειά"
    found = model.encode(text)
    assert is_unit(found)
    assert text[slice(*found.spans[-1])].endswith("ά")


def test_unpaired_surrogates_are_read_as_question_marks(model: Model) -> None:
    found = model.encode("pay \ud83d now \udc00")
    assert is_unit(found)
    assert same(found, model.encode("pay ? now ?"))
    assert found.spans == model.encode("pay ? now ?").spans


@settings(deadline=None, max_examples=40)
@given(text=st.text(st.characters(codec=None), max_size=60))
def test_any_text_has_vectors_and_spans_within_it(model: Model, text: str) -> None:
    found = model.encode(text)
    assert np.isfinite(found.sentence).all()
    assert is_unit(found) or not found.sentence.any()
    assert all(0 <= begin < end <= len(text) for begin, end in found.spans)
    assert set(found.unknown) <= set(found.spans)


def test_a_long_text_is_the_mean_of_its_windows_by_their_tokens(encoder_folder: Path) -> None:
    model = Model(encoder_folder / MODEL, encoder_folder / TOKENIZER, max_tokens=34)
    text = " ".join(f"word {number} of many," for number in range(40))
    found = model.encode(text)
    assert found.is_whole
    ids = model._tokens(text).ids
    windows = list(model._windows(ids))
    assert len(found.tokens) == len(ids) == sum(len(window) for window in windows)
    assert len(windows) == -(-len(ids) // 32)
    assert max(map(len, windows)) - min(map(len, windows)) <= 1
    parts = [model._run(window) for window in windows]
    total = sum(len(tokens) * sentence for tokens, sentence in parts)
    assert np.allclose(found.sentence, total / np.linalg.norm(total), atol=1e-6)
    assert np.array_equal(found.tokens, np.concatenate([tokens for tokens, _ in parts]))
    assert is_unit(found)


def test_of_a_very_long_text_the_middle_is_left_out_and_that_is_told(encoder_folder: Path) -> None:
    model = Model(encoder_folder / MODEL, encoder_folder / TOKENIZER, max_tokens=34, max_windows=4)
    text = "begin " + "x1 " * 500 + "end"
    found = model.encode(text)
    assert not found.is_whole
    assert len(found.tokens) == len(found.spans) == 4 * 32
    assert (text[slice(*found.spans[0])], text[slice(*found.spans[-1])]) == ("begin", "end")
    assert model.encode("x1 " * 40).is_whole


@pytest.mark.parametrize(
    "piece", ["word ", "世", "a\ud800 ", "x"], ids=["words", "ideograms", "surrogates", "one word"]
)
def test_200_000_tokens_take_no_longer_than_what_is_read_of_them(model: Model, piece: str) -> None:
    def cpu_s(text: str) -> float:
        began = time.thread_time()
        model.encode(text)
        return time.thread_time() - began

    full = min(cpu_s("word " * 2_032) for _ in range(2))
    assert cpu_s(piece * 200_000) < 3 * full
    assert len(model.encode(piece * 200_000).tokens) <= 8 * 254


def test_what_vectors_depend_on_is_in_their_identity(encoder_folder: Path) -> None:
    def identity(**settings: object) -> str:
        return Model(encoder_folder / MODEL, encoder_folder / TOKENIZER, **settings).identity  # pyright: ignore[reportArgumentType] - each by its own name

    plain = identity()
    others = [identity(max_tokens=128), identity(max_windows=2), identity(pooling="cls"), identity(pooling="mean")]
    assert plain == identity()
    assert len({plain, *others}) == 5


def test_the_mean_of_the_tokens_is_what_the_model_itself_says(model: Model, encoder_folder: Path) -> None:
    mean = Model(encoder_folder / MODEL, encoder_folder / TOKENIZER, pooling="mean")
    text = "Where is my parcel?"
    assert np.allclose(mean.encode(text).sentence, model.encode(text).sentence, atol=1e-6)
