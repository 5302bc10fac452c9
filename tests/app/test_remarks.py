"""What an application says of an answer in words: masked and on the disk before it hears that it is kept."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from penstock.app.feedback import RemarkDesk, open_desk
from penstock.app.guards.opening import open_guards
from penstock.config import read
from penstock.config.datadir import DataDir
from penstock.core.errors import GuardUnavailable, UnsupportedField
from penstock.core.exchange import Principal
from penstock.core.feedback import Remark
from penstock.testing.clock import FakeClock

CLOCK = FakeClock()
WHO = Principal("acme", "app")
MASKING = """\
models:
  open: {targets: [{provider: sim, model: sim}]}
  m:
    targets: [{provider: sim, model: sim}]
    guards: {personal_data: {fail: open, names: false, kinds: [EMAIL_ADDRESS, PROJECT], actions: {EMAIL_ADDRESS: hold}}}
guards:
  lists:
    ours: {kind: PROJECT, terms: [Bluebird], tenants: [acme]}
"""
SAID = Remark(
    exchange="ex_1", tenant="acme", key="app", at=1.0, correction="Ask ada@example.com.", comment="Bluebird, not ada."
)


def desk(tmp_path: Path, config: str, *, takes_unmasked: bool = False) -> RemarkDesk:
    path = tmp_path / "penstock.yaml"
    path.write_text(config)
    guards = open_guards(read(path, {}), None, CLOCK)
    return open_desk(DataDir(tmp_path), CLOCK, guards.wording, takes_unmasked=takes_unmasked)


def on_disk(tmp_path: Path) -> str:
    folder = tmp_path / "remarks"
    return "".join(path.read_text() for path in folder.iterdir()) if folder.exists() else ""


def test_any_models_guard_masks_whatever_it_would_not_let_pass(tmp_path: Path) -> None:
    made = desk(tmp_path, MASKING)
    asyncio.run(made.take(SAID, WHO))
    assert "Ask <EMAIL_ADDRESS_1>." in on_disk(tmp_path)
    assert "<PROJECT_1>, not ada." in on_disk(tmp_path)
    asyncio.run(made.take(msgspec.structs.replace(SAID, correction=None), Principal("umbra", "app")))
    assert "Bluebird, not ada." in on_disk(tmp_path)  # a word of another tenant's list
    made.close()


def test_what_no_guard_could_read_is_not_kept(tmp_path: Path) -> None:
    made = desk(tmp_path, MASKING + "  most_chars: 1000\n")

    def broken(*_: object) -> None:
        raise ValueError("a pattern gave up")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("penstock.guard.judging._look", broken)
        with pytest.raises(GuardUnavailable):
            asyncio.run(made.take(SAID, WHO))
    assert on_disk(tmp_path) == ""


def test_where_nothing_masks_texts_are_taken_only_where_that_is_wanted(tmp_path: Path) -> None:
    nothing = "models: {open: {targets: [{provider: sim, model: sim}]}}"
    made = desk(tmp_path, nothing)
    with pytest.raises(UnsupportedField) as refused:
        asyncio.run(made.take(SAID, WHO))
    assert refused.value.field == "correction"
    assert on_disk(tmp_path) == ""
    rating = msgspec.structs.replace(SAID, correction=None, comment=None, rating=4)
    asyncio.run(made.take(rating, WHO))
    assert '"rating":4' in on_disk(tmp_path)
    asyncio.run(desk(tmp_path, nothing, takes_unmasked=True).take(SAID, WHO))
    assert "Ask ada@example.com." in on_disk(tmp_path)
