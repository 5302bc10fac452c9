"""Equal requests have one key, and whatever shapes an answer or says who may have it makes another."""

import random
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cache.scene import question

from penstock.cache.key import Keys
from penstock.config.cache import Share
from penstock.core.chat import (
    ChatRequest,
    EmbeddingRequest,
    ImagePart,
    Message,
    PromptCaching,
    Reasoning,
    Request,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
)
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import new_exchange_id
from penstock.testing.clock import FakeClock
from penstock.wire.anthropic import AnthropicClient
from penstock.wire.openai_chat.dialect import OpenAIChat
from penstock.wire.openai_responses.dialect import OpenAIResponses

KEYS = Keys(b"one installation")
CLOCK = FakeClock()
PAIRS = 10_000

OTHERS: dict[str, tuple[object, ...]] = {
    "messages": (
        (Message("user", (TextPart("how do I find my card?"),)),),
        (Message("user", (TextPart("how do I"), TextPart(" find my card"))),),
        (Message("system", (TextPart("how do I find my card"),)),),
        (Message("user", (TextPart("how do I find my card"),), name="Bob"),),
        (Message("user", (TextPart("how do I find my card", extras={"x": 1}),)),),
        (Message("user", (TextPart("how do I find my card"), ImagePart(data="aGk=", media_type="image/png"))),),
    ),
    "tools": ((Tool("a"),), (Tool("b"),), (Tool("a", parameters={"type": "object"}),), (Tool("a", strict=True),)),
    "tool_choice": (ToolChoice("auto"), ToolChoice("named", "a"), ToolChoice("required", allowed=("a",))),
    "parallel_tool_calls": (True, False),
    "response_format": (ResponseFormat("json_object"), ResponseFormat("json_schema", schema={"type": "object"})),
    "reasoning": (Reasoning("low"), Reasoning("high"), Reasoning(budget_tokens=1024)),
    "max_tokens": (1, 2),
    "temperature": (0.0, 0.7, 1.0),
    "top_p": (0.5, 1.0),
    "top_k": (1, 40),
    "presence_penalty": (0.5,),
    "frequency_penalty": (0.5,),
    "stop": (("a",), ("a", "b"), ("b", "a")),
    "seed": (0, 1),
    "choices": (2, 3),
    "logprobs": (True,),
    "top_logprobs": (1, 2),
    "extras": ({"verbosity": "low"}, {"verbosity": "high"}, {"logit_bias": {"1": 1}}),
}
"""For each field that shapes an answer, values that are not the default: all different requests."""

SAME: dict[str, tuple[object, ...]] = {
    "dialect": ("anthropic", "openai-responses"),
    "metadata": ({"a": "b"},),
    "caching": (PromptCaching(key="k", prefix=True, turns=True),),
    "user": ("u1",),
    "stream": (True,),
    "include_usage": (True,),
    "extras": ({"store": True}, {"prompt_cache_key": "a", "service_tier": "flex"}, {"safety_identifier": "u"}),
}
"""What says how an answer is sent or booked."""

PARTITIONED = frozenset({"model"})


def digest(request: Request) -> bytes:
    found = KEYS.key(b"p" * 32, request)
    assert found is not None
    return found


def changed(**fields: object) -> ChatRequest:
    return msgspec.structs.replace(question(), **fields)


def test_every_field_of_a_request_is_known_to_shape_the_answer_or_not_to() -> None:
    assert set(ChatRequest.__struct_fields__) == {*OTHERS, *SAME} | PARTITIONED


def test_any_change_of_a_field_that_shapes_the_answer_changes_the_key() -> None:
    requests = [question(), *(changed(**{name: value}) for name, values in OTHERS.items() for value in values)]
    digests = [digest(request) for request in requests]
    assert len(set(digests)) == len(digests)


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_requests_that_differ_in_any_shaping_fields_have_different_keys(data: st.DataObject) -> None:
    def drawn() -> dict[str, object]:
        names = data.draw(st.lists(st.sampled_from(sorted(OTHERS)), unique=True, max_size=5))
        return {name: data.draw(st.sampled_from(OTHERS[name])) for name in names}

    one, two = drawn(), drawn()
    neutral = {name: values[0] for name, values in SAME.items() if name not in {"dialect", "extras"}}
    first, second = digest(changed(**one)), digest(changed(**{**two, **neutral}))
    assert (first == second) == (one == two)


@given(st.text(), st.text())
@settings(deadline=None, max_examples=200)
def test_other_words_are_another_request(one: str, two: str) -> None:
    def asked(text: str) -> bytes:
        return digest(changed(messages=(Message("user", (TextPart(text),)),)))

    assert (asked(one) == asked(two)) == (one == two)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in SAME.items() for value in values])
