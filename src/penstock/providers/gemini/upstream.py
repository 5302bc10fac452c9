"""generateContent, streamGenerateContent and batchEmbedContents as an `UpstreamDialect`."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final
from urllib.parse import quote

from penstock.core.chat import ChatRequest, Dialect, EmbeddingRequest, Request
from penstock.core.errors import PenstockError
from penstock.core.json import dumps
from penstock.providers.dialect import Decoder, Endpoint, HttpCall
from penstock.providers.gemini.decode import StreamDecoder, read_whole
from penstock.providers.gemini.embeddings import embedding_body, read_embeddings
from penstock.providers.gemini.encode import advisory_fields, body_of
from penstock.providers.gemini.errors import error_of
from penstock.providers.whole import WholeDecoder

_VERSIONS: Final = ("/v1", "/v1beta", "/v1beta1", "/v1alpha")


class GeminiUpstream:
    """Gemini, from Google AI Studio (an API key) or from Vertex AI.

    With the option `project` calls go to Vertex AI in `location` (default `global`) and the credential is an OAuth
    access token, sent as a bearer.  `Endpoint.base_url` may end in the API's version or not.
    """

    __slots__ = ()

    @property
    def name(self) -> Dialect:
        return "gemini"

    def advisory(self, request: Request, endpoint: Endpoint) -> Sequence[str]:
        _ = endpoint
        return advisory_fields(request)

    def encode(self, request: Request, model: str, endpoint: Endpoint, *, now: float) -> HttpCall:
        _ = now
        model = model.removeprefix("models/")
        if isinstance(request, EmbeddingRequest):
            method, body = "batchEmbedContents", embedding_body(request, model, endpoint)
        else:
            method = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
            body = body_of(request, model)
        return HttpCall(f"{_models_url(endpoint)}/{quote(model)}:{method}", _headers(endpoint), dumps(body))

    def decoder(self, request: Request, endpoint: Endpoint) -> Decoder:
        _ = endpoint
        if isinstance(request, ChatRequest):
            return StreamDecoder() if request.stream else WholeDecoder(read_whole)
        return WholeDecoder(partial(read_embeddings, request))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> PenstockError:
        return error_of(status, headers, body)


def _models_url(endpoint: Endpoint) -> str:
    base = endpoint.base_url
    project = endpoint.options.get("project")
    if project is None:
        return f"{base if base.endswith(_VERSIONS) else base + '/v1beta'}/models"
    if not base.endswith(_VERSIONS):
        base += "/v1"
    location = endpoint.options.get("location", "global")
    return f"{base}/projects/{quote(project)}/locations/{quote(location)}/publishers/google/models"


def _headers(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    headers = [("content-type", "application/json")]
    if endpoint.credential is not None:
        if "project" in endpoint.options:
            headers.append(("authorization", f"Bearer {endpoint.credential}"))
        else:
            headers.append(("x-goog-api-key", endpoint.credential))
    return (*headers, *endpoint.headers)
