"""Anthropic's Messages API towards clients: `AnthropicClient` is its `ClientDialect`."""

from penstock.wire.anthropic.client import AnthropicClient
from penstock.wire.anthropic.errors import encode_error
from penstock.wire.anthropic.parse import parse_count_tokens

__all__ = ["AnthropicClient", "encode_error", "parse_count_tokens"]
