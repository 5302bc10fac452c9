"""The OpenAPI description of the data plane, served at /openapi.json and fuzzed against in the tests.

It describes what Penstock itself promises: paths, credentials, the fields that it reads, and errors.  Fields that it
passes on untouched are the providers' to describe; every request schema therefore allows more.
"""

from collections.abc import Mapping

from penstock.core.feedback import MOST_RATING, MOST_WORDS, VERDICTS
from penstock.core.json import JsonObject, JsonValue
from penstock.server.happenings import event_schema

_ERRORS = {
    "400": "malformed, or asks for what the target cannot do; names the field",
    "401": "missing or unknown key",
    "403": "not allowed for this key",
    "404": "unknown model or path",
    "405": "another method",
    "409": "another turn of the conversation is under way, or there are too many",
    "408": "the body did not arrive in time",
    "413": "the body is too large",
    "414": "the path and query are too long",
    "415": "not JSON in UTF-8",
    "422": "the provider cannot process the request",
    "429": "a limit, ours or the provider's; see Retry-After",
    "431": "the request's head is too large",
    "499": "the client has left",
    "500": "a fault of our own; the body names the exchange",
    "502": "the provider failed",
    "503": "overloaded or shutting down; see Retry-After",
    "504": "the provider, or the deadline, ran out of time",
}

_OPENAI_ERROR: JsonObject = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}

_ANTHROPIC_ERROR: JsonObject = {
    "type": "object",
    "required": ["type", "error"],
    "properties": {
        "type": {"const": "error"},
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
        },
    },
}

_SERVER_SENT_EVENT: JsonObject = {
    "type": "object",
    "required": ["data"],
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
}

_TOKENS: JsonObject = {"type": "integer", "minimum": 1}
_MODEL: JsonObject = {"type": "string", "minLength": 1, "example": "sim"}
_TEXT_PARTS: JsonObject = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["type", "text"],
        "properties": {"type": {"const": "text"}, "text": {"type": "string", "minLength": 1}},
    },
}


def _message(roles: list[str]) -> JsonObject:
    return {
        "type": "object",
        "required": ["role", "content"],
        "properties": {
            "role": {"enum": [*roles]},
            "content": {"oneOf": [{"type": "string", "minLength": 1}, _TEXT_PARTS]},
        },
    }


def _chat() -> JsonObject:
    roles = ["system", "developer", "user", "assistant"]
    return {
        "type": "object",
        "required": ["model", "messages"],
        "properties": {
            "model": _MODEL,
            "messages": {"type": "array", "minItems": 1, "items": _message(roles)},
            "stream": {"type": "boolean"},
            "n": {"type": "integer", "minimum": 1, "maximum": 128},
            "max_completion_tokens": _TOKENS,
            "temperature": {"type": "number", "minimum": 0, "maximum": 2},
            "top_p": {"type": "number", "minimum": 0, "maximum": 1},
            "stop": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "maxItems": 4}]},
            "seed": {"type": "integer"},
            "user": {"type": "string"},
        },
    }


def _responses() -> JsonObject:
    return {
        "type": "object",
        "required": ["model", "input"],
        "properties": {
            "model": _MODEL,
            "input": {"oneOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": _message(["user"])}]},
            "instructions": {"type": "string"},
            "stream": {"type": "boolean"},
            "max_output_tokens": _TOKENS,
            "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        },
    }


def _messages() -> JsonObject:
    return {
        "type": "object",
        "required": ["model", "messages", "max_tokens"],
        "properties": {
            "model": _MODEL,
            "messages": {"type": "array", "minItems": 1, "items": _message(["user", "assistant"])},
            "max_tokens": _TOKENS,
            "system": {"type": "string"},
            "stream": {"type": "boolean"},
            "temperature": {"type": "number", "minimum": 0, "maximum": 1},
            "stop_sequences": {"type": "array", "items": {"type": "string"}},
        },
    }


def _embeddings() -> JsonObject:
    text: JsonObject = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "required": ["model", "input"],
        "properties": {
            "model": _MODEL,
            "input": {"oneOf": [text, {"type": "array", "minItems": 1, "maxItems": 2048, "items": text}]},
            "dimensions": _TOKENS,
            "encoding_format": {"enum": ["float", "base64"]},
        },
    }


