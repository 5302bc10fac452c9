"""Google's Gemini API and Vertex AI as a provider: `GeminiUpstream` is the `UpstreamDialect`."""

from penstock.providers.gemini.upstream import GeminiUpstream

__all__ = ["GeminiUpstream"]
