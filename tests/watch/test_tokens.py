import importlib
import lzma
import random
import socket
import time
from typing import NoReturn, Protocol

import pytest
import tiktoken_ext.openai_public as public
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.chat import (
    ChatRequest,
    EmbeddingRequest,
    ImagePart,
    Message,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from penstock.watch import encodings
from penstock.watch.encodings import PATTERNS, RANKS_SHA256, EncodingName, load_encoding
from penstock.watch.tokens import Counter, family_of


class Oracle(Protocol):
    def count(self, text: str) -> int: ...


ORACLES: "dict[str, Oracle]" = {
    "gpt-4o": importlib.import_module("rs_bpe.bpe").openai.o200k_base(),
    "gpt-3.5-turbo": importlib.import_module("rs_bpe.bpe").openai.cl100k_base(),
}

TEXTS = st.text(
    st.one_of(
        st.sampled_from("  \n\t.,:;'\"-_/\\0123456789abcdefgXYZäéß漢字かな한글🙂\u200d\u0301"),
        st.characters(codec="utf-8"),
    ),
    max_size=400,
)


@pytest.fixture(scope="module")
def counter() -> Counter:
    return Counter()


@given(text=TEXTS)
@settings(deadline=None, max_examples=400)
def test_both_tokenizers_agree_with_another_implementation(counter: Counter, text: str) -> None:
    assert counter.count_text(text, "gpt-4o") == ORACLES["gpt-4o"].count(text)
    assert counter.count_text(text, "gpt-3.5-turbo") == ORACLES["gpt-3.5-turbo"].count(text)


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
def test_ranks_and_patterns_are_those_that_tiktoken_would_use(
    name: EncodingName, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def no_download(url: str, expected_hash: str) -> dict[bytes, int]:
        del url
        asked.append(expected_hash)
        return {}

    monkeypatch.setattr(public, "load_tiktoken_bpe", no_download)
    assert getattr(public, name)()["pat_str"] == PATTERNS[name]
    assert asked == [RANKS_SHA256[name]]


def test_a_damaged_rank_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lzma.decompress
    monkeypatch.setattr(encodings.lzma, "decompress", lambda data: whole(data).replace(b" 100\n", b" 101\n"))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType] # a damaged file
    with pytest.raises(ValueError, match="damaged"):
        load_encoding("cl100k_base")


def test_counting_never_touches_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> NoReturn:
        pytest.fail("opened a socket")

    monkeypatch.setattr(socket, "socket", never)
    monkeypatch.setattr(socket, "create_connection", never)
    monkeypatch.setattr(socket, "getaddrinfo", never)
    assert Counter().count_text("hello world", "gpt-4o") == 2


def test_a_control_token_in_a_text_is_text(counter: Counter) -> None:
    assert counter.count_text("<|endoftext|>", "gpt-4o") > 1


@pytest.mark.parametrize("text", ["a", " ", "\n", "^", "é", "漢", "ab", "🙂", "1", "a "])
def test_a_megabyte_without_a_break_takes_no_longer_than_any_other(counter: Counter, text: str) -> None:
    counter.warm()
    long = text * (1_000_000 // len(text))
    began = time.process_time()
    count = counter.count_text(long, "gpt-4o")
    assert time.process_time() - began < 2.0  # what goes back over it all takes minutes
    share = counter.count_text(long[:80_000], "gpt-4o")
    assert count == pytest.approx(share * 12.5, rel=0.02)


def test_a_long_text_is_counted_within_two_per_cent(counter: Counter) -> None:
    chance = random.Random(2)  # noqa: S311 - a text, no secret
    words = ["gateway", "the", "of", "Wasserkraft", "penstock", "12.5", "however,", "\n\n", "résumé", "print(x)"]
    text = " ".join(chance.choice(words) for _ in range(200_000))
    assert len(text) > 1_000_000
    assert counter.count_text(text, "gpt-4o") == pytest.approx(ORACLES["gpt-4o"].count(text), rel=0.02)


def test_half_a_surrogate_pair_is_counted_too(counter: Counter) -> None:
    assert counter.count_text("a\ud800b", "gpt-4o") == counter.count_text("a?b", "gpt-4o")


def test_messages_count_as_the_openai_cookbook_says(counter: Counter) -> None:
    """The example there, whose prompt the API itself counted: 124 tokens by gpt-4o, 129 by gpt-4."""
    example = (
        (
            "system",
            None,
            "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.",
        ),
        ("system", "example_user", "New synergies will help drive top-line growth."),
        ("system", "example_assistant", "Things working well together will increase revenue."),
        (
            "system",
            "example_user",
            "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
        ),
        ("system", "example_assistant", "Let's talk later when we're less busy about how to do better."),
        ("user", None, "This late pivot means we don't have time to boil the ocean for the client deliverable."),
    )
    request = ChatRequest(
        dialect="openai-chat",
        model="gpt-4o",
        messages=tuple(
            Message(role="user" if role == "user" else "system", name=name, parts=(TextPart(text),))
            for role, name, text in example
        ),
    )
    assert counter.count_request(request, "gpt-4o") == 124
    assert counter.count_request(request, "gpt-4") == 129


def test_everything_in_a_request_counts(counter: Counter) -> None:
    plain = ChatRequest(
        dialect="openai-chat", model="m", messages=(Message(role="user", parts=(TextPart("Is it raining?"),)),)
    )
    parts = (
        ImagePart(url="https://example.org/x.png"),
        ToolCallPart(id="1", name="weather", arguments='{"city": "Oslo"}'),
        ToolResultPart(call_id="1", parts=(TextPart("Rain since Tuesday."),)),
    )
    counts = [counter.count_request(plain, "gpt-4o")]
    for part in parts:
        request = ChatRequest(
            dialect="openai-chat", model="m", messages=(*plain.messages, Message(role="user", parts=(part,)))
        )
        counts.append(counter.count_request(request, "gpt-4o"))
    assert all(count > counts[0] + 3 for count in counts[1:])
    tool = Tool(name="weather", description="The weather in a city", parameters={"type": "object", "properties": {}})
    with_tool = ChatRequest(dialect="openai-chat", model="m", messages=plain.messages, tools=(tool,))
    assert counter.count_request(with_tool, "gpt-4o") > counts[0] + 8


def test_an_embedding_counts_texts_and_given_tokens(counter: Counter) -> None:
    request = EmbeddingRequest(dialect="openai-chat", model="m", inputs=("hello world", (1, 2, 3)))
    assert counter.count_request(request, "text-embedding-3-small") == 5


@pytest.mark.parametrize(
    ("model", "encoding", "factor"),
    [
        ("gpt-4o-mini", "o200k_base", 1.0),
        ("gpt-4.1", "o200k_base", 1.0),
        ("gpt-4", "cl100k_base", 1.0),
        ("openai/gpt-4", "cl100k_base", 1.0),
        ("gpt-4-turbo", "cl100k_base", 1.0),
        ("o3", "o200k_base", 1.0),
        ("us.anthropic.claude-sonnet-4-5", "o200k_base", 1.13),
        ("my-own-model", "o200k_base", 1.0),
    ],
)
def test_a_model_s_name_shows_its_tokenizer(model: str, encoding: EncodingName, factor: float) -> None:
    family = family_of(model)
    assert (family.encoding, family.factor) == (encoding, factor)
