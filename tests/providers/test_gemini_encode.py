"""What reaches Gemini, whoever asks."""

from typing import Any

import msgspec
import pytest

from penstock.core.chat import (
    AudioPart,
    ChatRequest,
    Dialect,
    EmbeddingRequest,
    FilePart,
    ImagePart,
    Message,
    OpaquePart,
    OpaqueTool,
    Part,
    Reasoning,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from penstock.core.errors import MalformedRequest, UnsupportedField
from penstock.providers.dialect import Endpoint
from penstock.providers.gemini import GeminiUpstream

STUDIO = Endpoint("google", "https://generativelanguage.googleapis.com", "AIza-1")
CLIENTS: tuple[Dialect, ...] = ("openai-chat", "openai-responses", "anthropic")
HELLO = Message("user", (TextPart("hello"),))
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}


def chat(*messages: Message, dialect: Dialect = "openai-chat", **fields: Any) -> ChatRequest:
    return ChatRequest(dialect=dialect, model="asked", messages=messages or (HELLO,), **fields)


def body(request: ChatRequest | EmbeddingRequest, model: str = "gemini-2.5-flash") -> dict[str, Any]:
    return msgspec.json.decode(GeminiUpstream().encode(request, model, STUDIO, now=1.0).body)


def parts(*given: Part, role: Any = "user") -> list[dict[str, Any]]:
    return body(chat(Message(role, given)))["contents"][0]["parts"]


@pytest.mark.parametrize("dialect", CLIENTS)
@pytest.mark.parametrize("stream", [False, True])
def test_any_client_reaches_the_right_address_with_its_key(dialect: Dialect, *, stream: bool) -> None:
    call = GeminiUpstream().encode(chat(dialect=dialect, stream=stream), "gemini-2.5-flash", STUDIO, now=1.0)
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    assert call.url == f"https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:{method}"
    assert dict(call.headers) == {"content-type": "application/json", "x-goog-api-key": "AIza-1"}
    assert call.body == b'{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}'


def test_vertex_is_reached_by_project_and_location_with_a_token() -> None:
    endpoint = Endpoint(
        "vertex", "https://europe-west4-aiplatform.googleapis.com", "ya29", options={"project": "p", "location": "eu"}
    )
    call = GeminiUpstream().encode(chat(), "models/gemini-2.5-pro", endpoint, now=1.0)
    assert call.url == (
        "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/eu"
        "/publishers/google/models/gemini-2.5-pro:generateContent"
    )
    assert ("authorization", "Bearer ya29") in call.headers


def test_a_model_name_cannot_leave_its_place_in_the_address() -> None:
    call = GeminiUpstream().encode(chat(), "a?b#c d", STUDIO, now=1.0)
    assert call.url.endswith("/models/a%3Fb%23c%20d:generateContent")


def test_the_system_speaks_apart_wherever_it_stands() -> None:
    request = chat(
        Message("system", (TextPart("one"),)), HELLO, Message("developer", (TextPart("two"),)), dialect="openai-chat"
    )
    assert body(request)["systemInstruction"] == {"parts": [{"text": "one"}, {"text": "two"}]}
    assert [turn["role"] for turn in body(request)["contents"]] == ["user"]


def test_a_conversation_with_no_turn_still_has_one() -> None:
    assert body(chat(Message("system", (TextPart("s"),))))["contents"] == [{"role": "user", "parts": [{"text": ""}]}]


def test_a_tool_conversation_keeps_calls_answers_ids_and_signatures() -> None:
    request = chat(
        HELLO,
        Message(
            "assistant",
            (
                ReasoningPart("theirs", "anthropic:zzz"),
                ReasoningPart("ours", "gemini:sss"),
                TextPart(""),
                ToolCallPart("c1", "weather", '{"city": "Rome"}', signature="gemini:abc"),
                ToolCallPart("c2", "time", "", signature="anthropic:def"),
            ),
        ),
        Message("tool", (ToolResultPart("c1", (TextPart("sunny"),)),)),
        Message("tool", (ToolResultPart("c2", (TextPart('{"hour": 4}'),)),)),
        Message("user", (TextPart("thanks"),)),
    )
    assert body(request)["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "ours", "thought": True, "thoughtSignature": "sss"},
                {
                    "functionCall": {"id": "c1", "name": "weather", "args": {"city": "Rome"}},
                    "thoughtSignature": "abc",
                },
                {"functionCall": {"id": "c2", "name": "time", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "c1", "name": "weather", "response": {"output": "sunny"}}},
                {"functionResponse": {"id": "c2", "name": "time", "response": {"hour": 4}}},
            ],
        },
        {"role": "user", "parts": [{"text": "thanks"}]},
    ]


