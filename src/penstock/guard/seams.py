"""Values that begin in one text and end in the next: a number that somebody wrote in two messages or parts.

Only texts of the same hand, one after the other, read as one: the model reads them so.  Each side of a value is found
by itself, so that it can be replaced where it stands.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import Detect

_REACH = 64
"""Characters to each side of a seam; what has a form is hardly longer."""
_GLUES = ("", " ")
"""With what the model may read the two: parts follow each other at once, messages do not."""

Found = tuple[Segment, Finding]


def across(detect: Detect, texts: Sequence[Segment]) -> Iterator[Found]:
    """Every finding that reaches over a seam, as two.  `texts` are in the order of the request."""
    for one, other in pairwise(texts):
        if one.trust == other.trust and one.is_said and other.is_said:
            for glue in _GLUES:
                yield from _over(detect, one, other, glue)


def _over(detect: Detect, one: Segment, other: Segment, glue: str) -> Iterator[Found]:
    tail, head = one.text[-_REACH:], other.text[:_REACH]
    behind = len(tail) + len(glue)
    for each in detect(Segment(f"{tail}{glue}{head}", one.trust, other.place, other.source), None):
        if each.begin < len(tail) and each.end > behind:
            yield from _side(one, each, each.begin + len(one.text) - len(tail), len(one.text))
            yield from _side(other, each, 0, each.end - behind)


def _side(segment: Segment, finding: Finding, begin: int, end: int) -> Iterator[Found]:
    """Without blanks at its ends, which are no part of a value."""
    said = segment.text[begin:end]
    begin += len(said) - len(said.lstrip())
    end -= len(said) - len(said.rstrip())
    if begin < end:
        yield segment, Finding(finding.rule, finding.kind, begin, end, finding.score)
