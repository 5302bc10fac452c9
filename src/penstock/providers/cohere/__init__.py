"""Cohere's v2 API as a provider: `CohereUpstream` is the `UpstreamDialect`."""

from penstock.providers.cohere.upstream import CohereUpstream

__all__ = ["CohereUpstream"]
