"""docs/errors.md and `core.errors` say the same, in both directions, and its examples are what clients get."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.app.data_plane import client_dialects
from penstock.core import errors
from penstock.core.errors import PenstockError, UnknownModel
from penstock.core.json import loads

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)`( \\\*)? \| (\d{3}) \| (\w+) \| (.+?) \| (.+?) \|$", re.MULTILINE)
EXCHANGE_ID = "ex_01a1fc239d813e8a08a33699b7af0b58"


def below(kind: type[PenstockError]) -> Iterator[type[PenstockError]]:
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from below(each)


def test_every_error_is_documented_with_its_status_and_retry_and_no_other() -> None:
    documented = {(name, code, int(status), retry) for code, name, _, status, retry, _, _ in ROW.findall(PAGE)}
    assert documented == {(each.__name__, each.code, each.status, each.retry) for each in below(PenstockError)}


def test_only_classes_that_have_kinds_are_marked_as_classes() -> None:
    marked = {name for _, name, mark, *_ in ROW.findall(PAGE) if mark}
    assert marked == {each.__name__ for each in below(PenstockError) if each.__subclasses__()}


def test_codes_are_unique_as_labels_must_be() -> None:
    codes = [each.code for each in below(PenstockError)]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(("path", "place"), [("/v1/chat/completions", 0), ("/v1/messages", 1)])
def test_the_examples_are_what_a_client_gets(path: str, place: int) -> None:
    examples = re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)
    error = UnknownModel("There is no model `smi`. Did you mean `sim`?", field="model")
    assert loads(examples[place]) == loads(client_dialects()[path].encode_error(error, EXCHANGE_ID))
