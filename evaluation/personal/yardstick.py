"""Presidio's own recognisers, without a model of language: what the catalogue is held against."""

from collections.abc import Callable

from penstock.guard.own.presidio import analyzer
from penstock.guard.personal.masking import apart
from penstock.guard.verdict import Finding


def presidio() -> Callable[[str], list[Finding]]:
    """Every English recogniser that comes with it, at its own thresholds."""
    engine = analyzer(None)

    def find(text: str) -> list[Finding]:
        said = engine.analyze(text, language="en")
        return apart(
            Finding("presidio", each.entity_type, each.start, each.end, each.score) for each in said if each.score > 0
        )

    return find
