"""Embeddings as a `core.ports.ClientDialect`: OpenAI's, and never streamed."""

from penstock.core.answer import Answer
from penstock.core.chat import Dialect, EmbeddingRequest
from penstock.core.errors import InternalError, PenstockError
from penstock.core.exchange import Exchange
from penstock.core.ports import HeaderView, StreamEncoder
from penstock.wire.embeddings import encode_embeddings, parse_embeddings
from penstock.wire.openai_chat.errors import error_body


class Embeddings:
    """`POST /v1/embeddings`."""

    __slots__ = ()

    @property
    def name(self) -> Dialect:
        return "openai-chat"

    def parse(self, body: bytes, headers: HeaderView | None = None) -> EmbeddingRequest:
        return parse_embeddings(body)

    def encode(self, answer: Answer, exchange: Exchange) -> bytes:
        return encode_embeddings(answer, exchange)

    def stream(self, exchange: Exchange) -> StreamEncoder:
        raise InternalError("embeddings are not streamed")

    def encode_error(self, error: PenstockError, exchange_id: str) -> bytes:
        return error_body(error, exchange_id)