def test_a_call_of_another_model_gets_the_signature_that_gemini_3_asks_for() -> None:
    request = chat(
        HELLO, Message("assistant", (ToolCallPart("c1", "f", "{}"), ToolCallPart("c2", "f", "{}", signature="x:y")))
    )
    calls = body(request, "gemini-3-pro-preview")["contents"][1]["parts"]
    assert [call.get("thoughtSignature") for call in calls] == [
        "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv",
        None,
    ]
    assert "thoughtSignature" not in body(request)["contents"][1]["parts"][0]


def test_anthropics_results_come_before_what_stands_beside_them() -> None:
    request = chat(
        HELLO,
        Message("assistant", (ToolCallPart("c1", "f", "{}"),)),
        Message("user", (TextPart("and"), ToolResultPart("c1", (TextPart("boom"),), is_error=True))),
        dialect="anthropic",
    )
    assert body(request)["contents"][2:] == [
        {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "f", "response": {"error": "boom"}}}]},
        {"role": "user", "parts": [{"text": "and"}]},
    ]


def test_pictures_sounds_and_files_are_sent_as_data_or_by_address() -> None:
    assert parts(
        ImagePart(data="QQ==", media_type="image/png"),
        ImagePart(url="https://x.test/a.webp?b=1"),
        AudioPart("QQ==", "wav"),
        FilePart(data="QQ==", filename="a.pdf"),
        FilePart(url="gs://bucket/film.mp4"),
        FilePart(text="plain"),
        FilePart(file_id="https://generativelanguage.googleapis.com/v1beta/files/abc"),
    ) == [
        {"inlineData": {"mimeType": "image/png", "data": "QQ=="}},
        {"fileData": {"fileUri": "https://x.test/a.webp?b=1", "mimeType": "image/webp"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "QQ=="}},
        {"inlineData": {"mimeType": "application/pdf", "data": "QQ=="}},
        {"fileData": {"fileUri": "gs://bucket/film.mp4", "mimeType": "video/mp4"}},
        {"text": "plain"},
        {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}},
    ]


def test_a_picture_that_a_tool_answered_goes_along() -> None:
    request = chat(
        Message("assistant", (ToolCallPart("c1", "f", "{}"),)),
        Message("tool", (ToolResultPart("c1", (ImagePart(data="QQ==", media_type="image/png"),)),)),
    )
    (answer,) = body(request)["contents"][1]["parts"]
    assert answer["functionResponse"]["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "QQ=="}}]


def test_every_setting_has_its_place() -> None:
    request = chat(
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        max_tokens=7,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        seed=3,
        choices=2,
        stop=("a", "b"),
        logprobs=True,
        top_logprobs=4,
        response_format=ResponseFormat("json_schema", "n", SCHEMA, strict=True, description="d"),
        reasoning=Reasoning(budget_tokens=100, summary="auto"),
    )
    assert body(request)["generationConfig"] == {
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 5,
        "maxOutputTokens": 7,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "seed": 3,
        "candidateCount": 2,
        "stopSequences": ["a", "b"],
        "responseLogprobs": True,
        "logprobs": 4,
        "responseMimeType": "application/json",
        "responseJsonSchema": {**SCHEMA, "description": "d"},
        "thinkingConfig": {"thinkingBudget": 100, "includeThoughts": True},
    }


@pytest.mark.parametrize(
    ("model", "reasoning", "config"),
    [
        ("gemini-2.5-flash", Reasoning("low"), {"thinkingBudget": 1024}),
        ("gemini-2.5-flash", Reasoning("none"), {"thinkingBudget": 0}),
        ("gemini-2.5-flash", Reasoning(is_enabled=False), {"thinkingBudget": 0}),
        ("gemini-3-flash", Reasoning("low"), {"thinkingLevel": "low"}),
        ("gemini-3.5-flash", Reasoning("high", summary="auto"), {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-3-flash", Reasoning(budget_tokens=5), {"thinkingBudget": 5}),
        ("gemini-2.0-flash", Reasoning("none"), None),
        ("gemini-2.5-flash", Reasoning(), None),
    ],
)
def test_the_wish_to_think_is_told_in_the_words_of_the_model(
    model: str, reasoning: Reasoning, config: dict[str, Any] | None
) -> None:
    assert body(chat(reasoning=reasoning), model).get("generationConfig", {}).get("thinkingConfig") == config


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        (None, None),
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("required", allowed=("a",)), {"mode": "ANY", "allowedFunctionNames": ["a"]}),
        (ToolChoice("named", "b"), {"mode": "ANY", "allowedFunctionNames": ["b"]}),
    ],
)
def test_the_choice_of_tools_is_told(choice: ToolChoice | None, calling: dict[str, Any] | None) -> None:
    tools = (Tool("a", "first", SCHEMA), Tool("b"))
    written = body(chat(tools=tools, tool_choice=choice))
    declarations = [{"name": "a", "description": "first", "parametersJsonSchema": SCHEMA}, {"name": "b"}]
    assert written["tools"] == [{"functionDeclarations": declarations}]
    assert written.get("toolConfig", {}).get("functionCallingConfig") == calling


