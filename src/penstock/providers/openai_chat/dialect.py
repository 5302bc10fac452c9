"""The dialect as the engine's HTTP provider sees it."""

from collections.abc import Mapping, Sequence
from functools import partial

from penstock.core.chat import Dialect, EmbeddingRequest, Request
from penstock.core.errors import PenstockError
from penstock.providers.dialect import Decoder, Endpoint, HttpCall
from penstock.providers.openai_chat.embeddings import embedding_advisory, encode_embedding, read_embeddings
from penstock.providers.openai_chat.encode import chat_advisory, encode_chat
from penstock.providers.openai_chat.errors import map_error
from penstock.providers.openai_chat.stream import StreamDecoder
from penstock.providers.openai_chat.unary import MOST_BYTES, read_whole
from penstock.providers.whole import WholeDecoder


class OpenAIChatUpstream:
    """`providers.dialect.UpstreamDialect` for chat completions and embeddings."""

    __slots__ = ()

    @property
    def name(self) -> Dialect:
        return "openai-chat"

    def advisory(self, request: Request, endpoint: Endpoint) -> Sequence[str]:
        if isinstance(request, EmbeddingRequest):
            return embedding_advisory(request)
        return chat_advisory(request, endpoint)

    def encode(self, request: Request, model: str, endpoint: Endpoint, *, now: float) -> HttpCall:
        del now
        if isinstance(request, EmbeddingRequest):
            return encode_embedding(request, model, endpoint)
        return encode_chat(request, model, endpoint)

    def decoder(self, request: Request, endpoint: Endpoint) -> Decoder:
        del endpoint
        if isinstance(request, EmbeddingRequest):
            return WholeDecoder(partial(read_embeddings, request), most_bytes=MOST_BYTES)
        return StreamDecoder(request) if request.stream else WholeDecoder(read_whole, most_bytes=MOST_BYTES)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> PenstockError:
        return map_error(status, headers, body)
