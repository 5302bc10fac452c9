"""Questions with the documents (or chunks) that answer them, read from the development data.

`scifact`: claims, and the abstracts that they cite.  `code`: questions on code, and the chunks that answer them.
`handbook`: headings and link texts that are taken out of what is indexed, and the pages that they stood in or led to.
The enterprise set has a module of its own.
"""

import csv
import hashlib
import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import msgspec

from penstock.knowledge.ingest.outline import code_title

DATA: Final = Path(os.environ.get("PENSTOCK_EVALUATION_DATA", Path(__file__).parents[3] / "shared" / "data"))
MOST_WORDS: Final = 180

_QUOTED: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_LINK: Final = re.compile(r"(?<!!)\[([^\]\[]+)\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_EMPTY_LINKS: Final = frozenset({"here", "this", "page", "link", "see", "more", "handbook", "the", "read", "learn"})


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk: what is above it, and its text."""

    heading: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A document in pieces."""

    key: str
    title: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """`right` are keys of documents or, where the set is of chunks, `key#ordinal`."""

    text: str
    right: frozenset[str]
    kind: str = ""


@dataclass(slots=True)
class RetrievalSet:
    """`of_chunks` is whether `right` names chunks; `fitting` are questions that may be fitted on."""

    name: str
    texts: list[Text]
    questions: list[Question]
    of_chunks: bool = False
    fitting: list[Question] = field(default_factory=list["Question"])


def scifact() -> RetrievalSet:
    """5,183 abstracts; the validation claims to be measured on, the training claims to be fitted on."""
    folder = DATA / "grounded" / "scifact"
    csv.field_size_limit(1 << 24)
    texts: list[Text] = []
    with (folder / "corpus_train.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            sentences = [
                (one or two).replace("\\'", "'").replace('\\"', '"').strip()
                for one, two in _QUOTED.findall(row["abstract"])
            ]
            pieces = tuple(Piece((), part) for part in packed(sentences))
            texts.append(Text(row["doc_id"], row["title"], pieces))
    return RetrievalSet(
        "scifact",
        texts,
        _claims(folder / "claims_validation.csv"),
        fitting=_claims(folder / "claims_train.csv"),
    )


def _claims(path: Path) -> list[Question]:
    found: dict[str, Question] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            right = frozenset(re.findall(r"\d+", row["cited_doc_ids"]))
            found[row["id"]] = Question(row["claim"], right)
    return list(found.values())


class _CodeChunk(msgspec.Struct):
    original_index: int
    content: str


class _CodeFile(msgspec.Struct):
    original_uuid: str
    chunks: list[_CodeChunk]


class _CodeQuery(msgspec.Struct):
    query: str
    golden_chunk_uuids: list[tuple[str, int]]


def code() -> RetrievalSet:
    """737 chunks of 90 files, as they were cut by whoever made the set; a file's title is made of its text."""
    folder = DATA / "rag"
    files = msgspec.json.decode((folder / "code_chunks.json").read_bytes(), type=list[_CodeFile])
    texts = [
        Text(
            each.original_uuid,
            code_title("\n".join(chunk.content for chunk in each.chunks)),
            tuple(Piece((), chunk.content) for chunk in each.chunks),
        )
        for each in files
    ]
    known = {
        (each.original_uuid, chunk.original_index): f"{each.original_uuid}#{at}"
        for each in files
        for at, chunk in enumerate(each.chunks)
    }
    lines = (folder / "code_queries.jsonl").read_bytes().splitlines()
    queries = [msgspec.json.decode(line, type=_CodeQuery) for line in lines if line.strip()]
    questions = [Question(each.query, frozenset(known[gold] for gold in each.golden_chunk_uuids)) for each in queries]
    return RetrievalSet("code", texts, questions, of_chunks=True)


def packed(parts: list[str], most: int = MOST_WORDS) -> Iterator[str]:
    """Parts in a row that make pieces of nearly equal length, none longer than `most` words if parts are not."""
    total = sum(len(part.split()) for part in parts)
    number = max(1, -(-total // most))
    aim = total / number
    now: list[str] = []
    words = 0
    for part in parts:
        length = len(part.split())
        if now and (words + length / 2 > aim or words + length > most):
            yield " ".join(now)
            now, words = [], 0
        now.append(part)
        words += length
    if now:
        yield " ".join(now)


def handbook() -> RetrievalSet:
    """883 pages.

    One heading in four that has a text below it and three words or more is a question for its page, and stands nowhere
    above what is indexed; and so is each link's text of two words or more that names a page, taken out of the page
    that it stood in.
    """
    root = DATA / "rag" / "handbook"
    pages = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*.md"))}
    questions: dict[tuple[str, str], Question] = {}
    texts: list[Text] = []
    for name, path in pages.items():
        body = _without_links(path.read_text("utf-8", "replace"), name, pages, questions)
        title, sections = _sections(body)
        pieces: list[Piece] = []
        for above, lines in sections:
            shown = above
            if above and lines and _is_asked(name, above[-1]):
                questions[name, above[-1]] = Question(above[-1], frozenset({name}), "heading")
                shown = above[:-1]
            elif above:
                shown = tuple(each for each in above if not _is_asked(name, each)) if len(above) > 1 else above
            pieces += [Piece(shown, part) for part in packed(lines)]
        if not pieces:
            pieces = [Piece((), title)]
        texts.append(Text(name, title, tuple(pieces)))
    every = sorted(questions.values(), key=lambda each: hashlib.sha256(each.text.encode()).digest())
    asked: dict[str, Question] = {}
    for each in every:
        other = asked.get(each.text.lower())
        right = each.right | other.right if other is not None else each.right
        asked[each.text.lower()] = Question(each.text, right, each.kind)
    found = list(asked.values())
    # A half by pages, so that no page is in both.
    first = {each for each in found if all(_bucket(page, 2) == 0 for page in each.right)}
    second = [each for each in found if all(_bucket(page, 2) == 1 for page in each.right)]
    return RetrievalSet("handbook", texts, second, fitting=[each for each in found if each in first])


def _bucket(text: str, number: int) -> int:
    return hashlib.sha256(text.encode()).digest()[0] % number


def _is_asked(page: str, heading: str) -> bool:
    return len(heading.split()) >= 3 and _bucket(f"{page}\n{heading}", 4) == 0


def _without_links(body: str, page: str, pages: dict[str, Path], questions: dict[tuple[str, str], Question]) -> str:
    def replace(match: re.Match[str]) -> str:
        text, target = match[1].strip(), unquote(match[2].partition("#")[0])
        if not target or "://" in target or target.startswith("mailto:"):
            return text
        path = posixpath.normpath(
            target.lstrip("/") if target.startswith("/") else posixpath.join(posixpath.dirname(page), target)
        )
        full = next((each for each in (path, f"{path}.md", f"{path}/index.md") if each in pages), None)
        words = re.findall(r"\w+", text.lower())
        if full is None or full == page or "#" in match[2] or len(words) < 2 or set(words) <= _EMPTY_LINKS:
            return text
        if _bucket(f"{full}\n{text}", 3):
            return text
        questions[full, text.lower()] = Question(text, frozenset({full}), "link")
        return ""

    return _LINK.sub(replace, body)


def _sections(body: str) -> tuple[str, list[tuple[tuple[str, ...], list[str]]]]:
    """The title, and for each run of paragraphs the headings above them."""
    body = re.sub(r"\A---\n.*?\n---\n", "", body, flags=re.DOTALL)
    title, stack = "", list[tuple[int, str]]()
    sections: list[tuple[tuple[str, ...], list[str]]] = [((), [])]
    is_fenced = False
    for block in re.split(r"\n", body):
        if block.startswith("```"):
            is_fenced = not is_fenced
        heading = None if is_fenced else _HEADING.match(block)
        if heading is None:
            if block.strip():
                sections[-1][1].append(block.strip())
            continue
        level, name = len(heading[1]), re.sub(r"[*_`]", "", heading[2])
        if level == 1 and not title:
            title = name
            continue
        stack = [*[each for each in stack if each[0] < level], (level, name)]
        sections.append((tuple(name for _, name in stack), []))
    return title, [each for each in sections if each[1]]
