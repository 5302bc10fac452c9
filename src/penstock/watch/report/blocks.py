"""The parts of a report, whatever it is written as: `content` makes them, `html` and `pdf` draw each in its way."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from penstock.watch.report.charts import Drawing

Tone: TypeAlias = Literal["plain", "good", "bad"]


@dataclass(frozen=True, slots=True)
class Tile:
    """One number that people look at first, and how it has changed."""

    title: str
    value: str
    change: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Tiles:
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """`caption` says what is drawn, for who does not see it too."""

    caption: str
    drawing: Drawing


@dataclass(frozen=True, slots=True)
class Cell:
    """A text; with `share` (0 to 1) a bar of that length stands before it."""

    text: str
    tone: Tone = "plain"
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The first column is names, and as wide as there is room; the others are numbers.  `last` is the sum."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    last: tuple[Cell, ...] | None = None


@dataclass(frozen=True, slots=True)
class Text:
    text: str


Block: TypeAlias = Tiles | Chart | Table | Text


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    title: str
    about: str
    sections: tuple[Section, ...]
    footer: str
    lines: tuple[str, ...] = field(default=())
    """Below the title: whose it is, of what time, and whether the month is over."""
