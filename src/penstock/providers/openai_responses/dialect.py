"""The Responses API as an `UpstreamDialect`: where a call goes, with which headers, and who reads the answer."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from penstock.core.chat import ChatRequest, Dialect, EmbeddingRequest, Request
from penstock.core.errors import PenstockError, UnsupportedField
from penstock.core.json import dumps
from penstock.providers.dialect import Decoder, Endpoint, HttpCall
from penstock.providers.openai_chat.errors import map_error
from penstock.providers.openai_responses.decode import MOST_BYTES, StreamDecoder, read_whole
from penstock.providers.openai_responses.encode import advisory_of, body_of
from penstock.providers.prompt_cache_key import add_key
from penstock.providers.whole import WholeDecoder


class OpenAIResponses:
    """OpenAI and vendors with its Responses API.

    `Endpoint.base_url` ends in the version (`https://api.openai.com/v1`, `https://….openai.azure.com/openai/v1`).  The
    vendor `azure` is sent its key in `api-key`; the option `api_version` becomes the query that Azure asks for.
    """

    __slots__ = ()

    @property
    def name(self) -> Dialect:
        return "openai-responses"

    def advisory(self, request: Request, endpoint: Endpoint) -> Sequence[str]:
        _ = endpoint
        return advisory_of(request) if isinstance(request, ChatRequest) else ()

    def encode(self, request: Request, model: str, endpoint: Endpoint, *, now: float) -> HttpCall:
        _ = now
        if isinstance(request, EmbeddingRequest):
            raise UnsupportedField("The Responses API makes no embeddings.", field="model")
        url = f"{endpoint.base_url}/responses"
        version = endpoint.options.get("api_version")
        if version:
            url += f"?api-version={quote(version, safe='')}"
        body = body_of(request, model)
        add_key(body, request, endpoint.quirks)
        return HttpCall(url, _headers(endpoint), dumps(body))

    def decoder(self, request: Request, endpoint: Endpoint) -> Decoder:
        _ = endpoint
        return StreamDecoder() if request.stream else WholeDecoder(read_whole, most_bytes=MOST_BYTES)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> PenstockError:
        return map_error(status, headers, body)


def _headers(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    headers = [("content-type", "application/json")]
    if endpoint.credential is not None:
        if endpoint.vendor == "azure":
            headers.append(("api-key", endpoint.credential))
        else:
            headers.append(("authorization", f"Bearer {endpoint.credential}"))
    return (*headers, *endpoint.headers)
