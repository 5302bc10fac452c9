"""The labelled texts, and their split by template: texts made of one template never stand on both sides.

The split is drawn, not chosen: templates whose words agree are one, they are shuffled with the first seed from 0 on for
which every kind that at least two templates have stands on both sides, and the first 60 % are there to develop on.
"""

import os
import random
import re
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec

DATA: Final = Path(os.environ.get("PENSTOCK_EVALUATION_DATA", Path(__file__).parents[3] / "shared" / "data"))
SYNTHETIC: Final = DATA / "pii" / "presidio_synth_first_half.json"
BENIGN: Final = DATA / "injection" / "benign_arena_hard_v01.jsonl"

Part = Literal["develop", "held_out"]

_SHARE_TO_DEVELOP: Final = 0.6


class Span(
    msgspec.Struct, frozen=True, rename={"kind": "entity_type", "begin": "start_position", "end": "end_position"}
):
    """Half-open, in code points."""

    kind: str
    begin: int
    end: int


class Labelled(msgspec.Struct, frozen=True, rename={"text": "full_text"}):
    text: str
    masked: str
    spans: tuple[Span, ...]
    template_id: int

    @property
    def template(self) -> str:
        """The words around the values: two numbered templates with the same words are one."""
        bare = re.sub(r"\{\{\w+\}\}", " _ ", self.masked).lower()
        return " ".join(re.findall(r"\w+", bare))


class _Prompt(msgspec.Struct, frozen=True):
    prompt: str


def synthetic(part: Part | None = None) -> list[Labelled]:
    """The 750 texts with 17 kinds, or one part of them, in their order."""
    texts = msgspec.json.decode(SYNTHETIC.read_bytes(), type=list[Labelled])
    if part is None:
        return texts
    develop, _ = split(tuple(texts))
    return [each for each in texts if (each.template in develop) == (part == "develop")]


def benign() -> list[str]:
    """500 prompts of real users that ask for nothing bad and mostly hold no personal data."""
    return [msgspec.json.decode(line, type=_Prompt).prompt for line in BENIGN.read_bytes().splitlines()]


@cache
def split(texts: tuple[Labelled, ...]) -> tuple[frozenset[str], int]:
    """The templates to develop on, and the seed that drew them."""
    kinds: dict[str, set[str]] = {}
    for text in texts:
        for span in text.spans:
            kinds.setdefault(span.kind, set()).add(text.template)
    shared = [templates for templates in kinds.values() if len(templates) > 1]
    seed = 0
    while True:
        develop = _drawn(sorted({text.template for text in texts}), seed)
        if all(templates & develop and templates - develop for templates in shared):
            return develop, seed
        seed += 1


def _drawn(templates: list[str], seed: int) -> frozenset[str]:
    random.Random(seed).shuffle(templates)  # noqa: S311 - a split, not a secret
    return frozenset(templates[: round(len(templates) * _SHARE_TO_DEVELOP)])
