"""The same value has the same token, and nothing that only looks like one is ever issued."""

import time

import pytest

from penstock.guard.personal.people import person_of
from penstock.guard.personal.tokens import Tokens
from penstock.guard.personal.vault.book import book_of


def test_the_same_value_keeps_its_token() -> None:
    tokens = Tokens()
    assert tokens.token("EMAIL", "ann@example.com") == "<EMAIL_1>"
    assert tokens.token("EMAIL", "bob@example.com") == "<EMAIL_2>"
    assert tokens.token("EMAIL", "Ann@Example.com") == "<EMAIL_1>"
    assert tokens.token("IBAN", "ann@example.com") == "<IBAN_1>"
    assert tokens.issued["<EMAIL_1>"] == "ann@example.com"


def test_names_of_one_person_have_one_token_and_the_fullest_comes_back() -> None:
    tokens = Tokens()
    assert tokens.token("PERSON", "Schmidt") == "<PERSON_1>"
    assert tokens.token("PERSON", "Anna Schmidt") == "<PERSON_1>"
    assert tokens.token("PERSON", "Frau Dr. Schmidt") == "<PERSON_1>"
    assert tokens.token("PERSON", "A. Schmidt") == "<PERSON_1>"
    assert tokens.token("PERSON", "A.S.") == "<PERSON_1>"
    assert tokens.token("PERSON", "Bernd Meier") == "<PERSON_2>"
    assert tokens.issued == {"<PERSON_1>": "Anna Schmidt", "<PERSON_2>": "Bernd Meier"}


def test_a_name_that_two_people_may_have_is_a_third() -> None:
    tokens = Tokens()
    assert tokens.token("PERSON", "Anna Schmidt") == "<PERSON_1>"
    assert tokens.token("PERSON", "Peter Schmidt") == "<PERSON_2>"
    assert tokens.token("PERSON", "Schmidt") == "<PERSON_3>"
    assert tokens.token("PERSON", "Anna") == "<PERSON_1>"
    assert tokens.token("PERSON", "Anna Meier") == "<PERSON_4>"


@pytest.mark.parametrize(
    ("one", "other", "may_be"),
    [
        ("Anna Schmidt", "Schmidt, Anna", True),
        ("Anna Maria Schmidt", "A. M. Schmidt", True),
        ("Anna Schmidt", "B. Schmidt", False),
        ("Ludwig van Beethoven", "Beethoven", False),
        ("Ludwig van Beethoven", "van Beethoven", False),
        ("Anna Schmidt", "A.", False),
        ("Mr. Smith", "John Smith", True),
        ("Dr.", "John Smith", False),
    ],
)
def test_who_may_be_whom(one: str, other: str, *, may_be: bool) -> None:
    assert person_of(one).may_be(person_of(other)) is may_be
    assert person_of(other).may_be(person_of(one)) is may_be


def test_look_alikes_of_a_caller_are_never_issued() -> None:
    tokens = Tokens()
    tokens.avoid("please send <EMAIL_1> and <EMAIL_3> to me")
    assert tokens.token("EMAIL", "ann@example.com") == "<EMAIL_2>"
    assert tokens.token("EMAIL", "bob@example.com") == "<EMAIL_4>"
    assert "<EMAIL_1>" not in tokens.issued


def test_a_megabyte_of_look_alikes_is_read_in_a_moment() -> None:
    tokens = Tokens()
    text = "".join(f"<PERSON_{number}>" for number in range(80_000))
    assert len(text) > 1_000_000
    began = time.process_time()
    tokens.avoid(text)
    assert tokens.token("PERSON", "Anna Schmidt") == "<PERSON_80000>"
    assert time.process_time() - began < 3


def test_what_a_conversation_knows_is_used_again() -> None:
    tokens = Tokens(book_of({"<EMAIL_4>": "ann@example.com", "<PERSON_2>": "Anna Schmidt"}))
    assert tokens.token("EMAIL", "ann@example.com") == "<EMAIL_4>"
    assert tokens.token("PERSON", "Schmidt") == "<PERSON_2>"
    assert tokens.token("EMAIL", "bob@example.com") == "<EMAIL_1>"
