"""What a name's score is fitted on."""

from training.names.scores import Judged, calibration
from training.names.sets import Span, Text

from penstock.guard.personal.names.network import KINDS
from penstock.guard.personal.names.recogniser import Name
from penstock.guard.personal.names.surface import read

PEOPLE = KINDS.index("NRP")
NOTHING_LEARNT = [1.0, 0.0]


def judged(origin: str, *spans: Span) -> list[Judged]:
    text = "a Norwegian ship"
    surface = read(text)
    assert surface is not None
    return [(surface, Text(text, spans, "group", origin), [Name(PEOPLE, 1, 1, 2.0)])] * 50


def test_a_set_says_nothing_of_a_kind_that_it_does_not_label() -> None:
    assert calibration(judged("tweets"))[PEOPLE].tolist() == NOTHING_LEARNT


def test_names_that_were_wrong_lower_the_score_and_those_that_were_right_raise_it() -> None:
    wrong = calibration(judged("germeval"))[PEOPLE]
    right = calibration(judged("germeval", Span(2, 11, "NRP")))[PEOPLE]
    assert 2.0 * wrong[0] + wrong[1] < 0.0
    assert 2.0 * right[0] + right[1] > 2.0
