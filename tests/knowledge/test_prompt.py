"""Where sources stand in a prompt: where nothing that shortens prompts ever cuts."""

from penstock.core.chat import ChatRequest, ImagePart, Message, TextPart, ToolResultPart
from penstock.knowledge.prompt import question_of, with_sources
from penstock.routing.compaction.rounds import last_question


def test_sources_stand_in_the_message_that_is_never_shortened() -> None:
    picture = Message("user", (ImagePart(url="https://example.com/a.png"),))
    result = Message("user", (ToolResultPart("c1", (TextPart("42"),)),))
    asked = Message("user", (TextPart("What is this?"),))
    said = Message("assistant", (TextPart("What exactly?"),))
    for messages in ((asked,), (asked, said, picture), (asked, said, picture, said, result)):
        request = ChatRequest(dialect="openai-chat", model="m", messages=messages)
        assert question_of(request) == "What is this?"
        told = with_sources(request, "SOURCES", instructions="Cite.")
        at = last_question(told.messages)
        assert told.messages[at].parts[0] == TextPart("SOURCES\n\n")
        assert "SOURCES" not in repr([*told.messages[:at], *told.messages[at + 1 :]])
