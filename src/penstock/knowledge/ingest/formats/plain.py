"""Plain text: paragraphs between blank lines, and lists where lines say that they are items."""

import re
from typing import Final

from penstock.knowledge.ingest.blocks import Block, Content
from penstock.knowledge.ingest.decode import decode

_ITEM: Final = re.compile(r"\s{0,20}(?:[-*•–‣▪◦]|\d{1,3}[.)])\s+\S")  # noqa: RUF001 - dashes and bullets are meant
_BREAK: Final = re.compile(r"\n[ \t\f]*(?:\n[ \t\f]*)+|\f")


def read_plain(data: bytes) -> Content:
    """Never refuses what is text."""
    return Content(media_type="text/plain", blocks=paragraphs(decode(data)))


def paragraphs(text: str) -> list[Block]:
    """The blocks of a text without marks."""
    blocks: list[Block] = []
    for part in _BREAK.split(text):
        lines = [line.rstrip() for line in part.split("\n") if line.strip()]
        if not lines:
            continue
        items = sum(_ITEM.match(line) is not None for line in lines)
        if items >= 2 or (items and len(lines) == 1):
            blocks.append(Block(kind="list", text="\n".join(lines)))
        else:
            blocks.append(Block(kind="text", text="\n".join(" ".join(line.split()) for line in lines)))
    return blocks
