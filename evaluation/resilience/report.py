"""What a run measured, against what it must, for a terminal and for docs/resilience.md."""

from collections.abc import Sequence
from dataclasses import dataclass

BEGIN = "<!-- measured: written by `make evaluate ARGS='resilience --write'` -->"
END = "<!-- end of what was measured -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that was measured, the worst of all seeds.  `bound` is empty where there is none to meet."""

    what: str
    measured: str
    bound: str = ""
    is_met: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    title: str
    text: str
    rows: tuple[Row, ...]


def lines(section: Section) -> list[str]:
    """For a terminal."""
    rows = [f"  {_verdict(row):10} {row.what}: {row.measured}{_must(row)}" for row in section.rows]
    return ["", section.title, *rows]


def markdown(sections: Sequence[Section], seeds: Sequence[int]) -> str:
    """What stands between the markers."""
    found = [f"Seeds {', '.join(map(str, seeds))}; each figure is the worst of them.", ""]
    for section in sections:
        found += [f"## {section.title}", "", section.text, "", "| | measured | must | |", "|---|---|---|---|"]
        found += [f"| {row.what} | {row.measured} | {row.bound} | {_verdict(row)} |" for row in section.rows]
        found.append("")
    return "\n".join(found)


def inserted(page: str, text: str, *, begin: str = BEGIN) -> str:
    """`page` with `text` between its markers.  Raises `ValueError` where it has none."""
    before, found, rest = page.partition(begin)
    _, end, after = rest.partition(END)
    if not found or not end:
        raise ValueError("the page has no markers for what is measured")
    return f"{before}{begin}\n\n{text}\n{END}{after}"


def _verdict(row: Row) -> str:
    if not row.bound:
        return ""
    return "met" if row.is_met else "**missed**"


def _must(row: Row) -> str:
    return f" (must be {row.bound})" if row.bound else ""
