"""The labelled texts that names are learnt from: sets of others, read into one shape.

What is one word in a set of tokens becomes running text, as people write it.  Kinds are those of `KINDS`; what a set
labels otherwise is no name here.  `group` is what must not be on both sides of a split: a template, a document.
"""

import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

FOLDER = Path(os.environ.get("PENSTOCK_EVALUATION_DATA", Path(__file__).parents[3] / "shared" / "data"))

_PRESIDIO: Final = {
    "PERSON": "PERSON",
    "GPE": "LOCATION",
    "ORGANIZATION": "ORGANIZATION",
    "STREET_ADDRESS": "STREET_ADDRESS",
    "NRP": "NRP",
}
_GERMEVAL: Final = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION", "LOCderiv": "NRP"}
_LEGAL: Final = {
    "PER": "PERSON",
    "RR": "PERSON",
    "AN": "PERSON",
    "LD": "LOCATION",
    "ST": "LOCATION",
    "STR": "STREET_ADDRESS",
    "LDS": "LOCATION",
    "UN": "ORGANIZATION",
    "INN": "ORGANIZATION",
    "GRT": "ORGANIZATION",
    "ORG": "ORGANIZATION",
}
_WNUT: Final = {
    "person": "PERSON",
    "location": "LOCATION",
    "group": "ORGANIZATION",
    "corporation": "ORGANIZATION",
}


LABELLED: Final = {
    "synthetic": frozenset(_PRESIDIO.values()),
    "germeval": frozenset(_GERMEVAL.values()),
    "legal": frozenset(_LEGAL.values()),
    "tweets": frozenset(_WNUT.values()),
}
"""The kinds that each set labels: of another kind it says nothing."""


class Span(msgspec.Struct, frozen=True, order=True):
    begin: int
    end: int
    kind: str


class Text(msgspec.Struct, frozen=True):
    """`masked` has `{{KIND}}` in place of each span of any kind, where the set was made of templates."""

    text: str
    spans: tuple[Span, ...]
    group: str
    origin: str
    masked: str = ""


class _Spot(msgspec.Struct):
    entity_type: str
    start_position: int
    end_position: int


class _Synthetic(msgspec.Struct):
    full_text: str
    masked: str
    spans: list[_Spot]
    template_id: int


def synthetic() -> list[Text]:
    """Presidio's synthetic texts, grouped by the words of their template."""
    found: list[Text] = []
    path = FOLDER / "pii" / "presidio_synth_first_half.json"
    for each in msgspec.json.decode(path.read_bytes(), type=list[_Synthetic]):
        spans = tuple(
            sorted(
                Span(spot.start_position, spot.end_position, _PRESIDIO[spot.entity_type])
                for spot in each.spans
                if spot.entity_type in _PRESIDIO
            )
        )
        bare = re.sub(r"\{\{\w+\}\}", " _ ", each.masked).lower()
        group = " ".join(re.findall(r"\w+", bare))
        found.append(Text(each.full_text, spans, group, "synthetic", each.masked))
    return found


def germeval() -> list[Text]:
    """GermEval 2014's dev part, grouped by document; only the outer labels count."""
    path = FOLDER / "pii" / "germeval14_dev.tsv"
    found: list[Text] = []
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        lines = [line.split("\t") for line in block.splitlines() if line]
        if not lines:
            continue
        source = next((line[1] for line in lines if line[0] == "#"), "")
        tokens = [(line[1], line[2]) for line in lines if line[0] != "#"]
        found.append(_joined(tokens, _GERMEVAL, source, "germeval"))
    return found


def legal() -> list[Text]:
    """German court decisions (dev part), grouped in blocks of twenty sentences, since documents are not marked."""
    path = FOLDER / "pii" / "german_legal_dev.conll"
    return list(_columns(path, " ", _LEGAL, "legal"))


def tweets() -> list[Text]:
    """WNUT 2017's training part."""
    return list(_columns(FOLDER / "pii" / "wnut17_train.conll", "\t", _WNUT, "tweets"))


def _columns(path: Path, mark: str, kinds: Mapping[str, str], origin: str) -> Iterator[Text]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    sentences = [list(block) for is_text, block in itertools.groupby(lines, bool) if is_text]
    for number, sentence in enumerate(sentences):
        tokens = [(word, label) for word, _, label in (line.rpartition(mark) for line in sentence)]
        yield _joined(tokens, kinds, f"{origin}-{number // 20}", origin)


_NO_BLANK_BEFORE: Final = frozenset(".,;:!?)]}%'\u2019…") | {"...", "n't", "'s", "'m", "'re", "'ve", "'ll", "'d"}
_NO_BLANK_AFTER: Final = frozenset("([{$#@„")


def _joined(tokens: Sequence[tuple[str, str]], kinds: Mapping[str, str], group: str, origin: str) -> Text:
    parts: list[str] = []
    spans: list[Span] = []
    at = 0
    is_quoted = False
    wants_blank = False
    for word, label in tokens:
        is_closing = word in {'"', "“", "''"} and is_quoted
        if wants_blank and word not in _NO_BLANK_BEFORE and not is_closing:
            parts.append(" ")
            at += 1
        wants_blank = word not in _NO_BLANK_AFTER
        if word in {'"', "``", "„", "''", "“"}:
            wants_blank = is_closing
            is_quoted = not is_closing
        mark, _, name = label.partition("-")
        kind = kinds.get(name)
        if kind is not None and mark == "I" and spans and spans[-1].kind == kind and spans[-1].end >= at - 1:
            spans[-1] = Span(spans[-1].begin, at + len(word), kind)
        elif kind is not None:
            spans.append(Span(at, at + len(word), kind))
        parts.append(word)
        at += len(word)
    return Text("".join(parts), tuple(spans), group, origin)
