"""The catalogue on the labelled texts, on prompts of people who gave nothing away, and against the clock.

A span counts as found where every letter and digit of it lies in findings, whatever their kind: only then does nothing
of it leave.  It counts as typed where one finding of its kind covers it.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from evaluation.personal.sets import Labelled
from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.personal.masking import apart
from penstock.guard.personal.patterns.catalogue import catalogue
from penstock.guard.personal.patterns.kinds import GROUPS
from penstock.guard.verdict import Finding

NUMBERS: Final = (
    "CREDIT_CARD", "IBAN_CODE", "US_SSN", "US_DRIVER_LICENSE", "PHONE_NUMBER", "EMAIL_ADDRESS", "DOMAIN_NAME",
    "IP_ADDRESS",
)  # fmt: skip
"""The set's kinds that have a form of their own."""
WORDS: Final = ("DATE_TIME", "AGE", "ZIP_CODE", "TITLE")
"""Those that are known by the words around them.  Titles are forms of address, and names of jobs that have no form."""
STREET: Final = "STREET_ADDRESS"

_LABELS: Final = MappingProxyType(
    {
        "IBAN": "IBAN_CODE",
        "POSTAL_CODE": "ZIP_CODE",
        "URL": "DOMAIN_NAME",
        "SSN": "US_SSN",
        "DRIVER_LICENSE": "US_DRIVER_LICENSE",
        "DATE_OF_BIRTH": "DATE_TIME",
    }
)
"""What the set and Presidio call what the catalogue calls otherwise."""
_ROUNDS: Final = 300

Find = Callable[[str], list[Finding]]


@dataclass(frozen=True, slots=True)
class Kind:
    """`right` of the `said` findings of this kind touch a span of it."""

    name: str
    spans: int
    found: int
    typed: int
    said: int
    right: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Words, types ignored: F2 counts recall twice as much as precision."""

    precision: float
    recall: float

    @property
    def f2(self) -> float:
        return 5 * self.precision * self.recall / (4 * self.precision + self.recall or 1)


@dataclass(frozen=True, slots=True)
class Alarms:
    """On prompts without labels: what was found, by kind, and in how many of them."""

    prompts: int
    with_any: int
    with_any_but_days_and_pages: int
    by_kind: tuple[tuple[str, int], ...]


def ours() -> Find:
    everything = PatternSet(catalogue())
    return lambda text: apart(everything.find(text))


def label_of(kind: str) -> str:
    return _LABELS.get(kind, kind)


def by_kind(find: Find, texts: Sequence[Labelled]) -> list[Kind]:
    spans, found, typed, said, right = (Counter[str]() for _ in range(5))
    for text in texts:
        findings = find(text.text)
        covered = {place for each in findings for place in range(each.begin, each.end)}
        for span in text.spans:
            spans[span.kind] += 1
            needed = [place for place in range(span.begin, span.end) if text.text[place].isalnum()]
            found[span.kind] += covered.issuperset(needed)
            typed[span.kind] += any(
                label_of(each.kind) == span.kind and each.begin <= needed[0] and each.end > needed[-1]
                for each in findings
            )
        for each in findings:
            label = label_of(each.kind)
            said[label] += 1
            right[label] += any(
                span.kind == label and span.begin < each.end and each.begin < span.end for span in text.spans
            )
    names = (*NUMBERS, *WORDS, STREET)
    return [Kind(name, spans[name], found[name], typed[name], said[name], right[name]) for name in names if spans[name]]


def recall(kinds: Sequence[Kind], *, names: Sequence[str] = NUMBERS + WORDS) -> float:
    """Of all spans of these kinds together: what the aim of 0.97 was set for is every kind but streets."""
    chosen = [each for each in kinds if each.name in names]
    return sum(each.found for each in chosen) / sum(each.spans for each in chosen)


def precision(kinds: Sequence[Kind]) -> float:
    chosen = [each for each in kinds if each.name != STREET]
    return sum(each.right for each in chosen) / sum(each.said for each in chosen)


def by_token(find: Find, texts: Sequence[Labelled]) -> Tokens:
    """Over words, of all kinds the set has, names too: what patterns can do there alone."""
    both = said = labelled = 0
    for text in texts:
        findings = find(text.text)
        at = 0
        for word in text.text.split():
            begin = text.text.index(word, at)
            at = begin + len(word)
            is_said = any(each.begin < at and begin < each.end for each in findings)
            is_labelled = any(each.begin < at and begin < each.end for each in text.spans)
            said += is_said
            labelled += is_labelled
            both += is_said and is_labelled
    return Tokens(both / said, both / labelled)


def alarms(find: Find, prompts: Sequence[str]) -> Alarms:
    kinds = Counter[str]()
    with_any = others = 0
    harmless = GROUPS["time"] | {"URL", "DOMAIN_NAME"}
    for prompt in prompts:
        said = [each.kind for each in find(prompt)]
        kinds.update(said)
        with_any += bool(said)
        others += bool(set(said) - harmless)
    return Alarms(len(prompts), with_any, others, tuple(kinds.most_common()))


def microseconds(find: Callable[[str], object], text: str) -> float:
    """CPU time of one text; the median of many."""
    taken: list[int] = []
    for _ in range(_ROUNDS):
        begin = time.thread_time_ns()
        find(text)
        taken.append(time.thread_time_ns() - begin)
    return statistics.median(taken) / 1000.0


def clean_text() -> str:
    """2 kB of prose without any."""
    said = "When the committee met last week the members talked about how the garden could be kept, and by whom. "
    return (said * 21)[:2048]


def message(value: str = "") -> str:
    """300 characters as one message of a conversation has, with the value in their midst."""
    half = clean_text()[:150]
    return f"{half} {value} {half}"[:300]


def text_with_hits() -> str:
    """The same with seven values of seven kinds."""
    values = (
        "Write to jan.mueller@example.org, ",
        "or call +49 30 1234567. ",
        "The account is DE89 3704 0044 0532 0130 00, ",
        "the card 4111 1111 1111 1111. ",
        "It came from 203.0.113.9 ",
        "with 536-90-4399, ",
        "born 12 March 1985. ",
    )
    words, at = clean_text(), 250
    for value in values:
        place = words.index(" ", at) + 1
        words = words[:place] + value + words[place:]
        at = place + 250
    return words[:2048]
