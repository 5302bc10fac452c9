"""Gathers the words that are known: from the lists, those of Faker and phonenumbers, and plain texts.

What is common is counted in texts without labels (English: handbook and exam questions; German: court decisions), and
German nouns are those that court decisions label as no name.  Nothing of GermEval or of the tweets goes in, so that
they tell how far these hints can be trusted.
"""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from penstock.guard.personal.names.known import HINTS, Known
from penstock.guard.personal.names.surface import read
from training.names.given import given
from training.names.listed import listed
from training.names.sets import FOLDER, legal
from training.names.values import towns

_LEAST_COMMON: Final = 3
_WORD: Final = re.compile(r"[^\W\d_]+")


def gather() -> Known:
    words: dict[str, set[str]] = {hint: set() for hint in HINTS}
    german, other = given(german=True), given(german=False)
    words["first"] = _split((*listed("first_de"), *listed("first_other"), *german.first, *other.first))
    words["last"] = _split((*listed("last_de"), *listed("last_other"), *german.last, *other.last))
    words["town"] = _split((*listed("cities_de"), *listed("cities_en"), *towns()[0], *towns()[1]))
    words["region"] = _split(
        (*listed("countries_de"), *listed("countries_en"), *listed("regions_de"), *listed("regions_en"))
    )
    words["organisation"] = _split((*listed("companies"), *listed("institutions_de"), *listed("abbreviations")))
    words["people"] = _split((*listed("peoples_de"), *listed("peoples_en")))
    words["common"], words["noun"] = _common(), _nouns()
    for hint in ("town", "region", "organisation"):
        words[hint] -= words["common"]  # parts of longer names, such as `New` and `der`
    bits: dict[int, int] = {}
    for number, hint in enumerate(HINTS):
        for hashed in _hashes(words[hint]):
            bits[hashed] = bits.get(hashed, 0) | 1 << number
    order = sorted(bits)
    return Known(np.array(order, np.uint32), np.array([bits[each] for each in order], np.uint8))


def _split(texts: Iterable[str]) -> set[str]:
    return {word.lower() for text in texts for word in _WORD.findall(text) if len(word) > 1 and not word.islower()}


def _hashes(words: Iterable[str]) -> list[int]:
    surface = read(" ".join(sorted(words)))
    return [int(each) for each in surface.words] if surface else []


def _common() -> set[str]:
    counted: Counter[str] = Counter()
    for text in _english():
        counted.update(word for word in _WORD.findall(text) if word.islower())
    for each in legal():
        counted.update(word for word in _WORD.findall(each.text) if word.islower())
    found = {word for word, number in counted.items() if number >= _LEAST_COMMON and len(word) > 1}
    return found | {*listed("verbs_de"), *listed("adjectives_de")}


def _english() -> Iterable[str]:
    for path in sorted((FOLDER / "rag" / "handbook").rglob("*.md")):
        yield Path(path).read_text(encoding="utf-8", errors="replace")
    for line in (FOLDER / "routing" / "routellm_mmlu.jsonl").read_bytes().splitlines():
        yield msgspec.json.decode(line)["prompt"]


def _nouns() -> set[str]:
    counted: Counter[str] = Counter()
    for each in legal():
        at = 0
        for span in sorted(each.spans):
            counted.update(_inner(each.text[at : span.begin]))
            at = span.end
        counted.update(_inner(each.text[at:]))
    return {word.lower() for word in (*counted, *listed("nouns_de"))}


def _inner(text: str) -> list[str]:
    return [word for word in _WORD.findall(text) if len(word) > 2 and word[0].isupper() and word[1:].islower()]
