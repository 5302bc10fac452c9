"""Each deliberate fault of `make mutations` fits the source and names tests that are there: a stale one proves nothing.

Whether a test notices it takes hours to try, and is tried elsewhere.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def test_each_deliberate_fault_can_still_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    mutations: Any = import_module("mutations")
    assert len(mutations.MUTATIONS) > 500
    for mutation in mutations.MUTATIONS:
        text = (ROOT / "src" / "penstock" / mutation.file).read_text()
        assert text.count(mutation.old) == 1, mutation.name
        assert text.replace(mutation.old, mutation.new) != text, mutation.name
        files = [word.partition("::")[0] for word in mutation.tests.split() if word.startswith("tests")]
        assert files, mutation.name
        for file in files:
            assert (ROOT / file).exists(), mutation.name
