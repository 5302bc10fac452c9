"""Answers from documents as an application gets them: found, cited, and only what its caller may read."""

import json  # noqa: TID251 - the client's side
from collections.abc import Iterator
from itertools import cycle
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import psycopg
import pytest
from openai import APIStatusError, OpenAI
from tests.system.conftest import Installation, running
from tests.system.talker import Talker, talking

from penstock.app.encoder import load_encoder
from penstock.config import read
from penstock.core.clock import SystemClock
from penstock.core.sources import PUBLIC, Reader
from penstock.knowledge.document import BaseId, Chunk, Document
from penstock.knowledge.index.bases import Fingerprint, create_base
from penstock.knowledge.index.store import PostgresStore
from penstock.storage.embedded import running_url

CONFIG = """\
models:
  help:
    targets: [{provider: sim, model: "sim:echo"}]
    cache: {exact: {}}
    knowledge: {bases: [handbook], passages: 2}
  strict:
    targets: [{provider: sim, model: "sim:echo"}]
    knowledge: {bases: [handbook], least_nearness: 1.0, nothing_found: "I do not know."}
  unsure:
    targets: [{provider: sim, model: "sim:echo"}]
    knowledge: {bases: [handbook], least_chance: 1.0, nothing_found: "I do not know."}
  nowhere:
    targets: [{provider: sim, model: "sim:echo"}]
    knowledge: {bases: [another]}
  open:
    targets: [{provider: sim, model: "sim:echo"}]
    cache: {exact: {}}
    knowledge: {bases: [another], fail: open}
"""
GROUNDED = "".join(
    f"""\
  {action}:
    targets: [{{provider: sim, model: "sim:echo=line"}}]
    knowledge:
      bases: [handbook]
      grounding: {{fail: closed, action: {action}, confidence: {{notice: 0.0}}}}
"""
    for action in ("flag", "strip", "ask_again", "refuse", "hold")
)
WINDOW = """\
  window:
    targets: [{provider: sim, model: "sim:echo=line"}]
    knowledge: {bases: [handbook], grounding: {fail: closed, action: strip, stream: window}}
  window_flag:
    targets: [{provider: sim, model: "sim:echo=line"}]
    knowledge: {bases: [handbook], grounding: {fail: closed, action: flag, stream: window}}
"""
SECOND = """\
  second:
    tiers:
      fast: [{provider: sim, model: "sim:tokens=12"}]
      strong: [{provider: sim, model: "sim:echo=line"}]
    knowledge:
      bases: [handbook]
      grounding: {fail: closed, confidence: {second_opinion: 0.7, tier: strong}}
  shaky:
    targets: [{provider: sim, model: "sim:echo=line"}]
    knowledge:
      bases: [handbook]
      grounding: {fail: closed, action: hold, confidence: {second_opinion: 1.0, model: away}}
  away:
    targets: [{provider: sim, model: "sim:fault=status@503"}]
"""
AGAIN = "".join(
    f"""\
  {model}:
    targets: [{{provider: talker, model: {model}}}]
    guards: {{personal_data: {{fail: closed, names: false}}}}
    knowledge:
      bases: [handbook]
      grounding: {{fail: closed, confidence: {{{asks}: 0.01, samples: {{agreement: 0.5}}}}}}
"""
    for model, asks in (("steady", "hold"), ("noted", "notice"), ("held", "hold"))
)
PAGES = {
    "leave.md": ("Leave", "Everybody has 30 days of leave a year. Ask your lead two weeks before.", (PUBLIC,)),
    "pay.md": ("Salaries", "The salary of the director is 250,000 euros a year.", (Reader("group:board"),)),
    "food.md": ("Canteen", "The canteen is open from 11:30 to 14:00.", (PUBLIC,)),
}


