"""HTML: what a reader of the page sees, without the page's navigation."""

# pyright: reportUnnecessaryComparison=false
# The library says that a node always has a next one and a child; it has not.

import re
from collections.abc import Iterator
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from penstock.knowledge.ingest.blocks import Block, Content
from penstock.knowledge.ingest.decode import decode
from penstock.knowledge.ingest.formats.tables import cell, markdown_table

_UNSEEN: Final = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "iframe",
        "object",
        "embed",
        "svg",
        "canvas",
        "head",
        "select",
        "button",
        "input",
        "textarea",
        "audio",
        "video",
        "-comment",
        "_comment",
    ]
)
_AROUND: Final = frozenset({"nav", "footer", "aside", "header"})
_AROUND_ROLES: Final = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "menu"})
_BLOCKS: Final = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "main",
        "body",
        "html",
        "blockquote",
        "figure",
        "figcaption",
        "details",
        "summary",
        "address",
        "fieldset",
        "form",
        "dd",
        "dt",
        "dl",
        "center",
        "hgroup",
        "header",
        "footer",
        "aside",
        "nav",
        "label",
    ]
)
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_HIDDEN_STYLE: Final = re.compile(
    r"(?:display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden|font-size\s{0,9}:\s{0,9}0(?![.\d]))", re.IGNORECASE
)
_LINE_BREAK: Final = "\x1e"
_MOST_DEPTH: Final = 120
_MAIN_SHARE: Final = 0.3


def read_hypertext(data: bytes, *, declared: str | None = None) -> Content:
    """Never refuses what is text."""
    tree = LexborHTMLParser(decode(data, declared=declared))
    title = tree.css_first("title")
    metadata: dict[str, str] = {}
    for name in ("description", "author", "keywords"):
        found = tree.css_first(f'meta[name="{name}"]')
        if found is not None and (value := found.attributes.get("content")):
            metadata[name] = value.strip()[:500]
    root = _main(tree)
    words = None if title is None else " ".join(title.text().split())
    return Content(
        media_type="text/html",
        blocks=[] if root is None else list(_Walk(skip_around=True).of(root)),
        title=words or None,
        metadata=metadata,
    )


def blocks_of(text: str) -> list[Block]:
    """The blocks of a piece of HTML that stands in another format."""
    root = LexborHTMLParser(text).body
    return [] if root is None else list(_Walk(skip_around=False).of(root))


def _main(tree: LexborHTMLParser) -> LexborNode | None:
    """What the page says is its content, if that is a good part of it."""
    body = tree.body
    if body is None:
        return None
    whole = len(body.text(strip=True))
    for selector in ("main", '[role="main"]', "article"):
        found = tree.css(selector)
        if len(found) == 1 and len(found[0].text(strip=True)) >= _MAIN_SHARE * whole:
            return found[0]
    return body


class _Walk:
    """Goes through the tree in reading order and gathers runs of text into paragraphs."""

    def __init__(self, *, skip_around: bool) -> None:
        self._skip_around = skip_around
        self._run: list[str] = []
        self._anchor: str | None = None

    def of(self, root: LexborNode) -> Iterator[Block]:
        yield from self._inside(root, 0)
        yield from self._paragraph()

    def of_one(self, node: LexborNode) -> Iterator[Block]:
        """Of a node itself, not only of what is within."""
        yield from self._node(node, 0)
        yield from self._paragraph()

    def _inside(self, node: LexborNode, depth: int) -> Iterator[Block]:
        child = node.child
        while child is not None:
            yield from self._node(child, depth)
            child = child.next

    def _node(self, node: LexborNode, depth: int) -> Iterator[Block]:
        tag = node.tag or ""
        if tag == "-text":
            self._run.append(node.text(deep=False))
            return
        if _is_unseen(node, tag, skip_around=self._skip_around):
            return
        if depth > _MOST_DEPTH:
            self._run.append(node.text(deep=True))
            return
        self._anchor = node.attributes.get("id") or self._anchor
        if tag in _HEADINGS:
            yield from self._paragraph()
            yield from self._heading(node, _HEADINGS[tag])
        elif tag == "table" and _is_data(node):
            yield from self._paragraph()
            yield from self._table(node)
        elif tag in {"ul", "ol"}:
            yield from self._paragraph()
            yield from self._list(node)
        elif tag == "pre":
            yield from self._paragraph()
            code = node.text(deep=True).strip("\n")
            if code.strip():
                yield Block(kind="code", text=f"```\n{code}\n```", anchor=self._taken())
        elif tag == "br":
            self._run.append(_LINE_BREAK)
        elif tag == "hr":
            yield from self._paragraph()
        elif tag == "img":
            self._run.append(node.attributes.get("alt") or "")
        elif tag in _BLOCKS or tag in {"table", "tbody", "thead", "tr", "td", "th", "li"}:
            yield from self._paragraph()
            yield from self._inside(node, depth + 1)
            yield from self._paragraph()
        else:
            yield from self._inside(node, depth + 1)

    def _paragraph(self) -> Iterator[Block]:
        text = _flowed("".join(self._run))
        self._run.clear()
        if text:
            yield Block(kind="text", text=text, anchor=self._taken())

    def _heading(self, node: LexborNode, level: int) -> Iterator[Block]:
        words = " ".join(_seen_text(node).split())
        anchor = node.attributes.get("id")
        if anchor is None:
            inner = node.css_first("[id]")
            anchor = None if inner is None else inner.attributes.get("id")
        anchor = anchor or self._anchor
        self._anchor = None
        if words:
            yield Block(kind="heading", text=words, level=level, anchor=anchor)

    def _taken(self) -> str | None:
        """An id leads to the first block at or after it."""
        anchor, self._anchor = self._anchor, None
        return anchor

    def _table(self, node: LexborNode) -> Iterator[Block]:
        rows: list[list[str]] = []
        for row in node.css("tr"):
            cells = [each for each in row.iter() if each.tag in {"td", "th"}]
            found: list[str] = []
            for each in cells:
                found.append(cell(_seen_text(each)))
                found += [""] * (min(_number(each.attributes.get("colspan")), 50) - 1)
            rows.append(found)
        caption = node.css_first("caption")
        if caption is not None and (words := " ".join(_seen_text(caption).split())):
            yield Block(kind="text", text=words)
        table = markdown_table(rows)
        if table:
            yield Block(kind="table", text=table, anchor=self._taken())

    def _list(self, node: LexborNode) -> Iterator[Block]:
        lines: list[str] = []
        blocks: list[Block] = []
        _items(node, 0, lines, blocks)
        if lines:
            yield Block(kind="list", text="\n".join(lines), anchor=self._taken())
        yield from blocks


