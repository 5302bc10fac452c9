"""Conversations of a whole Penstock: their tokens outlive the exchange, the process, and nothing that erases them."""

from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam
from tests.system.conftest import Installation, running
from tests.system.outside import admin, new_key
from tests.system.records import record, until

from penstock.storage.embedded import running_url

CONFIG = """\
guards:
  vault: {lookup_s: 1.0}
  default:
    personal_data: {fail: closed, names: false, restore: [{purposes: [billing]}]}
models:
  echo:
    targets: [{provider: sim, model: "sim:echo"}]
"""
BILLING = {"x-penstock-purpose": "billing"}
ANN, BOB = "ann.of.the.vault@example.com", "bob.of.the.vault@example.com"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("vault") / "data", CONFIG) as found:
        until_it_knows(found)
        yield found


def until_it_knows(up: Installation) -> None:
    """Before its store answers, tokens have numbers that nobody else has given, and are no small ones."""
    until(lambda: "penstock_vault_store_up 1.0" in metrics(up), "the store is not there")


def metrics(up: Installation) -> str:
    with urlopen(up.url + "/metrics") as reply:  # noqa: S310 - our own plane
        return reply.read().decode()


def say(up: Installation, text: str, name: str = "", *, key: str = "", **more: str) -> str:
    """What the caller is shown of the echo of the last message; `name` is the conversation's."""
    headers = {"x-penstock-conversation": name, **more} if name else more
    message: ChatCompletionMessageParam = {"role": "user", "content": text}
    with OpenAI(base_url=up.url + "/v1", api_key=key or up.key, max_retries=0) as client:
        answer = client.chat.completions.create(model="echo", messages=[message], extra_headers=headers)
    return answer.choices[0].message.content or ""


def kept(up: Installation) -> list[tuple[object, ...]]:
    url = running_url(up.data_dir)
    assert url is not None
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT * FROM vault").fetchall()


def holding(folder: Path, *values: str) -> list[str]:
    """The files below a folder in which one of the values stands, in any spelling that a page or a dump may have."""
    wanted = [value.encode(encoding) for value in values for encoding in ("utf-8", "utf-16-le")]
    files = [each for each in folder.rglob("*") if each.is_file()]
    return [str(each) for each in files if any(value in each.read_bytes() for value in wanted)]


def test_a_conversation_goes_on_after_a_restart_and_nothing_of_it_lies_open(up: Installation) -> None:
    assert say(up, f"{ANN} and {BOB}", "over") == "<EMAIL_ADDRESS_1> and <EMAIL_ADDRESS_2>"
    assert say(up, "who is <EMAIL_ADDRESS_2>?", "over", **BILLING) == f"who is {BOB}?"
    up.stop()
    assert holding(up.data_dir.parent, ANN, BOB) == []
    up.start()
    until_it_knows(up)
    assert say(up, f"not {BOB}", "over") == "not <EMAIL_ADDRESS_2>"
    assert say(up, "who is <EMAIL_ADDRESS_1>?", "over", **BILLING) == f"who is {ANN}?"
    until(lambda: bool(kept(up)), "it is not written")
    assert ANN not in repr(kept(up))
    row = record(up, lambda row: any(fact.get("source") == "store" for fact in row["facts"]))
    assert ANN not in repr(row)
    assert "penstock_vault_turns_store 1.0" in metrics(up)


def test_tokens_of_a_conversation_are_text_in_every_other(up: Installation) -> None:
    say(up, ANN, "mine")
    asked = "<EMAIL_ADDRESS_1>"
    assert say(up, asked, "mine", **BILLING) == ANN
    assert say(up, asked, "other", **BILLING) == asked
    assert say(up, asked, **BILLING) == asked
    key, _ = new_key(up, tenant="default")
    assert say(up, asked, "mine", key=key, **BILLING) == asked


def test_what_is_erased_is_gone_from_the_database_and_from_memory(up: Installation) -> None:
    say(up, ANN, "doomed")
    until(lambda: len(kept(up)) > 0, "it is not written")
    assert admin(up, "DELETE", "/vault")[0] == 400
    status, told = admin(up, "DELETE", "/vault?tenant=default&user=nobody")
    assert (status, told) == (200, {"conversations": 0})
    status, told = admin(up, "DELETE", "/vault?tenant=default")
    assert status == 200
    assert told["conversations"] > 0
    asked = "<EMAIL_ADDRESS_1>"
    until(lambda: say(up, asked, "doomed", **BILLING) == asked, "a process still knows it")
    assert kept(up) == []
    _, page = admin(up, "GET", "/audit?subject=vault")
    assert {each["action"] for each in page["items"]} == {"vault.erased"}
