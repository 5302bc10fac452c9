"""An export's bytes as rows of cells under a known header: encodings, delimiters and what stands before the header."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

from penstock.watch.invoices.amounts import InvoiceError
from penstock.watch.invoices.formats import Format, known_by

_DELIMITERS = (",", ";", "\t", "|")
_HEADER_WITHIN = 20
_MOST_CHARS = 32_768  # of a cell, as in a spreadsheet; `csv`'s own bound belongs to the process, and others move it
_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_NOT_CSV = (
    (b"PK", "a spreadsheet or an archive"),
    (b"\x1f\x8b", "packed with gzip"),
    (b"%PDF", "a PDF"),
    (b"{", "JSON"),
)
_TOTALS = frozenset(
    {"total", "totals", "grand total", "subtotal", "sum", "summe", "gesamt", "gesamtsumme", "zwischensumme"}
)


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is where it ends in the file, from 1."""

    line: int
    cells: Sequence[str]
    is_total: bool


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` may be gone through as often as one likes."""

    format: Format
    delimiter: str
    columns: dict[str, int]
    _text: str
    _header: int

    def cell(self, row: Row, column: str | None) -> str:
        """What stands there; nothing where the export has no such column."""
        place = None if column is None else self.columns.get(column)
        return "" if place is None or place >= len(row.cells) else row.cells[place].strip()

    def rows(self) -> Iterator[Row]:
        """All but empty ones.  Raises `InvoiceError` where the file is broken."""
        reader = csv.reader(StringIO(self._text, newline=""), delimiter=self.delimiter, strict=True)
        width = len(self.columns)
        try:
            for cells in reader:
                if reader.line_num <= self._header or not any(cell.strip() for cell in cells):
                    continue
                if max(map(len, cells)) > _MOST_CHARS:
                    raise InvoiceError(f"it is no CSV (a cell is longer than {_MOST_CHARS})", reader.line_num)
                first = next(cell.strip() for cell in cells if cell.strip())
                is_sum = is_total(first)
                extra = [cell for cell in cells[width:] if cell.strip()]
                if not is_sum and (len(cells) < width or extra):
                    raise InvoiceError(f"it has {len(cells)} cells, and the header {width}", reader.line_num)
                yield Row(reader.line_num, cells, is_sum)
        except csv.Error as error:
            raise InvoiceError(f"it is no CSV ({error})", reader.line_num) from None


def is_total(text: str) -> bool:
    """Whether a cell says that its row is a sum of others."""
    return text.rstrip(":").strip().lower() in _TOTALS


def read_table(data: bytes, own: Format | None) -> Table:
    """The table of a known export, or of the operator's `own` format.  Raises `InvoiceError`."""
    text = _text(data)
    lines = text.splitlines()[:_HEADER_WITHIN]
    if not any(line.strip() for line in lines):
        raise InvoiceError("the file is empty")
    for number, line in enumerate(lines, 1):
        for delimiter in _DELIMITERS:
            names = _names(line, delimiter)
            found = known_by(names) if own is None else own if set(names).issuperset(own.needs) else None
            if found is None:
                continue
            doubled = next((name for name in found.needs if names.count(name) > 1), None)
            if doubled is not None:
                raise InvoiceError(f"there are two columns `{doubled}`", number)
            return Table(found, delimiter, {name: place for place, name in enumerate(names)}, text, number)
    first = next(line for line in lines if line.strip() and not line.lower().startswith("sep="))
    wanted = "none of the known exports'" if own is None else f"not {', '.join(own.needs)}"
    raise InvoiceError(f"its columns are {wanted}; it begins with: {first[:200]}")


def _names(line: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter))
    except (csv.Error, StopIteration):
        return []
    return [cell.strip().lower() for cell in cells]


def _text(data: bytes) -> str:
    for beginning, what in _NOT_CSV:
        if data.startswith(beginning):
            raise InvoiceError(f"it is {what}, not CSV")
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data, encoding)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(data, "cp1252")  # as spreadsheets write it


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvoiceError(f"its text cannot be read as {encoding}: {error.reason}") from None
