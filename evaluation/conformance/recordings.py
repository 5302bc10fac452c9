"""Reads recorded HTTP conversations (VCR YAML) into the exact bytes that a provider sent.

Two shapes are read: bodies as text or bytes (`body.string`, perhaps still compressed), and bodies already parsed
(`parsed_body`), which are written again as compact JSON, as a provider would.
"""

import gzip
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import yaml

from penstock.core.chat import Dialect
from penstock.core.json import JsonObject, dumps, loads

EXCERPTS = Path(__file__).parents[2] / "tests" / "conformance" / "recordings"
FULL_SET = Path(__file__).parents[3] / "shared" / "data" / "conformance"

_NOT_REPLAYED_HEADERS = frozenset({"transfer-encoding", "content-length", "connection", "keep-alive", "set-cookie"})

_VENDOR_OF_HOST = (
    ("api.openai.com", "openai"),
    (".openai.azure.com", "azure"),
    ("api.groq.com", "groq"),
    ("api.mistral.ai", "mistral"),
    ("openrouter.ai", "openrouter"),
    ("api.deepseek.com", "deepseek"),
    ("api.together.xyz", "together"),
    ("api.cerebras.ai", "cerebras"),
    ("api.writer.com", "writer"),
    ("localhost", "vllm"),
    ("api.anthropic.com", "anthropic"),
    ("aiplatform.googleapis.com", "vertex"),
    ("generativelanguage.googleapis.com", "gemini"),
    ("amazonaws.com", "bedrock"),
    ("api.cohere.com", "cohere"),
)

_SKIPS: tuple[tuple[str, str], ...] = (
    ("/v1/completions", "legacy text completions: not a chat endpoint"),
    ("/invoke", "Bedrock InvokeModel carries each vendor's raw body; Penstock calls Converse"),
    ("/v1/messages/count_tokens", "token counting, no model call"),
    ("/count-tokens", "token counting, no model call"),
    (":countTokens", "token counting, no model call"),
    ("/responses/input_tokens", "token counting, no model call"),
    ("/responses/compact", "conversation compaction, answers no request"),
    ("/api/chat", "Ollama's own API; Penstock calls Ollama's OpenAI-compatible endpoint"),
    ("/v1/conversations", "conversation storage, no model call"),
    ("/v1/files", "file storage, no model call"),
    ("/v1/vector_stores", "vector storage, no model call"),
    ("/fileSearchStores", "file storage, no model call"),
    ("/token", "sign-in, no model call"),
)


@dataclass(frozen=True, slots=True)
class Recording:
    """One request and the bytes of its answer.

    `body` is what went over the wire, compressed where the headers say so.  `request` is None where the recording's
    own is not JSON (some hold a Python object's text).
    """

    id: str
    vendor: str
    dialect: Dialect
    is_streamed: bool
    request: JsonObject | None
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def content(self) -> bytes:
        """The body as the provider wrote it, uncompressed."""
        return gzip.decompress(self.body) if self.is_compressed else self.body

    @property
    def is_compressed(self) -> bool:
        return ("content-encoding", "gzip") in self.headers


@dataclass(frozen=True, slots=True)
class Skipped:
    id: str
    reason: str


def recordings_folder() -> Path:
    """`PENSTOCK_CONFORMANCE_DIR` where set, else the full development set where it is at hand, else the excerpts."""
    named = os.environ.get("PENSTOCK_CONFORMANCE_DIR")
    if named:
        return Path(named)
    return FULL_SET if FULL_SET.is_dir() else EXCERPTS


def load(folder: Path) -> tuple[list[Recording], list[Skipped]]:
    """Every interaction under `folder`: replayable, or skipped with its reason."""
    recordings: list[Recording] = []
    skipped: list[Skipped] = []
    for file in sorted(folder.rglob("*.yaml")):
        if file.name == "openai-openapi.yaml":
            continue
        for name, interaction in _interactions(file, folder):
            match _read(name, interaction):
                case Recording() as recording:
                    recordings.append(recording)
                case Skipped() as skip:
                    skipped.append(skip)
    return recordings, skipped


def _interactions(file: Path, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with file.open("rb") as text:
        document = cast("dict[str, Any]", yaml.load(text, yaml.CSafeLoader))  # noqa: TID251 - the safe loader, in C
    for number, interaction in enumerate(cast("list[dict[str, Any]]", document.get("interactions", []))):
        yield f"{file.relative_to(folder).with_suffix('')}#{number}", interaction


def _read(name: str, interaction: dict[str, Any]) -> Recording | Skipped:
    request, response = interaction["request"], interaction["response"]
    url = urlsplit(str(request["uri"]))
    path = unquote(url.path)
    if str(request["method"]).upper() != "POST":
        return Skipped(name, "not a POST: no model call")
    dialect = _dialect(url.hostname or "", path)
    if dialect is None:
        return Skipped(name, _reason(path))
    body = _request_body(request)
    headers = _headers(response.get("headers", {}))
    content = _response_body(response)
    is_compressed = content[:2] == b"\x1f\x8b"
    if not is_compressed:
        headers = tuple((key, value) for key, value in headers if key != "content-encoding")
    return Recording(
        id=name,
        vendor=_vendor(url.hostname or ""),
        dialect=dialect,
        is_streamed=path.endswith((":streamGenerateContent", "/converse-stream"))
        or (body is not None and body.get("stream") is True)
        or ("content-type", "text/event-stream") in headers,
        request=body,
        status=int(response["status"]["code"]),
        headers=headers,
        body=content,
    )


def _dialect(host: str, path: str) -> Dialect | None:
    if host == "api.cohere.com":
        return "cohere" if path == "/v2/chat" else None
    if host == "api.writer.com":
        return "openai-chat" if path == "/v1/chat" else None
    if path.endswith("/chat/completions"):
        return "openai-chat"
    if path.endswith("/responses"):
        return "openai-responses"
    if path == "/v1/messages":
        return "anthropic"
    if path.endswith((":generateContent", ":streamGenerateContent")):
        return "gemini"
    if path.endswith(("/converse", "/converse-stream")):
        return "bedrock"
    return None


def _vendor(host: str) -> str:
    return next((vendor for suffix, vendor in _VENDOR_OF_HOST if host.endswith(suffix)), "other")


def _reason(path: str) -> str:
    if path == "/v1/chat":
        return "Cohere's v1 chat, which v2 replaced; Penstock calls v2"
    return next((reason for part, reason in _SKIPS if part in path), "no model call")


def _request_body(request: Mapping[str, Any]) -> JsonObject | None:
    if request.get("parsed_body") is not None:
        parsed = request["parsed_body"]
    else:
        raw: Any = request.get("body")
        if isinstance(raw, dict):
            raw = cast("dict[str, Any]", raw).get("string")
        if not raw:
            return None
        try:
            parsed = loads(raw)
        except ValueError:
            return None
    return cast("JsonObject", parsed) if isinstance(parsed, dict) else None


def _response_body(response: Mapping[str, Any]) -> bytes:
    if "parsed_body" in response:
        return dumps(response["parsed_body"])
    raw = cast("str | bytes | None", cast("dict[str, Any]", response.get("body") or {}).get("string"))
    if raw is None:
        return b""
    return raw.encode() if isinstance(raw, str) else raw


def _headers(recorded: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for name, values in recorded.items():
        if name.lower() in _NOT_REPLAYED_HEADERS:
            continue
        for value in cast("list[str | bytes]", values if isinstance(values, list) else [values]):
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            pairs.append((name.lower(), text))
    return tuple(pairs)
