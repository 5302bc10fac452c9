"""Presidio as a guard of a model, over real sockets: what it finds leaves as tokens and comes back."""

import os
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from openai import OpenAI
from tests.system.conftest import Installation, running
from tests.system.talker import Talker, talking

# Asked for and not imported, which is Penstock's part: every process of a run reads this file.
if find_spec("presidio_analyzer") is None:
    pytest.skip("the extra `presidio` is not installed", allow_module_level=True)

MODELS = """\
models:
  plain:
    targets: [{provider: talker, model: plain}]
    guards:
      own: {presidio: {fail: closed, plugin: presidio, timeout_s: 30}}
"""


@pytest.fixture(scope="module")
def all_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Talker]]:
    folder = tmp_path_factory.mktemp("presidio")
    # The entry points of this tree, also where an older one is installed.
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    offered = folder / "offered" / "offered-1.dist-info"
    offered.mkdir(parents=True)
    (offered / "METADATA").write_text("Metadata-Version: 2.1\nName: offered\nVersion: 1\n")
    lines = [f"{name} = {where}" for name, where in project["entry-points"]["penstock.guards"].items()]
    (offered / "entry_points.txt").write_text("\n".join(["[penstock.guards]", *lines, ""]))
    path = os.pathsep.join((str(folder / "offered"), os.environ.get("PYTHONPATH", "")))
    with talking() as talker, running(folder / "data", talker.config() + MODELS, PYTHONPATH=path) as up:
        yield up, talker


def test_what_presidio_finds_leaves_as_tokens_and_comes_back(all_up: tuple[Installation, Talker]) -> None:
    up, talker = all_up
    asked = "I am anna@example.com, IBAN DE89 3704 0044 0532 0130 00."
    with OpenAI(base_url=up.url + "/v1", api_key=up.key, max_retries=0) as client:
        answer = client.chat.completions.create(model="plain", messages=[{"role": "user", "content": asked}])
    assert talker.asked[-1]["messages"][-1]["content"] == "I am <EMAIL_ADDRESS_1>, IBAN <IBAN_CODE_1>."
    # Its verdict on the answer is about tokens, which are nobody's: they come back as what they stand for.
    assert answer.choices[0].message.content == asked
