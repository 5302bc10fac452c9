"""Markdown, as far as its structure goes: headings, lists, tables, code, front matter, and HTML among it."""

import re
from collections.abc import Iterator
from typing import Any, Final, cast

import yaml

from penstock.knowledge.ingest.blocks import Block, Content
from penstock.knowledge.ingest.decode import decode
from penstock.knowledge.ingest.formats.hypertext import blocks_of
from penstock.knowledge.ingest.formats.inline import plain
from penstock.knowledge.ingest.formats.slugs import Slugs
from penstock.knowledge.ingest.formats.tables import markdown_table

_HEADING: Final = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?[ \t]*$")
_CLOSING: Final = re.compile(r"(?:^|[ \t])#+$")
_GIVEN_ID: Final = re.compile(r"[ \t]*\{#([\w.:-]{1,100})[^}]{0,100}\}$")
_UNDERLINE: Final = re.compile(r" {0,3}(?:=+|-{2,})[ \t]*$")
_RULE: Final = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_FENCE: Final = re.compile(r"\s{0,20}(`{3,}|~{3,})([^`\n]{0,200})$")
_ITEM: Final = re.compile(r"(\s{0,40})([-*+]|\d{1,9}[.)])(?:[ \t]+(.*))?$")
_TASK: Final = re.compile(r"\[[ xX]\][ \t]+")
_TABLE_RULE: Final = re.compile(r"\s{0,9}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_DEFINITION: Final = re.compile(r" {0,3}\[[^\]\n]{1,200}\]:[ \t]*\S")
_QUOTE: Final = re.compile(r" {0,3}> ?")
_HTML: Final = re.compile(r" {0,3}<(table|ul|ol|dl|pre|script|style|iframe|div|details|figure|h[1-6])\b", re.IGNORECASE)
_ONLY_TAGS: Final = re.compile(r"\s{0,99}(?:</?[A-Za-z][^<>]{0,1000}>\s{0,99}){1,20}$")
_CELL: Final = re.compile(r"(?<!\\)\|")
_MOST_FRONT_MATTER: Final = 20_000
_MOST_VALUE: Final = 500


def read_markdown(data: bytes) -> Content:
    """Never refuses what is text: what is no Markdown is a paragraph."""
    text, metadata = _without_front_matter(decode(data))
    title = metadata.pop("title", None)
    blocks = list(_Lines(text).blocks())
    return Content(media_type="text/markdown", blocks=blocks, title=title, metadata=metadata)


