"""An event whose text is not known whole: what of it may go on, and with which of its log probabilities."""

from collections import deque
from collections.abc import Sequence
from typing import cast

import msgspec

from penstock.core.events import Event, Text, ToolCall
from penstock.core.json import JsonValue
from penstock.guard.arguments import Cut


class Held:
    """An event with text, some of which may be known by now, and have gone out."""

    __slots__ = ("_event", "_has_gone", "_is_whole", "_known", "_logprobs", "_replaced", "_said", "_text")

    def __init__(self, event: Text | ToolCall, text: str, *, is_whole: bool) -> None:
        self._event = event
        self._logprobs = event.logprobs if isinstance(event, Text) else None
        self._is_whole = is_whole or bool(self._logprobs)  # they belong to all of the text
        self._text = text
        self._known = 0
        self._said: list[str] = []
        self._replaced: list[tuple[int, int]] = []
        self._has_gone = False

    @property
    def is_done(self) -> bool:
        return self._known == len(self._text)

    def cut(self, count: int, instead: str | None) -> int:
        """The next `count` characters, or as many as there are, are known.  Returns how many."""
        begin, end = self._known, min(self._known + count, len(self._text))
        if instead is None:
            self._said.append(self._text[begin:end])
        else:
            self._said.append(instead)
            self._replaced.append((begin, end))
        self._known = end
        return end - begin

    def release(self, out: list[Event]) -> None:
        """What is known and has not gone out."""
        if self._is_whole and not self.is_done:
            return
        event = self._event
        if self.is_done and not self._has_gone and not self._replaced and not self._logprobs:
            out.append(event)
            return
        said = "".join(self._said)
        signature = event.signature if self.is_done else None
        if isinstance(event, ToolCall):
            if not self._has_gone and (event.id or event.name or event.signature is not None):
                out.append(msgspec.structs.replace(event, arguments=said))
            elif said:
                _add_arguments(event, said, out)
            else:
                return
        elif self._logprobs:
            logprobs = _shown(self._logprobs, self._text, self._replaced)
            if said or signature is not None or logprobs is not None:
                out.append(Text(said, event.choice, event.channel, event.part, logprobs, signature))
        elif said or signature is not None:
            _add_text(event, said, signature, out)
        else:
            return
        self._has_gone = True
        self._said = []


def cut_all(waiting: deque[Held], cuts: Sequence[Cut]) -> None:
    """Tell events what is known of the characters that they brought, in order; those that are done leave `waiting`."""
    for count, instead in cuts:
        left = count
        while left and waiting:
            left -= waiting[0].cut(left, instead)
            instead = None if instead is None else ""  # noqa: PLW2901 - stands once
            if waiting[0].is_done:
                waiting.popleft()
    while waiting and waiting[0].is_done:
        waiting.popleft()


def _add_text(event: Text, said: str, signature: str | None, out: list[Event]) -> None:
    """As one event with what the event before let go of the same text: two halves of a word need no two."""
    last = out[-1] if out else None
    if (
        type(last) is Text
        and (last.choice, last.channel, last.part) == (event.choice, event.channel, event.part)
        and last.logprobs is None
        and last.signature is None
    ):
        said = last.text + said
        out.pop()
    out.append(Text(said, event.choice, event.channel, event.part, None, signature))


def _add_arguments(event: ToolCall, said: str, out: list[Event]) -> None:
    last = out[-1] if out else None
    if type(last) is ToolCall and (last.choice, last.index) == (event.choice, event.index):
        out[-1] = msgspec.structs.replace(last, arguments=last.arguments + said)
    else:
        out.append(ToolCall(event.choice, event.index, arguments=said, kind=event.kind))


def _shown(entries: JsonValue, text: str, replaced: Sequence[tuple[int, int]]) -> JsonValue:
    """The log probabilities of tokens that are shown; none where the tokens do not spell the text."""
    tokens = [_token(entry) for entry in entries] if isinstance(entries, list) else []
    if b"".join(tokens) != text.encode("utf-8", "surrogatepass"):
        return None
    hidden = [
        (len(text[:begin].encode("utf-8", "surrogatepass")), len(text[:end].encode("utf-8", "surrogatepass")))
        for begin, end in replaced
    ]
    kept: list[JsonValue] = []
    at = 0
    for entry, token in zip(cast("list[JsonValue]", entries), tokens, strict=True):
        if not any(begin < at + len(token) and at < end for begin, end in hidden):
            kept.append(entry)
        at += len(token)
    return kept or None


def _token(entry: JsonValue) -> bytes:
    """The bytes of a token of OpenAI's list: a character that takes several tokens is only found in `bytes`."""
    match entry:
        case {"bytes": list(values)} if all(isinstance(each, int) and 0 <= each < 256 for each in values):
            return bytes(cast("list[int]", values))
        case {"token": str(token)}:
            return token.encode("utf-8", "surrogatepass")
        case _:
            return b"\x00"
