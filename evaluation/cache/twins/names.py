# ruff: noqa: SIM905, E501 - tables of words read best as lines of words, and sentences in one piece
"""Twins that differ in a name: of a place, a person, a product with its version, or a kind of thing."""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins.fillings import CITIES, COMPANIES, DATED, DIRECTED, PEOPLE, ROLES, STORES, drawn
from evaluation.cache.twins.twin import THIRD, Twin, another, in_texts, said, swapped

_PRODUCTS: Final = (
    ("Windows 10", "Windows 11"), ("iOS 16.4", "iOS 16.5"), ("GPT-3", "GPT-4"), ("USB 2.0", "USB 3.0"), ("PS4", "PS5"), ("A100", "H100"),
    ("TLS 1.2", "TLS 1.3"), ("Java 8", "Java 17"), ("MacBook Air", "MacBook Pro"), ("Office 2016", "Office 2019"), ("HTTP/1.1", "HTTP/2"),
    ("Angular 2", "Angular 12"), ("Model S", "Model X"), ("RTX 3080", "RTX 3090"), ("C++17", "C++20"), ("Fire TV Stick", "Fire TV Cube"),
    ("ISO 9001", "ISO 27001"), ("Form W-2", "Form W-4"), ("A4", "A5"), ("vitamin B6", "vitamin B12"),
)  # fmt: skip
_USED: Final = (
    "How long will {p} be supported?", "is {p} good enough for my mother", "What has changed in {p}?", "Do you have a manual for {p}?",
    "where can I report a fault in {p}",
)  # fmt: skip
_SPICES: Final = tuple("saffron cumin turmeric nutmeg fennel paprika sumac cardamom cloves anise".split())
_METALS: Final = tuple("nickel zinc cobalt tungsten lithium titanium copper chromium silver lead".split())
_TRADES: Final = tuple("roofer glazier welder tiler mason joiner plasterer locksmith upholsterer".split())


def entities(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another city, person or company in the same sentence."""
    for template in (*DATED, *ROLES, *DIRECTED):
        for names, fields in ((CITIES, "ce"), (PEOPLE, "pq"), (COMPANIES, "fg"), (STORES, "xy")):
            used = [field for field in fields if f"{{{field}}}" in template]
            if not used:
                continue
            for _ in range(4):
                values = drawn(chance)
                changed = dict(values)
                field = chance.choice(used)
                changed[field] = chance.choice([name for name in names if name not in values.values()])
                yield Twin("entity", template.format(**values), template.format(**changed))
    del questions


def versions(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another version or model of the same product."""
    del questions
    products = ["3.11", "3.12", "2.7", "3.9", "4.0", "5.1"]
    templates = ("Which features came with Python {}?", "Is release {} still supported?", "How do I upgrade to v{}?",
                 "Does the plugin work with version {}?", "Where are the notes of Django {}?")  # fmt: skip
    yield from swapped("version", templates, products, 12, chance)
    phones = ["iPhone 13", "iPhone 14", "Galaxy S22", "Galaxy S23", "Pixel 7", "Pixel 8"]
    yield from swapped("version", ("How long is the battery of the {} guaranteed?", "Is a case for the {} in stock?",
                                    "What does a new screen for the {} cost?"), phones, 14, chance)  # fmt: skip


def small_names(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Names without capital letters, as people type them."""
    del questions
    places = ["spain", "norway", "brazil", "kenya", "vietnam", "canada", "egypt", "poland", "chile", "nepal"]
    templates = ("do i need a visa for {}", "what vaccines are needed for {}", "what is the capital of {}",
                 "which plug is used in {}", "is it safe to drive in {}", "what do people eat in {}")  # fmt: skip
    yield from swapped("small name", templates, places, 14, chance)
    medicines = ["ibuprofen", "aspirin", "insulin", "warfarin", "amoxicillin", "metformin", "paracetamol"]
    yield from swapped("small name", ("can i drink alcohol with {}", "what are the side effects of {}",
                                       "how is {} stored", "may children take {}"), medicines, 14, chance)  # fmt: skip


def mined_names(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """A name of one text in the place of another text's."""
    pattern = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}\b(?! [A-Z])")
    names = sorted({name for text in questions for name in pattern.findall(text)})
    yield from in_texts("mined names", questions, pattern, lambda found: another(names, found, chance))


def products(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another version, size or make of a product."""
    del questions
    for one, other in _PRODUCTS:
        for text in _USED:
            yield said("products", text.format(p=one), text.format(p=other), chance, phrases=THIRD)


def materials(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """One kind of thing in the place of another of its kind, written small."""
    del questions
    for names, templates in (
        (_SPICES, ("how long does {} keep", "what can i cook with {}", "is {} safe during pregnancy", "where does {} grow")),
        (_METALS, ("what is the melting point of {}", "is {} magnetic", "who mines the most {}", "how is {} recycled")),
        (_TRADES, ("what does a {} charge for an hour", "find me a {} who works on sundays", "how does one become a {}")),
    ):  # fmt: skip
        for template in templates:
            for _ in range(12):
                one, other = chance.sample(names, 2)
                yield Twin("materials", template.format(one), f"{template.format(other)} please")
