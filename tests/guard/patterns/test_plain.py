# ruff: noqa: RUF001 - as keyboards, layouts and tricks write it
"""Values are found however their blanks, hyphens and digits are written, and with what nobody sees between."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.guard.patterns.pattern import Pattern
from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.patterns.plain import find_plain, plain

FIND = PatternSet(
    [Pattern("t.card", "CARD", r"4[0-9]{3}(?:[ -]?[0-9]{4}){3}"), Pattern("t.at", "AT", r"[a-z]{1,9}@b\.de")]
).find
UNSEEN = "\u00ad\u200b\u200d\u200e\u202e\u2060\ufeff"


def found(text: str) -> list[str]:
    return [text[each.begin : each.end] for each in find_plain(FIND, text)]


@pytest.mark.parametrize(
    "value",
    [
        "4242\u00a04242\u00a04242\u00a04242",
        "4242\u202f4242\u202f4242\u202f4242",
        "4242\u20114242\u20114242\u20114242",
        "４２４２ ４２４２ ４２４２ ４２４２",
        "٤٢٤٢ ٤٢٤٢ ٤٢٤٢ ٤٢٤٢",
        "4242\u200b4242\u00ad4242\u20604242",
        "ann\u200b@b\u2060.de",
        "ａｎｎ＠ｂ．ｄｅ",
    ],
)
@pytest.mark.parametrize(
    ("before", "after"), [("", ""), ("תודה ", " שלום"), ("\u202e", "\u202c"), ("e\u0301 ", "\u0301")]
)
def test_a_value_is_found_as_it_is_written(value: str, before: str, after: str) -> None:
    assert value in found(f"{before}{value}{after}")


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet=f"4 a{UNSEEN}é", max_size=30),
    st.lists(st.tuples(st.integers(0, 19), st.sampled_from(UNSEEN)), max_size=8),
)
def test_what_nobody_sees_hides_nothing_of_a_value(around: str, unseen: list[tuple[int, str]]) -> None:
    value = list("4242 4242 4242 4242")
    for at, sign in sorted(unseen, reverse=True):
        value.insert(min(at, len(value)), sign)
    written = "".join(value)
    text = f"{around}.{written}.{around}"
    begin = len(around) + 1
    covered = {at for each in find_plain(FIND, text) for at in range(each.begin, each.end)}
    assert all(at in covered for at in range(begin, begin + len(written)) if text[at].isdigit())


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_it_is_one_for_one_and_leaves_plain_texts_alone(text: str) -> None:
    assert len(plain(text)) == len(text)
    assert plain(plain(text)) == plain(text)
    if text.isascii():
        assert plain(text) is text
