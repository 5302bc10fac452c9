"""What of a table is looked at: search, order, page and filters, as they stand in the page's address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

PAGE_ROWS = 50
Kind = Literal["text", "mono", "number", "usd", "percent", "time", "clock", "badge", "tags", "course"]
"""`usd` are whole dollars with cents, `percent` shares of one, `clock` is a time to the second, `course` numbers over
time, the oldest first, None where there is none."""
Row = Mapping[str, Any]
Tone = Literal["", "ok", "warn", "bad", "info"]


@dataclass(frozen=True, slots=True)
class Column:
    """`value` is taken from the row; `tone` colours a badge; `href` is where a cell leads, `""` for nowhere."""

    name: str
    label: str
    kind: Kind = "text"
    value: Callable[[Row], Any] | None = None
    tone: Callable[[Row], Tone] | None = None
    href: Callable[[Row], str] | None = None

    def of(self, row: Row) -> Any:
        return row.get(self.name) if self.value is None else self.value(row)


@dataclass(frozen=True, slots=True)
class TableState:
    search: str = ""
    sort: str = ""
    descending: bool = False
    page: int = 1
    filters: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def read(
        cls, query: Mapping[str, str], columns: Sequence[Column], filters: Sequence[str], sort: str
    ) -> "TableState":
        """From an address; what it says wrongly counts as not said.  A `sort` that begins with `-` is descending."""
        wanted = query.get("sort", sort)
        name = wanted.removeprefix("-")
        if name not in {column.name for column in columns}:
            wanted, name = sort, sort.removeprefix("-")
        page = query.get("page", "1")
        return cls(
            search=query.get("q", "")[:200],
            sort=name,
            descending=wanted.startswith("-"),
            page=int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
            filters={each: query[each][:300] for each in filters if query.get(each)},
        )

    def query(self) -> dict[str, str]:
        """For the address; what is as it always is stays out of it."""
        said = {"q": self.search, "sort": ("-" if self.descending else "") + self.sort, **self.filters}
        if self.page > 1:
            said["page"] = str(self.page)
        return {name: value for name, value in said.items() if value}

    def sorted_by(self, name: str) -> "TableState":
        """The same column again turns the order around."""
        return replace(self, sort=name, descending=self.sort == name and not self.descending, page=1)


def chosen(rows: Sequence[Row], columns: Sequence[Column], state: TableState) -> list[Row]:
    """The rows that the search finds, in order; what is not there comes last either way."""
    words = state.search.casefold().split()
    found = [row for row in rows if all(word in _text(row, columns) for word in words)]
    column = next((each for each in columns if each.name == state.sort), None)
    if column is None:
        return found
    there = [row for row in found if column.of(row) not in (None, "")]
    missing = [row for row in found if column.of(row) in (None, "")]
    return sorted(there, key=lambda row: _rank(column.of(row)), reverse=state.descending) + missing


def _text(row: Row, columns: Sequence[Column]) -> str:
    return "\n".join(str(column.of(row)) for column in columns if column.of(row) is not None).casefold()


def _rank(value: object) -> tuple[int, float, str]:
    if isinstance(value, bool | int | float):
        return (0, float(value), "")
    return (1, 0.0, str(value).casefold())
