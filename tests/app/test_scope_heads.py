"""Scope heads that are kept: found for what they were made of and nothing else, and made anew where unsound."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from penstock.app.guards.heads import KeptHeads
from penstock.app.guards.scope import Scope
from penstock.config.guards import ScopeSettings
from penstock.core.errors import ConfigError
from penstock.encoder.model import Encoded
from penstock.guard.verdict import Finding, Segment

SETTINGS = ScopeSettings(
    fail="closed",
    topics={
        "orders": ("where is my order", "track my parcel", "my delivery is late", "change my order"),
        "returns": ("send something back", "refund my money", "exchange these shoes", "it arrived broken"),
    },
)


class Letters:
    """Stands in for the encoder: a text's vector counts its letters.  `read` are the texts that it was asked for."""

    identity = "letters"

    def __init__(self) -> None:
        self.read: list[str] = []

    @property
    def model(self) -> "Letters":
        return self

    def encode(self, text: str) -> Encoded:
        self.read.append(text)
        vector = np.array([text.count(chr(97 + at)) for at in range(26)], np.float32)
        norm = float(np.linalg.norm(vector))
        sentence = vector / norm if norm else vector
        return Encoded(sentence, sentence[None].repeat(2, axis=0), ((0, 1), (1, 2)))


def made(settings: ScopeSettings, folder: Path, *, may_write: bool = True) -> tuple[Scope, Letters]:
    letters = Letters()
    return Scope(settings, cast("Any", letters), KeptHeads(folder, may_write=may_write)), letters


def judged(scope: Scope, letters: Letters, text: str) -> Sequence[Finding]:
    (ward,) = scope.wards()
    assert ward.detect is not None
    return ward.detect(Segment(text, "user", "messages.0.parts.0"), letters.encode(text))


def is_outside(findings: Sequence[Finding]) -> bool:
    return any(each.rule == "scope.outside" for each in findings)


def test_what_is_inside_is_allowed_and_says_its_topic(tmp_path: Path) -> None:
    scope, letters = made(SETTINGS, tmp_path)
    (ward,) = scope.wards()
    for topic, texts in SETTINGS.topics.items():
        (found,) = judged(scope, letters, texts[0])
        assert (found.rule, found.kind, ward.action(found)) == ("scope.topic", topic, "allow")


def test_a_head_is_made_once_and_judges_the_same_after_that(tmp_path: Path) -> None:
    first, letters = made(SETTINGS, tmp_path / "heads")
    assert len(letters.read) == 8
    (kept,) = (tmp_path / "heads").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    again, others = made(SETTINGS, tmp_path / "heads")
    assert others.read == []
    for text in ("where is my parcel", "xyz qqq zzz", "refund the shoes"):
        assert judged(first, letters, text) == judged(again, others, text)


CHANGES = {
    "an example more": {"topics": {**SETTINGS.topics, "orders": (*SETTINGS.topics["orders"], "cancel my order")}},
    "outside": {"outside": ("tell me a joke",)},
    "tuning": {"tuning": ("where did my order go",)},
    "false refusals": {"false_refusals": 0.1},
}


@pytest.mark.parametrize("changed", CHANGES)
def test_what_is_made_of_something_else_is_made_anew(tmp_path: Path, changed: str) -> None:
    made(SETTINGS, tmp_path)
    _, letters = made(msgspec.structs.replace(SETTINGS, **CHANGES[changed]), tmp_path)
    assert letters.read
    assert len(list(tmp_path.iterdir())) == 2
    made(SETTINGS, tmp_path)


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "another"])
def test_what_is_damaged_is_made_anew_and_mended(tmp_path: Path, damage: str) -> None:
    made(SETTINGS, tmp_path)
    (kept,) = tmp_path.iterdir()
    data = kept.read_bytes()
    wrong = {"cut": data[:-10], "changed": data[:-10] + b"x" + data[-9:], "empty": b"", "another": b"\0" * 400}
    kept.write_bytes(wrong[damage])
    _, letters = made(SETTINGS, tmp_path)
    assert len(letters.read) == 8
    assert kept.read_bytes() == data
    assert made(SETTINGS, tmp_path)[1].read == []


def test_where_nothing_may_be_written_it_works_all_the_same(tmp_path: Path) -> None:
    made(SETTINGS, tmp_path / "heads", may_write=False)
    assert not (tmp_path / "heads").exists()
    (tmp_path / "file").write_text("x")
    _, letters = made(SETTINGS, tmp_path / "file")
    assert len(letters.read) == 8


def test_those_that_were_not_used_for_longest_go(tmp_path: Path) -> None:
    made(SETTINGS, tmp_path)
    for number in range(70):
        (tmp_path / f"{number}.head").write_bytes(b"x")
    made(msgspec.structs.replace(SETTINGS, false_refusals=0.1), tmp_path)
    assert len(list(tmp_path.iterdir())) == 64
    assert made(msgspec.structs.replace(SETTINGS, false_refusals=0.1), tmp_path)[1].read == []


UNREADABLE = [
    pytest.param({"topics": {"orders": ("where is it", "123")}}, "topics.orders.1", id="an example"),
    pytest.param({"outside": ("??",)}, "outside.0", id="outside"),
    pytest.param({"tuning": ("fine", "!!")}, "tuning.1", id="tuning"),
]


@pytest.mark.parametrize(("change", "path"), UNREADABLE)
def test_a_text_that_says_nothing_to_the_encoder_is_named(tmp_path: Path, change: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError, match="no word that the encoder knows") as refused:
        made(msgspec.structs.replace(SETTINGS, **change), tmp_path)
    assert refused.value.path == path


def test_tuning_sets_what_counts_as_strange(tmp_path: Path) -> None:
    """Where what is really asked looks stranger than the examples, the threshold follows what is asked."""
    asked = tuple(f"zzz qqq jjj xxx {'z' * number} {'q' * (number % 7)}" for number in range(120))
    strict, letters = made(SETTINGS, tmp_path)
    assert is_outside(judged(strict, letters, asked[0]))
    tuned, letters = made(msgspec.structs.replace(SETTINGS, tuning=asked), tmp_path)
    assert not is_outside(judged(tuned, letters, asked[0]))


def test_without_the_encoder_topics_are_refused_and_limits_are_not(tmp_path: Path) -> None:
    heads = KeptHeads(tmp_path, may_write=False)
    with pytest.raises(ConfigError, match="needs the encoder"):
        Scope(SETTINGS, None, heads)
    (ward,) = Scope(ScopeSettings(fail="closed", most_chars=10), None, heads).wards()
    assert not ward.reads
    assert ward.detect is not None
    assert [each.rule for each in ward.detect(Segment("x" * 11, "user", "m"), None)] == ["scope.long"]
    assert not list(Scope(msgspec.structs.replace(SETTINGS, mode="off"), None, heads).wards())
