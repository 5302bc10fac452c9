"""What a file is, by its content.  Its name only decides among kinds of text, which look alike."""

import re
import zipfile
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final, Literal

from penstock.knowledge.ingest.decode import decode, looks_binary
from penstock.knowledge.ingest.unreadable import Unreadable

Format = Literal["md", "html", "pdf", "docx", "pptx", "xlsx", "csv", "txt", "eml"]

MEDIA_TYPES: Final[dict[Format, str]] = {
    "md": "text/markdown",
    "html": "text/html",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "txt": "text/plain",
    "eml": "message/rfc822",
}
_OFFICE: Final[tuple[tuple[str, Format], ...]] = (
    ("word/document.xml", "docx"),
    ("ppt/presentation.xml", "pptx"),
    ("xl/workbook.xml", "xlsx"),
)
_BY_NAME: Final[dict[str, Format]] = {
    ".md": "md",
    ".markdown": "md",
    ".mdx": "md",
    ".csv": "csv",
    ".tsv": "csv",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".eml": "eml",
}
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_OFFICE: Final = "EncryptedPackage".encode("utf-16-le")
_OTHERS: Final = (
    (b"{\\rtf", "a rich text file: save it as docx"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"OggS", "a sound"),
    (b"ID3", "a sound"),
    (b"SQLite format 3", "a database"),
)
_HEAD: Final = 4096
_HTML_START: Final = re.compile(
    r"\s{0,999}(?:<\?xml[^>]{0,200}\?>\s{0,99})?(?:<!--[^>]{0,999}-->\s{0,99})?<(?:!doctype\s{1,9}html|html)\b",
    re.IGNORECASE,
)
_HTML_TAG: Final = re.compile(
    r"</?(?:p|div|h[1-6]|ul|ol|li|table|body|head|span|br|a|article|section)\b[^>]{0,500}>", re.IGNORECASE
)
_MAIL_FIELD: Final = re.compile(
    r"^(?:from|to|subject|date|message-id|received|return-path|mime-version|delivered-to|content-type):[ \t]",
    re.IGNORECASE | re.MULTILINE,
)


def sniff(data: bytes, name: str) -> Format:
    """Raises `Unreadable` where it is nothing that can be read, with what it is if that can be told."""
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise Unreadable("empty", "it is empty")
    if data.startswith(_OLE):
        if _ENCRYPTED_OFFICE in data:
            raise Unreadable("encrypted", "it is an encrypted Office file: save it without a password")
        raise Unreadable("unsupported", "it is an Office file of the old format: save it as docx, pptx or xlsx")
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(data)
    for start, what in _OTHERS:
        if data.startswith(start) and (start != b"MZ" or looks_binary(data)):
            raise Unreadable("unsupported", f"it is {what}")
    suffix = PurePosixPath(name).suffix.lower()
    if looks_binary(data):
        claim = f", not the {suffix} file its name says" if suffix else ""
        raise Unreadable("unsupported", f"it is a binary file of an unknown kind{claim}")
    return _kind_of_text(decode(data[:_HEAD]), _BY_NAME.get(suffix))


def _archive(data: bytes) -> Format:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError):
        raise Unreadable("damaged", "it is an archive that is damaged or cut off") from None
    for part, kind in _OFFICE:
        if part in names:
            return kind
    raise Unreadable("unsupported", "it is an archive, and neither docx nor pptx nor xlsx: unpack it")


def _kind_of_text(head: str, named: Format | None) -> Format:
    if _HTML_START.match(head):
        return "html"
    before_blank = head.lstrip("\ufeff").split("\n\n", 1)[0]
    is_mail = len(_MAIL_FIELD.findall(before_blank)) >= 3 and _MAIL_FIELD.match(before_blank) is not None
    if is_mail or (named == "eml" and _MAIL_FIELD.search(before_blank)):
        return "eml"
    if named == "html":
        return "html" if _HTML_TAG.search(head) else "txt"
    if named == "eml":
        return "txt"
    if named is None and len(_HTML_TAG.findall(head)) >= 5 and head.lstrip().startswith("<"):
        return "html"
    return named or "txt"
