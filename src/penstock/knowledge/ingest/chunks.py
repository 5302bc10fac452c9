"""Blocks into one text, and that into chunks: what belongs together in one, and none heavier than the encoder reads.

The encoder reads 256 tokens at once, two of them marks.  30 are for what goes before a chunk (its title and headings),
so that 224 are left; as people write, that is 140 to 180 English words.  A chunk that is a little heavier is read in
two windows all the same, and its vector is their mean.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from penstock.knowledge.document import Chunk, ChunkKind
from penstock.knowledge.ingest.blocks import Block
from penstock.knowledge.ingest.sentences import pieces, sentences
from penstock.knowledge.ingest.weight import weight

MOST: Final = 224
_ENOUGH: Final = 80
"""From this weight on a chunk ends where a section does."""
_BETWEEN: Final = "\n\n"
_ADDRESS: Final = re.compile(r"(?<=\])\((?:https?://|mailto:)[^)\s]{0,2000}\)", re.IGNORECASE)
_KINDS: Final[dict[str, ChunkKind]] = {
    "heading": "text",
    "text": "text",
    "list": "list",
    "table": "table",
    "code": "code",
}


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """What is never cut: a sentence, an item, some lines of code, a table or some of its rows."""

    start: int
    end: int
    weight: int
    kind: ChunkKind
    heading: tuple[str, ...]
    page: int | None
    anchor: str | None
    is_title: bool = False


def without_addresses(text: str) -> str:
    """Links as the words that a reader sees."""
    return _ADDRESS.sub("", text)


def text_and_chunks(
    blocks: Sequence[Block], *, are_pages_apart: bool = False, most: int = MOST
) -> tuple[str, tuple[Chunk, ...]]:
    """The whole text, and chunks of it: `text[chunk.start:chunk.end] == chunk.text`, in order, every word in one.

    A table that is too heavy is cut between rows, and its header stands again over each part, in the text as well.
    """
    parts: list[str] = []
    units: list[Unit] = []
    at = 0
    path: list[tuple[int, str]] = []
    anchor: str | None = None
    for block in blocks:
        if block.kind == "heading":
            while path and path[-1][0] >= block.level:
                path.pop()
            path.append((block.level, block.text))
            anchor = block.anchor
        heading = tuple(words for _, words in path)
        for text in _parts(block, most):
            parts.append(text)
            units += _units(block, text, at, (heading, block.anchor or anchor), most)
            at += len(text) + len(_BETWEEN)
    whole = _BETWEEN.join(parts)
    return whole, tuple(_chunks(whole, units, are_pages_apart=are_pages_apart, most=most))


def _parts(block: Block, most: int) -> Iterator[str]:
    """The block as it stands in the text; of a heavy table its parts, each a table of its own."""
    if block.kind == "heading":
        yield "#" * min(max(block.level, 1), 6) + " " + block.text
        return
    if block.kind != "table" or weight(block.text) <= most:
        yield block.text
        return
    head, rule, *rows = block.text.split("\n")
    top = weight(head) + weight(rule)
    if top > most // 2:  # a header that leaves no room is not said again
        yield from (part for part in _rows([head, rule, *rows], "", most))
        return
    yield from _rows(rows, f"{head}\n{rule}\n", most - top) if rows else iter([block.text])


def _rows(rows: list[str], before: str, most: int) -> Iterator[str]:
    taken: list[str] = []
    total = 0
    for row in rows:
        heavy = weight(row)
        if taken and total + heavy > most:
            yield before + "\n".join(taken)
            taken, total = [], 0
        taken.append(row)
        total += heavy
    if taken:
        yield before + "\n".join(taken)


def _units(block: Block, text: str, at: int, place: tuple[tuple[str, ...], str | None], most: int) -> Iterator[Unit]:
    """`place` is the headings above it, and the anchor that leads to it."""
    heading, anchor = place
    for start, end in _stretches(block, text, most):
        yield Unit(
            start=at + start,
            end=at + end,
            weight=weight(without_addresses(text[start:end])),
            kind=_KINDS[block.kind],
            heading=heading,
            page=block.page,
            anchor=anchor,
            is_title=block.kind == "heading",
        )


def _stretches(block: Block, text: str, most: int) -> Iterator[tuple[int, int]]:
    if block.kind in {"heading", "table"} or weight(without_addresses(text)) <= most // 3:
        yield from pieces(text, 0, len(text), most) if block.kind != "table" else iter([(0, len(text))])
    elif block.kind == "text":
        for start, end in sentences(text):
            yield from pieces(text, start, end, most)
    else:
        start = 0
        for line in text.splitlines(keepends=True):
            end = start + len(line.rstrip())
            if end > start:
                yield from pieces(text, start, end, most)
            start += len(line)


def _chunks(text: str, units: Sequence[Unit], *, are_pages_apart: bool, most: int) -> Iterator[Chunk]:
    taken: list[Unit] = []
    total = ordinal = 0
    for at, unit in enumerate(units):
        if taken and _ends_before(unit, taken, total, _needed(units, at), (are_pages_apart, most)):
            yield _chunk(text, taken, ordinal)
            ordinal += 1
            taken, total = [], 0
        taken.append(unit)
        total += unit.weight
    if taken:
        yield _chunk(text, taken, ordinal)


def _needed(units: Sequence[Unit], at: int) -> int:
    """A heading needs room for what it stands over, at least its beginning."""
    needed = 0
    for unit in units[at : at + 5]:
        needed += unit.weight
        if not unit.is_title:
            break
    return needed


def _ends_before(unit: Unit, taken: Sequence[Unit], total: int, needed: int, limits: tuple[bool, int]) -> bool:
    are_pages_apart, most = limits
    if all(each.is_title for each in taken) and total + unit.weight <= most:
        return are_pages_apart and unit.page != taken[-1].page  # headings go with what they stand over
    if total + needed > most:
        return True
    last = taken[-1]
    if unit.page != last.page and are_pages_apart:
        return True
    return unit.is_title and total >= _ENOUGH


def _chunk(text: str, units: Sequence[Unit], ordinal: int) -> Chunk:
    start, end = units[0].start, units[-1].end
    shared = units[0].heading
    for unit in units[1:]:
        same = [here == there for here, there in zip(shared, unit.heading, strict=False)]
        shared = shared[: same.index(False) if False in same else min(len(shared), len(unit.heading))]
    kinds: dict[ChunkKind, int] = {
        kind: sum(unit.weight for unit in units if unit.kind == kind and not unit.is_title) for kind in _KINDS.values()
    }
    body = next((unit for unit in units if not unit.is_title), units[0])
    return Chunk(
        ordinal=ordinal,
        text=text[start:end],
        start=start,
        end=end,
        # Of several small sections what they share, unless that is nothing: then the first one's.
        heading=shared or units[0].heading,
        kind=max(kinds, key=lambda kind: kinds[kind]),
        page=body.page,
        anchor=units[0].anchor,
    )
