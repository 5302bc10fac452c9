"""Looking only around digits finds what looking everywhere does."""

import random
import re
from pathlib import Path
from typing import Any

import pytest
import re2  # pyright: ignore[reportMissingTypeStubs]  # it has none
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.guard.patterns.clusters import is_near
from penstock.guard.patterns.extents import Extent, extent_of
from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.personal.patterns.catalogue import catalogue

EXAMPLES: dict[str, dict[str, list[str]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "personal" / "patterns" / "examples.yaml").read_text("utf-8")
)
VALUES = [
    re.sub(r"\{\w+:\d+\}", "a1B2c3D4e5F6a7B8c9D0", text.replace("⟦", "").replace("⟧", ""))
    for each in EXAMPLES.values()
    for texts in each.values()
    for text in texts
]
BETWEEN = (
    "",
    " ",
    "\n",
    ", ",
    ". ",
    "-",
    " 7 ",
    "1",
    "é",
    " — ",
    "😀",
    " пять ",
    "x" * 30,
    " and so on" * 4,
    " ü" * 50,
)
WHOLE = PatternSet(catalogue())
MARKS = "12345 -.ab@é😀\ud800\n"
SHORT = (
    Pattern("t.bare", "T", "[0-9]{2}"),
    Pattern("t.bounded", "T", r"\b[0-9]{1,3}\b"),
    Pattern("t.before", "T", "[ab]{0,3}[0-9]"),
    Pattern("t.after", "T", "[0-9][ab ]{0,4}"),
    Pattern("t.around", "T", r"(?:é|😀| ){0,2}[0-9][^0-9]{0,2}([0-9])[.]{0,2}"),
    Pattern("t.refusing", "T", "[0-9](?:[ -]?[0-9]){1,4}", lambda text: text.startswith("1")),
    Pattern("t.whole", "T", "[0-9](?:[ -]?[0-9]){1,4}", lambda text: text.startswith("1"), is_whole=True),
    Pattern("t.validated", "T", "[a0-9]{2}", lambda text: any(map(str.isdigit, text)), has_digit=True),
)


def everywhere(pattern: Pattern, text: str) -> list[tuple[str, int, int]]:
    """Over the whole text, as it is written down in `Pattern`, with the library as it comes."""
    data = text.encode("utf-8", "surrogatepass")
    library: Any = re2
    scanner = library.compile(pattern.expression)
    group = 1 if scanner.groups else 0
    found: list[tuple[str, int, int]] = []
    begin = 0
    while (match := scanner.search(data, begin)) is not None:
        left, right = match.span(group)
        value = data[left:right].decode("utf-8", "surrogatepass")
        if value and (pattern.validate is None or pattern.validate(value)):
            at = len(data[:left].decode("utf-8", "surrogatepass"))
            found.append((pattern.rule, at, at + len(value)))
            begin = match.end()
        elif value and pattern.is_whole:
            begin = match.end()
        else:
            first = len(data[: match.start()].decode("utf-8", "surrogatepass"))
            begin = len(text[: first + 1].encode("utf-8", "surrogatepass"))
    return found


def places(patterns: PatternSet, text: str) -> list[tuple[str, int, int]]:
    return sorted((each.rule, each.begin, each.end) for each in patterns.find(text))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[0-9]", Extent(0, 0, 0)),
        ("a[0-9]{2}b", Extent(1, 0, 1)),
        ("[a-z]{2,5}[0-9] ?[0-9]", Extent(5, 1, 0)),
        ("[a-z0-9]{4}[0-9]", Extent(4, 3, 0)),
        (r"(?i:no)[.]? (\d{3}-\d)x{0,9}", Extent(4, 1, 9)),
        ("a1|22bb", Extent(1, 0, 2)),
        ("(?:[0-9][a-z]{3}){2}", Extent(0, 3, 3)),
        ("(?:[0-9]|a){3}", None),
        ("[^a-z]", None),
        ("a|1", None),
        ("[0-9]+", None),
        ("^[0-9]", None),
    ],
)
def test_how_far_a_match_reaches_around_its_digits(expression: str, expected: Extent | None) -> None:
    assert extent_of(expression) == expected


def test_a_validator_that_asks_for_a_digit_makes_up_for_an_expression_that_does_not() -> None:
    assert extent_of("[a-z0-9]{3}", has_digit=True) == Extent(2, 1, 2)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[a-z]{1,5}@x", Extent(5, 0, 1)),
        (r"a(?i:\@)|[@]b", Extent(1, 0, 1)),
        ("a[@.]", None),
        ("[^a]", None),
        ("a@?", None),
        ("[0-9]", None),
    ],
)
def test_how_far_a_match_reaches_around_a_sign_that_it_must_have(expression: str, expected: Extent | None) -> None:
    assert extent_of(expression, mark="@") == expected


@given(st.text("ab@.é😀\ud800 ", max_size=60))
@settings(deadline=None, max_examples=300)
def test_a_sign_that_every_match_must_have_is_where_it_is_looked_for(text: str) -> None:
    patterns = (
        Pattern("t.mail", "T", "[abé😀]{1,4}@[ab]{1,60}[.]?"),
        Pattern("t.refusing", "T", "[a-b]{0,2}@(?:[ab]{1,99})?@?", lambda text: text.startswith("@")),
    )
    assert places(PatternSet(patterns), text) == sorted(found for each in patterns for found in everywhere(each, text))


@given(st.text(MARKS, max_size=80))
@settings(deadline=None, max_examples=400)
def test_around_digits_a_set_finds_what_each_pattern_finds_in_the_whole_text(text: str) -> None:
    assert all(is_near(extent_of(each.expression, has_digit=each.has_digit) or Extent(999, 0, 0)) for each in SHORT)
    expected = [found for each in SHORT for found in everywhere(each, text)]
    assert places(PatternSet(SHORT), text) == sorted(expected)


@pytest.mark.parametrize("seed", range(60))
def test_the_catalogue_finds_in_a_mixed_text_what_each_of_its_patterns_finds_in_all_of_it(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - test data
    text = "".join(chance.choice(VALUES) + chance.choice(BETWEEN) for _ in range(chance.randint(1, 12)))
    if seed % 3 == 0:
        text = text.encode("ascii", "ignore").decode()
    expected = [found for each in catalogue() for found in everywhere(each, text)]
    assert places(WHOLE, text) == sorted(expected)


@pytest.mark.parametrize("between", ["a" * 8, "a" * 4 + "é" + "a" * 8, "😀" + "a" * 12])
def test_what_a_match_took_no_match_at_the_next_digits_takes_again(between: str) -> None:
    pattern = Pattern("t.both", "T", "[aé😀]{0,6}[0-9][aé😀]{0,6}")
    text = f"x1{between}2"
    assert len(everywhere(pattern, text)) == 2
    assert places(PatternSet([pattern]), text) == sorted(everywhere(pattern, text))


def test_most_of_the_catalogue_is_looked_for_around_digits_only() -> None:
    near = [each for each in catalogue() if (extent := extent_of(each.expression)) is not None and is_near(extent)]
    assert len(near) > 100


@pytest.mark.parametrize("pattern", [each for each in catalogue() if each.has_digit], ids=lambda each: each.rule)
def test_a_pattern_that_says_so_refuses_what_has_no_digit(pattern: Pattern) -> None:
    assert pattern.validate is not None
    assert not any(
        pattern.validate(each) for each in ("DE ABCDEFGHI", "ATU ABCDEFGH", "FRABCDEFGHIJK", "RO AB.CD", "word")
    )
