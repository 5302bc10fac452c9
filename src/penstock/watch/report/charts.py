"""Charts as a few shapes, in units of their own: drawn as SVG in HTML and as vectors in PDF, from the same shapes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, floor, log10
from typing import Final, Literal, TypeAlias

Color: TypeAlias = Literal["main", "pale", "soft", "line", "rule", "ink", "good", "bad"]
COLORS: Final[Mapping[Color, str]] = {
    "main": "#1d5f8a",
    "pale": "#8db8d6",
    "soft": "#5f6f7e",
    "line": "#e1e7ec",
    "rule": "#c9d3db",
    "ink": "#18242f",
    "good": "#23795a",
    "bad": "#b23a32",
}
WIDTH: Final = 720.0
_LEFT: Final = 62.0
_RIGHT: Final = 8.0
_TOP: Final = 10.0
_BOTTOM: Final = 22.0
_TEXT: Final = 11.0


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    color: Color
    said: str = ""


@dataclass(frozen=True, slots=True)
class Stroke:
    points: tuple[tuple[float, float], ...]
    color: Color
    width: float = 1.0
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    radius: float
    color: Color
    said: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """`y` is the base line."""

    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    color: Color = "soft"


Shape: TypeAlias = Bar | Stroke | Dot | Label


@dataclass(frozen=True, slots=True)
class Drawing:
    width: float
    height: float
    shapes: tuple[Shape, ...]
    text_size: float = _TEXT


def columns(
    first: date, after: date, values: Mapping[date, float], written: Callable[[float], str], *, height: float = 190.0
) -> Drawing:
    """A column for each day of `first` to `after` (exclusive); days without a value have none."""
    days = [first + timedelta(days=place) for place in range((after - first).days)]
    ticks = _ticks(0.0, max(values.values(), default=0.0))
    frame = _Frame(len(days), ticks[0], ticks[-1], height)
    shapes = frame.grid(ticks, written)
    for place, each in enumerate(days):
        value = values.get(each)
        if value is not None and value > 0:
            x, y = frame.x(place), frame.y(value)
            width = frame.step * 0.68
            said = f"{each.isoformat()}: {written(value)}"
            shapes.append(Bar(x - width / 2, y, width, frame.y(ticks[0]) - y, "main", said))
    return Drawing(WIDTH, height, (*shapes, *frame.days(days)))


def lines(
    first: date, after: date, values: Mapping[date, float], written: Callable[[float], str], *, height: float = 150.0
) -> Drawing:
    """A line through the days that have a value; its axis begins where the lowest needs it to."""
    days = [first + timedelta(days=place) for place in range((after - first).days)]
    ticks = _ticks(min(values.values(), default=0.0), max(values.values(), default=1.0))
    frame = _Frame(len(days), ticks[0], ticks[-1], height)
    shapes = frame.grid(ticks, written)
    points = [
        (frame.x(place), frame.y(values[each]), f"{each.isoformat()}: {written(values[each])}")
        for place, each in enumerate(days)
        if each in values
    ]
    if len(points) > 1:
        shapes.append(Stroke(tuple((x, y) for x, y, _ in points), "main", 1.8))
    shapes += (Dot(x, y, 2.4, "main", said) for x, y, said in points)
    return Drawing(WIDTH, height, (*shapes, *frame.days(days)))


@dataclass(frozen=True, slots=True)
class _Frame:
    places: int
    low: float
    high: float
    height: float

    @property
    def step(self) -> float:
        return (WIDTH - _LEFT - _RIGHT) / max(self.places, 1)

    def x(self, place: int) -> float:
        return _LEFT + (place + 0.5) * self.step

    def y(self, value: float) -> float:
        inner = self.height - _TOP - _BOTTOM
        return _TOP + inner * (1 - (value - self.low) / (self.high - self.low))

    def grid(self, ticks: Sequence[float], written: Callable[[float], str]) -> list[Shape]:
        shapes: list[Shape] = []
        for tick in ticks:
            y = self.y(tick)
            shapes.append(Stroke(((_LEFT, y), (WIDTH - _RIGHT, y)), "line", 1.0))
            shapes.append(Label(_LEFT - 8, y + _TEXT * 0.35, written(tick), "end"))
        return shapes

    def days(self, days: Sequence[date]) -> list[Shape]:
        """Every fifth, from the first on."""
        y = self.height - 5
        return [
            Label(self.x(place), y, str(each.day), "middle")
            for place, each in enumerate(days)
            if each.day % 5 == 0 or each.day == 1
        ]


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers that hold both."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    rough = (high - low) / 4
    size = 10.0 ** floor(log10(rough))
    step = next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= rough * 0.999)
    begin, end = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [place * step for place in range(begin, end + 1)]
