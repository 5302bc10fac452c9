"""A follow-up is searched for with what it leaves out; a question that stands alone is left alone."""

import pytest

from penstock.knowledge.query import Turn, search_query, stands_alone


def asked(*texts: str) -> str:
    return search_query([Turn("user" if at % 2 == 0 else "assistant", text) for at, text in enumerate(texts)])


@pytest.mark.parametrize(
    ("follow_up", "expected"),
    [
        ("And for interns?", {"parental", "leave"}),
        ("How long does it take?", {"parental", "leave"}),
        ("Why?", {"parental", "leave"}),
        ("Und wie lange dauert das?", {"parental", "leave"}),
    ],
)
def test_what_a_follow_up_leaves_out_is_added(follow_up: str, expected: set[str]) -> None:
    query = asked("How do I apply for parental leave?", "You write to the people team.", follow_up)
    assert query.startswith(follow_up)
    assert expected <= set(query.lower().split()) | {word.strip("?") for word in query.lower().split()}


def test_a_question_that_stands_alone_is_left_as_it_is() -> None:
    other = "Which trains may be booked in first class?"
    assert asked("How do I apply for parental leave?", "You write to the people team.", other) == other


def test_names_and_codes_of_the_answer_can_be_pointed_at() -> None:
    query = asked("Which form is it?", "The form is called HR-112 and lies in the portal Workday.", "Who signs it?")
    assert {"HR-112", "Workday"} <= set(query.split())
    assert "lies" not in query


def test_the_latest_turn_counts_first_and_not_everything_is_added() -> None:
    long = " ".join(f"subject{number}" for number in range(30))
    query = asked(f"Tell me of {long}", "Yes.", "Tell me of vacation", "Yes.", "And of it?")
    assert "vacation" in query
    assert len(query.split()) <= 3 + 8


@pytest.mark.parametrize("text", ["", "ok", "What about them?", "and then?", "this one"])
def test_what_points_back_does_not_stand_alone(text: str) -> None:
    assert not stands_alone(text)


def test_nothing_is_searched_for_where_nobody_asked() -> None:
    assert search_query([]) == ""
    assert search_query([Turn("assistant", "Hello.")]) == ""
