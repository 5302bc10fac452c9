"""What a page of a PDF is made of: letters that stand together, in lines as they were drawn."""

from dataclasses import dataclass


@dataclass(slots=True)
class Span:
    """Letters of one line that stand together."""

    text: str
    x0: float
    x1: float
    base: float
    size: float
    is_bold: bool


@dataclass(slots=True)
class Line:
    spans: list[Span]
    is_hyphenated: bool = False

    @property
    def text(self) -> str:
        return " ".join(span.text for span in self.spans)

    @property
    def size(self) -> float:
        return max(span.size for span in self.spans)

    @property
    def base(self) -> float:
        return self.spans[0].base

    @property
    def lowest(self) -> float:
        return min(span.base for span in self.spans)

    @property
    def highest(self) -> float:
        return max(span.base for span in self.spans)

    @property
    def x0(self) -> float:
        return self.spans[0].x0

    @property
    def is_bold(self) -> bool:
        return all(span.is_bold for span in self.spans)
