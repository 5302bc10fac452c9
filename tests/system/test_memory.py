"""Conversations that a whole Penstock keeps: continued, shown, deleted and forgotten, as the official SDK sees it."""

import json  # noqa: TID251 - the client's side
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import urlopen

import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import APIConnectionError, APIStatusError, APITimeoutError, ConflictError, NotFoundError, OpenAI
from openai.types.responses import Response
from tests.system.conftest import Installation, running
from tests.system.mirror import Mirror, mirroring
from tests.system.outside import admin, new_key
from tests.system.records import until
from tests.system.test_fuzz import INVALID, KEPT, VALID, bounded, conforms
from tests.system.test_similar_kept import data_plane_of
from tests.system.test_vault import holding, until_it_knows

ANN = "ann.of.the.memory@example.com"
TOKEN = "<EMAIL_ADDRESS_1>"
CONFIG = """\
guards: {{vault: {{lookup_s: 1.0}}}}
providers:
  mirror: {{vendor: custom, dialect: openai-chat, base_url: "http://127.0.0.1:{port}/v1", api_key: env:MIRROR_KEY}}
models:
  keeps:
    targets: [{{provider: mirror, model: m}}]
    memory: {{}}
    guards:
      personal_data: {{fail: closed, names: false}}
  short:
    targets: [{{provider: mirror, model: m}}]
    memory: {{}}
    compaction: {{after_tokens: 60, budget_tokens: 50, keep_last: 0, encoder_tokens: 0}}
    guards:
      personal_data: {{fail: closed, names: false}}
  forgets:
    targets: [{{provider: mirror, model: m}}]
review:
  rules:
    - {{name: person, when: {{asks_for_person: true}}, group: support, hand_over: {{"": "A colleague will answer."}}}}
"""


@pytest.fixture(scope="module")
def mirror() -> Iterator[Mirror]:
    with mirroring() as found:
        yield found


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, mirror: Mirror) -> Iterator[Installation]:
    config = CONFIG.format(port=mirror.port)
    with running(tmp_path_factory.mktemp("memory") / "data", config, MIRROR_KEY="none") as found:
        until_it_knows(found)
        yield found


@pytest.fixture(scope="module")
def client(up: Installation) -> Iterator[OpenAI]:
    with OpenAI(base_url=up.url + "/v1", api_key=up.key, max_retries=0) as made:
        yield made


def other(up: Installation) -> OpenAI:
    """Another key of the same tenant: nobody is named, so that the key is whose it is."""
    key, _ = new_key(up, tenant="default")
    return OpenAI(base_url=up.url + "/v1", api_key=key, max_retries=0)


def test_an_answer_is_continued_with_its_masked_history_and_restored_values(client: OpenAI, mirror: Mirror) -> None:
    first = client.responses.create(model="keeps", input=f"I am {ANN}", instructions="Be short.")
    assert (first.output_text, (first.model_extra or {})["store"]) == (f"I am {ANN}", True)
    second = client.responses.create(
        model="keeps", input=[{"role": "user", "content": "who am I?"}], previous_response_id=first.id
    )
    assert second.previous_response_id == first.id
    # Instructions are not carried over, as with OpenAI.
    assert mirror.seen == [("user", f"I am {TOKEN}"), ("assistant", f"I am {TOKEN}"), ("user", "who am I?")]
    third = client.responses.create(model="keeps", input=f"tell me {TOKEN}", previous_response_id=second.id)
    assert third.output_text == f"tell me {ANN}"
    assert len(mirror.seen) == 5
    shown = client.responses.retrieve(first.id)
    assert (shown.output_text, shown.instructions, shown.status) == (f"I am {ANN}", "Be short.", "completed")
    [given] = client.responses.input_items.list(first.id)
    assert given.type == "message"
    assert ANN in repr(given.content)


