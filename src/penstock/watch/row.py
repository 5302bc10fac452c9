"""A line of the journal as a row of the ledger: read, and written as PostgreSQL's COPY takes it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from penstock.watch.rollups.notes import Note, read_notes


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """`core.record.Settled` as the database keeps it: the closed sets as plain text, the facts as they were written.

    So a shipper carries what a newer writer has recorded.  `marks` are what the facts are searched by
    (`rollups.notes`); no journal has them.
    """

    id: str
    started_at: float
    duration_s: float
    first_event_s: float | None
    tenant: str
    key: str
    user: str | None
    dialect: str
    operation: str
    is_streamed: bool
    model: str
    target: str | None
    outcome: str
    outcome_code: str | None
    attempts: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    usage_accuracy: str
    cost_nanousd: int | None
    cost_accuracy: str
    config_hash: str
    facts: msgspec.Raw
    project: str | None = None
    release: str | None = None
    feature: str | None = None
    region: str | None = None
    marks: tuple[str, ...] = ()


COLUMNS: tuple[str, ...] = LedgerRow.__struct_fields__
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_decoder = msgspec.json.Decoder(LedgerRow)


class Arrival(msgspec.Struct, frozen=True):
    """One row on its way: itself, what its facts add to the sums, and its line for COPY."""

    row: LedgerRow
    note: Note
    line: str


def decode_row(payload: bytes) -> LedgerRow:
    """A journal line's JSON as a row.  Raises `msgspec.DecodeError` where it is not one.

    PostgreSQL keeps no NUL in text, so one that a caller sent (in a model name, say) becomes U+FFFD.
    """
    if b"\\u0000" in payload:
        payload = payload.replace(b"\\u0000", b"\\ufffd")
    return _decoder.decode(payload)


def arrive(payload: bytes) -> Arrival:
    """A journal line's JSON, ready for the database.  Raises `msgspec.DecodeError` where it is not a row."""
    row = decode_row(payload)
    note = read_notes(bytes(row.facts))
    # JSON writes every control character and backslash with a backslash: without one there is nothing to escape.
    text, optional = (_escaped, _optional_escaped) if b"\\" in payload else (_plain, _optional)
    facts = text(bytes(row.facts).decode("utf-8"))
    started_at = datetime.fromtimestamp(row.started_at, UTC).isoformat()
    line = (
        f"{text(row.id)}\t{started_at}\t{row.duration_s!r}\t{_optional(row.first_event_s)}\t{text(row.tenant)}"
        f"\t{text(row.key)}\t{optional(row.user)}\t{text(row.dialect)}\t{text(row.operation)}\t{row.is_streamed!r}"
        f"\t{text(row.model)}\t{optional(row.target)}\t{text(row.outcome)}\t{optional(row.outcome_code)}"
        f"\t{row.attempts}\t{row.input_tokens}\t{row.output_tokens}\t{row.cache_read_tokens}"
        f"\t{row.cache_write_tokens}\t{row.reasoning_tokens}\t{text(row.usage_accuracy)}"
        f"\t{_optional(row.cost_nanousd)}\t{text(row.cost_accuracy)}\t{text(row.config_hash)}\t{facts}"
        f"\t{optional(row.project)}\t{optional(row.release)}\t{optional(row.feature)}\t{optional(row.region)}"
        f"\t{_array(note.marks)}\n"
    )
    return Arrival(row, note, line)


def _plain(value: str) -> str:
    return value


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES)


def _optional(value: float | str | None) -> str:
    return "\\N" if value is None else str(value)


def _optional_escaped(value: str | None) -> str:
    return "\\N" if value is None else value.translate(_ESCAPES)


def _array(values: Sequence[str]) -> str:
    """As an array's text, which has escapes of its own within those of the line."""
    if not values:
        return "{}"
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return ("{" + ",".join(quoted) + "}").translate(_ESCAPES)
