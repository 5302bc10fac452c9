"""Bytes into text: by the mark at their beginning, by what the file declares, or by what they can be."""

import codecs
import re
from typing import Final

from penstock.knowledge.ingest.unreadable import Unreadable

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE: Final = 1 << 16
_HTML_CHARSET: Final = re.compile(
    rb"""<meta[^>]{0,200}charset\s{0,9}=\s{0,9}["']?\s{0,9}([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE
)
_XML_CHARSET: Final = re.compile(rb"""^\s{0,99}<\?xml[^>]{0,200}encoding\s{0,9}=\s{0,9}["']([A-Za-z0-9_:.-]{2,40})""")
_CONTROLS: Final = bytes(set(range(32)) - {9, 10, 12, 13, 27})
_MOST_CONTROLS: Final = 0.01


def looks_binary(data: bytes) -> bool:
    """Whether these are no letters in any encoding that is read here."""
    if any(data.startswith(mark) for mark, _ in _MARKS) or _wide(data) is not None:
        return False
    sample = data[:_SAMPLE]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return controls > _MOST_CONTROLS * len(sample)


def decode(data: bytes, *, declared: str | None = None) -> str:
    """The text, with one kind of line ends and without a byte order mark.

    `declared` is what came with the file (a header of HTTP or of an e-mail).  Bytes that are valid UTF-8 are read as
    that whatever was declared; what is no encoding at all is read as Windows-1252, in which every byte is something.
    Raises `Unreadable` where it is no text.
    """
    if looks_binary(data):
        raise Unreadable("unsupported", "it is no text: it holds bytes that no text has")
    return _text(data, declared).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def _text(data: bytes, declared: str | None) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    wide = _wide(data)
    if wide is not None:
        return data.decode(wide, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 3:
            return data.decode("utf-8", "ignore")  # cut off within its last letter
    for name in (declared, _declared(data)):
        if name is None:
            continue
        try:
            return data.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue  # an encoding that does not exist, or not the one it is in
    return data.decode("cp1252", "replace")


def _declared(data: bytes) -> str | None:
    found = _XML_CHARSET.match(data[:1024]) or _HTML_CHARSET.search(data[:4096])
    return None if found is None else found[1].decode("ascii")


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: of mostly Latin text every second byte is zero."""
    sample = data[:4096]
    half = len(sample) // 2
    if half < 4:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 0.6 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.6 * half and odd < 0.05 * half else None
