"""OpenAI's chat completions towards clients: requests in (`parse`), answers out whole (`unary`) or streamed (`stream`).

The format is that of https://platform.openai.com/docs/api-reference/chat, with two fields that many servers share on
top of it: `reasoning_content` for the model's thinking and `tool_calls[].extra_content` for Google's signatures.
"""

from penstock.wire.openai_chat.dialect import OpenAIChat
from penstock.wire.openai_chat.errors import error_body

__all__ = ["OpenAIChat", "error_body"]
