"""What is read off the letters of a text, whatever the text is made of."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.guard.personal.names.characters import classes_of, codes_of
from penstock.guard.personal.names.known import HINTS, Known
from penstock.guard.personal.names.surface import LINE_BEFORE, SHAPES, read

ODD = "aB9 é\u0301ÜßİŁ.,-'\n\t\u200b\u2028東京🙂\ud800\U0001f468\u200d\U0001f469أحمد"


def known(**words: str) -> Known:
    bits: dict[int, int] = {}
    for hint, listed in words.items():
        surface = read(listed)
        assert surface is not None
        for hashed in surface.words.tolist():
            bits[hashed] = bits.get(hashed, 0) | 1 << HINTS.index(hint)
    order = sorted(bits)
    return Known(np.array(order, np.uint32), np.array([bits[each] for each in order], np.uint8))


def words_in(text: str) -> list[str]:
    surface = read(text)
    return [] if surface is None else [text[b:e] for b, e in zip(surface.begins, surface.ends, strict=True)]


def test_a_word_is_letters_and_digits_without_a_gap() -> None:
    assert words_in("Jean-Luc O'Neil, no. 5b!\nÜber 東京") == ["Jean", "Luc", "O", "Neil", "no", "5b", "Über", "東京"]


@pytest.mark.parametrize("text", ["", " \n", "!?", "🙂", "\ud800"])
def test_a_text_without_a_word_has_no_surface(text: str) -> None:
    assert read(text) is None


@settings(deadline=None, max_examples=300)
@given(st.text(st.one_of(st.sampled_from(ODD), st.characters()), max_size=60))
def test_every_text_is_read_and_its_words_are_its_letters_and_digits(text: str) -> None:
    surface = read(text)
    if surface is None:
        assert not any(char.isascii() and char.isalnum() for char in text)
        return
    assert surface.shapes.shape == (len(surface.begins), SHAPES)
    assert surface.grams.shape == (int((surface.ends - surface.begins).sum()), 2)
    inside = {at for b, e in zip(surface.begins, surface.ends, strict=True) for at in range(b, e)}
    for at, char in enumerate(text):
        if char.isascii() and char.isalnum():
            assert at in inside
        if ord(char) < 0x3000 and unicodedata.category(char)[0] in "ZCP":
            assert at not in inside


@settings(deadline=None, max_examples=100)
@given(st.text(min_size=1, max_size=30), st.text(max_size=30))
def test_what_stands_further_off_changes_nothing_of_a_words_letters(word: str, more: str) -> None:
    alone, among = read(word), read(f"{more} {word}")
    if alone is not None and among is not None:
        number = len(alone.words)
        assert among.words[-number:].tolist() == alone.words.tolist()
        assert among.grams[-len(alone.grams) :].tolist() == alone.grams.tolist()


def test_letters_count_without_case_and_shapes_with_it() -> None:
    small, large = read("anna schäfer"), read("Anna SCHÄFER")
    assert small is not None
    assert large is not None
    assert small.words.tolist() == large.words.tolist()
    assert small.grams.tolist() == large.grams.tolist()
    assert (small.shapes != large.shapes).any()


def test_letters_of_one_word_are_no_letters_of_the_next() -> None:
    apart, other = read("ab cd"), read("ab xd")
    assert apart is not None
    assert other is not None
    assert apart.grams[:2].tolist() == other.grams[:2].tolist()


def test_a_part_of_a_word_has_the_hash_of_that_word() -> None:
    surface, part = read("Der Bahnhofsvorsteher"), read("vorsteher")
    assert surface is not None
    assert part is not None
    begin = int(surface.firsts[1]) + len("Bahnhofs")
    end = int(surface.firsts[1]) + len("Bahnhofsvorsteher")
    assert surface.hashes(np.array([begin]), np.array([end])).tolist() == part.words.tolist()


def test_a_word_knows_that_its_line_is_new() -> None:
    surface = read("Anna\nSmith, she\r\nsaid \n so")
    assert surface is not None
    assert surface.shapes[:, LINE_BEFORE].tolist() == [0, 1, 0, 1, 1]


def test_words_that_are_known_are_told_by_what_they_are() -> None:
    surface = read("Anna kam aus ESSEN")
    assert surface is not None
    found = known(first="anna", town="Essen", common="aus essen").hints(surface)
    hints = [{hint for hint, value in zip(HINTS, row, strict=False) if value} for row in found]
    assert hints == [{"first"}, set(), {"common"}, {"town", "common"}]


def test_a_word_made_of_common_words_is_told_from_one_that_is_not() -> None:
    surface = read("Arbeitsgericht Lehrers Untermeer Trochowski")
    assert surface is not None
    begins, ends, is_two, is_one = known(noun="Arbeit Gericht Lehrer", common="unter meer").hints(surface)[:, -4:].T
    assert is_two.tolist() == [1, 0, 1, 0]
    assert is_one.tolist() == [0, 1, 0, 0]
    assert begins[3] == ends[3] == 0
    assert ends[0] == pytest.approx(len("gericht") / len("arbeitsgericht"))


def test_the_table_of_characters_agrees_with_unicode() -> None:
    text = "".join(chr(code) for code in range(0x3000) if not 0xD800 <= code < 0xE000)
    for char, found in zip(text, classes_of(codes_of(text)), strict=True):
        assert (found == 3) == (unicodedata.category(char) in {"Lu", "Lt"})
        assert (found == 2) == (unicodedata.category(char) == "Ll")


def test_the_genitive_of_a_name_is_told_by_what_the_name_is() -> None:
    surface = read("Bachs Italiens Hess Bach gartens")
    assert surface is not None
    found = known(last="bach hess", region="italien", common="garten").hints(surface)
    hints = [{hint for hint, value in zip(HINTS, row, strict=False) if value} for row in found]
    assert hints == [{"last"}, {"region"}, {"last"}, {"last"}, set()]


def test_words_that_begin_or_end_alike_share_a_bucket_for_it() -> None:
    surface = read("Hamburg Hambach Freiburg burg ab")
    assert surface is not None
    edges = surface.edges().tolist()
    hamburg, hambach, freiburg, burg, short = edges
    assert hamburg[:2] == hambach[:2]
    assert hamburg[2:] == freiburg[2:] == burg[2:]
    assert hamburg[2:] != hambach[2:]
    assert burg[1] != burg[4], "the same letters are another thing at the end"
    assert len(short) == len(burg)
