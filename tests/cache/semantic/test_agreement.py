"""What speaks against two questions being the same, however close their vectors are."""

import numpy as np
import pytest

from penstock.cache.semantic.agreement import disagreement
from penstock.cache.semantic.checks import answers_agree
from penstock.cache.semantic.reading import read


def _apart(left: str, right: str) -> str | None:
    ours, theirs = read(left), read(right)
    assert ours is not None
    assert theirs is not None
    assert disagreement(ours, theirs) == disagreement(theirs, ours)
    return disagreement(ours, theirs)


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ("What is 5 percent of my pay?", "What is 15 percent of my pay?", "number"),
        ("Plan a trip for two adults and 3 children", "Plan a trip for 3 adults and two children", "number"),
        ("What is the fee for $50?", "What is the fee for 50 euros?", "unit"),
        ("Are you open on Monday?", "Are you open on Sunday?", "date"),
        ("Do I need a visa for Norway?", "Do I need a visa for Kenya?", "name"),
        ("Can I pay by card abroad?", "Can't I pay by card abroad?", "negation"),
        ("How do I lock the folder?", "How do I unlock the folder?", "opposite"),
        ("Does most of it work offline?", "Does few of it work offline?", "opposite"),
        ("How long is the flight from Rome to Oslo?", "How long is the flight from Oslo to Rome?", "direction"),
        ("Did Anna pay Boris back?", "Did Boris pay Anna back?", "roles"),
        ("Hi, can the tenant sue the landlord?", "Can the landlord sue the tenant? Thanks!", "roles"),
        ("When is my card sent?", "Why is my card sent?", "question"),
        ("Who did the nurse call?", "Who called the nurse?", "question"),
        ("May I park in the yard at night?", "Must I park in the yard at night?", "mode"),
        ("Did my holiday get approved?", "Will my holiday get approved?", "mode"),
        ("If the price falls, do customers leave?", "If customers leave, do the prices fall?", "condition"),
        ("Are not all cables included?", "Are all cables not included?", "negation"),
        ("Is 3 nautical miles a lot?", "Is 3 miles a lot?", "unit"),
        ("What is the fare per person?", "What is the fare per room?", "unit"),
        ("Do I have plans on 2019-04-05?", "Do I have plans on 2019-05-04?", "number"),
        ("What are all of the parts of it?", "What are some of the parts of it?", "opposite"),
        ("Is it open before that or after that?", "Is it open after that or after that?", "opposite"),
        ("Does each bucket hold a ball?", "Does one bucket hold a ball?", "opposite"),
        ("Who approves orders of up to 14 parts?", "Who approves orders of from 14 parts?", "opposite"),
        ("What did you send two weeks ago?", "What did you send in two weeks?", "opposite"),
        ("Erin drinks 3 cups each day", "Erin drinks 3 cups one day", "opposite"),
        ("Who approves up to 14 parts?", "Who approves from 14 parts?", "opposite"),
        ("Are orchids watered every hour?", "Are orchids watered every other hour?", "number"),
        ("Is the box as heavy as the other one?", "Is the box heavier than the other one?", "opposite"),
        ("Did he not say that the permits count?", "Did he say that the permits do not count?", "negation"),
        ("Do you know a good cafe?", "Do you not know a good cafe?", "negation"),
        ("Are all courses graded apart from music?", "Are all courses graded in particular music?", "negation"),
        ("Do you have a manual for Model S?", "Do you have a manual for Model X?", "name"),
        ("Who may see my file?", "Who may see his file?", "opposite"),
        ("Show the trips of last month", "Show the trips of this month", "opposite"),
        ("Have you sent the contract?", "Will you send the contract?", "mode"),
        ("Who has chosen the boiler?", "Who will choose the boiler?", "mode"),
        ("What questions can I ask?", "What questions must I ask?", "mode"),
        ("Did the river flood although the dam broke?", "Did the river flood because the dam broke?", "condition"),
        ("Did she rest only if the fever fell?", "Did the fever fall only if she rested?", "condition"),
        ("Because the fan stopped, the engine failed", "Because the engine failed, the fan stopped", "condition"),
        (
            "Sorry to bother you, is the last lesson outdoors?",
            "Is the next lesson outdoors? I am in a hurry.",
            "opposite",
        ),
        ("Is there a good reason to keep smoking?", "Is there a good reason to quit smoking?", "opposite"),
    ],
)
def test_one_thing_that_changes_the_answer_is_named(left: str, right: str, reason: str) -> None:
    assert _apart(left, right) == reason


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("What's the fee for $1,000?", "what is the fee for 1000 dollars"),
        ("Is there a plan for a month?", "Is there a plan for one month?"),
        ("I don't know how to reset my pin", "How to reset my pin?"),
        ("The filter method selects records", "Records are selected by the filter method"),
        ("When you open a file, the editor reads it", "The editor reads it when you open a file"),
        ("Does ML need a GPU?", "Does machine learning need a GPU?"),
        ("If I lose my card, who can help?", "Who can help if I lose my card?"),
        ("How can I close my account?", "How should I close my account?"),
        ("Could you tell me when it opens?", "When does it open?"),
        ("The tickets are all refunded", "The tickets are refunded"),
        ("Where did you live when you were small?", "When you were small, where did you live?"),
        ("If I take the bus, how long is the ride?", "How long is the ride if I take the bus?"),
        ("Why isn't my card working?", "Why is my card not working?"),
        ("How can I close my account?", "How must I close my account?"),
        ("Is my card lost?", "Is the card lost?"),
        ("I really do not know where it is", "I really don't know where it is"),
    ],
)
def test_other_words_for_the_same_agree(left: str, right: str) -> None:
    assert _apart(left, right) is None


@pytest.mark.parametrize("text", ["", "   ", "🙂🙂", "\ud800", "?!", "x" * 5_000])
def test_what_is_no_question_is_not_read(text: str) -> None:
    assert read(text) is None


def test_a_follow_up_does_not_stand_alone() -> None:
    for text in ("and in Paris?", "what about it", "Is that also true for the other one?"):
        reading = read(text)
        assert reading is None or not reading.stands_alone
    reading = read("How do I reset the password of my account?")
    assert reading is not None
    assert reading.stands_alone


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("The fee is 5 euros a month.", "It costs 5 euros a month.", True),
        ("The fee is 5 euros a month.", "The fee is 6 euros a month.", False),
        ("You can pay by card in Norway.", "You can pay by card in Kenya.", False),
        ("You can pay by card abroad.", "You cannot pay by card abroad.", False),
        ("Yes, you can pay by card.", "You can pay by card.", True),
        ("Yes, you can pay by card.", "No, you can pay by card.", False),
    ],
)
def test_two_answers_agree_where_nothing_that_they_state_differs(one: str, other: str, *, agree: bool) -> None:
    near = np.array([1.0, 0.0], np.float32), np.array([0.9, 0.4359], np.float32)
    assert answers_agree(one, other, vectors=near) == agree
    far = near[0], np.array([0.5, 0.866], np.float32)
    assert not answers_agree(one, other, vectors=far)
