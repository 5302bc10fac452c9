"""Whether a question belongs to an assistant: by its examples, by few of them, and by what was kept of a head."""

from pathlib import Path

import numpy as np
import pytest
from tests.guard.scope.shop import EXAMPLES, INSIDE, OUTSIDE

from penstock.core.errors import ConfigError
from penstock.encoder.files import MODEL, TOKENIZER
from penstock.encoder.model import Encoded, Model
from penstock.guard.scope.fit import Example, fit
from penstock.guard.scope.head import ScopeHead


@pytest.fixture(scope="module")
def model(encoder_folder: Path) -> Model:
    return Model(encoder_folder / MODEL, encoder_folder / TOKENIZER)


def made(model: Model, examples: tuple[Example, ...] = EXAMPLES, false_refusals: float = 0.05) -> ScopeHead:
    return fit(
        examples,
        (model.encode(each.text) for each in examples),
        encoder=model.identity,
        false_refusals=false_refusals,
    )


@pytest.fixture(scope="module")
def head(model: Model) -> ScopeHead:
    return made(model)


def test_a_question_like_the_examples_is_inside_and_has_their_topic(model: Model, head: ScopeHead) -> None:
    for text, topic in INSIDE:
        found = head.judge(text, model.encode(text))
        assert found.is_inside, text
        assert found.topic == topic, text
        assert found.confidence > 0.4, text


def test_nearly_every_question_about_something_else_is_outside(model: Model) -> None:
    head = made(model, false_refusals=0.1)
    assert sum(head.judge(text, model.encode(text)).is_inside for text in OUTSIDE) <= 1


def test_the_more_refusals_are_accepted_the_more_is_outside(model: Model) -> None:
    strict, mild = made(model, false_refusals=0.3), made(model, false_refusals=0.001)
    assert strict.cut > mild.cut
    texts = [*OUTSIDE, *(text for text, _ in INSIDE), "Do you sell gift cards?", "Are you hiring?"]
    for text in texts:
        assert mild.judge(text, model.encode(text)).is_inside or not strict.judge(text, model.encode(text)).is_inside


def test_one_example_is_enough_to_stand_up(model: Model) -> None:
    head = made(model, (Example("Where is my parcel?"),))
    assert head.judge("where is my package", model.encode("where is my package")).is_inside
    assert not head.judge(OUTSIDE[1], model.encode(OUTSIDE[1])).is_inside
    assert head.judge("where is my package", model.encode("where is my package")).topic is None


def test_one_example_a_topic_is_enough_to_name_topics(model: Model) -> None:
    head = made(model, (EXAMPLES[0], EXAMPLES[8], EXAMPLES[16]))
    text = "My package is late, where is it?"
    assert head.judge(text, model.encode(text)).topic == "delivery"


def test_examples_may_be_the_same(model: Model) -> None:
    head = made(model, (EXAMPLES[0],) * 5 + (EXAMPLES[8],) * 3)
    assert head.judge(EXAMPLES[0].text, model.encode(EXAMPLES[0].text)).topic == "delivery"


def test_a_text_without_words_is_outside(model: Model, head: ScopeHead) -> None:
    for text in ("", " \n", "\U0001f9ff\U0001f9ff"):
        found = head.judge(text, model.encode(text))
        assert not found.is_inside
        assert found.score == 0.0


def test_a_long_text_with_broken_characters_is_judged(model: Model, head: ScopeHead) -> None:
    text = "My parcel \ud800 is late. " * 500
    assert 0.0 <= head.judge(text, model.encode(text)).score <= 1.0


def test_the_same_examples_make_the_same_head(model: Model, head: ScopeHead) -> None:
    assert made(model).to_bytes() == head.to_bytes()


def test_a_kept_head_judges_as_before(model: Model, head: ScopeHead) -> None:
    again = ScopeHead.from_bytes(head.to_bytes(), encoder=model.identity)
    for text in (*OUTSIDE, *(text for text, _ in INSIDE)):
        one, other = head.judge(text, model.encode(text)), again.judge(text, model.encode(text))
        assert (one.is_inside, one.topic) == (other.is_inside, other.topic)
        assert one.score == pytest.approx(other.score, abs=0.01)


def test_a_head_of_another_encoder_is_refused(head: ScopeHead) -> None:
    with pytest.raises(ConfigError, match="another encoder"):
        ScopeHead.from_bytes(head.to_bytes(), encoder="another")


@pytest.mark.parametrize("cut", [0, 10, 1000, -10])
def test_a_damaged_head_is_refused(head: ScopeHead, cut: int) -> None:
    with pytest.raises(ConfigError):
        ScopeHead.from_bytes(head.to_bytes()[:cut], encoder=head.encoder)


def test_vectors_of_another_length_are_refused(head: ScopeHead) -> None:
    with pytest.raises(ValueError, match="numbers"):
        head.judge("text", Encoded(np.ones(3, np.float32), np.ones((1, 3), np.float32), ((0, 4),)))


def test_a_scope_without_examples_is_refused(model: Model) -> None:
    with pytest.raises(ConfigError, match="at least one"):
        made(model, ())


def test_examples_without_a_known_word_are_refused(model: Model) -> None:
    with pytest.raises(ConfigError, match="example 2"):
        made(model, (EXAMPLES[0], Example("\U0001f9ff")))


def test_what_is_said_to_be_outside_is_outside(model: Model) -> None:
    text = "Can you recommend a film?"
    beyond = ["Which film should I watch?", "What is on at the cinema?", "Recommend me a good movie"]
    readings = [model.encode(each.text) for each in EXAMPLES]
    plain = fit(EXAMPLES, readings, encoder=model.identity)
    told = fit(EXAMPLES, readings, encoder=model.identity, outside=[model.encode(each) for each in beyond])
    assert told.judge(text, model.encode(text)).score < plain.judge(text, model.encode(text)).score
    again = ScopeHead.from_bytes(told.to_bytes(), encoder=model.identity)
    assert again.judge(text, model.encode(text)).score < plain.judge(text, model.encode(text)).score
    for question, _ in INSIDE:
        assert told.judge(question, model.encode(question)).is_inside


def test_real_questions_move_the_threshold(model: Model, head: ScopeHead) -> None:
    real = [(Example(text), model.encode(text)) for text in ("hi", "thanks a lot", "is anybody there", "ok") * 30]
    readings = [model.encode(each.text) for each in EXAMPLES]
    tuned = fit(EXAMPLES, readings, encoder=model.identity, tuning=real)
    assert not head.judge("is anybody there", model.encode("is anybody there")).is_inside
    assert tuned.judge("is anybody there", model.encode("is anybody there")).is_inside