def test_a_stream_is_kept_once_it_is_whole(client: OpenAI, mirror: Mirror) -> None:
    answer: Response | None = None
    with client.responses.stream(model="keeps", input="in pieces") as stream:
        for _ in stream:
            pass
        answer = stream.get_final_response()
    client.responses.create(model="keeps", input="and on", previous_response_id=answer.id)
    assert mirror.seen == [("user", "in pieces"), ("assistant", "in pieces"), ("user", "and on")]
    mirror.breaks = True
    broken: str | None = None
    with client.responses.create(model="keeps", input="half", stream=True) as events:
        for event in events:
            broken = event.response.id if event.type == "response.created" else broken
    mirror.breaks = False
    assert broken is not None
    with pytest.raises(NotFoundError) as caught:
        client.responses.create(model="keeps", input="and on", previous_response_id=broken)
    assert caught.value.code == "previous_response_not_found"


def test_a_conversation_is_appended_to_listed_and_deleted(client: OpenAI, mirror: Mirror) -> None:
    made = client.conversations.create(
        metadata={"topic": "mail"}, items=[{"type": "message", "role": "user", "content": f"My mail is {ANN}"}]
    )
    assert made.metadata == {"topic": "mail"}
    answer = client.responses.create(model="keeps", input="noted?", conversation=made.id)
    assert answer.conversation is not None
    assert answer.conversation.id == made.id
    assert mirror.seen == [("user", f"My mail is {TOKEN}"), ("user", "noted?")]
    client.conversations.items.create(made.id, items=[{"type": "message", "role": "user", "content": "more"}])
    client.chat.completions.create(
        model="keeps",
        messages=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "by chat"}],
        extra_headers={"x-penstock-memory": made.id},
    )
    assert [role for role, _ in mirror.seen] == ["system", "user", "user", "assistant", "user", "user"]
    listed = list(client.conversations.items.list(made.id, order="asc", limit=2))
    assert [each.role for each in listed if each.type == "message"] == [
        "user",
        "user",
        "assistant",
        *["user"] * 2,
        "assistant",
    ]
    assert ANN in repr(listed[0])
    assert len({each.id for each in listed}) == 6
    one = client.conversations.items.retrieve(listed[0].id or "", conversation_id=made.id)
    assert one == listed[0]
    client.conversations.items.delete(listed[0].id or "", conversation_id=made.id)
    client.conversations.update(made.id, metadata={"topic": "other"})
    assert client.conversations.retrieve(made.id).metadata == {"topic": "other"}
    client.responses.create(model="keeps", input="what is left?", conversation=made.id)
    assert TOKEN not in repr(mirror.seen)
    assert client.conversations.delete(made.id).deleted
    for gone in (
        lambda: client.conversations.retrieve(made.id),
        lambda: client.responses.create(model="keeps", input="hello?", conversation=made.id),
        lambda: client.responses.retrieve(answer.id),
    ):
        with pytest.raises(NotFoundError):
            gone()


def test_tools_are_kept_and_go_to_the_model_again(client: OpenAI, mirror: Mirror) -> None:
    mirror.calls.append("look_up")
    first = client.responses.create(
        model="keeps",
        input="look it up",
        tools=[{"type": "function", "name": "look_up", "parameters": {}, "strict": False}],
    )
    assert first.output[0].type == "function_call"
    client.responses.create(
        model="keeps",
        input=[{"type": "function_call_output", "call_id": "call_1", "output": "42"}],
        previous_response_id=first.id,
    )
    assert [role for role, _ in mirror.seen] == ["user", "assistant", "tool"]
    assert mirror.asked[-1]["messages"][1]["tool_calls"][0]["function"]["name"] == "look_up"


def test_what_is_anothers_is_not_there(up: Installation, client: OpenAI) -> None:
    mine = client.responses.create(model="keeps", input="mine")
    conversation = client.conversations.create()
    with other(up) as stranger, ThreadPoolExecutor() as pool:
        tries = (
            lambda: stranger.responses.create(model="keeps", input="?", previous_response_id=mine.id),
            lambda: stranger.responses.create(model="keeps", input="?", conversation=conversation.id),
            lambda: stranger.responses.retrieve(mine.id),
            lambda: stranger.responses.delete(mine.id),
            lambda: stranger.conversations.retrieve(conversation.id),
            lambda: stranger.conversations.items.list(conversation.id),
            lambda: stranger.conversations.delete(conversation.id),
        )
        for seen in [pool.submit(each) for each in tries]:  # a fresh answer is looked for as long as may be waited
            with pytest.raises(NotFoundError):
                seen.result()
    assert client.responses.retrieve(mine.id).id == mine.id
    client.responses.delete(mine.id)
    with pytest.raises(NotFoundError):
        client.responses.retrieve(mine.id)


