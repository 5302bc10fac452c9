"""Citations of our own sources in the words of each client dialect, as the notices that a provider of it would send.

Fields that a dialect has no place for (`document_id`, `page`, `quote`) stand beside its own: clients ignore what they
do not know.
"""

from penstock.core.events import Citation, Notice
from penstock.core.json import JsonObject


def chat_notice(citation: Citation) -> Notice:
    """An entry of `message.annotations` (https://platform.openai.com/docs/api-reference/chat/object)."""
    cited: JsonObject = {
        "start_index": citation.start,
        "end_index": citation.end,
        "title": citation.title,
        "url": citation.uri or f"urn:penstock:document:{citation.document}",
        **_beyond(citation),
    }
    data: JsonObject = {"annotations": [{"type": "url_citation", "url_citation": cited}]}
    return Notice("openai-chat", "message", data, choice=citation.choice, part=citation.part)


def responses_notice(citation: Citation) -> Notice:
    """An annotation of an `output_text` part (https://platform.openai.com/docs/api-reference/responses/object)."""
    if citation.uri is not None:
        annotation: JsonObject = {
            "type": "url_citation",
            "start_index": citation.start,
            "end_index": citation.end,
            "title": citation.title,
            "url": citation.uri,
        }
    else:
        annotation = {
            "type": "file_citation",
            "file_id": citation.document,
            "filename": citation.title,
            "index": citation.end,
        }
    annotation.update(_beyond(citation))
    return Notice("openai-responses", "annotation", annotation, choice=citation.choice, part=citation.part)


def anthropic_notice(citation: Citation) -> Notice:
    """A citation of a text block (https://platform.claude.com/docs/en/build-with-claude/citations)."""
    data: JsonObject = {
        "type": "char_location" if citation.page is None else "page_location",
        "cited_text": citation.quote,
        "document_index": citation.number,
        "document_title": citation.title,
        "file_id": citation.document,
    }
    if citation.page is None:
        data |= {"start_char_index": citation.source_start, "end_char_index": citation.source_end}
    else:  # the end is exclusive there
        data |= {"start_page_number": citation.page, "end_page_number": citation.page + 1}
    if citation.uri is not None:
        data["uri"] = citation.uri
    return Notice("anthropic", "citation", data, choice=citation.choice, part=citation.part)


def _beyond(citation: Citation) -> JsonObject:
    beyond: JsonObject = {
        "document_id": citation.document,
        "quote": citation.quote,
        "source_start": citation.source_start,
        "source_end": citation.source_end,
    }
    if citation.page is not None:
        beyond["page"] = citation.page
    return beyond
