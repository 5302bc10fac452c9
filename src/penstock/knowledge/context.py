"""What the model is given of what was found: as many passages as fit its budget, each named and fenced.

Passages that stand next to each other in a document become one.  The text is untrusted: each passage stands between two
lines with a name that is drawn for this context, and a text that has that name in it is not let near its line.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import structs

from penstock.core.sources import Passage

_NAME_BYTES = 8
_NEAR_CHARS = 2
"""Between two neighbours stand a line's end or two."""
_TITLE_CHARS = 200

Counter = Callable[[str], int]
"""How many tokens a text takes."""


class Context(NamedTuple):
    """`text` for the model, and the passages in it under the labels that it names."""

    text: str
    passages: tuple[Passage, ...]


def pack(passages: Sequence[Passage], *, budget: int, count: Counter, name: str | None = None) -> Context:
    """The best passages that fit into `budget` tokens together, what is around them included.

    `passages` come as a search gave them.  One that does not fit is left out, and smaller ones behind it may still
    fit.  Labels count from 1 in the order of the text.  `name` is of the fences, and is drawn where none is given.
    """
    name = name or secrets.token_hex(_NAME_BYTES)
    chosen: list[Passage] = []
    for passage in passages:
        tried = joined([*chosen, passage])
        if count(_text(tried, name)) <= budget:
            chosen.append(passage)
    whole = tuple(structs.replace(each, label=str(at)) for at, each in enumerate(joined(chosen), 1))
    return Context(_text(whole, name), whole)


def joined(passages: Sequence[Passage]) -> list[Passage]:
    """Neighbours of one document and version as one, in place of the better; what they share stands once."""
    found: list[Passage] = []
    for passage in passages:
        touching = [at for at, each in enumerate(found) if _touch(each, passage)]
        if not touching:
            found.append(passage)
            continue
        # It may close the gap between two that did not touch before.
        for at in touching:
            passage = _one(found[at], passage)  # noqa: PLW2901 - it grows
        found[touching[0]] = passage
        found = [each for at, each in enumerate(found) if at not in touching[1:]]
    return found


def _touch(one: Passage, other: Passage) -> bool:
    if one.document != other.document or one.version != other.version:
        return False
    if any(len(each.text) != each.end - each.start for each in (one, other)):
        return False  # it was masked: where one ends and the other begins cannot be told any more
    return max(one.start, other.start) - min(one.end, other.end) <= _NEAR_CHARS


def _one(one: Passage, other: Passage) -> Passage:
    first, second = sorted((one, other), key=lambda each: (each.start, -each.end))
    if second.end <= first.end:
        text = first.text
    elif second.start < first.end:
        text = first.text + second.text[first.end - second.start :]
    else:
        text = first.text + "\n" * (second.start - first.end) + second.text
    above = tuple(a for a, b in zip(first.heading, second.heading, strict=False) if a == b)
    return structs.replace(
        first,
        text=text,
        end=max(first.end, second.end),
        heading=above,
        score=max(first.score, second.score),
    )


def _text(passages: Sequence[Passage], name: str) -> str:
    return "\n\n".join(_fenced(passage, str(at), name) for at, passage in enumerate(passages, 1))


def _fenced(passage: Passage, label: str, name: str) -> str:
    where = " > ".join(_line(each) for each in (passage.title, *passage.heading) if each)
    page = f", page {passage.page}" if passage.page is not None else ""
    body = f"[{label}] {_without(where, name)}{page}\n{_without(passage.text, name)}"
    return f"<source {label} {name}>\n{body}\n</source {label} {name}>"


def _line(text: str) -> str:
    """A title on one line."""
    return " ".join(text.split())[:_TITLE_CHARS]


def _without(text: str, name: str) -> str:
    return re.sub(re.escape(name), "[removed]", text, flags=re.IGNORECASE)
