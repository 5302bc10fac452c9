# ruff: noqa: SIM905, E501 - tables of words read best as lines of words, and sentences in one piece
"""Adversarial twins made from real texts of other sets: CLINC150, GPTCache's originals, QMSum's turns, MMLU's questions.

They were written and committed before the check was run on them for the first time; docs/semantic-cache.md states that
first figure.  Names and nouns are taken from the texts themselves, so that no table of the product's can hold them.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from evaluation.cache.twins import Generator, Twin

_EACH: Final = 300
_ROUND: Final = (
    "{}",
    "{}",
    "Hello there, {}",
    "I was wondering, {}",
    "{} Many thanks in advance",
    "{} I could not find it anywhere",
)

_WRITTEN: Final = tuple(
    "two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty ninety".split()
)
_COMPOUND: Final = (
    ("twenty-five", "twenty-six"), ("one hundred and ten", "one hundred and twenty"), ("two hundred", "three hundred"),
    ("thirty two", "forty two"), ("a dozen", "two dozen"), ("one and a half", "two and a half"), ("five thousand", "six thousand"),
    ("a quarter of", "a third of"), ("half a million", "a million"), ("twice", "three times"), ("sixty-four", "sixty-eight"),
)  # fmt: skip
_COUNTED: Final = (
    "How do I book seats for {} guests?", "May {} people share one licence?", "is {} grams of protein enough per meal",
    "what happens after {} failed attempts", "Does the lift carry {} kilos?", "Who sold {} copies of the record?",
    "how many pages are {} words", "Could a farmer feed {} cows on this land?",
)  # fmt: skip
_COMPOUND_UNITS: Final = (
    ("km/h", "m/s"), ("kWh", "kW"), ("square meters", "cubic meters"), ("mg/dL", "mmol/L"), ("per hour", "per day"),
    ("Mbit/s", "MB/s"), ("nautical miles", "miles"), ("metric tons", "short tons"), ("milliseconds", "microseconds"),
    ("mAh", "Wh"), ("dpi", "pixels"), ("psi", "bar"), ("light years", "parsecs"), ("fluid ounces", "ounces"),
    ("radians", "degrees"), ("per person", "per room"), ("per kilo", "per pound"), ("newtons", "joules"),
)  # fmt: skip
_MEASURED: Final = (
    "Is {n} {u} too much for this device?", "what does {n} {u} cost at the moment", "How did you arrive at {n} {u} in the report?",
    "convert {n} {u} into something I can picture", "The label says {n} {u}: is that the limit?", "Can the sensor tell {n} {u} from noise?",
)  # fmt: skip
_CALENDAR: Final = (
    ("three days before", "three days after"), ("the 1st of", "the 21st of"), ("Q3 2023", "Q4 2023"), ("Q1 2022", "Q1 2023"),
    ("the 1980s", "the 1990s"), ("the 18th century", "the 19th century"), ("10/12/2023", "12/10/2023"), ("2019-04-05", "2019-05-04"),
    ("the second Monday of", "the third Monday of"), ("two weeks ago", "in two weeks"), ("last Friday", "next Friday"),
    ("9:30", "19:30"), ("7 am", "7 pm"), ("the day before yesterday", "the day after tomorrow"), ("early March", "late March"),
    ("the first half of 2021", "the second half of 2021"), ("fiscal year 2020", "fiscal year 2021"), ("week 14", "week 41"),
)  # fmt: skip
_DATED: Final = (
    "Which invoices were sent {d} the board meeting?", "what did we decide {d} about the remote control",
    "Is the office closed {d} or not?", "show me the numbers for {d}", "who was on duty {d} the audit",
)  # fmt: skip
_PASSIVE: Final = (
    "Was the {a} sued by the {b}?", "why was the {a} dismissed by the {b}", "Had the {a} been warned by the {b} before?",
    "Is the {a} paid by the {b} or by somebody else?", "When is the {a} replaced by the {b}?", "can a {a} be reported by a {b}",
    "The {a} was followed by the {b}, is that allowed?",
)  # fmt: skip
_NOUNS: Final = tuple(
    "plumber senator dentist auditor trustee goalkeeper violinist beekeeper chemist janitor notary referee broker minister "
    "gardener translator warden nanny sailor architect".split()
)
_SCOPE: Final = (
    ("Are not all {n} included?", "Are all {n} not included?"), ("Not every {n} is checked, right?", "No {n} is checked, right?"),
    ("why did not all of the {n} arrive", "why did all of the {n} not arrive"), ("Which {n} do not only work offline?", "Which {n} only do not work offline?"),
    ("Is it true that the {n} don't always fail?", "Is it true that the {n} always don't fail?"),
    ("Did the auditor not say that the {n} count?", "Did the auditor say that the {n} do not count?"),
    ("are you sure not to need the {n}", "are you not sure to need the {n}"),
    ("Can I avoid not paying for the {n}?", "Can I avoid paying for the {n}?"),
)  # fmt: skip
_PLURALS: Final = tuple("cables pallets vouchers samples badges permits sensors receipts parcels exhibits".split())
_COMPARED: Final = (
    ("more than", "less than"), ("at least", "at most"), ("no fewer than", "no more than"), ("up to", "from"),
    ("a minimum of", "a maximum of"), ("exactly", "about half of"),
)  # fmt: skip
_AMOUNTS: Final = (
    "Do I get a discount for {c} {n} items?", "is a deposit due for stays of {c} {n} nights", "Which plans allow {c} {n} users?",
    "What if {c} {n} students sign up?", "who has to approve orders of {c} {n} units",
)  # fmt: skip
_DEGREES: Final = (
    ("more expensive", "less expensive"), ("more reliable", "less reliable"), ("stricter", "more lenient"), ("the most popular", "the least popular"),
    ("better paid", "worse paid"), ("the second best", "the best"), ("quieter", "louder"),
)  # fmt: skip
_THINGS: Final = (
    "Which of the offices is {d} this year?", "why are the trains here {d} in winter", "Is the new contract {d} than the old one?",
    "find me a hotel that is {d}, near the lake",
)  # fmt: skip
_EQUALS: Final = (("as heavy as", "heavier than"), ("as old as", "older than"))
_MEASURED_BY: Final = (
    "Is the new model {d} the last one?",
    "was the left box {d} the right one after all",
    "find me a bike that is {d} mine",
)
_REPLACED: Final = {
    "sides": (("before", "after"), ("until", "since"), ("above", "below"), ("during", "after"), ("within", "outside"), ("toward", "away from"),
              ("inside", "outside"), ("without", "with"), ("under", "over")),
    "quantity": (("all", "some"), ("every", "no"), ("each", "one"), ("always", "sometimes"), ("any", "all"), ("many", "few"), ("both", "neither"),
                 ("most", "hardly any"), ("usually", "rarely"), ("only", "not only")),
    "modality": (("must", "may"), ("should", "cannot"), ("can", "must"), ("could", "should"), ("will", "did"), ("did", "will"), ("may", "has to")),
}  # fmt: skip
_MONEY: Final = (
    ("Swedish krona", "Norwegian krone"), ("pesos", "reais"), ("zloty", "forint"), ("baht", "ringgit"), ("won", "yen"), ("rand", "naira"),
    ("SEK", "DKK"), ("bitcoin", "ether"), ("Canadian dollars", "Australian dollars"), ("shekels", "dirhams"), ("PLN", "CZK"), ("lira", "leu"),
)  # fmt: skip
_PAID: Final = (
    "How much is {n} {m} today?", "can the rent be paid in {m}", "Do you charge a fee on {n} {m}?", "Where do I get {m} in cash?",
    "why was I billed {n} {m} instead", "open a savings account in {m}",
)  # fmt: skip
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
_CAUSES: Final = (
    ("the alarm rang", "the door was opened"), ("the price fell", "customers left"), ("she resigned", "the merger failed"),
    ("the server restarted", "the update was installed"), ("he was fined", "he refused to pay"), ("the river rose", "the bridge was shut"),
    ("the patient slept", "the fever dropped"), ("taxes were raised", "the shops closed"),
)  # fmt: skip
_JOINED: Final = (
    ("Is it right that {a} because {b}?", False), ("did it happen that {a} only if {b}", False), ("I heard that {a} so that {b}. True?", False),
    ("Could it be that {a} before {b}?", False), ("Suppose {a} unless {b}. What follows?", False),
    ("What if {a} even though {b}?", False), ("What follows from this: if {a}, then {b}?", False),
)  # fmt: skip


_SUBJECT: Final = r"(?:the|a|an|this|that|these|my|your|his|her|our|their|i|you|he|she|it|we|they) (?!mean\b)"
_HALVES: Final = re.compile(
    rf"(?:^|(?<=[.?!] ))(if|because|when|whenever|unless|although) ({_SUBJECT}[^,.?!:_{{}}]+?) ?, ({_SUBJECT}[^,.?!:_{{}}]+?)(?= ?[.?!]|$)",
    re.IGNORECASE,
)
"""A sentence of two statements, each with its subject first: turned around it is still a sentence."""


def number_words(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Numbers in words, of real texts and compound ones."""
    words = re.compile(rf"\b({'|'.join(_WRITTEN)})\b")
    yield from _in_texts("number words", questions, words, lambda found: _other(_WRITTEN, found, chance))
    for one, other in _COMPOUND:
        for text in _COUNTED:
            yield _said("number words", text.format(one), text.format(other), chance)