def test_a_strict_tool_is_called_by_its_schema() -> None:
    written = body(chat(tools=(Tool("a", parameters=SCHEMA, strict=True),)))
    assert written["toolConfig"] == {"functionCallingConfig": {"mode": "VALIDATED"}}


def test_allowed_tools_of_a_free_choice_are_the_only_ones_sent() -> None:
    written = body(chat(tools=(Tool("a"), Tool("b")), tool_choice=ToolChoice("auto", allowed=("b",))))
    assert written["tools"] == [{"functionDeclarations": [{"name": "b"}]}]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"extras": {"logit_bias": {"1": 2}}}, "logit_bias"),
        ({"parallel_tool_calls": False, "tools": (Tool("a"),)}, "parallel_tool_calls"),
        ({"tools": (Tool("a", kind="custom"),)}, "tools[0]"),
        ({"tools": (OpaqueTool("openai-responses", "tools[0]", {"type": "web_search"}),)}, "tools[0]"),
        ({"reasoning": Reasoning("xhigh")}, "reasoning_effort"),
    ],
)
def test_what_gemini_cannot_do_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(UnsupportedField) as caught:
        body(chat(**fields))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("model", "reasoning"), [("gemini-3-pro", Reasoning("none")), ("gemini-2.0-flash", Reasoning("low"))]
)
def test_a_model_that_must_or_cannot_think_says_so(model: str, reasoning: Reasoning) -> None:
    with pytest.raises(UnsupportedField):
        body(chat(reasoning=reasoning), model)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (Message("user", (TextPart("a"),), name="bob"), "messages[0].name"),
        (Message("system", (ImagePart(url="https://x"),)), "messages[0].content[0]"),
        (Message("user", (OpaquePart("openai-chat", "messages[0].content[0]", {}),)), "messages[0].content[0]"),
        (Message("user", (FilePart(file_id="file-1"),)), "messages[0].content[0].file_id"),
        (Message("assistant", (ToolCallPart("c", "n", "x", "custom"),)), "messages[0].content[0]"),
    ],
)
def test_a_part_that_gemini_cannot_read_is_named(message: Message, field: str) -> None:
    with pytest.raises(UnsupportedField) as caught:
        body(chat(message))
    assert caught.value.field == field


@pytest.mark.parametrize("arguments", ["{", "[1]", "\ud800"])
def test_arguments_that_are_no_object_are_named(arguments: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        body(chat(Message("assistant", (ToolCallPart("c", "n", arguments),))))
    assert caught.value.field == "messages[0].content[0].arguments"


def test_an_answer_to_a_call_that_nobody_made_is_malformed() -> None:
    with pytest.raises(MalformedRequest):
        body(chat(Message("tool", (ToolResultPart("c9", (TextPart("x"),)),))))


def test_what_is_left_out_is_said() -> None:
    request = chat(
        Message("user", (ImagePart(url="https://x", detail="high"),)),
        user="u",
        metadata={"a": "b"},
        extras={"store": True, "service_tier": "auto"},
    )
    assert set(GeminiUpstream().advisory(request, STUDIO)) == {
        "store",
        "service_tier",
        "user",
        "metadata",
        "messages[0].content[0].detail",
    }
    assert "store" not in body(request)


def test_embeddings_are_asked_for_in_one_batch() -> None:
    request = EmbeddingRequest(dialect="openai-chat", model="e", inputs=("a", "b"), dimensions=8)
    call = GeminiUpstream().encode(request, "gemini-embedding-001", STUDIO, now=1.0)
    assert call.url.endswith("/v1beta/models/gemini-embedding-001:batchEmbedContents")
    one, two = msgspec.json.decode(call.body)["requests"]
    assert one == {
        "model": "models/gemini-embedding-001",
        "content": {"parts": [{"text": "a"}]},
        "outputDimensionality": 8,
    }
    assert two["content"]["parts"][0]["text"] == "b"


def test_embeddings_of_token_ids_are_refused() -> None:
    with pytest.raises(UnsupportedField) as caught:
        body(EmbeddingRequest(dialect="openai-chat", model="e", inputs=((1, 2),)))
    assert caught.value.field == "input"
