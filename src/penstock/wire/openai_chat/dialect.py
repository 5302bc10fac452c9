"""The dialect as the engine sees it."""

from penstock.core.answer import Answer
from penstock.core.chat import ChatRequest, Dialect
from penstock.core.errors import PenstockError
from penstock.core.exchange import Exchange
from penstock.core.ports import HeaderView
from penstock.wire.openai_chat.errors import error_body
from penstock.wire.openai_chat.parse import parse_request
from penstock.wire.openai_chat.stream import ChunkEncoder
from penstock.wire.openai_chat.unary import encode_answer


class OpenAIChat:
    """`core.ports.ClientDialect` for chat completions."""

    __slots__ = ()

    @property
    def name(self) -> Dialect:
        return "openai-chat"

    def parse(self, body: bytes, headers: HeaderView | None = None) -> ChatRequest:
        return parse_request(body)

    def encode(self, answer: Answer, exchange: Exchange) -> bytes:
        return encode_answer(answer, exchange)

    def stream(self, exchange: Exchange) -> ChunkEncoder:
        return ChunkEncoder(exchange)

    def encode_error(self, error: PenstockError, exchange_id: str) -> bytes:
        return error_body(error, exchange_id)
