"""The recogniser that is shipped, with the encoder that it was fitted for."""

import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.errors import ConfigError
from penstock.encoder.model import Encoded, Model
from penstock.encoder.weights import WEIGHTS_SHA256
from penstock.guard.personal.names.network import KINDS, load
from penstock.guard.personal.names.recogniser import RULES, Recogniser
from penstock.guard.pieces import sentences
from penstock.guard.verdict import Finding

LIKELY = "Anna Müller in Berlin, GmbH.\n\ud800🙂é\u0301 12"
NAMES = "src/penstock/guard/personal/names/names.npz"


@pytest.fixture(scope="module")
def model(encoder_folder: Path) -> Model:
    return Model(encoder_folder / "model.onnx", encoder_folder / "tokenizer.json")


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return Recogniser.load(WEIGHTS_SHA256)


def found(recogniser: Recogniser, model: Model, text: str) -> set[tuple[str, str]]:
    findings = recogniser.find(text, model.encode(text))
    return {(text[each.begin : each.end], each.kind) for each in findings if each.score >= 0.5}


WRITTEN: list[tuple[str, set[tuple[str, str]]]] = [
    (
        "Hi, my name is Anna Müller and I live in Hamburg.",
        {("Anna Müller", "PERSON"), ("Hamburg", "LOCATION")},
    ),
    ("Please call Mr. O'Brien back.", {("O'Brien", "PERSON")}),
    (
        "Der Vorstand der Siemens AG traf sich gestern in Wien mit Petra Schneider.",
        {("Siemens AG", "ORGANIZATION"), ("Wien", "LOCATION"), ("Petra Schneider", "PERSON")},
    ),
    ("my friend jessica lives in boston", {("jessica", "PERSON"), ("boston", "LOCATION")}),
    ("How do I reset my password?", set()),
    ("Wie kann ich mein Passwort zurücksetzen?", set()),
    ("def sort(values):\n    return sorted(values, key=len)", set()),
]


@pytest.mark.parametrize(("text", "names"), WRITTEN)
def test_names_are_found_in_what_people_write(
    recogniser: Recogniser, model: Model, text: str, names: set[tuple[str, str]]
) -> None:
    assert found(recogniser, model, text) == names


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("I met Mr. J. R. Tolkien in the park. Good.", "J. R. Tolkien"),
        ("Write to Mrs. Dalloway at once.", "Dalloway"),
        ("Call Mr. Lee or Mrs. Ng today.", "Ng"),
    ],
)
def test_a_name_is_found_in_an_answer_that_is_read_by_its_sentences(
    recogniser: Recogniser, model: Model, text: str, person: str
) -> None:
    """The mark behind a title or an initial ends no sentence: cut there, none of these was found."""
    each = [found(recogniser, model, sentence) for _, sentence in sentences(text)]
    assert (person, "PERSON") in set[tuple[str, str]]().union(*each)


def test_a_name_ends_with_its_line(recogniser: Recogniser, model: Model) -> None:
    text = "Attendees:\nMaria Gonzalez\nPeter Smith\nJohn Walker"
    people = {name for name, kind in found(recogniser, model, text) if kind == "PERSON"}
    assert people == {"Maria Gonzalez", "Peter Smith", "John Walker"}


def test_names_far_into_a_long_text_are_found_where_they_stand(recogniser: Recogniser, model: Model) -> None:
    filler = "The committee met again and talked about how the garden could be kept. " * 40
    text = f"{filler}Then Angela Merkel came from Berlin. {filler}"
    assert {("Angela Merkel", "PERSON"), ("Berlin", "LOCATION")} <= found(recogniser, model, text)


def test_what_the_encoder_left_out_is_judged_by_its_letters(recogniser: Recogniser, encoder_folder: Path) -> None:
    small = Model(encoder_folder / "model.onnx", encoder_folder / "tokenizer.json", max_tokens=32, max_windows=1)
    filler = "we talked about how the garden could be kept and by whom. " * 10
    text = f"{filler}My name is Anna Müller and I live in Hamburg. {filler}"
    assert not small.encode(text).is_whole
    assert {("Anna Müller", "PERSON"), ("Hamburg", "LOCATION")} <= found(recogniser, small, text)


@settings(deadline=None, max_examples=80)
@given(
    st.text(
        st.one_of(st.sampled_from("Anna Müller in Berlin, GmbH.\n\ud800🙂é\u0301 12"), st.characters()), max_size=80
    )
)
def test_findings_of_any_text_are_in_order_within_it_and_apart(recogniser: Recogniser, model: Model, text: str) -> None:
    end = 0
    for each in recogniser.find(text, model.encode(text)):
        assert end <= each.begin < each.end <= len(text)
        assert 0.0 <= each.score <= 1.0
        assert each.rule == RULES[KINDS.index(each.kind)]
        assert not text[each.begin].isspace()
        end = each.end


def test_it_is_linear_in_the_text(recogniser: Recogniser) -> None:
    def seconds(text: str) -> float:
        nothing = Encoded(np.zeros(384, np.float32), np.zeros((0, 384), np.float32), ())
        taken: list[float] = []
        for _ in range(3):
            begin = time.thread_time()
            recogniser.find(text, nothing)
            taken.append(time.thread_time() - begin)
        return min(taken)

    for unit in ("Anna Müller ", "A", "Anna\n", "x " * 5, "<PERSON_1>"):
        assert seconds(unit * 6_000) < 40 * max(seconds(unit * 600), 0.002)


def test_one_fitted_for_another_encoder_is_refused() -> None:
    with pytest.raises(ConfigError, match="another encoder"):
        Recogniser.load("0" * 64)


def test_one_that_is_not_whole_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load(b"not one")
    whole = Path(__file__).parents[4] / NAMES
    with np.load(whole) as parts:
        kept = {name: parts[name] for name in parts.files if name != "letters"}
    file = BytesIO()
    np.savez(file, **kept)
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load(file.getvalue())


def test_the_file_is_small() -> None:
    assert (Path(__file__).parents[4] / NAMES).stat().st_size < 1_500_000


def test_the_same_text_says_the_same_in_every_thread(recogniser: Recogniser, model: Model) -> None:
    text = "Anna Müller wrote to Siemens in Munich about Peter Smith from Boston."
    encoded = model.encode(text)
    with ThreadPoolExecutor(4) as pool:
        every: list[list[Finding]] = list(pool.map(recogniser.find, [text] * 40, [encoded] * 40))
    assert all(each == every[0] for each in every)
