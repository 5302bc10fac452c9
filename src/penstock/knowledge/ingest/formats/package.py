"""The archive that an Office file is: looked through before anything takes it apart."""

import lzma
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Final

from penstock.knowledge.ingest.unreadable import Limits, Unreadable

_BLOCK: Final = 1 << 16
_MOST_RATIO: Final = 200
_RATIO_FROM: Final = 8 << 20
"""Below this size a high ratio is no bomb: a sheet of zeros is one, too."""
_MOST_PARTS: Final = 20_000
_ENTITIES: Final = tuple(
    mark
    for word in ("<!DOCTYPE", "<!ENTITY")
    for mark in (word.encode(), word.encode("utf-16-le"), word.encode("utf-16-be"))
)
_MACRO_PARTS: Final = ("vbaproject.bin", "vbadata.xml")
_MACRO_TYPE: Final = b"macroEnabled"


def check_package(data: bytes, limits: Limits) -> None:
    """Unpack every part, in pieces that are dropped at once, and count what comes out.

    Raises `Unreadable`: for what expands too far, whatever its directory claims; for macros, which are refused since
    nobody who hands in a document for reading needs them; for document types and entities, which Office files do not
    have; for what is encrypted, damaged or cut off.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            _check_parts(archive, limits)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        NotImplementedError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        raise Unreadable("damaged", f"it is damaged or cut off ({type(error).__name__})") from None
    except RuntimeError as error:  # how zipfile says that a part wants a password
        raise Unreadable("encrypted", f"it is encrypted ({type(error).__name__})") from None


def _check_parts(archive: zipfile.ZipFile, limits: Limits) -> None:
    parts = archive.infolist()
    if len(parts) > _MOST_PARTS:
        raise Unreadable("bomb", f"its archive has {len(parts)} parts")
    claimed = sum(part.file_size for part in parts)
    if claimed > limits.expanded_bytes:
        raise Unreadable("bomb", f"it would expand to {claimed >> 20} MiB")
    if any(part.filename.lower().rsplit("/", 1)[-1] in _MACRO_PARTS for part in parts):
        raise Unreadable("macros", "it has macros: save it without them (docx, pptx, xlsx)")
    total = 0
    for part in parts:
        is_xml = part.filename.lower().endswith((".xml", ".rels", ".vml"))
        tail = b""
        size = 0
        with archive.open(part) as file:
            while block := file.read(_BLOCK):
                size += len(block)
                total += len(block)
                if total > limits.expanded_bytes or (size > _RATIO_FROM and size > _MOST_RATIO * part.compress_size):
                    raise Unreadable("bomb", "it expands to far more than its size")
                if is_xml:
                    seen = tail + block
                    if any(mark in seen for mark in _ENTITIES):
                        raise Unreadable(
                            "entities", "its XML has a document type or entities, which no Office file has"
                        )
                    if part.filename == "[Content_Types].xml" and _MACRO_TYPE in seen:
                        raise Unreadable("macros", "it is made for macros: save it without them (docx, pptx, xlsx)")
                    tail = seen[-32:]


def core_metadata(title: str | None, author: str | None, subject: str | None) -> tuple[str | None, dict[str, str]]:
    """A title, and what else the file says of itself; what generators write by default is no title."""
    given: Mapping[str, str | None] = {"author": author, "subject": subject}
    metadata = {name: value.strip()[:500] for name, value in given.items() if value and value.strip()}
    title = (title or "").strip()
    is_default = title.lower() in _DEFAULT_TITLES
    return (None if not title or is_default else title[:300]), metadata


_DEFAULT_TITLES: Final = frozenset({"powerpoint presentation", "word document", "untitled", "document", "presentation"})
