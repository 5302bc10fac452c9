"""Whose answers a question may share: the digest of all that shapes an answer beside the question itself.

Built on the exact cache's partition (tenant, rights, model and its configuration): the system prompt, tools, sampling,
everything said before, and the script that the question is written in.  Two requests share a partition only where all
of that is the same.
"""

import unicodedata
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import msgspec

from penstock.cache.key import canonical
from penstock.cache.semantic.reading import read
from penstock.config.cache.semantic import FollowUps
from penstock.core.chat import ChatRequest, Message, Request, TextPart, ToolResultPart

_PERSON: Final = b"penstock similar"
_LONGEST_CHARS: Final = 4_000


@dataclass(frozen=True, slots=True)
class Situation:
    """`text` is the question as it stands alone; `partition` says among whose questions it may be looked for."""

    text: str
    partition: bytes


def situation_of(request: Request, owner: bytes, follow_ups: FollowUps) -> Situation | str:
    """The question of a request, or why it has none.  `owner` is the exact cache's partition."""
    if not isinstance(request, ChatRequest) or not request.messages:
        return "no_question"
    *before, last = request.messages
    text = _only_text(last)
    if text is None or not text.strip() or len(text) > _LONGEST_CHARS:
        return "no_question"
    if any(isinstance(part, ToolResultPart) for message in request.messages for part in message.parts):
        return "tool_result"
    if request.choices != 1 or request.logprobs:
        return "no_question"
    instructions = [message for message in before if message.role in {"system", "developer"}]
    kept = before
    if len(instructions) != len(before) and follow_ups == "standalone":
        reading = read(text)
        if reading is not None and reading.stands_alone:
            kept = instructions
    blank = msgspec.structs.replace(last, parts=(TextPart(""),))
    bare = msgspec.structs.replace(request, messages=(*kept, blank))
    try:
        written = canonical(bare)
    except (OverflowError, UnicodeEncodeError):
        return "unwritable"
    hasher = blake2b(owner, digest_size=32, person=_PERSON)
    hasher.update(_script(text).encode())
    hasher.update(b"\0")
    hasher.update(written)
    return Situation(text, hasher.digest())


def _only_text(message: Message) -> str | None:
    if message.role != "user" or message.extras or message.name is not None:
        return None
    parts = [part for part in message.parts if isinstance(part, TextPart) and not part.extras]
    return "\n".join(part.text for part in parts) if parts and len(parts) == len(message.parts) else None


def _script(text: str) -> str:
    """The alphabet that most letters are of, by its name in Unicode."""
    counts: dict[str, int] = {}
    for letter in text[:400]:
        if letter.isalpha():
            script = "LATIN" if letter.isascii() else unicodedata.name(letter, "?").split(" ")[0]
            counts[script] = counts.get(script, 0) + 1
    return max(counts, key=lambda script: counts[script], default="")
