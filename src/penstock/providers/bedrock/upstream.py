"""Converse as an `UpstreamDialect`: where a call goes, how it is signed, and who reads the answer."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final
from urllib.parse import quote, urlsplit

from penstock.core.chat import ChatRequest, Dialect, EmbeddingRequest, Request
from penstock.core.errors import PenstockError, UnknownModel, UnsupportedField
from penstock.core.json import dumps
from penstock.providers.bedrock.cache_points import add_cache_points
from penstock.providers.bedrock.encode import advisory_fields, body_of
from penstock.providers.bedrock.errors import error_of
from penstock.providers.bedrock.sigv4 import read_credential, sign
from penstock.providers.bedrock.stream import StreamDecoder
from penstock.providers.bedrock.unary import read_whole
from penstock.providers.dialect import Decoder, Endpoint, HttpCall
from penstock.providers.whole import WholeDecoder

DEFAULT_REGION: Final = "us-east-1"


class BedrockUpstream:
    """AWS Bedrock.

    `Endpoint.credential` is `access_key:secret_key[:session_token]`, or a Bedrock API key, which has no colon and is
    sent as a bearer token.  Options: `region` (else taken from the host name), `guardrail_id`, `guardrail_version`,
    `guardrail_trace`.
    """

    __slots__ = ()

    @property
    def name(self) -> Dialect:
        return "bedrock"

    def advisory(self, request: Request, endpoint: Endpoint) -> Sequence[str]:
        _ = endpoint
        return advisory_fields(request) if isinstance(request, ChatRequest) else ()

    def encode(self, request: Request, model: str, endpoint: Endpoint, *, now: float) -> HttpCall:
        if isinstance(request, EmbeddingRequest):
            raise UnsupportedField("Embeddings cannot be asked of Bedrock's Converse.", field="model")
        operation = "converse-stream" if request.stream else "converse"
        if model in {".", ".."}:
            raise UnknownModel("There is no model of that name.", field="model")  # it would be a step in the path
        url = f"{endpoint.base_url}/model/{quote(model, safe='-._~')}/{operation}"
        document = body_of(request, model, endpoint.options)
        add_cache_points(document, request.caching, model)
        body = dumps(document)
        headers = (("content-type", "application/json"),)
        return HttpCall(url, (*headers, *_authorization(url, body, headers, endpoint, now), *endpoint.headers), body)

    def decoder(self, request: Request, endpoint: Endpoint) -> Decoder:
        _ = endpoint
        return StreamDecoder(request.model) if request.stream else WholeDecoder(partial(read_whole, request.model))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> PenstockError:
        return error_of(status, headers, body)


def region_of(endpoint: Endpoint) -> str:
    """The option `region`, else what the host name says (`bedrock-runtime.eu-central-1.amazonaws.com`)."""
    region = endpoint.options.get("region")
    if region:
        return region
    labels = (urlsplit(endpoint.base_url).hostname or "").split(".")
    if len(labels) > 2 and labels[0].startswith("bedrock-runtime") and "amazonaws" in labels:
        return labels[1]
    return DEFAULT_REGION


def _authorization(
    url: str, body: bytes, headers: tuple[tuple[str, str], ...], endpoint: Endpoint, now: float
) -> tuple[tuple[str, str], ...]:
    if endpoint.credential is None:
        return ()
    credential = read_credential(endpoint.credential)
    if credential is None:
        return (("authorization", f"Bearer {endpoint.credential}"),)
    return sign(url, body, headers, credential, region=region_of(endpoint), now=now)