def test_what_must_not_be_kept_is_not_and_what_cannot_be_is_refused(client: OpenAI) -> None:
    unkept = client.responses.create(model="keeps", input="forget me", store=False)
    assert (unkept.model_extra or {})["store"] is False
    with pytest.raises(NotFoundError):
        client.responses.retrieve(unkept.id)
    made = client.conversations.create()
    for status, wrong in (
        (400, {"conversation": made.id, "previous_response_id": "resp_1"}),
        (400, {"conversation": made.id, "store": False}),
        (404, {"conversation": "conv_none"}),
        (404, {"previous_response_id": "resp_none"}),
    ):
        with pytest.raises(APIStatusError) as caught:
            client.responses.create(model="keeps", input="?", extra_body=wrong)
        assert caught.value.status_code == status
    with pytest.raises(APIStatusError) as caught:
        client.chat.completions.create(
            model="forgets", messages=[{"role": "user", "content": "?"}], extra_headers={"x-penstock-memory": made.id}
        )
    assert caught.value.status_code == 400


def test_two_turns_at_once_are_one_after_the_other(client: OpenAI, mirror: Mirror) -> None:
    made = client.conversations.create()
    mirror.hangs.clear()
    with ThreadPoolExecutor(1) as beside:
        first = beside.submit(client.responses.create, model="keeps", input="one", conversation=made.id)
        try:
            until(lambda: mirror.seen[-1][1] == "one", "the first is not asked")
            with pytest.raises(ConflictError) as caught:
                client.responses.create(model="keeps", input="two", conversation=made.id)
        finally:
            mirror.hangs.set()
        assert caught.value.code == "conversation_locked"
        first.result(20)
    client.responses.create(model="keeps", input="three", conversation=made.id)
    assert mirror.seen == [("user", "one"), ("assistant", "one"), ("user", "three")]


def test_a_caller_who_leaves_leaves_nothing_and_holds_up_nobody(client: OpenAI, mirror: Mirror) -> None:
    made = client.conversations.create()
    mirror.hangs.clear()
    try:
        with pytest.raises(APITimeoutError):
            client.with_options(timeout=0.5).responses.create(model="keeps", input="one", conversation=made.id)
    finally:
        mirror.hangs.set()
    client.responses.create(model="keeps", input="two", conversation=made.id)
    assert mirror.seen == [("user", "two")]


def test_a_long_conversation_is_compacted_for_the_model_and_kept_whole(client: OpenAI, mirror: Mirror) -> None:
    made = client.conversations.create()
    for number in range(4):
        client.responses.create(
            model="short", input=f"{number}: " + "many words of one turn " * 8, conversation=made.id
        )
    sent = sum(len(text) for _, text in mirror.seen)
    assert sent < 2 * 200 * 2
    assert len(list(client.conversations.items.list(made.id))) == 8


