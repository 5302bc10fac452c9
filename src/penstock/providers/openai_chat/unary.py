"""A whole chat completion, from bytes to events."""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.core.errors import UpstreamError
from penstock.core.events import Event
from penstock.core.json import loads
from penstock.providers.openai_chat.errors import streamed_error
from penstock.providers.openai_chat.reader import AnswerReader, protocol_error

MOST_BYTES: Final = 128 * 1024 * 1024


def read_whole(body: bytes) -> Sequence[Event]:
    """A request without `stream`."""
    try:
        document = loads(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise protocol_error(f"an answer that is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise protocol_error("an answer that is no object")
    reader = AnswerReader()
    events: list[Event] = []
    failure = document.get("error")
    if failure:
        reader.read({**document, "choices": []}, [], is_whole=True)
        error = streamed_error(failure)
        if isinstance(error, UpstreamError):
            error.usage = reader.usage
        raise error
    if not isinstance(document.get("choices"), list):
        raise protocol_error("an answer without choices")
    reader.read(document, events, is_whole=True)
    if not reader.finished_choices():
        raise protocol_error("an answer without a finished choice")
    return [*events, *reader.close()]