def compound_units(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """The same number of another unit that is made of several."""
    del questions
    for one, other in _COMPOUND_UNITS:
        for text in _MEASURED:
            number = chance.randrange(2, 400)
            yield _said("compound units", text.format(n=number, u=one), text.format(n=number, u=other), chance)


def calendar(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Ordinals, quarters, decades, times, and before for after."""
    years = re.compile(r"\b(?:1[6-9]|20)\d\d\b")
    yield from _in_texts("calendar", questions, years, lambda year: str(int(year) + chance.choice((-10, -1, 1, 2, 10))))
    for one, other in _CALENDAR:
        for text in _DATED:
            yield _said("calendar", text.format(d=one), text.format(d=other), chance)


def mined_names(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """A name of one text in the place of another text's."""
    pattern = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}\b(?! [A-Z])")
    names = sorted({name for text in questions for name in pattern.findall(text)})
    yield from _in_texts("mined names", questions, pattern, lambda found: _other(names, found, chance))


def passive_roles(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Who it is done to, and by whom."""
    del questions
    for text in _PASSIVE:
        for _ in range(25):
            one, other = chance.sample(_NOUNS, 2)
            yield _said("passive roles", text.format(a=one, b=other), text.format(a=other, b=one), chance)


def scope_of_negation(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Not all, and all not."""
    del questions
    for one, other in _SCOPE:
        for noun in _PLURALS:
            yield _said("scope of negation", one.format(n=noun), other.format(n=noun), chance)


def comparatives(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """More and less, of numbers and of qualities."""
    del questions
    for one, other in _COMPARED:
        for text in _AMOUNTS:
            for _ in range(3):
                number = chance.randrange(3, 80)
                yield _said("comparatives", text.format(c=one, n=number), text.format(c=other, n=number), chance)
    for one, other in _DEGREES:
        for text in _THINGS:
            yield _said("comparatives", text.format(d=one), text.format(d=other), chance)
    for one, other in _EQUALS:
        for text in _MEASURED_BY:
            yield _said("comparatives", text.format(d=one), text.format(d=other), chance)


def sides(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Before and after, within and outside, in real texts."""
    yield from _replaced("sides", questions, chance)


def quantity(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """All and some, always and sometimes, in real texts."""
    yield from _replaced("quantity", questions, chance)


def modality(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """What one must, may, did and will, in real texts.

    Not right behind `how`, `what` or `where`: `how can I` and `how must I` ask for the same.
    """
    yield from _replaced("modality", questions, chance, behind=r"(?<!how )(?<!what )(?<!where )", ahead=r"(?!'| \d)")


def currencies(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Other money."""
    del questions
    for one, other in _MONEY:
        for text in _PAID:
            number = chance.randrange(20, 900)
            yield _said("currencies", text.format(n=number, m=one), text.format(n=number, m=other), chance)


def products(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another version, size or make of a product."""
    del questions
    for one, other in _PRODUCTS:
        for text in _USED:
            yield _said("products", text.format(p=one), text.format(p=other), chance)


def conditions(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """What depends on what, turned around."""
    for text in _sample(questions, chance):
        match = _HALVES.search(text)
        if match and 3 <= len(match.group(2).split()) <= 12 and 3 <= len(match.group(3).split()) <= 12:
            turned = f"{match.group(1)} {match.group(3)}, {match.group(2)}"
            yield Twin("conditions", text, text[: match.start()] + turned + text[match.end() :])
    for text, _ in _JOINED:
        for one, other in _CAUSES:
            yield _said("conditions", text.format(a=one, b=other), text.format(a=other, b=one), chance)


def who_whom(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Who did it, and to whom it was done."""
    del questions
    verbs = (
        ("call", "called"),
        ("invite", "invited"),
        ("beat", "beat"),
        ("vote out", "voted out"),
        ("pay", "paid"),
        ("hire", "hired"),
    )
    for plain, past in verbs:
        for noun in _NOUNS:
            tail = chance.choice(("", " last week", " in the end", " at the fair"))
            yield _said("who whom", f"who did the {noun} {plain}{tail}?", f"who {past} the {noun}{tail}?", chance)


FRESH: Final[tuple[Generator, ...]] = (
    number_words, compound_units, calendar, mined_names, passive_roles, scope_of_negation, comparatives, sides, quantity,
    modality, currencies, products, conditions, who_whom,
)  # fmt: skip


def _said(kind: str, one: str, other: str, chance: random.Random) -> Twin:
    return Twin(kind, chance.choice(_ROUND).format(one), chance.choice(_ROUND).format(other))


def _sample(questions: Sequence[str], chance: random.Random) -> list[str]:
    return chance.sample(list(questions), len(questions))


def _other(names: Sequence[str], than: str, chance: random.Random) -> str:
    return chance.choice([name for name in names if name != than])


def _in_texts(
    kind: str, questions: Sequence[str], pattern: re.Pattern[str], other: Callable[[str], str]
) -> Iterator[Twin]:
    """In as many real texts as there are, the first place that the pattern finds."""
    made = 0
    for text in questions:
        match = pattern.search(text)
        if match and made < _EACH:
            made += 1
            yield Twin(kind, text, text[: match.start()] + other(match.group()) + text[match.end() :])


def _replaced(
    kind: str, questions: Sequence[str], chance: random.Random, *, behind: str = "", ahead: str = ""
) -> Iterator[Twin]:
    """One word of a real text by its counterpart, as often for each pair of words as for the others."""
    for one, other in _REPLACED[kind]:
        made = 0
        for text in _sample(questions, chance):
            found = re.subn(rf"{behind}\b{one}\b{ahead}", other, text, count=1)
            if found[1] and made < _EACH // 8:
                made += 1
                yield Twin(kind, text, found[0])
