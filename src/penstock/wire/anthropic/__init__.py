"""Anthropic's Messages API towards clients: `AnthropicClient` is its `ClientDialect`."""

from penstock.wire.anthropic.client import AnthropicClient
from penstock.wire.anthropic.errors import encode_error
from penstock.wire.anthropic.parse import parse_count_tokens
from penstock.wire.anthropic.unary import encode_token_count

__all__ = ["AnthropicClient", "encode_error", "encode_token_count", "parse_count_tokens"]
