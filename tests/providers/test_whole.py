"""An answer in one piece: read once, when all of it is there, and never larger than is held."""

import pytest

from penstock.core.chat import ChatRequest, EmbeddingRequest, Message, TextPart
from penstock.core.errors import UpstreamProtocolError
from penstock.core.events import Event, Start
from penstock.providers.cohere.upstream import CohereUpstream
from penstock.providers.dialect import Endpoint, UpstreamDialect
from penstock.providers.gemini.upstream import GeminiUpstream
from penstock.providers.whole import MOST_BYTES, WholeDecoder

CHAT = ChatRequest(dialect="openai-chat", model="m", messages=(Message("user", (TextPart("hi"),)),))
EMBEDDING = EmbeddingRequest(dialect="openai-chat", model="m", inputs=("hi",))


def read(body: bytes) -> list[Event]:
    if body.endswith(b"!"):
        raise UpstreamProtocolError("spoilt")
    return [Start(body.decode(), "model")]


def test_it_is_read_once_its_body_has_ended_however_that_was_cut() -> None:
    decoder = WholeDecoder(read)
    assert [decoder.feed(piece) for piece in (b"a", b"", b"bc")] == [(), (), ()]
    assert not decoder.is_complete
    assert decoder.finish() == [Start("abc", "model")]
    assert decoder.is_complete


def test_what_cannot_be_read_is_no_whole_answer() -> None:
    decoder = WholeDecoder(read)
    decoder.feed(b"abc!")
    with pytest.raises(UpstreamProtocolError):
        decoder.finish()
    assert not decoder.is_complete


def test_a_body_of_the_largest_size_is_read_and_one_byte_more_is_refused() -> None:
    decoder = WholeDecoder(read, most_bytes=4)
    decoder.feed(b"abcd")
    with pytest.raises(UpstreamProtocolError):
        decoder.feed(b"e")


@pytest.mark.parametrize("upstream", [CohereUpstream(), GeminiUpstream()])
@pytest.mark.parametrize("asked", [CHAT, EMBEDDING])
def test_answers_and_embeddings_are_bounded(upstream: UpstreamDialect, asked: ChatRequest | EmbeddingRequest) -> None:
    decoder = upstream.decoder(asked, Endpoint("provider", "https://provider.example", "key"))
    with pytest.raises(UpstreamProtocolError):
        decoder.feed(bytes(MOST_BYTES + 1))
