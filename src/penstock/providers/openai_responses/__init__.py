"""The OpenAI Responses API as an upstream: OpenAI itself, Azure, and every server that speaks the same dialect."""

from penstock.providers.openai_responses.dialect import OpenAIResponses

__all__ = ["OpenAIResponses"]
