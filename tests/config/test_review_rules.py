"""Rules of the review that wait for what nobody says are refused at the start."""

from pathlib import Path

import pytest

from penstock.config import read
from penstock.core.errors import ConfigError

GROUNDED = """\
models:
  help:
    targets: [{provider: sim, model: sim}]
    knowledge: {bases: [b], grounding: {fail: closed, confidence: {notice: 0.5}}}
"""
SCOPED = """\
models:
  plain: {targets: [{provider: sim, model: sim}]}
  help:
    targets: [{provider: sim, model: sim}]
    guards: {scope: {fail: open, topics: {bills: ["Where is my bill?"]}}}
"""


def rule(tmp_path: Path, when: str, models: str = GROUNDED) -> Path:
    path = tmp_path / "penstock.yaml"
    path.write_text(f"{models}review:\n  rules:\n    - {{name: r, when: {when}}}\n")
    return path


@pytest.mark.parametrize(
    ("when", "models", "said"),
    [
        ("{topics: [billing]}", GROUNDED, "when.topics.0: no model"),
        ("{topics: [bills, refunds]}", SCOPED, "when.topics.1: no model"),
        ("{topics: [bill]}", SCOPED, "(did you mean `bills`?)"),
        ("{topics: [bills], models: [plain]}", SCOPED, "when.topics.0: no model"),
        ("{topics: [bills]}", SCOPED.replace("fail: open", "fail: open, mode: off"), "when.topics.0: no model"),
        ("{confidence_below: 0.5}", "", "when.confidence_below: no model"),
        ("{confidence_below: 0.5, models: [other]}", GROUNDED, "when.confidence_below: no model"),
    ],
)
def test_what_would_never_hold_anything_is_refused(tmp_path: Path, when: str, models: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(rule(tmp_path, when, models), {})
    assert said in str(refused.value)


@pytest.mark.parametrize("when", ["{confidence_below: 0.5}", "{confidence_below: 0.5, or_unknown: true}"])
def test_what_can_is_taken(tmp_path: Path, when: str) -> None:
    assert read(rule(tmp_path, when), {}).review.rules[0].when.confidence_below == 0.5


@pytest.mark.parametrize("when", ["{topics: [bills]}", '{topics: ["b*"], models: [help]}'])
def test_a_topic_that_a_scope_names_is_taken(tmp_path: Path, when: str) -> None:
    assert read(rule(tmp_path, when, SCOPED), {}).review.rules[0].when.topics is not None


def test_a_topic_of_all_models_is_taken_where_the_rule_is_for_one_without_guards_of_its_own(tmp_path: Path) -> None:
    everybody = 'guards: {default: {scope: {fail: open, topics: {bills: ["Where is my bill?"]}}}}\n'
    assert read(rule(tmp_path, "{topics: [bills], models: [plain]}", SCOPED + everybody), {})
