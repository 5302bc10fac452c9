"""Says what an answer's bytes mean, whichever the dialect: the one entry to the readers."""

from evaluation.conformance.read_anthropic import read_anthropic
from evaluation.conformance.read_openai import read_chat, read_responses
from evaluation.conformance.read_others import read_bedrock, read_cohere, read_gemini
from evaluation.conformance.reading import Reading, UnreadableError
from penstock.core.chat import Dialect


def read(dialect: Dialect, body: bytes, *, is_streamed: bool) -> Reading:
    """Raises `UnreadableError` where the bytes are no whole answer of `dialect`."""
    try:
        match dialect:
            case "openai-chat":
                return read_chat(body, is_streamed=is_streamed)
            case "openai-responses":
                return read_responses(body, is_streamed=is_streamed)
            case "anthropic":
                return read_anthropic(body, is_streamed=is_streamed)
            case "gemini":
                return read_gemini(body, is_streamed=is_streamed)
            case "bedrock":
                return read_bedrock(body, is_streamed=is_streamed)
            case "cohere":
                return read_cohere(body, is_streamed=is_streamed)
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from error