def _feedback() -> JsonObject:
    words: JsonObject = {"type": "string", "minLength": 1, "maxLength": MOST_WORDS}
    remarks: list[JsonObject] = [
        {"required": [field], "properties": {"reason": False}} for field in ("rating", "correction", "comment")
    ]
    schema: JsonObject = {
        "type": "object",
        "required": ["exchange"],
        "anyOf": [{"required": ["verdict"]}, *remarks],
        "additionalProperties": False,
        "properties": {
            "exchange": {
                "type": "string",
                "pattern": "^ex_[0-9a-f]{32}$",
                "description": "the answer's header x-request-id",
            },
            "verdict": {"enum": [*VERDICTS]},
            "reason": {"type": "string", "pattern": "^[a-z0-9_.-]{1,64}$", "description": "a word of your taxonomy"},
            "user": {"type": "string", "minLength": 1, "maxLength": 256, "description": "who says so"},
            "rating": {"type": "integer", "minimum": 1, "maximum": MOST_RATING},
            "correction": {**words, "description": "what the answer should have been; it is masked"},
            "comment": {**words, "description": "whatever else there is to say; it is masked"},
        },
    }
    taken = {"description": "kept; it has consequences once the exchange is in the ledger"}
    return {
        "post": {
            "summary": "What is to be said of an answer",
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "responses": {
                "202": {**taken, "content": {"application/json": {"schema": {"type": "object"}}}},
                **_error_responses(_OPENAI_ERROR),
            },
        }
    }


def _event() -> JsonObject:
    taken = {"description": "kept; it is counted once what it is about is in the ledger"}
    return {
        "post": {
            "summary": "What became of a conversation",
            "requestBody": {"required": True, "content": {"application/json": {"schema": event_schema()}}},
            "responses": {
                "202": {**taken, "content": {"application/json": {"schema": {"type": "object"}}}},
                **_error_responses(_OPENAI_ERROR),
            },
        }
    }


def _ground() -> JsonObject:
    source: JsonObject = {
        "type": "object",
        "required": ["text"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string", "maxLength": 300},
            "title": {"type": "string", "maxLength": 1000},
            "text": {"type": "string", "minLength": 1, "maxLength": 200_000},
        },
    }
    schema: JsonObject = {
        "type": "object",
        "required": ["answer", "sources"],
        "additionalProperties": False,
        "properties": {
            "answer": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200_000,
                "description": "marks such as [1] count the sources from 1",
            },
            "sources": {"type": "array", "maxItems": 100, "items": source},
        },
    }
    return {
        "post": {
            "summary": "Hold an answer against sources, claim by claim",
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "responses": {
                "200": {"description": "verdicts", "content": {"application/json": {"schema": {"type": "object"}}}},
                **_error_responses(_OPENAI_ERROR),
            },
        }
    }


def _hold() -> JsonObject:
    page = _page("how an answer stands that a person is to give", is_open=False)
    path: JsonObject = {"name": "hold", "in": "path", "required": True, "schema": {"type": "string"}}
    return {**page, "parameters": [path]}


def _kept() -> JsonObject:
    """What is kept of conversations; 404 for all of it where no model keeps anything."""
    items: JsonObject = {"type": "array", "maxItems": 20, "items": _message(["user", "assistant"])}
    metadata: JsonObject = {"type": "object", "maxProperties": 16, "additionalProperties": {"type": "string"}}
    new: JsonObject = {"type": "object", "properties": {"items": items, "metadata": metadata}}
    one: JsonObject = {"type": "object", "properties": {"metadata": metadata}}
    more: JsonObject = {"type": "object", "required": ["items"], "properties": {"items": items}}
    page: list[JsonValue] = [
        {"name": "after", "in": "query", "schema": {"type": "string"}},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
        {"name": "order", "in": "query", "schema": {"enum": ["asc", "desc"]}},
    ]
    conversation, response = "/v1/conversations/{conversation}", "/v1/responses/{response}"
    return {
        "/v1/conversations": {"post": _of_kept("a new conversation", new)},
        conversation: {
            "parameters": [_in_path("conversation")],
            "get": _of_kept("one conversation"),
            "post": _of_kept("other metadata for it", one),
            "delete": _of_kept("delete it, with all that was said"),
        },
        f"{conversation}/items": {
            "parameters": [_in_path("conversation")],
            "get": {**_of_kept("what was said"), "parameters": page},
            "post": _of_kept("add to it", more),
        },
        f"{conversation}/items/{{item}}": {
            "parameters": [_in_path("conversation"), _in_path("item")],
            "get": _of_kept("one item"),
            "delete": _of_kept("delete it"),
        },
        response: {
            "parameters": [_in_path("response")],
            "get": _of_kept("an answer that is kept"),
            "delete": _of_kept("delete it"),
        },
        f"{response}/input_items": {
            "parameters": [_in_path("response")],
            "get": {**_of_kept("what it answered"), "parameters": page},
        },
    }