def test_how_an_answer_is_sent_does_not_change_the_key(name: str, value: object) -> None:
    assert digest(changed(**{name: value})) == digest(question())


def test_the_order_of_a_schemas_names_means_nothing() -> None:
    def asked(parameters: dict[str, Any]) -> bytes:
        return digest(changed(tools=(Tool("a", parameters=parameters),)))

    assert asked({"type": "object", "required": []}) == asked({"required": [], "type": "object"})


def test_a_field_without_a_name_of_ours_means_what_its_dialect_says() -> None:
    assert digest(changed(extras={"x": 1})) != digest(changed(extras={"x": 1}, dialect="anthropic"))


def test_the_same_question_in_every_dialect_has_one_key() -> None:
    chat = OpenAIChat().parse(b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}')
    anthropic = AnthropicClient().parse(b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}')
    responses = OpenAIResponses().parse(b'{"model":"m","max_output_tokens":9,"input":"hi"}')
    assert digest(chat) == digest(anthropic) == digest(responses)


def test_embeddings_and_chats_never_share_a_key() -> None:
    requests: list[Request] = [
        EmbeddingRequest(dialect="openai-chat", model="sim", inputs=inputs, dimensions=dimensions, encoding=encoding)  # type: ignore[arg-type]  # literals
        for inputs in (("a",), ("a", "b"), ((1, 2),))
        for dimensions in (None, 64)
        for encoding in ("float", "base64")
    ]
    assert len({digest(request) for request in (*requests, question())}) == len(requests) + 1


def test_what_cannot_be_written_down_has_no_key() -> None:
    assert KEYS.key(b"", changed(messages=(Message("user", (TextPart("\ud800"),)),))) is None


def test_another_installation_makes_other_keys() -> None:
    assert Keys(b"another").key(b"", question()) != Keys(b"one").key(b"", question())


def exchange(who: Principal, model: str = "sim") -> Exchange:
    return Exchange(
        id=new_exchange_id(CLOCK),
        principal=who,
        request=question(model=model),
        dialect="openai-chat",
        started_at=0.0,
        began_s=0.0,
        deadline_s=1.0,
        gone_policy="abort",
    )


def partition(who: Principal, model: str = "sim", *, share: Share = "tenant", fingerprint: str = "f") -> bytes:
    return KEYS.partition(exchange(who, model), share=share, fingerprint=fingerprint)


def test_the_order_of_groups_means_nothing_and_each_group_much() -> None:
    def of(*groups: str) -> bytes:
        return partition(Principal(tenant="t", key="k", groups=groups))

    assert of("a", "b") == of("b", "a") == of("a", "b", "a")
    assert len({of(), of("a"), of("b"), of("a", "b"), of("ab"), of("a,b")}) == 6


def test_the_models_own_configuration_is_part_of_it() -> None:
    who = Principal(tenant="t", key="k")
    assert partition(who, fingerprint="a") != partition(who, fingerprint="b")


def test_a_policy_shares_as_far_as_it_says_and_no_further() -> None:
    def of(share: Share, **who: str) -> bytes:
        fields = {"tenant": "t", "key": "k", "project": "p", "user": "u", **who}
        return partition(cast("Principal", Principal(**fields)), share=share)  # type: ignore[arg-type]  # texts

    others = ({"tenant": "t2"}, {"project": "p2"}, {"user": "u2"}, {"key": "k2"})
    for share, differing in (("everyone", 0), ("tenant", 1), ("project", 2), ("user", 3)):
        found = [of(share, **other) != of(share) for other in others]  # type: ignore[arg-type]  # literals
        assert found == [True] * differing + [False] * (4 - differing), share


def test_of_ten_thousand_random_pairs_none_shares_a_partition_with_another() -> None:
    chance = random.Random(20_261_121)  # noqa: S311 - a test's draws
    names = [f"n{number}" for number in range(40)] + ["", "a", "b", "a,b", "null", "n1,n2"]

    def drawn() -> tuple[Principal, str]:
        groups = tuple(chance.sample(names, chance.randrange(4)))
        who = Principal(tenant=chance.choice(names), key=chance.choice(names), groups=groups)
        return who, chance.choice(names)

    foreign = 0
    for _ in range(PAIRS):
        (one, model), (two, other) = drawn(), drawn()
        if chance.random() < 0.5:  # half of the pairs differ in one thing only
            which = chance.randrange(3)
            other = other if which == 0 else model
            two = Principal(
                tenant=two.tenant if which == 1 else one.tenant,
                key=two.key,
                groups=two.groups if which == 2 else one.groups,
            )
        is_same = (one.tenant, set(one.groups), model) == (two.tenant, set(two.groups), other)
        shares = KEYS.key(partition(one, model), question()) == KEYS.key(partition(two, other), question())
        foreign += shares and not is_same
        assert shares or not is_same
    assert foreign == 0
