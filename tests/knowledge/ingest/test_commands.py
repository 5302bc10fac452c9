import json  # noqa: TID251 - what a command printed is read as anybody would
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.knowledge.ingest.kept import open_kept
from typer.testing import CliRunner, Result

from penstock.app.knowledge.ingest import means_of
from penstock.cli import _build as build  # pyright: ignore[reportPrivateUsage]  # what `main` runs
from penstock.cli.kb import opening

pytestmark = pytest.mark.usefixtures("encoder_folder")


class Kb:
    """`penstock kb` over the tests' index."""

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(build(["kb"]), ["kb", *arguments])

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.run(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


@pytest.fixture
def kb(monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> Kb:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", database_url)
    monkeypatch.setenv("PENSTOCK__DATABASE_URL", database_url)
    monkeypatch.setattr(opening, "means_of", partial(means_of, index=open_kept))
    return Kb()


def test_from_nothing_to_an_answer_and_back(kb: Kb, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "hr").mkdir(parents=True)
    (docs / "a.md").write_text("# Leave\n\nTake thirty days.")
    (docs / "hr" / "pay.md").write_text("# Pay\n\nThirty crowns a day, says thirty.")
    (docs / "x.bin").write_bytes(b"\x01\x02\xff\x00" * 99)
    single = tmp_path / "single.md"
    single.write_text("# One\n\nA thirty of its own.")
    assert kb.run("create", "house").exit_code == 0
    assert kb.run("add", "house", str(docs), "--readers", "hr/**=group:hr", "--readers", "public").exit_code == 0
    assert kb.run("add", "house", str(single), "--readers", "user:ada").exit_code == 0
    done = kb.run("sync", "house", "--now")
    assert done.exit_code == 0, done.output
    assert "x.bin: it is a binary file" in done.stdout
    found = kb.json("status", "house")
    assert (found["documents"], found["chunks"], len(found["sources"])) == (3, 3, 2)

    def keys(*readers: str) -> set[str]:
        options = [word for reader in readers for word in ("--as", reader)]
        return {item["document"] for item in kb.json("search", "house", "thirty", *options)["items"]}

    assert keys() == {"a.md"}
    assert keys("group:hr", "user:ada") == {"a.md", "hr/pay.md", "single.md"}
    assert kb.run("rm", "house", "single.md").exit_code == 0
    assert kb.run("rm", "house", str(docs)).exit_code == 0
    assert kb.json("status", "house")["documents"] == 0
    assert kb.run("rm", "house").exit_code == 0
    assert "there are: none yet" in kb.run("status", "house").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sync", "none"], "there is no knowledge base 'none'"),
        (["add", "house", "."], "say who may read them"),
        (["add", "house", ".", "--readers", "everybody"], "is no reader"),
        (["add", "house", "/not/there", "--readers", "public"], "there is no folder or file"),
        (["sync", "house"], "has no sources"),
        (["search", "house", "x", "--as", "boss"], "is no reader"),
        (["rm", "house", "nothing"], "no source and no document"),
        (["create", "house"], "there is a knowledge base"),
    ],
)
def test_what_is_wrong_is_said(kb: Kb, arguments: list[str], said: str) -> None:
    kb.run("create", "house")
    done = kb.run(*arguments)
    assert done.exit_code in {1, 2}
    assert said in done.stderr


def test_without_waiting_it_is_queued(kb: Kb, tmp_path: Path) -> None:
    kb.run("create", "house")
    (tmp_path / "d").mkdir()
    kb.run("add", "house", str(tmp_path / "d"), "--readers", "public")
    assert kb.json("sync", "house") == {"queued": [str(tmp_path / "d")]}
    (source,) = kb.json("status", "house")["sources"]
    assert source["run"]["state"] == "waiting"
