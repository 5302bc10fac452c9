"""The OpenAI Responses dialect towards clients: parse a request, write an answer whole or as a stream of events."""

from penstock.wire.openai_responses.dialect import OpenAIResponses

__all__ = ["OpenAIResponses"]