class Base:
    """The handbook of the tenant `default`, as a worker writes it."""

    def __init__(self, up: Installation) -> None:
        url = running_url(up.data_dir)
        assert url is not None
        assert up.config is not None
        self.encoder = load_encoder(read(up.config, {}), needed_by=["a test"])
        self.connection = psycopg.connect(url, autocommit=True)
        self.store = PostgresStore(self.connection, SystemClock())
        of = Fingerprint(self.encoder.identity, self.encoder.width)
        self.id: BaseId = create_base(self.connection, "default", "handbook", of)
        for key, (title, text, readers) in PAGES.items():
            self.put(key, title, text, readers)

    def put(self, key: str, title: str, text: str, readers: tuple[Reader, ...]) -> None:
        chunk = Chunk(ordinal=0, text=text, start=0, end=len(text))
        document = Document(
            key=key,
            title=title,
            text=text,
            chunks=(chunk,),
            digest=key.encode(),
            media_type="text/markdown",
            readers=readers,
            uri=f"https://docs.example.com/{key}",
        )
        vector = self.encoder.model.encode(f"{title}\n{text}").sentence
        self.store.put(self.id, document, np.stack([vector]))

    def close(self) -> None:
        self.connection.close()
        self.encoder.close()


@pytest.fixture(scope="module")
def talker() -> Iterator[Talker]:
    with talking() as found:
        yield found


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, talker: Talker) -> Iterator[Installation]:
    config = talker.config() + CONFIG + GROUNDED + WINDOW + SECOND + AGAIN
    with running(tmp_path_factory.mktemp("knowledge") / "data", config) as found:
        yield found


@pytest.fixture(scope="module")
def base(up: Installation) -> Iterator[Base]:
    made = Base(up)
    yield made
    made.close()


@pytest.fixture
def client(up: Installation, base: Base) -> Iterator[OpenAI]:
    assert base.id > 0  # it is there
    with OpenAI(base_url=up.url + "/v1", api_key=up.key, max_retries=0) as made:
        yield made


def asked(client: OpenAI, question: str, model: str = "help") -> tuple[str, Any]:
    """What the cache did, and the message.  The model says what it was asked, with its sources."""
    answer = client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": question}]
    )
    return answer.headers.get("x-penstock-cache", ""), answer.parse().choices[0].message


def test_an_answer_has_its_sources_and_cites_them(up: Installation, client: OpenAI) -> None:
    _, message = asked(client, "How many days of leave do I have?")
    assert "Everybody has 30 days of leave a year." in message.content
    assert message.content.endswith("How many days of leave do I have?")
    first = message.annotations[0].url_citation
    assert (first.title, first.url) == ("Leave", "https://docs.example.com/leave.md")
    records: list[Any] = up.ledger()
    record = max(records, key=lambda each: each["time"])
    facts: dict[str, Any] = {fact["fact"]: fact for fact in record["facts"]}
    assert facts["knowledge_searched"]["bases"] == ["handbook"]
    assert 0.0 < facts["knowledge_searched"]["chance"] < 1.0
    assert facts["answer_cited"]["citations"] == facts["knowledge_searched"]["passages"] == 2


def test_what_the_caller_may_not_read_is_not_there(client: OpenAI) -> None:
    _, message = asked(client, "What is the salary of the director?")
    assert "250,000" not in message.content
    assert "Salaries" not in message.content


def test_a_document_that_changes_or_is_forbidden_takes_kept_answers_with_it(client: OpenAI, base: Base) -> None:
    question = "When is the canteen open?"
    assert asked(client, question)[0] == "miss"
    assert asked(client, question)[0] == "hit"
    base.put("food.md", "Canteen", "The canteen is open from 12:00 to 13:00.", (PUBLIC,))
    status, message = asked(client, question)
    assert status == "miss"
    assert "12:00 to 13:00" in message.content
    assert asked(client, question)[0] == "hit"
    base.store.permit(base.id, {"food.md": (Reader("group:cooks"),)})
    status, message = asked(client, question)
    assert status == "miss"
    assert "12:00" not in message.content


def test_a_search_that_finds_nothing_sure_is_answered_without_a_model(client: OpenAI) -> None:
    for model in ("strict", "unsure"):
        assert asked(client, "Who won the match?", model)[1].content == "I do not know."


def test_a_base_that_is_not_there_refuses_or_is_done_without(client: OpenAI) -> None:
    with pytest.raises(APIStatusError) as refused:
        asked(client, "How many days of leave do I have?", "nowhere")
    assert (refused.value.status_code, refused.value.code) == (503, "knowledge_unavailable")
    for _ in range(2):  # what was made without looking is not given again
        status, message = asked(client, "How many days of leave do I have?", "open")
        assert (status, message.content) == ("miss", "How many days of leave do I have?")