def test_an_answer_of_a_person_comes_with_the_next_turn(up: Installation, client: OpenAI, mirror: Mirror) -> None:
    raw = client.responses.with_raw_response.create(model="keeps", input=f"I want to talk to a human being, says {ANN}")
    hold, first = raw.headers["x-penstock-hold"], raw.parse()
    assert first.output_text == "A colleague will answer."
    until(lambda: admin(up, "GET", f"/review/holds/{hold}")[0] == 200, "it is not in the queue")
    _, claimed = admin(up, "POST", f"/review/holds/{hold}/claim")
    decided = {
        "version": claimed["version"],
        "outcome": "edited",
        "text": f"Hello {TOKEN}, I am Eve.",
        "reasons": ["policy"],
    }
    assert admin(up, "POST", f"/review/holds/{hold}/decision", decided)[0] == 200
    raw = client.responses.with_raw_response.create(model="keeps", input="thanks", previous_response_id=first.id)
    second = raw.parse()
    assert raw.headers["x-penstock-released"] == hold
    assert second.output_text == f"Hello {ANN}, I am Eve.\n\nthanks"
    assert mirror.seen[1] == ("assistant", f"Hello {TOKEN}, I am Eve.")
    third = client.responses.create(model="keeps", input="bye", previous_response_id=second.id)
    assert third.output_text == "bye"
    assert client.responses.retrieve(first.id).output_text == f"Hello {ANN}, I am Eve."


def test_whatever_is_sent_the_answer_is_as_described(up: Installation, client: OpenAI) -> None:
    with urlopen(f"{up.url}/openapi.json", timeout=20) as reply:  # noqa: S310 - our own plane
        whole: dict[str, Any] = json.load(reply)
    whole["paths"] = {path: whole["paths"][path] for path in KEPT}
    described: Any = schemathesis.openapi.from_dict(whole)
    made = client.conversations.create(items=[{"type": "message", "role": "user", "content": "hello"}])
    statuses: dict[str, set[int]] = {"get": set(), "post": set(), "delete": set()}

    def tried(cases: st.SearchStrategy[Any], seen: set[int], *, is_known: bool) -> None:
        @settings(bounded, max_examples=2)
        @given(case=cases)
        def check(case: "schemathesis.Case[Any]") -> None:
            if is_known and "conversation" in (case.path_parameters or {}):
                case.path_parameters = {**case.path_parameters, "conversation": made.id}
            seen.add(conforms(case, up)[0])

        check()

    for path, operations in whole["paths"].items():
        for method in sorted(operations.keys() - {"parameters"}):
            modes = (VALID, INVALID) if method == "post" else (VALID,)
            operation: Any = described[path][method.upper()]
            for cases in [operation.as_strategy(generation_mode=mode) for mode in modes]:
                tried(cases, statuses[method], is_known=False)
                if method != "delete":  # the one that there is stays, or the others find nothing
                    tried(cases, statuses[method], is_known=True)
    assert {200, 404} <= statuses["get"]
    assert {200, 400} <= statuses["post"]


def test_a_killed_process_loses_nothing_erasure_takes_all_and_nothing_lies_open(
    up: Installation, client: OpenAI, mirror: Mirror
) -> None:
    made = client.conversations.create()
    client.responses.create(model="keeps", input=f"again {ANN}", conversation=made.id)
    os.kill(data_plane_of(up).pid, signal.SIGKILL)
    up.until_ready(up.port)
    until(lambda: continued(client, made.id), "the conversation is not to be had")
    assert mirror.seen == [("user", f"again {TOKEN}"), ("assistant", f"again {TOKEN}"), ("user", f"not {TOKEN}")]
    last = client.responses.create(model="keeps", input="the last")
    assert admin(up, "DELETE", "/memory")[0] == 400
    assert admin(up, "DELETE", "/memory?tenant=default&user=nobody") == (200, {"turns": 0})
    status, told = admin(up, "DELETE", "/memory?tenant=default")
    assert status == 200
    assert told["turns"] > 2
    _, page = admin(up, "GET", "/audit?subject=memory")
    assert {each["action"] for each in page["items"]} == {"memory.erased"}
    for gone in (lambda: client.conversations.retrieve(made.id), lambda: client.responses.retrieve(last.id)):
        with pytest.raises(NotFoundError):
            gone()
    assert up.stop() == 0
    assert holding(up.data_dir.parent, ANN, "by chat", "what is left?") == []


def continued(client: OpenAI, conversation: str) -> bool:
    """Whether the turn was taken; until the killed process's turn is written, the conversation waits for it."""
    try:
        client.responses.create(model="keeps", input=f"not {ANN}", conversation=conversation)
    except (ConflictError, APIConnectionError):
        return False
    return True