def _of_kept(summary: str, schema: JsonObject | None = None) -> JsonObject:
    answer: JsonObject = {"description": summary, "content": {"application/json": {"schema": {"type": "object"}}}}
    found: JsonObject = {"summary": summary, "responses": {"200": answer, **_error_responses(_OPENAI_ERROR)}}
    if schema is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return found


def _in_path(name: str) -> JsonObject:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _error_responses(error: JsonObject) -> JsonObject:
    return {
        status: {"description": text, "content": {"application/json": {"schema": error}}}
        for status, text in _ERRORS.items()
    }


def _ask(summary: str, schema: JsonObject, error: JsonObject, *, is_streamed: bool = True) -> JsonObject:
    content: JsonObject = {"application/json": {"schema": {"type": "object"}}}
    if is_streamed:
        content["text/event-stream"] = {"itemSchema": _SERVER_SENT_EVENT}  # `schema` would be that of the whole list
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "responses": {"200": {"description": "the answer", "content": content}, **_error_responses(error)},
        }
    }


def _page(summary: str, media_type: str = "application/json", *, is_open: bool = True) -> JsonObject:
    kind = "string" if media_type.startswith("text/") else "object"
    answers: JsonObject = {
        "200": {"description": summary, "content": {media_type: {"schema": {"type": kind}}}},
        **_error_responses(_OPENAI_ERROR),
    }
    if is_open:
        answers["503"] = {"description": "not ready", "content": {"application/json": {"schema": {"type": "object"}}}}
    operation: JsonObject = {"summary": summary, "responses": answers}
    if is_open:
        operation["security"] = []
    return {"get": operation}


def describe(version: str, limits: Mapping[str, int]) -> JsonObject:
    """The whole description.  `limits` are shown in the text, so that an integrator meets no surprise."""
    stated = ", ".join(f"{name} {value}" for name, value in limits.items())
    one_model = _page("one model", is_open=False)
    one_model["parameters"] = [
        {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    ]
    return {
        "openapi": "3.2.0",  # the first that can describe an event of a stream
        "info": {
            "title": "Penstock data plane",
            "version": version,
            "description": f"Any client dialect to any provider. Limits: {stated}.",
        },
        "security": [{"bearer": []}, {"api_key": []}],
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            }
        },
        "paths": {
            "/v1/chat/completions": _ask("OpenAI chat completions", _chat(), _OPENAI_ERROR),
            "/v1/responses": _ask("OpenAI Responses", _responses(), _OPENAI_ERROR),
            "/v1/messages": _ask("Anthropic Messages", _messages(), _ANTHROPIC_ERROR),
            "/v1/embeddings": _ask("Embeddings", _embeddings(), _OPENAI_ERROR, is_streamed=False),
            "/v1/events": _event(),
            "/v1/feedback": _feedback(),
            "/v1/ground": _ground(),
            "/v1/holds/{hold}": _hold(),
            **_kept(),
            "/v1/models": _page("all models", is_open=False),
            "/v1/models/{model}": one_model,
            "/health": _page("ready, degraded or not ready, with reasons"),
            "/health/live": _page("the process answers"),
            "/health/ready": _page("200 while it can serve"),
            "/metrics": _page("Prometheus metrics", "text/plain"),
        },
    }