def test_streams_have_annotations_too(client: OpenAI) -> None:
    found: list[Any] = []
    stream = client.chat.completions.create(
        model="help", messages=[{"role": "user", "content": "How much leave is there, once more?"}], stream=True
    )
    for chunk in stream:
        for choice in chunk.choices:
            found += (choice.delta.model_extra or {}).get("annotations", [])
    assert "Leave" in {each["url_citation"]["title"] for each in found}


INVENTED = "Everybody has 45 days of leave a year."
SAID_SO = "Everybody has 30 days of leave a year."


def test_what_no_source_says_is_flagged_left_out_refused_or_held(up: Installation, client: OpenAI) -> None:
    flagged = asked(client, INVENTED, "flag")[1].content
    assert flagged == f"{INVENTED}\n\nSome of this could not be found in the sources."
    for model in ("strip", "window"):
        assert asked(client, f"{SAID_SO} {INVENTED}", model)[1].content.strip() == SAID_SO
    assert asked(client, INVENTED, "window_flag")[1].content == flagged
    for model in ("refuse", "ask_again", "strip", "window"):
        assert asked(client, INVENTED, model)[1].content == "I could not find a reliable answer in the documents."
    held = client.chat.completions.with_raw_response.create(
        model="hold", messages=[{"role": "user", "content": INVENTED}]
    )
    assert held.headers["x-penstock-hold"].startswith("hold_")
    assert "45 days" not in held.text
    records: list[Any] = up.ledger()
    again = next(each for each in records if each["model"] == "ask_again")
    assert again["outcome"] == "blocked"
    assert [fact["action"] for fact in again["facts"] if fact["fact"] == "claims_traced"] == ["ask_again", "refuse"]
    flag = next(each for each in records if each["model"] == "flag")
    facts: dict[str, Any] = {fact["fact"]: fact for fact in flag["facts"]}
    assert facts["claims_traced"]["contradicted"] + facts["claims_traced"]["not_found"] >= 1
    assert 0.0 <= facts["confidence_estimated"]["confidence"] <= 1.0


