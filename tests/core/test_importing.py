"""Imports: what is hidden cannot be had, and only for as long."""

import gc
import sys
from importlib import import_module

import pytest

from penstock.core.importing import hidden, kept_for_good

UNREAD = "xml.dom.minidom"


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delitem(sys.modules, UNREAD, raising=False)
    return UNREAD


def test_what_is_hidden_is_as_if_it_were_not_installed_and_only_for_as_long(unread: str) -> None:
    with hidden(unread), pytest.raises(ImportError):
        import_module(unread)
    assert import_module(unread).__name__ == unread


def test_what_is_read_already_stays() -> None:
    with hidden("sys"):
        assert import_module("sys") is sys


def test_what_is_hidden_comes_back_after_a_failure(unread: str) -> None:
    with pytest.raises(ZeroDivisionError), hidden(unread):
        _ = 1 / 0
    assert unread not in sys.modules


def test_garbage_is_collected_again_afterwards() -> None:
    with kept_for_good():
        assert not gc.isenabled()
    assert gc.isenabled()
