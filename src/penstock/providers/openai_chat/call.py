"""Where a call goes and what it carries besides its body: the same for chat and embeddings.

Azure has two forms (https://learn.microsoft.com/azure/ai-services/openai/reference): with an `api_version` the model is
a deployment in the path; without one the v1 API takes it in the body, as OpenAI does.
"""

from typing import Final, Literal
from urllib.parse import quote

from penstock.core.json import JsonObject, dumps
from penstock.providers.dialect import CallHead, Endpoint, HttpCall

Operation = Literal["chat/completions", "embeddings"]
AZURE: Final = "azure"
_MAX_HEADS: Final = 256
"""Callers may choose the model's name, and with Azure it is part of the URL."""


def build_call(
    endpoint: Endpoint, operation: Operation, model: str, document: JsonObject, *, is_streamed: bool
) -> HttpCall:
    key = (operation, model, is_streamed)
    head = endpoint.heads.get(key)
    if head is None:
        if len(endpoint.heads) >= _MAX_HEADS:
            endpoint.heads.clear()
        head = endpoint.heads[key] = CallHead(
            _url(endpoint, operation, model), _headers(endpoint, is_streamed=is_streamed)
        )
    return HttpCall(head.url, head.headers, dumps(document))


def _headers(endpoint: Endpoint, *, is_streamed: bool) -> tuple[tuple[str, str], ...]:
    headers = [
        ("content-type", "application/json"),
        ("accept", "text/event-stream" if is_streamed else "application/json"),
    ]
    if endpoint.credential:
        if AZURE in endpoint.quirks:
            headers.append(("api-key", endpoint.credential))
        else:
            headers.append(("authorization", f"Bearer {endpoint.credential}"))
    headers += endpoint.headers
    return tuple(headers)


def _url(endpoint: Endpoint, operation: Operation, model: str) -> str:
    base = endpoint.base_url
    if AZURE in endpoint.quirks:
        version = endpoint.options.get("api_version")
        root = base.removesuffix("/v1").removesuffix("/openai")
        if version is None or version in {"v1", "preview", "latest"}:
            suffix = "" if version in {None, "v1"} else f"?api-version={version}"
            return f"{root}/openai/v1/{operation}{suffix}"
        deployment = quote(endpoint.options.get("deployment", model), safe="")
        return f"{root}/openai/deployments/{deployment}/{operation}?api-version={quote(version, safe='')}"
    if operation == "chat/completions":
        return base + endpoint.options.get("chat_path", "/chat/completions")
    return base + endpoint.options.get("embeddings_path", "/embeddings")
