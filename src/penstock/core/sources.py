"""What an answer may be grounded in: passages of documents that the caller may read, and who may read a document.

Retrieval finds passages, the prompt names them by their labels, guards hold answers against them, and client dialects
write citations of them.
"""

from typing import Annotated, NewType

import msgspec

Reader = NewType("Reader", str)
"""One who may read: `public`, `role:<name>`, `group:<name>` or `user:<id>`; within a tenant, and exact."""

PUBLIC = Reader("public")


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a document, as it was when it was found.

    `label` is what the model is told to cite it by, one of an exchange.  `document` is the document's id and `version`
    the number of its content, which rises with every change.  `start` and `end` are where `text` stands in the
    document's whole text, in characters.  `heading` are the titles above it, the widest first; `page` counts from 1,
    `anchor` is a fragment of `uri`.  `score` orders the passages of one search and means nothing beyond it.
    """

    label: str
    document: str
    version: int
    title: str
    text: str
    start: int
    end: int
    uri: str | None = None
    heading: tuple[str, ...] = ()
    page: int | None = None
    anchor: str | None = None
    score: float = 0.0


Confidence = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""The estimated chance that an answer is right and whole, as far as its sources and its wording tell."""


def readers_of(*, user: str | None, roles: tuple[str, ...], groups: tuple[str, ...]) -> tuple[Reader, ...]:
    """Everything that a caller is, in order and once: what a document's readers are compared with."""
    found = {PUBLIC, *(Reader(f"role:{role}") for role in roles), *(Reader(f"group:{group}") for group in groups)}
    if user:
        found.add(Reader(f"user:{user}"))
    return tuple(sorted(found))
