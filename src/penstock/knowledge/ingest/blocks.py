"""What a file is made of, whatever its format: headings, paragraphs, lists, tables and code, in reading order."""

from typing import Literal

import msgspec

BlockKind = Literal["heading", "text", "list", "table", "code"]


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One element.

    `text` has no marks of its format but those that say what it is: a list's items begin with `- ` or `1. `, a table is
    a Markdown table, code stands in a fence.  `level` is a heading's, from 1.  `page` counts from 1.  `anchor` is the
    fragment that leads to it, where the format has one.
    """

    kind: BlockKind
    text: str
    level: int = 0
    page: int | None = None
    anchor: str | None = None


class Attachment(msgspec.Struct, frozen=True):
    """A file within a file."""

    name: str
    data: bytes


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A file, taken apart.

    `title` is what the file itself says it is called.  Where `are_pages_apart`, no chunk goes over from one page to the
    next: slides and sheets are units, the pages of a PDF are not.
    """

    media_type: str
    blocks: list[Block]
    title: str | None = None
    metadata: dict[str, str] = {}
    attachments: list[Attachment] = []
    are_pages_apart: bool = False
