"""Contents of a whole Penstock: what is kept is masked, what must not be is not, and no value lies in any byte."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import psycopg
import pytest
from openai import APIError, OpenAI
from openai.types.chat import ChatCompletionMessageParam
from tests.system.conftest import Installation, running
from tests.system.outside import admin, new_key
from tests.system.records import record, records, until
from tests.system.test_vault import holding

from penstock.storage.embedded import running_url

ANN, CARD = "ann.of.the.contents@example.com", "4111 1111 1111 1111"
CONFIG = """\
contents:
  keep: sampled
  sample: 0
  always: [errors, blocked, held]
  tenants:
    silent: {keep: none}
guards:
  default:
    personal_data: {fail: closed, names: false, actions: {CREDIT_CARD: block}}
review:
  rules:
    - {name: person, when: {asks_for_person: true}, group: support, hand_over: {"": "A colleague will answer."}}
models:
  all:
    targets: [{provider: sim, model: "sim:echo"}]
    contents: {keep: all}
  bare:
    targets: [{provider: sim, model: "sim:echo"}]
    guards: {}
    contents: {keep: all}
  some:
    targets: [{provider: sim, model: "sim:echo"}]
  broken:
    targets: [{provider: sim, model: "sim:fault=cut@3"}]
  polite:
    targets: [{provider: sim, model: "sim:echo"}]
    guards:
      refusal: I cannot help with that.
      personal_data: {fail: closed, names: false, actions: {CREDIT_CARD: block}}
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("contents") / "data", CONFIG) as found:
        yield found


def ask(up: Installation, model: str, text: str, *, key: str = "", stream: bool = False, **headers: str) -> str | None:
    """What is answered; None where it is refused or breaks off."""
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "You echo."},
        {"role": "user", "content": text},
    ]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with OpenAI(base_url=up.url + "/v1", api_key=key or up.key, max_retries=0) as client:
        try:
            if not stream:
                answer = client.chat.completions.create(model=model, messages=messages, extra_headers=named)
                return answer.choices[0].message.content
            said = ""
            for chunk in client.chat.completions.create(model=model, messages=messages, stream=True):
                said += "".join(choice.delta.content or "" for choice in chunk.choices)
        except APIError:
            return None
    return said


def kept(up: Installation) -> list[tuple[Any, ...]]:
    url = running_url(up.data_dir)
    assert url is not None
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT * FROM contents ORDER BY id").fetchall()


def found(up: Installation, text: str) -> list[dict[str, Any]]:
    status, page = admin(up, "GET", f"/contents?text={quote(text)}")
    assert status == 200, page
    items: list[dict[str, Any]] = page["items"]
    return items


def texts(view: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Of the turns and of the choices."""
    return (
        [piece["text"] for turn in view["turns"] for piece in turn["pieces"]],
        [piece["text"] for choice in view["choices"] for piece in choice["pieces"]],
    )


def test_what_is_kept_is_masked_and_as_the_policy_says(up: Installation) -> None:
    silent, _ = new_key(up, tenant="silent")
    assert ask(up, "all", f"whole ornithorynx {ANN}") == f"whole ornithorynx {ANN}"
    assert ask(up, "all", f"streamed {ANN}", stream=True) == f"streamed {ANN}"
    assert ask(up, "bare", f"bare {ANN} {CARD}") == f"bare {ANN} {CARD}"  # no guard, and masked all the same
    assert ask(up, "some", f"unsampled {ANN}") == f"unsampled {ANN}"
    assert ask(up, "all", f"unstored {ANN}", cache_control="no-store") == f"unstored {ANN}"
    assert ask(up, "all", f"silent {ANN}", key=silent) == f"silent {ANN}"
    assert ask(up, "some", f"blocked {ANN} {CARD}") is None
    assert ask(up, "polite", f"refused {ANN} {CARD}") == "I cannot help with that."
    assert ask(up, "some", f"held {ANN}", x_penstock_person="true") == "A colleague will answer."
    ask(up, "broken", f"failed {ANN}", stream=True)
    assert ask(up, "silent-model-of-nobody", ANN) is None  # refused before any guard has seen it
    until(lambda: len(kept(up)) == 7, f"{len(kept(up))} are kept")
    said = {word: found(up, word) for word in ("whole", "streamed", "bare", "blocked", "refused", "held", "failed")}
    shown: dict[str, dict[str, Any]] = {}
    for word, items in said.items():
        assert len(items) == 1, (word, items)
        status, shown[word] = admin(up, "GET", f"/contents/{items[0]['exchange']}")
        assert status == 200
    token = "<EMAIL_ADDRESS_1>"
    assert texts(shown["whole"]) == (["You echo.", f"whole ornithorynx {token}"], [f"whole ornithorynx {token}"])
    assert texts(shown["streamed"]) == (["You echo.", f"streamed {token}"], [f"streamed {token}"])
    one_way = "bare <EMAIL_ADDRESS> <CREDIT_CARD>"
    assert texts(shown["bare"]) == (["You echo.", one_way], [one_way])
    assert texts(shown["blocked"]) == (["You echo.", "blocked <EMAIL_ADDRESS> <CREDIT_CARD>"], [])
    assert texts(shown["refused"])[1] == ["I cannot help with that."]
    assert texts(shown["held"]) == (["You echo.", f"held {token}"], ["A colleague will answer."])
    ends = {word: view["end"] for word, view in shown.items()}
    assert {ends["whole"], ends["streamed"], ends["bare"]} == {"completed"}
    assert (ends["blocked"], ends["refused"], ends["held"]) == ("blocked", "blocked", "held")
    assert shown["failed"]["code"] is not None
    row = record(up, lambda row: row["id"] == shown["failed"]["exchange"])
    assert row["outcome"] == shown["failed"]["end"]
    assert found(up, "unsampled") == found(up, "unstored") == found(up, "silent") == []
    with urlopen(up.url + "/metrics") as reply:  # noqa: S310 - our own plane
        assert "penstock_contents_dropped 0.0" in reply.read().decode()


def test_no_value_lies_in_any_byte_of_files_or_database(up: Installation) -> None:
    """Of everything that was said above, and of what still lies in the outbox."""
    assert ANN not in repr(kept(up))
    for text in (ANN, "ornithorynx"):
        assert text not in repr(records(up))
    ask(up, "bare", f"quaggamire {ANN} {CARD}")
    up.stop()
    assert holding(up.data_dir.parent, ANN, CARD, "quaggamire", "ornithorynx") == []
    up.start()
    until(lambda: bool(found(up, "quaggamire")), "it does not come out of the outbox")


def test_each_look_is_on_record_and_an_erasure_takes_all(up: Installation) -> None:
    [item] = found(up, "quaggamire")
    status, _ = admin(up, "GET", f"/contents/{item['exchange']}")
    assert status == 200
    _, page = admin(up, "GET", f"/audit?subject={item['exchange']}")
    assert [each["action"] for each in page["items"]][:2] == ["contents.read", "contents.shown"]
    _, page = admin(up, "GET", "/audit?subject=contents")
    assert "contents.searched" in {each["action"] for each in page["items"]}
    assert "quaggamire" not in repr(page)
    assert admin(up, "DELETE", "/contents?tenant=default&user=nobody") == (200, {"exchanges": 0})
    status, told = admin(up, "DELETE", "/contents?tenant=default")
    assert (status, told["exchanges"] > 0) == (200, True)
    assert kept(up) == []
    assert admin(up, "GET", f"/contents/{item['exchange']}")[0] == 404
