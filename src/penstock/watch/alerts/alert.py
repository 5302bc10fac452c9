"""What an alert is.  Any room may make one; `app` hands it to the outbox."""

from typing import Literal, TypeAlias

import msgspec

Severity: TypeAlias = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""The least first."""

Scalar: TypeAlias = str | int | float | bool | None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people should know, once.

    `id` is the same whoever notices it and however often: of two alerts with one id the second is dropped.
    So it names the occasion (a budget, a threshold and a period), not the moment.  `kind` is words with full stops
    between them, the widest first (`budget.threshold`).  `subject` is the thing that it is about, `text` one sentence
    for people, `facts` the same for programs; none of them holds anything that a caller or a model said.  `tenant` is
    None for what concerns the installation.  `at` is in Unix seconds.
    """

    id: str
    kind: str
    severity: Severity
    subject: str
    text: str
    at: float
    tenant: str | None = None
    facts: dict[str, Scalar] = {}


_LAST_SECOND = 253_402_300_799.0
"""Of the year 9999."""
_decoder = msgspec.json.Decoder(Alert)


def decode_alert(payload: bytes) -> Alert:
    """An alert out of its JSON.  Raises `msgspec.DecodeError`."""
    return _decoder.decode(payload)


def sound(alert: Alert) -> Alert:
    """The same with nothing in it that JSON or PostgreSQL has no place for: it would stay in the outbox for good."""
    return msgspec.structs.replace(
        alert,
        id=_sound(alert.id),
        kind=_sound(alert.kind),
        subject=_sound(alert.subject),
        text=_sound(alert.text),
        at=alert.at if 0 <= alert.at <= _LAST_SECOND else 0.0,
        tenant=None if alert.tenant is None else _sound(alert.tenant),
        facts={_sound(name): _sound(value) if isinstance(value, str) else value for name, value in alert.facts.items()},
    )


def _sound(text: str) -> str:
    """Without NUL and without halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def is_at_least(severity: Severity, least: Severity) -> bool:
    return SEVERITIES.index(severity) >= SEVERITIES.index(least)
