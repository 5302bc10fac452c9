"""A text taken apart is what `surface.read` says of it as a whole, whatever was read before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.guard.personal.names.known import FLAGS, Known
from penstock.guard.personal.names.surface import BUCKETS, LINE_BEFORE, SHAPES, read
from penstock.guard.personal.names.written import Tables, Written, words_of

ODD = "aB9 é\u0301ÜßİŁ.,-'\n\t\x85\u200b\u2028\u3000東京🙂\ud800\U0001f468\u200d\U000e0041أحمد"
TEXTS = st.text(st.one_of(st.sampled_from(ODD), st.characters()), max_size=60)
COLUMNS, WIDTH = 3, 7
CHANCE = np.random.default_rng(1)


def drawn(*shape: int) -> np.ndarray:
    return CHANCE.normal(size=shape).astype(np.float32)


TABLES = Tables(
    letters=CHANCE.integers(-99, 99, (BUCKETS, COLUMNS), np.int8),
    letters_step=np.full(COLUMNS, 0.01, np.float32),
    words=CHANCE.integers(-99, 99, (BUCKETS, COLUMNS), np.int8),
    words_step=np.full(COLUMNS, 0.01, np.float32),
    edges=CHANCE.integers(-99, 99, (BUCKETS, COLUMNS), np.int8),
    edges_step=np.full(COLUMNS, 0.01, np.float32),
    known=Known(np.sort(CHANCE.integers(0, 1 << 32, 50, np.uint32)), CHANCE.integers(1, 255, 50, np.uint8)),
)
WEIGHTS, BIAS = drawn(SHAPES + FLAGS + 3 * COLUMNS, WIDTH), drawn(WIDTH)


@pytest.fixture(scope="module")
def written() -> Written:
    return Written(TABLES, WEIGHTS, BIAS)


@settings(deadline=None, max_examples=500)
@given(TEXTS)
def test_the_words_are_those_of_the_surface(text: str) -> None:
    words, surface = words_of(text), read(text)
    assert len(words.gaps) == len(words.words) + 1
    if surface is None:
        assert not words.words
        return
    assert (words.begins, words.ends) == (surface.begins.tolist(), surface.ends.tolist())
    assert [text[begin:end] for begin, end in zip(words.begins, words.ends, strict=True)] == words.words
    lines = [words.starts_line(number) for number in range(len(words.words))]
    assert lines == (surface.shapes[:, LINE_BEFORE] > 0).tolist()


@settings(deadline=None, max_examples=500)
@given(TEXTS)
def test_taken_apart_the_first_layer_says_what_it_says_of_the_whole(written: Written, text: str) -> None:
    surface = read(text)
    if surface is None:
        return
    whole = np.concatenate([surface.shapes, TABLES.read(surface)], axis=1) @ WEIGHTS + BIAS
    for _ in range(2):  # what was just read is remembered
        assert written.read(words_of(text)) == pytest.approx(whole, abs=1e-3)


@pytest.mark.parametrize("word", ["Anna", "24", "uÏ", "1234"])
def test_a_word_is_not_taken_for_another_of_the_same_bytes(word: str) -> None:
    """Somebody could else have names read as whatever they said before."""
    twin = word.encode("latin-1").decode("utf-16-le")
    fresh, poisoned = Written(TABLES, WEIGHTS, BIAS), Written(TABLES, WEIGHTS, BIAS)
    poisoned.read(words_of(twin))
    assert words_of(twin).words == [twin]
    assert poisoned.read(words_of(word)) == pytest.approx(fresh.read(words_of(word)))
    assert poisoned.read(words_of(twin)) == pytest.approx(Written(TABLES, WEIGHTS, BIAS).read(words_of(twin)))


def test_no_more_is_kept_than_there_is_room_for(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.guard.personal.names.written._MOST_WORDS", 5)
    small = Written(TABLES, WEIGHTS, BIAS)
    texts = [" ".join(f"word{number}" for number in range(at, at + 9)) for at in range(0, 40, 3)]
    for text in texts:
        assert small.read(words_of(text)) == pytest.approx(written.read(words_of(text)), abs=1e-3)
        assert small.kept <= 5


def test_a_long_word_is_not_kept() -> None:
    small = Written(TABLES, WEIGHTS, BIAS)
    small.read(words_of("x" * 1000))
    assert small.kept == 0
    small.read(words_of("x" * 10))
    assert small.kept == 1
