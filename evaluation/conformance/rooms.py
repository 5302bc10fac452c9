"""Penstock's dialects and vendors as the in-process transport needs them."""

from collections.abc import Iterable, Mapping

from evaluation.conformance.recordings import Recording
from penstock.core.chat import Dialect
from penstock.core.ports import ClientDialect
from penstock.providers.anthropic import AnthropicUpstream
from penstock.providers.bedrock import BedrockUpstream
from penstock.providers.cohere import CohereUpstream
from penstock.providers.dialect import Endpoint, UpstreamDialect
from penstock.providers.gemini import GeminiUpstream
from penstock.providers.openai_chat import OpenAIChatUpstream
from penstock.providers.openai_responses import OpenAIResponses as OpenAIResponsesUpstream
from penstock.providers.vendors import vendors
from penstock.wire.anthropic import AnthropicClient
from penstock.wire.openai_chat import OpenAIChat
from penstock.wire.openai_responses import OpenAIResponses

OPTIONS: Mapping[str, Mapping[str, str]] = {
    "azure": {"api_version": "2024-10-21"},
    "bedrock": {"region": "us-east-1"},
}


def clients() -> dict[Dialect, ClientDialect]:
    return {each.name: each for each in (OpenAIChat(), OpenAIResponses(), AnthropicClient())}


def providers() -> dict[Dialect, UpstreamDialect]:
    every: Iterable[UpstreamDialect] = (
        OpenAIChatUpstream(),
        OpenAIResponsesUpstream(),
        AnthropicUpstream(),
        GeminiUpstream(),
        BedrockUpstream(),
        CohereUpstream(),
    )
    return {each.name: each for each in every}


def vendor_of(recording: Recording) -> str:
    """The name under which Penstock knows the vendor that a recording is of."""
    match recording.dialect, recording.vendor:
        case "openai-chat", "gemini":
            return "gemini-openai"
        case "openai-chat", "other":
            return "openai"
        case "openai-chat", vendor:
            return vendor
        case dialect, _:
            return dialect


def endpoints(recordings: Iterable[Recording]) -> dict[tuple[Dialect, str], Endpoint]:
    """One made-up endpoint for each vendor that appears, with the vendor's known deviations."""
    made: dict[tuple[Dialect, str], Endpoint] = {}
    for recording in recordings:
        known = vendors()[vendor_of(recording)]
        made[recording.dialect, recording.vendor] = Endpoint(
            vendor=known.name,
            base_url="http://127.0.0.1:9",
            credential="access:secret" if recording.dialect == "bedrock" else "made-up",
            quirks=known.quirks,
            options={**known.options, **OPTIONS.get(known.name, {})},
        )
    return made
