"""Every settled exchange there is, as one stream: the database's rows and what is still on its way to it.

`penstock ledger export` calls it.  Memory does not grow with the ledger, only with what waits in the local journal.
"""

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from penstock.watch.row import LedgerRow, decode_row
from penstock.watch.segment import is_unwritten, read_chunk, read_offset, segments
from penstock.watch.store import LedgerFilter, LedgerReader

COLUMNS = (
    "id",
    "time",
    "tenant",
    "key",
    "user",
    "dialect",
    "operation",
    "is_streamed",
    "model",
    "target",
    "outcome",
    "outcome_code",
    "attempts",
    "duration_s",
    "first_event_s",
    "tokens",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "accuracy",
    "cost_nanousd",
    "cost_usd",
    "cost_accuracy",
    "config_hash",
    "facts",
    "project",
    "release",
    "feature",
    "region",
)
"""What is exported, in order; what is new comes last, for those who count columns.

`tokens` is input and output together, `accuracy` that of the token counts, `facts` the journal as JSON.
"""


def waiting_rows(directory: Path, chosen: LedgerFilter) -> Generator[LedgerRow]:
    """The chosen rows in the local journal that are not noted as shipped.  Takes no lock and changes nothing."""
    for path in segments(directory):
        try:
            is_final, offset = is_unwritten(path), read_offset(path)
            while True:
                chunk = read_chunk(path, offset, is_final=is_final)
                for line in chunk.lines:
                    try:
                        row = decode_row(line.payload)
                    except msgspec.DecodeError:
                        continue  # the shipper puts it aside and says so
                    if chosen.is_match(row):
                        yield row
                if chunk.next_offset == offset:
                    break
                offset = chunk.next_offset
        except FileNotFoundError:
            continue  # shipped and deleted as we looked: the database has it


def all_rows(reader: LedgerReader, directory: Path, chosen: LedgerFilter) -> Iterator[LedgerRow]:
    """Every chosen row that was settled before this call, once: in order of time, what was still on its way last.

    The journal is read before the database, so a row that is shipped in between is seen twice and given once; the other
    way round it could be missed.
    """
    waiting = {row.id: row for row in waiting_rows(directory, chosen)}
    for row in reader.rows(chosen):
        waiting.pop(row.id, None)
        yield row
    yield from waiting.values()


def exported(row: LedgerRow) -> dict[str, object]:
    """A row as it is exported: money as an integer of nano-dollars and as a decimal of dollars, never a float."""
    time = datetime.fromtimestamp(row.started_at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    derived: dict[str, object] = {
        "time": time,
        "tokens": row.input_tokens + row.output_tokens,
        "accuracy": row.usage_accuracy,
        "cost_usd": usd(row.cost_nanousd),
    }
    return {name: derived[name] if name in derived else getattr(row, name) for name in COLUMNS}


def usd(amount_nanousd: int | None) -> str | None:
    """`1_500_000` as `0.001500000`."""
    if amount_nanousd is None:
        return None
    sign = "-" if amount_nanousd < 0 else ""
    whole, rest = divmod(abs(amount_nanousd), 1_000_000_000)
    return f"{sign}{whole}.{rest:09d}"