class _Lines:
    """One pass over the lines; each is looked at by the block that it may begin, the paragraph last."""

    def __init__(self, text: str) -> None:
        self._lines = text.expandtabs(4).split("\n")
        self._at = 0
        self._slugs = Slugs()
        self._anchor: str | None = None

    def blocks(self) -> Iterator[Block]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip() or _RULE.match(line) or _DEFINITION.match(line):
                self._at += 1
            elif _FENCE.match(line):
                yield self._code()
            elif heading := _HEADING.match(line):
                self._at += 1
                yield from self._heading(_CLOSING.sub("", heading[2] or ""), len(heading[1]))
            elif self._is_table():
                yield from self._table()
            elif _ITEM.match(line):
                yield from self._list()
            elif html := _HTML.match(line):
                yield from self._html(html[1].lower())
            else:
                yield from self._paragraph()

    def _heading(self, text: str, level: int) -> Iterator[Block]:
        given = _GIVEN_ID.search(text)
        words = " ".join(plain(_GIVEN_ID.sub("", text)).split())
        if words:
            anchor = given[1] if given else self._slugs.of(words)
            yield Block(kind="heading", text=words, level=level, anchor=anchor)

    def _code(self) -> Block:
        opened = _FENCE.match(self._lines[self._at])
        fence = "```" if opened is None else opened[1]
        info = "" if opened is None else opened[2].strip().split(" ")[0]
        body: list[str] = []
        self._at += 1
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                break
            body.append(line.rstrip())
        return Block(kind="code", text="\n".join([f"```{info}", *body, "```"]))

    def _is_table(self) -> bool:
        after = self._at + 1
        return (
            "|" in self._lines[self._at]
            and after < len(self._lines)
            and "|" in self._lines[after]
            and _TABLE_RULE.match(self._lines[after]) is not None
        )

    def _table(self) -> Iterator[Block]:
        rows = [_cells(self._lines[self._at])]
        self._at += 2
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip() or "|" not in line:
                break
            rows.append(_cells(line))
            self._at += 1
        table = markdown_table(rows)
        if table:
            yield Block(kind="table", text=table)

    def _list(self) -> Iterator[Block]:
        """Items with what belongs to them.  Lines further in are continuations; a blank line may lie between items."""
        items: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if found := _ITEM.match(line):
                if _RULE.match(line):
                    break
                self._at += 1
                text = plain(_TASK.sub("", found[3] or "", count=1))
                items.append(f"{found[1]}{'-' if found[2] in '-*+' else found[2]} {' '.join(text.split())}".rstrip())
            elif not line.strip():
                following = next((each for each in self._lines[self._at + 1 :][:3] if each.strip()), "")
                if not (_ITEM.match(following) or following.startswith("  ")):
                    break
                self._at += 1
            elif _FENCE.match(line) or (self._is_table() and items):
                if items:
                    yield Block(kind="list", text=_outdented(items))
                    items = []
                if _FENCE.match(line):
                    yield self._code()
                else:
                    yield from self._table()
                if self._at < len(self._lines) and not self._lines[self._at].startswith(" "):
                    break
            elif _HEADING.match(line) or _HTML.match(line):
                break
            elif line.startswith("  ") or self._lines[self._at - 1].strip():
                self._at += 1
                words = " ".join(plain(line).split())
                if items and words:
                    items[-1] += f" {words}"
                elif words:
                    items.append(words)
            else:
                break
        if items:
            yield Block(kind="list", text=_outdented(items))

    def _html(self, tag: str) -> Iterator[Block]:
        """An element, to where it ends; `details` and `div` hold Markdown, and only their own tags go."""
        line = self._lines[self._at]
        if tag in {"div", "details", "figure"} or tag not in _WHOLE:
            yield from self._paragraph()
            return
        body: list[str] = []
        end = f"</{tag}"
        depth = 0
        while self._at < len(self._lines):
            line = self._lines[self._at].lower()
            body.append(self._lines[self._at])
            self._at += 1
            depth += line.count(f"<{tag}") - line.count(end)
            if depth <= 0 or (depth == 1 and not line.strip() and tag not in {"table", "pre"}):
                break
        for block in blocks_of("\n".join(body)):
            if block.kind == "heading" and block.anchor is None:
                yield Block(kind="heading", text=block.text, level=block.level, anchor=self._slugs.of(block.text))
            else:
                yield block

    def _paragraph(self) -> Iterator[Block]:
        lines: list[str] = []
        while self._at < len(self._lines):
            line = _QUOTE.sub("", self._lines[self._at], count=1)
            if not line.strip():
                if not lines:
                    self._at += 1  # a quote that begins with an empty line
                    continue
                break
            if lines and _UNDERLINE.match(line):
                self._at += 1
                yield from self._heading(" ".join(each.strip() for each in lines), 1 if "=" in line else 2)
                return
            if lines and self._begins_another(line):
                break
            self._at += 1
            if not _ONLY_TAGS.match(line):
                lines.append(line)
            elif lines:
                break
        if not lines:
            return
        text = "\n".join(" ".join(part.split()) for part in plain(_joined(lines)).split("\n"))
        if text.strip():
            yield Block(kind="text", text=text.strip())

    def _begins_another(self, line: str) -> bool:
        if _HEADING.match(line) or _FENCE.match(line) or _RULE.match(line) or _HTML.match(line) or self._is_table():
            return True
        item = _ITEM.match(line)
        return item is not None and bool(item[3]) and (item[2] in "-*+" or item[2][:-1] == "1")


_WHOLE: Final = frozenset(
    {"table", "ul", "ol", "dl", "pre", "script", "style", "iframe", *(f"h{n}" for n in range(1, 7))}
)


def _joined(lines: list[str]) -> str:
    """Lines of one paragraph: a line ends where two blanks or a backslash say so, and nowhere else."""
    text = ""
    for line in lines:
        is_end = line.endswith(("  ", "\\"))
        text += line.strip().removesuffix("\\") + ("\n" if is_end else " ")
    return text


def _outdented(items: list[str]) -> str:
    depth = min((len(item) - len(item.lstrip()) for item in items if item.strip()), default=0)
    return "\n".join(item[depth:] for item in items)


def _cells(line: str) -> list[str]:
    text = line.strip()
    text = text.removeprefix("|")
    if text.endswith("|") and not text.endswith("\\|"):
        text = text[:-1]
    return [plain(each.replace("\\|", "|")).strip() for each in _CELL.split(text)]


def _without_front_matter(text: str) -> tuple[str, dict[str, str]]:
    """YAML between two `---` at the very beginning, its plain values as text; what is no YAML stays in the text."""
    if not text.startswith("---\n"):
        return text, {}
    end = text.find("\n---", 3, _MOST_FRONT_MATTER)
    if end < 0:
        return text, {}
    after = text.find("\n", end + 1)
    try:
        found: Any = _Loader(text[4 : end + 1]).get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError):
        return text, {}
    if not isinstance(found, dict):
        return text, {}
    given = list(cast("dict[object, object]", found).items())[:50]
    metadata = {str(name)[:100]: _value(value) for name, value in given}
    return text[after + 1 :] if after >= 0 else "", {name: value for name, value in metadata.items() if value}


class _Loader(yaml.SafeLoader):
    """Without aliases, by which a few lines become gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("front matter has no use for aliases")
        return super().compose_node(parent, index)


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_value(each) for each in cast("list[object]", value)[:100])[:_MOST_VALUE]
    if value is None or isinstance(value, dict):
        return ""
    return str(value)[:_MOST_VALUE]
