"""v2/chat and v2/embed as an `UpstreamDialect`."""

from collections.abc import Mapping, Sequence
from functools import partial

from penstock.core.chat import ChatRequest, Dialect, EmbeddingRequest, Request
from penstock.core.errors import PenstockError
from penstock.core.json import dumps
from penstock.providers.cohere.decode import StreamDecoder, read_whole
from penstock.providers.cohere.embeddings import embedding_body, read_embeddings
from penstock.providers.cohere.encode import advisory_fields, body_of
from penstock.providers.cohere.errors import error_of
from penstock.providers.dialect import Decoder, Endpoint, HttpCall
from penstock.providers.whole import WholeDecoder


class CohereUpstream:
    """Cohere.  `Endpoint.base_url` may end in `/v2` or not.

    The option `input_type` says what embeddings are for where the caller does not (default `search_document`).
    """

    __slots__ = ()

    @property
    def name(self) -> Dialect:
        return "cohere"

    def advisory(self, request: Request, endpoint: Endpoint) -> Sequence[str]:
        _ = endpoint
        return advisory_fields(request)

    def encode(self, request: Request, model: str, endpoint: Endpoint, *, now: float) -> HttpCall:
        _ = now
        if isinstance(request, EmbeddingRequest):
            path, body = "embed", embedding_body(request, model, endpoint)
        else:
            path, body = "chat", body_of(request, model)
        base = endpoint.base_url if endpoint.base_url.endswith("/v2") else endpoint.base_url + "/v2"
        headers = [("content-type", "application/json"), ("accept", "*/*")]
        if endpoint.credential is not None:
            headers.append(("authorization", f"Bearer {endpoint.credential}"))
        return HttpCall(f"{base}/{path}", (*headers, *endpoint.headers), dumps(body))

    def decoder(self, request: Request, endpoint: Endpoint) -> Decoder:
        _ = endpoint
        if isinstance(request, ChatRequest):
            return StreamDecoder(request.model) if request.stream else WholeDecoder(partial(read_whole, request.model))
        return WholeDecoder(partial(read_embeddings, request))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> PenstockError:
        return error_of(status, headers, body)
