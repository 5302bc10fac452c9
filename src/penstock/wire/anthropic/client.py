"""The Messages API as a `ClientDialect`."""

from penstock.core.answer import Answer
from penstock.core.chat import ChatRequest, Dialect
from penstock.core.errors import PenstockError
from penstock.core.exchange import Exchange
from penstock.core.ports import HeaderView, StreamEncoder
from penstock.wire.anthropic.errors import encode_error
from penstock.wire.anthropic.parse import parse_messages
from penstock.wire.anthropic.stream import MessageStream
from penstock.wire.anthropic.unary import encode_message


class AnthropicClient:
    """See `core.ports.ClientDialect`.  `parse` also takes the request's headers, names in lower case."""

    __slots__ = ()

    @property
    def name(self) -> Dialect:
        return "anthropic"

    def parse(self, body: bytes, headers: HeaderView | None = None) -> ChatRequest:
        return parse_messages(body, headers)

    def encode(self, answer: Answer, exchange: Exchange) -> bytes:
        return encode_message(answer, exchange)

    def stream(self, exchange: Exchange) -> StreamEncoder:
        return MessageStream(exchange)

    def encode_error(self, error: PenstockError, exchange_id: str) -> bytes:
        return encode_error(error, exchange_id)
