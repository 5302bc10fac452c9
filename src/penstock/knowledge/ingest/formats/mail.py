"""E-mail: its text, what its header says, and the files that it carries."""

import email
import email.policy
import re
from email.errors import HeaderParseError
from email.message import EmailMessage, MIMEPart
from typing import Any, Final, cast

from penstock.knowledge.ingest.blocks import Attachment, Block, Content
from penstock.knowledge.ingest.decode import decode
from penstock.knowledge.ingest.formats.hypertext import read_hypertext
from penstock.knowledge.ingest.formats.plain import paragraphs
from penstock.knowledge.ingest.unreadable import Limits, Unreadable

_FIELDS: Final = ("From", "To", "Cc", "Date")
_MOST_VALUE: Final = 500
_MOST_PARTS: Final = 500
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f/\\]")


def read_mail(data: bytes, limits: Limits) -> Content:
    """Raises `Unreadable` where it has more parts or attachments than may be."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    subject = _header(message, "Subject")
    fields = {name: value for name in _FIELDS if (value := _header(message, name))}
    blocks: list[Block] = []
    if subject:
        blocks.append(Block(kind="heading", text=subject, level=1))
    if fields:
        blocks.append(Block(kind="text", text="\n".join(f"{name}: {value}" for name, value in fields.items())))
    blocks += _body(message)
    metadata = {name.lower(): value for name, value in fields.items()}
    return Content(
        media_type="message/rfc822",
        blocks=blocks,
        title=subject or None,
        metadata=metadata,
        attachments=_attachments(message, limits),
    )


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message[name] or "").split())[:_MOST_VALUE]
    except (HeaderParseError, ValueError, LookupError, TypeError, AttributeError):
        return ""  # a malformed one, over which the parser stumbles in many ways: the mail is read without it


def _body(message: EmailMessage) -> list[Block]:
    """The plain text where there is one, else what the HTML shows."""
    part = message.get_body(("plain", "html"))
    if part is None:
        return []
    payload = _payload(part)
    if part.get_content_subtype() == "html":
        return read_hypertext(payload, declared=part.get_content_charset()).blocks
    return paragraphs(decode(payload, declared=part.get_content_charset()))


def _attachments(message: EmailMessage, limits: Limits) -> list[Attachment]:
    body = message.get_body(("plain", "html"))
    found: list[Attachment] = []
    for number, part in enumerate(_parts(message)):
        if number > _MOST_PARTS:
            raise Unreadable("bomb", f"it has more than {_MOST_PARTS} parts")
        name = part.get_filename()
        is_message = part.get_content_type() == "message/rfc822"
        if part is body or (name is None and not is_message):
            continue
        data = _payload(part)
        if part.get_content_maintype() == "image" or not data:
            continue
        found.append(Attachment(_name(name or f"message-{number}.eml"), data))
        if len(found) > limits.attachments:
            raise Unreadable("bomb", f"it carries more than {limits.attachments} files")
    return found


def _parts(message: EmailMessage) -> list[EmailMessage]:
    """Every part that holds something; an e-mail within is one part, whatever it holds."""
    pending: list[EmailMessage] = [message]
    found: list[EmailMessage] = []
    while pending and len(found) <= _MOST_PARTS + 1:
        part = pending.pop()
        if part.get_content_maintype() == "multipart":
            inner: Any = part.get_payload()
            if isinstance(inner, list):
                pending += reversed(cast("list[EmailMessage]", inner))
        else:
            found.append(part)
    return found


def _payload(part: MIMEPart) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner: Any = part.get_payload()
        return cast("list[EmailMessage]", inner)[0].as_bytes() if isinstance(inner, list) and inner else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _name(name: str) -> str:
    """Safe as a part of a key: it leads to no other folder."""
    cleaned = _UNSAFE.sub("_", name).strip(". ")[:200]
    return cleaned or "attachment"
