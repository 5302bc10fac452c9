"""Markers of ours in an answer: none is seen, however the answer was cut, and nothing else is changed."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.guard.injection.borders import BorderWindow
from penstock.guard.injection.fence import fence, marker_for
from penstock.guard.patterns.window import Found

MARKER = marker_for(b"a secret", "x-1")
PIECES = (
    f"<<data {MARKER}>>",
    f"<<data {MARKER} from mail.pdf>>\n",
    f"<<end {MARKER}>>",
    f"<<end {MARKER}",
    MARKER,
    MARKER[:9],
    "<<data ",
    "<<end",
    "<",
    " from ",
    ">>",
    ">",
    "\n",
    "The mail says ",
    "x < y",
)


def fed(pieces: Sequence[str]) -> str:
    """What goes on of a text in pieces; that no character is lost is looked at on the way."""
    text = BorderWindow(MARKER).open()
    out = [each for piece in pieces for each in text.feed(piece)]
    out += text.finish()
    assert "".join(each if isinstance(each, str) else each.text for each in out) == "".join(pieces)
    at = 0
    for each in out:
        if isinstance(each, Found):
            assert each.begin == at
        at += len(each if isinstance(each, str) else each.text)
    return "".join(each for each in out if isinstance(each, str))


def unfenced(text: str, marker: str) -> str:
    """A whole text without the borders of that marker."""
    return "".join(each for each in BorderWindow(marker).whole(text) if isinstance(each, str))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=8), st.data())
def test_no_marker_goes_on_however_the_text_is_cut(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    at = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    cut = [text[begin:end] for begin, end in zip([0, *at], [*at, len(text)], strict=True)]
    shown = fed(cut)
    assert MARKER not in shown
    assert shown == unfenced(text, MARKER) == fed(list(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (fence("the mail", MARKER, source="mail.pdf"), "the mail\n"),
        (f"between <<data {MARKER}>> and <<end {MARKER}>> stands", "between  and  stands"),
        (f"The marker is {MARKER}, as told", "The marker is , as told"),
        (f"<<data {MARKER} from a place without an end", " from a place without an end"),
        ("a << b and <<data nothing>>\n", "a << b and <<data nothing>>\n"),
    ],
)
def test_the_border_goes_with_its_marker_and_all_else_stays(text: str, shown: str) -> None:
    assert unfenced(text, MARKER) == shown
    assert fed(list(text)) == shown


def test_words_wait_only_where_a_border_may_begin() -> None:
    text = BorderWindow(MARKER).open()
    assert list(text.feed("The report is ")) == ["The report is "]
    assert not text.is_holding
    assert list(text.feed("short <<")) == ["short "]
    assert text.is_holding
    assert list(text.feed("3")) == ["<<3"]
