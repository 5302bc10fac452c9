"""Patterns over a whole text, against `re` where both mean the same, and one by one where they are many."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.errors import ConfigError
from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.patterns.possible import loosened
from penstock.guard.verdict import Finding

MARKS = "a1 9-@.é𝔸😀שלוםe\u0301\u200f\u202eп\ud800\udfff\x00\n"  # noqa: RUF001 - it is Hebrew
TEXTS = st.text(st.sampled_from(MARKS) | st.characters(), max_size=60)
EXPRESSIONS = ("[0-9]{1,3}", "é{1,2}", "[a-z]{1,5}@", "😀[0-9]{0,2}", "x(?:[0-9-]{1,4})", "(?:ש|ל){1,3}", "[^a ]{2,4}")


def patterns(*expressions: str, validate: Callable[[str], bool] | None = None) -> list[Pattern]:
    return [Pattern(f"test.{place}", "TEST", each, validate) for place, each in enumerate(expressions)]


def spans(found: list[Finding]) -> list[tuple[str, int, int]]:
    return sorted((each.rule, each.begin, each.end) for each in found)


@given(TEXTS)
@settings(deadline=None, max_examples=300)
def test_positions_count_code_points_whatever_the_text(text: str) -> None:
    sound = "".join("?" if "\ud800" <= each <= "\udfff" else each for each in text)
    expected = [
        (f"test.{place}", *found.span())
        for place, expression in enumerate(EXPRESSIONS)
        for found in re.finditer(expression, sound, re.ASCII)
    ]
    assert spans(PatternSet(patterns(*EXPRESSIONS)).find(sound)) == sorted(expected)


@given(TEXTS)
@settings(deadline=None, max_examples=200)
def test_a_text_with_lone_surrogates_is_read_like_any_other(text: str) -> None:
    found = PatternSet(patterns("[0-9]{1,3}", "😀")).find(text)
    expected = [("test.0", *each.span()) for each in re.finditer("[0-9]{1,3}", text)]
    expected += [("test.1", *each.span()) for each in re.finditer("😀", text)]
    assert spans(found) == sorted(expected)


@given(TEXTS)
@settings(deadline=None, max_examples=200)
def test_many_patterns_find_what_each_finds_alone(text: str) -> None:
    many = PatternSet(patterns(*EXPRESSIONS)).find(text)
    alone = [
        (f"test.{place}", each.begin, each.end)
        for place, expression in enumerate(EXPRESSIONS)
        for each in PatternSet(patterns(expression)).find(text)
    ]
    assert spans(many) == sorted(alone)


def test_findings_come_in_order_the_longest_first() -> None:
    found = PatternSet(patterns("b", "[a-c]{1,9}", "c")).find("abc")
    assert [(each.begin, each.end) for each in found] == [(0, 3), (1, 2), (2, 3)]


def test_a_group_says_what_is_found_and_the_words_before_it_are_not_masked() -> None:
    (found,) = PatternSet(patterns("no[.] ([0-9]{2,4})")).find("ü no. 123")
    assert (found.begin, found.end) == (6, 9)


def test_what_a_validator_refuses_does_not_hide_what_begins_within_it() -> None:
    found = PatternSet(patterns("[0-9]{2}(?: [0-9]{2}){1}", validate=lambda text: text == "34 56")).find("é 12 34 56")
    assert [(each.begin, each.end) for each in found] == [(5, 10)]


def test_what_a_validator_refuses_as_a_whole_is_not_looked_into() -> None:
    row = Pattern("t", "T", "[0-9]{2}(?: [0-9]{2}){0,3}", lambda text: len(text) <= 5, is_whole=True)
    assert [(each.begin, each.end) for each in PatternSet([row]).find("12 34 56 78, 90 12")] == [(13, 18)]


def test_a_validator_is_asked_of_the_characters_and_not_of_their_bytes() -> None:
    asked: list[str] = []
    PatternSet(patterns("é([^x]{1,2})", validate=lambda text: not asked.append(text))).find("é😀\ud800")
    assert asked == ["😀\ud800"]


def test_an_empty_text_and_an_empty_set_find_nothing() -> None:
    assert PatternSet(patterns("a?")).find("") == []
    assert PatternSet([]).find("abc") == []


class GaveUp:
    """RE2's automaton out of memory: it says neither that it found nothing nor that it did not look."""

    def Match(self, text: bytes) -> list[int]:  # noqa: N802 - the library's name
        return []


def test_an_automaton_that_gives_up_makes_no_pattern_pass_over() -> None:
    several = PatternSet(patterns("[a-c]{3}", "[0-9]{5}"))
    for each in (several._anywhere, several._near):  # pyright: ignore[reportPrivateUsage]  # nothing smaller does it
        each._any = GaveUp()  # pyright: ignore[reportPrivateUsage]
    assert [(each.begin, each.end) for each in several.find("abc 12345")] == [(0, 3), (4, 9)]


def test_an_expression_that_re2_does_not_take_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"\(\?=a\)"):
        PatternSet(patterns("(?=a)b"))


@pytest.mark.parametrize(
    ("expression", "loose"),
    [
        ("a{2,9}", "a{2,}"),
        ("(?:a{2,9}){1,3}", "(?:a{2,}){1,}"),
        ("a{3}b{2,}", "a{3}b{2,}"),
        (r"\{1,2}", r"\{1,2}"),
        (r"\\{1,2}", r"\\{1,}"),
        ("[{1,2}]{1,2}", "[{1,2}]{1,}"),
        ("[]{1,2}]", "[]{1,2}]"),
        ("[^]{1,2}]x{0,1}", "[^]{1,2}]x{0,}"),
        ("[[:alpha:]{1,2}]", "[[:alpha:]{1,2}]"),
        (r"[\]{1,2}]", r"[\]{1,2}]"),
    ],
)
def test_upper_bounds_are_dropped_where_they_are_bounds(expression: str, loose: str) -> None:
    assert loosened(expression) == loose


@pytest.mark.parametrize("expression", ["a$", r"a\z", r"\Qa{1,2}\E"])
def test_an_expression_that_asks_for_the_end_is_always_run(expression: str) -> None:
    assert loosened(expression) is None
    assert len(PatternSet(patterns(expression)).find("za" if expression != r"\Qa{1,2}\E" else "a{1,2}")) == 1
