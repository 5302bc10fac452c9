"""An alert as an e-mail: plain text and simple HTML, the same bytes whenever it is sent.

The Message-ID is made of the alert's id, so that a server or a reader that knows it drops the second of two, and what
belongs to one occasion hangs together (`facts.occasion`).  Nothing of an alert becomes a header of its own: what is no
printable character is a space, and names are encoded.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from html import escape

from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.webhook import message_id

_MOST_SUBJECT = 150
_MOST_TEXT = 20_000


def mail_of(alert: Alert, *, sender: str, to: tuple[str, ...]) -> bytes:
    """The whole message, its lines ended as SMTP wants them, in seven bits."""
    domain = sender.rpartition("@")[2]
    number = message_id(alert.id)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Subject"] = one_line(f"[{alert.severity}] {_whom(alert)}: {alert.text}", _MOST_SUBJECT)
    mail["Date"] = format_datetime(datetime.fromtimestamp(int(alert.at), UTC))
    mail["Message-ID"] = f"<{number}@{domain}>"
    occasion = alert.facts.get("occasion")
    if isinstance(occasion, str) and occasion != alert.id:
        mail["In-Reply-To"] = mail["References"] = f"<{message_id(occasion)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Penstock-Kind"] = one_line(alert.kind, 100)
    mail.set_content(_text(alert), cte="quoted-printable")
    mail.add_alternative(_html(alert), subtype="html", cte="quoted-printable")
    mail.set_boundary("=_" + sha256(number.encode()).hexdigest()[:40])
    return mail.as_bytes()


def one_line(text: str, most: int) -> str:
    """Without anything that could end a header or hide in one."""
    return "".join(char if char.isprintable() else " " for char in text[:most])


def _whom(alert: Alert) -> str:
    return alert.subject if alert.tenant is None else f"{alert.subject} ({alert.tenant})"


def _lines(alert: Alert) -> Iterator[tuple[str, str]]:
    yield "kind", alert.kind
    yield "severity", alert.severity
    if alert.tenant is not None:
        yield "tenant", alert.tenant
    yield "subject", alert.subject
    yield "time", datetime.fromtimestamp(alert.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    for name, value in alert.facts.items():
        if value is not None:
            yield name, str(value)
    yield "id", alert.id


def _text(alert: Alert) -> str:
    rows = "\n".join(f"{name}: {one_line(value, 1000)}" for name, value in _lines(alert))
    return f"{alert.text}\n\n{rows}\n"[:_MOST_TEXT]


def _html(alert: Alert) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(one_line(value, 1000))}</td></tr>\n" for name, value in _lines(alert)
    )
    return f"<html><body><p>{escape(alert.text[:_MOST_TEXT])}</p>\n<table>\n{rows}</table></body></html>\n"
