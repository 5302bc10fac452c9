"""One file, read: what the child process gives back."""

from pathlib import PurePosixPath
from typing import Final

import msgspec

from penstock.knowledge.document import Chunk
from penstock.knowledge.ingest.blocks import Attachment, Content
from penstock.knowledge.ingest.chunks import text_and_chunks
from penstock.knowledge.ingest.decode import decode
from penstock.knowledge.ingest.outline import code_title
from penstock.knowledge.ingest.sniff import Format, sniff
from penstock.knowledge.ingest.unreadable import Limits, Unreadable

VERSION: Final = "1"
"""Of how files are read and cut.  Raise it where the same file would come to another text or other chunks: every
document is then read anew when its source is next brought up to date."""

_MOST_TITLE: Final = 300
_CODE: Final = frozenset(
    {".c", ".cc", ".cpp", ".cs", ".go", ".h", ".hpp", ".java", ".js", ".jsx", ".kt", ".php", ".py", ".rb", ".rs"}
    | {".scala", ".sh", ".sql", ".swift", ".ts", ".tsx"}
)
"""Suffixes of source code, which seldom says itself what it is about."""
_FOLDER_PAGES: Final = frozenset({"index", "readme", "_index"})


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    text: str
    chunks: tuple[Chunk, ...]
    media_type: str
    metadata: dict[str, str]
    attachments: list[Attachment]


def read(data: bytes, name: str, limits: Limits) -> Reading:
    """Take a file apart in this process: only where it may die of it.

    Raises `Unreadable`, and of a damaged file whatever its format's library stumbles over: `isolation.child` says both
    of the file.  `name` is the key: its last part's suffix decides among kinds of text, and it is the title where there
    is no other.
    """
    content = _content(sniff(data, name), data, limits)
    text, chunks = text_and_chunks(content.blocks, are_pages_apart=content.are_pages_apart)
    if len(text) > limits.text_chars:
        raise Unreadable("too_large", f"its text has {len(text)} letters, more than {limits.text_chars}")
    if not chunks and not content.attachments:
        raise Unreadable("empty", "it has no text")
    return Reading(
        title=_title(content, name, data),
        text=text,
        chunks=chunks,
        media_type=content.media_type,
        metadata=content.metadata,
        attachments=content.attachments,
    )


def _content(kind: Format, data: bytes, limits: Limits) -> Content:
    """Each format's library is loaded when the first such file comes."""
    match kind:
        case "md":
            from penstock.knowledge.ingest.formats.markdown import read_markdown  # noqa: PLC0415 - see above

            return read_markdown(data)
        case "html":
            from penstock.knowledge.ingest.formats.hypertext import read_hypertext  # noqa: PLC0415 - same

            return read_hypertext(data)
        case "pdf":
            from penstock.knowledge.ingest.formats.pdf import read_pdf  # noqa: PLC0415 - same

            return read_pdf(data, limits)
        case "docx":
            from penstock.knowledge.ingest.formats.word import read_word  # noqa: PLC0415 - same

            return read_word(data, limits)
        case "pptx":
            from penstock.knowledge.ingest.formats.slides import read_slides  # noqa: PLC0415 - same

            return read_slides(data, limits)
        case "xlsx":
            from penstock.knowledge.ingest.formats.sheets import read_sheets  # noqa: PLC0415 - same

            return read_sheets(data, limits)
        case "csv":
            from penstock.knowledge.ingest.formats.delimited import read_delimited  # noqa: PLC0415 - same

            return read_delimited(data, limits)
        case "eml":
            from penstock.knowledge.ingest.formats.mail import read_mail  # noqa: PLC0415 - same

            return read_mail(data, limits)
        case "txt":
            from penstock.knowledge.ingest.formats.plain import read_plain  # noqa: PLC0415 - same

            return read_plain(data)


def _title(content: Content, name: str, data: bytes) -> str:
    """What the file says, its first heading of the first level, or its name."""
    if content.title:
        return " ".join(content.title.split())[:_MOST_TITLE]
    if PurePosixPath(name).suffix.lower() in _CODE:
        return " ".join((PurePosixPath(name).name, code_title(decode(data))))[:_MOST_TITLE].strip()
    for block in content.blocks:
        if block.kind == "heading" and block.level == 1:
            return block.text[:_MOST_TITLE]
    path = PurePosixPath(name)
    stem = path.parent.name if path.stem.lower() in _FOLDER_PAGES and path.parent.name else path.stem
    return (stem.strip() or name)[:_MOST_TITLE]
