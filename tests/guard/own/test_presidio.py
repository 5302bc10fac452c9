"""Presidio as a guard: it keeps the contract of own guards, and masks what it finds by its place and kind."""

import sys
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.guard.hearings import judge_all

from penstock.core.errors import ConfigError
from penstock.guard.own.opinion import Inquiry, Opinion, Questions, action_of
from penstock.guard.own.plugin import GROUP, Plugin, load_plugin
from penstock.guard.own.presidio import Presidio
from penstock.guard.verdict import Trust
from penstock.guard.ward import Ward
from penstock.testing.guards import check_guard

Asked = Callable[[str], Opinion]


@pytest.fixture(scope="module")
def presidio() -> Presidio:
    pytest.importorskip("presidio_analyzer", reason="the extra `presidio` is not installed")
    return Presidio()


@pytest.fixture(scope="module")
def opinion(presidio: Presidio) -> Asked:
    def ask(text: str, trust: Trust = "user") -> Opinion:
        texts = (Inquiry(text=text, trust=trust, place="messages.0.parts.0"),)
        (said,) = presidio.judge(
            Questions(exchange="ex", tenant="t", model="m", direction="input", texts=texts),
        )
        return said

    return ask


def test_it_keeps_the_contract(presidio: Presidio) -> None:
    # It reads a text of 100,000 letters in a third of a second where nothing else runs.
    check_guard(lambda: presidio, timeout_s=20.0)


def test_it_says_where_what_stands(opinion: Asked) -> None:
    text = "👋 Write to anna@example.com, IBAN DE89 3704 0044 0532 0130 00, at www.example.org."
    said = opinion(text)
    assert said.action == "mask"
    assert [(text[each.begin : each.end], each.kind) for each in said.spans] == [
        ("anna@example.com", "EMAIL_ADDRESS"),
        ("DE89 3704 0044 0532 0130 00", "IBAN_CODE"),
    ]


@pytest.mark.parametrize(
    "text",
    ["Where is my order?", "", " \n", "See https://example.org on 2024-05-01", "Write to <EMAIL_ADDRESS_1>, <IBAN_2>"],
)
def test_what_is_nobodys_and_what_was_replaced_before_stays(opinion: Asked, text: str) -> None:
    assert opinion(text) == Opinion()


def test_others_kinds_may_be_asked_for() -> None:
    pytest.importorskip("presidio_analyzer", reason="the extra `presidio` is not installed")
    texts = (Inquiry(text="See https://example.org for more", trust="user", place="p"),)
    questions = Questions(exchange="ex", tenant="t", model="m", direction="input", texts=texts)
    (said,) = Presidio(without=()).judge(questions)
    assert [each.kind for each in said.spans] == ["URL"]


def test_what_it_finds_is_masked_in_a_request(presidio: Presidio) -> None:
    ask = Plugin("presidio", presidio, "input").ask
    ward = Ward(guard="own.presidio", mode="enforce", fail="closed", action=action_of, ask=ask, timeout_s=20.0)
    hearing = judge_all([ward], "I am anna@example.com", "Where is my order?")
    assert hearing.blocked is None
    assert [(text.text[each.begin : each.end], each.kind, each.rule) for text, each in hearing.mask] == [
        ("anna@example.com", "EMAIL_ADDRESS", "own.presidio.presidio")
    ]


def test_names_are_found_where_a_model_of_language_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spacy: Any = pytest.importorskip("spacy", reason="the extra `presidio` is not installed")
    model = spacy.blank("en")
    model.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Anna Schmidt"}])
    model.to_disk(tmp_path / "model")
    monkeypatch.setattr("penstock.guard.own.presidio.installed_model", lambda: str(tmp_path / "model"))
    texts = (Inquiry(text="My name is Anna Schmidt", trust="user", place="p"),)
    questions = Questions(exchange="ex", tenant="t", model="m", direction="input", texts=texts)
    (said,) = Presidio().judge(questions)
    assert [(each.begin, each.end, each.kind) for each in said.spans] == [(11, 23, "PERSON")]


def test_the_package_offers_it_by_name() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    module, _, name = project["entry-points"][GROUP]["presidio"].partition(":")
    assert getattr(import_module(module), name) is Presidio


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy.util", None)
    with pytest.raises(ConfigError, match=r"pip install 'penstock\[presidio\]'"):
        Presidio()
    with pytest.raises(ConfigError, match="no installed package offers"):
        load_plugin("no-such-guard")
