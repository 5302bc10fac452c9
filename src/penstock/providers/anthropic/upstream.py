"""The Messages API as an `UpstreamDialect`: where a call goes, with which headers, and who reads the answer."""

from collections.abc import Mapping, Sequence
from typing import Final

from penstock.core.chat import ChatRequest, Dialect, EmbeddingRequest, Request
from penstock.core.errors import PenstockError, UnsupportedField
from penstock.core.json import dumps
from penstock.providers.anthropic.blocks import TARGET
from penstock.providers.anthropic.cache_marks import add_marks
from penstock.providers.anthropic.encode import advisory_fields, body_of
from penstock.providers.anthropic.errors import error_of
from penstock.providers.anthropic.stream import StreamDecoder
from penstock.providers.anthropic.unary import read_whole
from penstock.providers.dialect import Decoder, Endpoint, HttpCall
from penstock.providers.whole import WholeDecoder

DEFAULT_VERSION: Final = "2023-06-01"


class AnthropicUpstream:
    """Anthropic and vendors with its API.

    `Endpoint.base_url` may end in `/v1` or not.  Options: `anthropic_version`, `anthropic_beta` (comma-separated, added
    to the caller's), `auth` = `bearer` for a token in `authorization` in place of a key in `x-api-key`.
    """

    __slots__ = ()

    @property
    def name(self) -> Dialect:
        return "anthropic"

    def advisory(self, request: Request, endpoint: Endpoint) -> Sequence[str]:
        _ = endpoint
        return advisory_fields(request) if isinstance(request, ChatRequest) else ()

    def encode(self, request: Request, model: str, endpoint: Endpoint, *, now: float) -> HttpCall:
        _ = now
        if isinstance(request, EmbeddingRequest):
            raise UnsupportedField("Anthropic has no embedding models.", field="model")
        body = body_of(request, model)
        add_marks(body, request.caching, model)
        base = endpoint.base_url if endpoint.base_url.endswith("/v1") else endpoint.base_url + "/v1"
        return HttpCall(base + "/messages", _headers(request, endpoint), dumps(body))

    def decoder(self, request: Request, endpoint: Endpoint) -> Decoder:
        _ = endpoint
        return StreamDecoder() if request.stream else WholeDecoder(read_whole)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> PenstockError:
        return error_of(status, headers, body)


def _headers(request: ChatRequest, endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    version = endpoint.options.get("anthropic_version", DEFAULT_VERSION)
    betas = endpoint.options.get("anthropic_beta", "")
    if request.dialect == TARGET:
        asked = request.extras.get("anthropic-version")
        version = asked if isinstance(asked, str) else version
        asked = request.extras.get("anthropic-beta")
        if isinstance(asked, str):
            betas = f"{asked},{betas}" if betas else asked
    headers = [("content-type", "application/json"), ("anthropic-version", version)]
    if betas:
        headers.append(("anthropic-beta", betas))
    if endpoint.credential is not None:
        if endpoint.options.get("auth") == "bearer":
            headers.append(("authorization", f"Bearer {endpoint.credential}"))
        else:
            headers.append(("x-api-key", endpoint.credential))
    return (*headers, *endpoint.headers)