def test_a_stronger_tier_is_asked_where_the_first_answer_is_not_sure(up: Installation, client: OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": SAID_SO}]
    fast = {"x-penstock-tier": "fast"}
    stream = client.chat.completions.create(model="second", messages=messages, stream=True, extra_headers=fast)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == SAID_SO
    answer = client.chat.completions.with_raw_response.create(model="second", messages=messages, extra_headers=fast)
    assert answer.parse().choices[0].message.content == SAID_SO
    assert answer.headers["x-penstock-target"] == "sim/sim:echo=line"
    records: list[Any] = up.ledger()
    [record] = [each for each in records if each["id"] == answer.headers["x-request-id"]]
    facts: dict[str, Any] = {fact["fact"]: fact for fact in record["facts"]}
    assert (record["target"], record["attempts"], facts["second_opinion"]["is_given"]) == ("sim/sim:echo=line", 2, True)
    billed = facts["extra_call_billed"]
    assert (billed["target"], billed["why"]) == ("sim/sim:tokens=12", "second_opinion")
    assert record["output_tokens"] > billed["output_tokens"] > 0


def test_where_nobody_gives_a_second_opinion_the_first_answer_has_its_own_end(client: OpenAI) -> None:
    held = client.chat.completions.with_raw_response.create(
        model="shaky", messages=[{"role": "user", "content": INVENTED}]
    )
    assert held.headers["x-penstock-hold"].startswith("hold_")
    assert "45 days" not in held.text


def test_an_answer_that_its_model_does_not_say_again_is_told_of_or_held(
    up: Installation, client: OpenAI, talker: Talker
) -> None:
    others = ("You may take 45 days.", "Ask your lead.")
    talker.says |= {"steady": SAID_SO, "noted": cycle((SAID_SO, *others)), "held": cycle((SAID_SO, *others))}
    found: dict[str, Any] = {}
    for model in ("steady", "noted", "held"):
        messages: list[Any] = [{"role": "user", "content": "How much leave do I, eve@example.com, have?"}]
        answer = client.chat.completions.with_raw_response.create(model=model, messages=messages, temperature=0.1)
        found[model] = answer
    assert found["steady"].parse().choices[0].message.content == SAID_SO
    assert found["noted"].parse().choices[0].message.content.startswith(f"{SAID_SO}\n\nThis answer may be")
    assert found["held"].headers["x-penstock-hold"].startswith("hold_")
    assert SAID_SO not in found["held"].text
    listed: list[Any] = up.ledger()
    records: dict[str, Any] = {each["model"]: each for each in listed}
    agreed: dict[str, float] = {}
    for model in found:
        facts: list[Any] = records[model]["facts"]
        [sampled] = [fact for fact in facts if fact["fact"] == "answers_sampled"]
        assert (sampled["wanted"], sampled["asked"], sampled["answered"]) == (2, 2, 2)
        agreed[model] = sampled["agreement"]
        assert [fact["why"] for fact in facts if fact["fact"] == "extra_call_billed"] == ["agreement"] * 2
        record = records[model]
        assert (record["attempts"], record["input_tokens"], record["output_tokens"]) == (3, 33, 12)
        assert record["cost_nanousd"] == 3 * (11 * 1_000 + 4 * 2_000)
    assert agreed["noted"] < 0.5 < agreed["steady"]
    for model in found:
        first, *again = [each for each in talker.asked if each["model"] == model]
        assert [each["messages"] for each in again] == [first["messages"]] * 2
        assert (first["temperature"], [each["temperature"] for each in again]) == (0.1, [0.7, 0.7])
    stream = client.chat.completions.create(
        model="noted", messages=[{"role": "user", "content": "And how much leave is it, eve@example.com?"}], stream=True
    )
    said = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert said == found["noted"].parse().choices[0].message.content
    assert "eve@example.com" not in str(talker.asked)


@pytest.mark.parametrize("model", ["flag", "strip", "ask_again", "refuse", "hold", "window", "window_flag"])
def test_what_sources_say_passes_unchanged(client: OpenAI, model: str) -> None:
    said = f"{SAID_SO} [1] Ask your lead two weeks before [1]."
    message = asked(client, said, model)[1]
    assert message.content == said
    assert {each.url_citation.title for each in message.annotations} == {"Leave"}


def grounded(up: Installation, body: object) -> Any:
    request = Request(  # noqa: S310 - our own address
        f"{up.url}/v1/ground",
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {up.key}", "content-type": "application/json"},
    )
    with urlopen(request, timeout=20) as page:  # noqa: S310 - same
        return json.load(page)


def test_any_answer_is_held_against_any_sources(up: Installation) -> None:
    sources = [{"id": "leave", "title": "Leave", "text": PAGES["leave.md"][1]}]
    found = grounded(up, {"answer": f"{SAID_SO} [1] {INVENTED}", "sources": sources})
    right, wrong = found["claims"]
    assert (right["verdict"], right["source"], right["quote"]) == ("supported", "leave", SAID_SO)
    assert wrong["verdict"] != "supported"
    assert wrong["reasons"]
    assert (found["supported"], found["contradicted"] + found["not_found"]) == (1, 1)
    assert grounded(up, {"answer": "Hello! How can I help?", "sources": []})["claims"] == []
    with pytest.raises(HTTPError) as refused:
        grounded(up, {"answer": "x", "sources": [{"txt": "y"}]})
    assert json.load(refused.value)["error"]["code"] == "malformed_request"


def test_a_streamed_answer_is_flagged_or_refused_before_it_ends(client: OpenAI) -> None:
    said: dict[str, str] = {}
    for model in ("window_flag", "window"):
        stream = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": INVENTED}], stream=True
        )
        chunks = [choice for chunk in stream for choice in chunk.choices]
        said[model] = "".join(choice.delta.content or "" for choice in chunks)
        assert chunks[-1].finish_reason == ("stop" if model == "window_flag" else "content_filter")
    assert said["window_flag"] == f"{INVENTED}\n\nSome of this could not be found in the sources."
    assert said["window"] == "I could not find a reliable answer in the documents."
