"""Settings of the guards that contradict each other, or ask for nothing, are named with their place."""

from pathlib import Path

import pytest

from penstock.config import read
from penstock.config.guards import ModelGuards
from penstock.config.problems import lines_of
from penstock.core.errors import ConfigError

BROKEN = [
    ("scope: {fail: open}", "scope: it asks for nothing"),
    ("scope: {fail: open, topics: {talk: []}}", "scope.topics.talk: it needs at least one example"),
    ("scope: {fail: open, most_chars: 9, outside: [a joke]}", "scope.outside: it says nothing without `topics`"),
    ("scope: {fail: open, most_chars: 9, tuning: [a thing]}", "scope.tuning: it says nothing without `topics`"),
    ("scope: {fail: open, repetition: {on: []}}", "scope.repetition.on: it is asked about nothing"),
    ("scope: {fail: open, most_chars: 9, polite: true, refusal: No.}", "scope.polite: there is a text of yours too"),
    ("scope: {fail: open, most_chars: 9, refusal: {}}", "scope.refusal: it has no text"),
    ("scope: {fail: open, languages: [english]}", "scope.languages.0: "),
    ("policy: {fail: open, meaning: {}}", "policy.meaning: name the `harms` that it looks for"),
    ("policy: {fail: open, least_chars: 9, most_chars: 8}", "policy.least_chars: it is above `most_chars`"),
    ("policy: {fail: open, refusals: {threshold: 2}}", "policy.refusals.threshold: "),
]


def guards_of(path: Path, guards: str) -> ModelGuards | None:
    file = path / "penstock.yaml"
    file.write_text(f"models:\n  m:\n    targets: [{{provider: sim, model: sim}}]\n    guards: {{{guards}}}\n")
    return read(file, {}).models["m"].guards


@pytest.mark.parametrize(("guards", "said"), BROKEN)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, guards: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        guards_of(tmp_path, guards)
    (line,) = lines_of(refused.value)
    assert f":4: models.m.guards.{said}" in line


def test_a_judgement_that_may_be_wrong_is_recorded_until_it_is_enforced(tmp_path: Path) -> None:
    guards = guards_of(tmp_path, "policy: {fail: open, prices: {}, refusals: {mode: enforce, action: mask}}")
    assert guards is not None
    assert guards.policy is not None
    policy = guards.policy
    assert policy.prices is not None
    assert policy.refusals is not None
    assert (policy.prices.mode, policy.refusals.mode, policy.refusals.action) == ("shadow", "enforce", "mask")
    assert (policy.overconfidence, policy.meaning) == (None, None)