def _items(node: LexborNode, depth: int, lines: list[str], blocks: list[Block]) -> None:
    """The items of a list and of those within it; tables and code within come after it."""
    number = _number(node.attributes.get("start")) if node.tag == "ol" else 0
    for item in node.iter():
        if item.tag in {"ul", "ol"} and depth < _MOST_DEPTH:
            _items(item, depth + 1, lines, blocks)
        if item.tag != "li" or _is_unseen(item, "li", skip_around=False):
            continue
        inner: list[LexborNode] = []
        words = _flowed(_seen_text(item, apart=inner)).replace("\n", " ")
        mark = f"{number}." if node.tag == "ol" else "-"
        number += 1
        if words:
            lines.append(f"{'  ' * min(depth, 10)}{mark} {words}")
        for each in inner:
            if each.tag in {"ul", "ol"}:
                if depth < _MOST_DEPTH:
                    _items(each, depth + 1, lines, blocks)
            else:
                blocks += _Walk(skip_around=False).of_one(each)


def _seen_text(node: LexborNode, *, apart: list[LexborNode] | None = None) -> str:
    """The text within; with `apart`, lists, tables and code are put there and not into the text."""
    parts: list[str] = []
    pending: list[LexborNode | str] = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, str):
            parts.append(each)
            continue
        tag = each.tag or ""
        if tag == "-text":
            parts.append(each.text(deep=False))
        elif (
            each is not node
            and apart is not None
            and (tag in {"ul", "ol", "pre"} or (tag == "table" and _is_data(each)))
        ):
            apart.append(each)
        elif tag == "br":
            parts.append(_LINE_BREAK)
        elif tag == "img":
            parts.append(each.attributes.get("alt") or "")
        elif not _is_unseen(each, tag, skip_around=False):
            if tag in _BLOCKS or tag in {"li", "tr"}:
                parts.append(" ")
                pending.append(" ")
            children: list[LexborNode | str] = []
            child = each.child
            while child is not None:
                children.append(child)
                child = child.next
            pending += reversed(children)
    return "".join(parts)


def _is_unseen(node: LexborNode, tag: str, *, skip_around: bool) -> bool:
    if tag in _UNSEEN:
        return True
    attributes = node.attributes
    if skip_around and (tag in _AROUND or attributes.get("role") in _AROUND_ROLES) and not _holds_title(node, tag):
        return True
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    style = attributes.get("style")
    return bool(style) and _HIDDEN_STYLE.search(style or "") is not None


def _holds_title(node: LexborNode, tag: str) -> bool:
    """An article's own header, with its title, belongs to it."""
    return tag == "header" and node.css_first("h1") is not None


def _is_data(table: LexborNode) -> bool:
    """Not a table that only puts a page in place: one with other tables within, or with a single column."""
    if table.css_first("td table, th table") is not None:
        return False
    rows = table.css("tr")
    return any(sum(each.tag in {"td", "th"} for each in row.iter()) > 1 for row in rows[:20])


def _flowed(text: str) -> str:
    """Blanks as a browser shows them; line breaks where there was a `<br>`."""
    return "\n".join(line for line in (" ".join(part.split()) for part in text.split(_LINE_BREAK)) if line)


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 6 else 1
