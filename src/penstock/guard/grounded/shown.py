"""What is shown of an answer: without what is left out of it, with a notice behind it, or another text in its place."""

from collections.abc import Sequence

import msgspec

from penstock.core.events import Event, Finish, Text


def without(text: str, places: Sequence[tuple[int, int]]) -> str:
    """The text without these places, and without the blanks that would stand twice."""
    said: list[str] = []
    at = 0
    for begin, end in places:
        said.append(text[at:begin])
        at = end
        while at < len(text) and text[at] in " \t":
            at += 1
    said.append(text[at:])
    return "".join(said)


def replaced(events: Sequence[Event], text: str) -> Sequence[Event]:
    """The answer with `text` in place of all it says."""
    out: list[Event] = []
    has_said = False
    for event in events:
        if isinstance(event, Text):
            if has_said or event.channel != "answer":
                continue
            has_said = True
            out.append(Text(text, event.choice, "answer", event.part))
        elif isinstance(event, Finish):
            if not has_said:
                has_said = True
                out.append(Text(text, event.choice))
            out.append(msgspec.structs.replace(event, reason="content_filter", native=None))
        else:
            out.append(event)
    return out


def with_notices(events: Sequence[Event], notices: Sequence[str]) -> Sequence[Event]:
    """The answer with the notices behind its text."""
    out: list[Event] = []
    last: Text | None = None
    told = "".join(f"\n\n{each}" for each in notices)
    for event in events:
        if isinstance(event, Text) and event.channel == "answer":
            last = event
        elif isinstance(event, Finish):
            out.append(Text(told, event.choice, "answer", 0 if last is None else last.part))
        out.append(event)
    return out
