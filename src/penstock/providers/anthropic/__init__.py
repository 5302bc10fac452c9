"""Anthropic's Messages API as a provider: `AnthropicUpstream` is its `UpstreamDialect`."""

from penstock.providers.anthropic.upstream import AnthropicUpstream

__all__ = ["AnthropicUpstream"]
