"""Marks become citations, however the answer is cut; those that name nothing are taken out."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.events import Citation, Event, Finish, Start, Text
from penstock.core.sources import Passage
from penstock.knowledge.cite import Citations, sentences_of

LEAVE = Passage(
    label="1",
    document="doc_leave",
    version=1,
    title="Leave",
    text="Everybody has 30 days of leave. Ask two weeks before. Leads grant it.",
    start=100,
    end=168,
    page=2,
)
LEADS = Passage(
    label="2", document="doc_leads", version=4, title="Leads", text="Leads answer within a day.", start=0, end=26
)
MORE = Passage(label="3", document="doc_leave", version=1, title="Leave", text="It can be moved.", start=300, end=316)


def cited(said: Sequence[str], *, keeps_marks: bool = True) -> tuple[str, list[Citation], tuple[int, int]]:
    counts: list[tuple[int, int]] = []
    filtered = Citations(
        (LEAVE, LEADS, MORE), keeps_marks=keeps_marks, done=lambda known, unknown: counts.append((known, unknown))
    )
    events: list[Event] = [*filtered.feed([Start("a", "m")])]
    for piece in said:
        events += filtered.feed([Text(piece)])
    events += filtered.feed([Finish("stop")])
    events += filtered.finish()
    assert isinstance(events[-1], Finish)
    text = "".join(event.text for event in events if isinstance(event, Text))
    return text, [event for event in events if isinstance(event, Citation)], counts[0]


def test_a_mark_cites_the_nearest_sentence_of_its_passage() -> None:
    text, [first, second], counts = cited(["You have 30 days of leave [1]. Your lead answers within a day. [2]"])
    assert text == "You have 30 days of leave [1]. Your lead answers within a day. [2]"
    assert text[first.start : first.end] == "You have 30 days of leave [1]"
    assert text[second.start : second.end] == "Your lead answers within a day. [2]"
    assert (first.quote, first.source_start, first.source_end) == ("Everybody has 30 days of leave.", 100, 131)
    assert (first.document, first.page, first.number) == ("doc_leave", 2, 0)
    assert (second.document, second.page, second.number) == ("doc_leads", None, 1)
    assert counts == (2, 0)


def test_several_labels_in_one_mark_and_marks_in_a_row() -> None:
    text, found, counts = cited(["It can be moved [1, 3]. So it is [2][3]."])
    assert text == "It can be moved [1, 3]. So it is [2][3]."
    assert [each.document for each in found] == ["doc_leave", "doc_leave", "doc_leads", "doc_leave"]
    assert counts == (4, 0)


def test_marks_can_be_taken_out() -> None:
    text, found, _ = cited(["You have 30 days [1]. It can be moved【3】."], keeps_marks=False)
    assert text == "You have 30 days. It can be moved."
    assert [text[each.start : each.end] for each in found] == ["You have 30 days", "It can be moved"]


@pytest.mark.parametrize(
    ("said", "shown", "unknown"),
    [
        ("You have 30 days [9].", "You have 30 days.", 1),
        ("You have 30 days [1, 9].", "You have 30 days [1].", 1),
        ("An array a[0] and a [note] stay.", "An array a[0] and a [note] stay.", 0),
        (
            "In code `x = [9]` and ```\ny = [ 1][8]\n``` it stays, here not [8].",
            "In code `x = [9]` and ```\ny = [ 1][8]\n``` it stays, here not.",
            1,
        ),
        ("A list [1, 2", "A list [1, 2", 0),
        ("a[", "a[", 0),
        ("[12345] is no mark", "[12345] is no mark", 0),
    ],
)
def test_what_names_nothing_is_no_citation(said: str, shown: str, unknown: int) -> None:
    text, _, counts = cited([said])
    assert (text, counts[1]) == (shown, unknown)


pieces = st.lists(
    st.sampled_from(
        ["You have it", " [1]", "[2]", "[1, 3]", "[9]", ".", " ", "\n", "[", "]", "[1", "a[b]", "【2】", "é😀`"]
    ),
    max_size=14,
)


@settings(max_examples=400, deadline=None)
@given(pieces, st.lists(st.integers(0, 200), max_size=12), st.booleans())
def test_the_cut_changes_nothing(parts: list[str], places: list[int], keeps_marks: bool) -> None:  # noqa: FBT001 - drawn
    text = "".join(parts)
    at = sorted({place % (len(text) + 1) for place in places})
    cut = [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]
    assert cited(cut, keeps_marks=keeps_marks) == cited([text], keeps_marks=keeps_marks)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab. !\n?\"'", max_size=60))
def test_sentences_hold_all_that_is_written(text: str) -> None:
    found = sentences_of(text)
    assert "".join(text[begin:end] for begin, end in found).split() == text.split() or "".join(
        "".join(text[begin:end].split()) for begin, end in found
    ) == "".join(text.split())
    assert all(begin < end for begin, end in found)
