import pytest

from penstock.guard.grounded.claims import split
from penstock.guard.grounded.values import agrees, values


def claims(text: str) -> list[str]:
    return [each.text for each in split(text).claims]


def test_what_states_nothing_is_no_claim() -> None:
    assert claims("Hello! Would you like more details? I hope this helps! Let me know if you have questions.") == []
    assert claims("The provided documents do not mention a price.") == []
    assert claims("Guten Tag! Ich hoffe, das hilft!") == []
    assert claims("# Refunds\n\n```py\nprice = 5\n```") == []


def test_a_frame_is_taken_off_and_what_it_frames_is_stated() -> None:
    assert claims("According to the handbook, refunds take 5 days.") == ["refunds take 5 days."]
    assert claims("Laut den Unterlagen: Es dauert 5 Tage.") == ["Es dauert 5 Tage."]


def test_marks_are_taken_out_and_known_by_their_sentence() -> None:
    text = "Refunds take 5 days [1][3]. Fees are 2 % 【2†source】. Nobody pays more [4-6, 8]."
    answer = split(text)
    assert answer.text == "Refunds take 5 days. Fees are 2 %. Nobody pays more."
    assert [each.cited for each in answer.claims] == [("1", "3"), ("2",), ("4", "5", "6", "8")]
    assert text[answer.claims[0].begin : answer.claims[0].end] == "Refunds take 5 days [1][3]."


def test_a_mark_behind_its_sentence_belongs_to_it() -> None:
    answer = split("It is open. [1] It closes at five. [2]")
    assert [each.cited for each in answer.claims] == [("1",), ("2",)]


def test_a_link_is_no_mark() -> None:
    assert split("See [1](https://example.com) for it.").marks == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith works at Acme Inc. in the U.S. Army. It is 3.5 km.", 2),
        ("Der Urlaub beginnt am 3. Mai 2024. Das gilt z. B. für alle.", 2),
        ("- Open the app\n- Press send\n", 2),
        ("| Plan | Price |\n|---|---|\n| Pro | $5 |\n| Team | $9 |\n", 2),
        ("The causes are: 1. Low pay 2. Long hours 3. Bad food", 3),
        ("The price is 5 euros, but members are charged 3 euros.", 2),
    ],
)
def test_sentences_items_rows_and_clauses_are_claims(text: str, expected: int) -> None:
    assert len(claims(text)) == expected


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("No employee may accept gifts.", "No employee may accept gifts."),
        ("Nein, das gilt nicht.", "das gilt nicht."),
        ("no , it is closed on Sundays.", "it is closed on Sundays."),
        ("No it is closed on Sundays.", "it is closed on Sundays."),
        ("No. It is closed on Sundays.", "It is closed on Sundays."),
    ],
)
def test_a_no_that_answers_is_no_part_of_a_claim_and_one_that_denies_is(text: str, claim: str) -> None:
    assert claims(text) == [claim]


def test_every_claim_is_where_it_says() -> None:
    text = "Hello. It costs 5 [1], and it ships in 2 days [2].\n- It is blue 【3】\nIt is green; it was red."
    answer = split(text)
    assert answer.claims
    for each in answer.claims:
        assert answer.text[each.at[0] : each.at[1]] == each.text
        assert text[each.begin] == each.text[0]
        assert text[each.end - 1] == each.text[-1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ud800 x.",
        "[" * 999,
        "1." * 500,
        "a. " * 2_000,
        "|\n" * 300,
        ".!?" * 30_000,
        "1. " * 20_000,
        "It is so. [1] " * 8_000,
        "```",
        "【1】【2】",
    ],
)
def test_anything_may_be_split(text: str) -> None:
    answer = split(text)
    assert all(0 <= each.begin <= each.end <= len(text) for each in answer.claims)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("three days", "3 days", True),
        ("3 days", "3 weeks", False),
        ("1,250 dollars", "$1250", True),
        ("1.250,50 Euro", "€1250.50", True),
        ("2 million users", "2,000,000 users", True),
        ("15 percent", "16 %", False),
        ("in 2021", "in 2020", False),
        ("5 May", "May 6", False),
    ],
)
def test_values_agree_whatever_way_they_are_written(one: str, other: str, *, expected: bool) -> None:
    first, second = values(one)[0], values(other)
    assert any(agrees(first, each) for each in second) is expected
