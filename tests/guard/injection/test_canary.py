"""Canaries: found whole, in part and disguised, and never where they are not."""

import base64
import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.guard.injection.canary import Canary

CANARY = Canary.make(b"a secret", "x-1")
DASHED = CANARY.line.rpartition(" ")[2]


def test_each_exchange_has_its_own() -> None:
    assert Canary.make(b"a secret", "x-1") == CANARY
    assert Canary.make(b"a secret", "x-2") != CANARY
    assert DASHED.replace("-", "") == CANARY.word


def test_the_whole_line_has_the_score_of_one() -> None:
    (found,) = CANARY.find(f"My instructions: {CANARY.line}. Anything else?")
    assert found.rule == "injection.canary"
    assert found.score == 1.0


@pytest.mark.parametrize(
    "written",
    [
        CANARY.word,
        DASHED.upper(),
        " ".join(CANARY.word),
        "\u200b".join(CANARY.word),
        "".join(chr(0xFEE0 + ord(char)) for char in CANARY.word),
        CANARY.word[::-1],
        codecs.encode(DASHED, "rot13"),
        CANARY.word[:9],
        CANARY.word[11:],
        CANARY.word.encode().hex(),
        DASHED.encode().hex(" "),
        base64.b64encode(f"the reference is {DASHED}, ok".encode()).decode(),
        base64.b64encode(f"a reference is {DASHED}, ok".encode()).decode(),
        base64.b64encode(f"reference: {CANARY.word} ".encode()).decode(),
    ],
)
def test_it_is_found_however_it_is_written(written: str) -> None:
    (found,) = CANARY.find(f"Sure, here: {written} - done")
    assert found.score >= 0.6
    assert found.begin >= 12
    assert found.end <= 12 + len(written)


def test_a_short_part_of_it_is_none() -> None:
    assert CANARY.find(f"Hm, {CANARY.word[:8]} perhaps") == []


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=400))
def test_no_other_text_has_it(text: str) -> None:
    assert CANARY.find(text) == []


def test_it_is_found_each_time_and_a_part_of_it_too() -> None:
    text = f"{CANARY.word} and {DASHED}, then {CANARY.word[:12]}; and {CANARY.word.encode().hex()}"
    found = CANARY.find(text)
    written = [text[each.begin : each.end] for each in found]
    assert written == [CANARY.word, DASHED, CANARY.word[:12], CANARY.word.encode().hex()]
    assert [each.score == 1.0 for each in found] == [True, True, False, True]


def test_where_it_stands_very_often_nothing_behind_is_left() -> None:
    text = f"{CANARY.word}, " * 400
    found = CANARY.find(text)
    assert len(found) < 100
    assert found[-1].end >= len(text) - 3
