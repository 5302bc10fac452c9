# ruff: noqa: SIM905 - tables of words read best as lines of words
"""Adversarial twins: a real question and one that differs from it in a single thing that changes the answer.

The generators in this module were looked at while the verifier was written; those of `unseen_twins` were not.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Twin:
    """`kind` is the generator's name."""

    kind: str
    question: str
    twin: str


Generator = Callable[[Sequence[str], random.Random], Iterator[Twin]]

_NUMBER: Final = re.compile(r"\b\d{1,4}\b(?![:.,]\d)")
_SMALL: Final = frozenset("a b my the one his her your another me you it".split())
_MONTHS: Final = tuple("January February March April June July August September October November December".split())
_DAYS: Final = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())
_CITIES: Final = tuple(
    "Paris London Berlin Madrid Rome Vienna Chicago Boston Denver Seattle Tokyo Sydney Lisbon Oslo".split()
)
_PEOPLE: Final = tuple("Alice Bob Carol David Emma Frank Grace Henry Irene Jack Maria Peter".split())
_COMPANIES: Final = tuple("Siemens Toyota Nokia Intel Boeing Airbus Samsung Sony Pfizer Nestle Ford Dell".split())
_UNITS: Final = (
    ("miles", "kilometers"), ("pounds", "kilograms"), ("dollars", "euros"), ("hours", "days"), ("weeks", "months"),
    ("Celsius", "Fahrenheit"), ("inches", "centimeters"), ("gallons", "liters"), ("minutes", "seconds"), ("MB", "GB"),
)  # fmt: skip
_NEGATE: Final = (
    (r"\bcan I\b", "can't I"), (r"\bcan i\b", "can't i"), (r"\bis\b", "is not"), (r"\bare\b", "are not"),
    (r"\bdo I\b", "don't I"), (r"\bdoes\b", "does not"), (r"\bwas\b", "was not"), (r"\bwill\b", "will not"),
    (r"\bhave\b", "have not"), (r"\bshould\b", "should not"), (r"\bwith\b", "without"), (r"\bcan\b", "cannot"),
)  # fmt: skip
_NUMBERED: Final = (
    "How do I split a bill between {n} people?", "What is the fee for {n} transfers a month?",
    "Can I book a table for {n} on the terrace?", "What is {n} percent of my salary?",
    "How long does it take to walk {n} steps?", "Remind me in {n} minutes to call back",
    "What happens if I miss {n} payments?", "Give me {n} ideas for a team event",
    "Is a laptop with {n} cores enough for video editing?", "What does error {n} mean?",
)  # fmt: skip
_DATED: Final = (
    "What is the weather like in {c} in {m}?", "Are you open on {d} morning?", "When is the deadline in {m}?",
    "Book a flight to {c} on {d}", "Is the {d} delivery still on time?", "Show my spending for {m}",
    "Which public holidays are there in {m}?", "Move the meeting with {p} to {d}",
)  # fmt: skip
_DIRECTED: Final = (
    "How do I convert {a} to {b}?", "How long is the flight from {c} to {e}?", "Translate this from {l} to {k}",
    "Move the files from {x} to {y}", "How do I migrate from {x} to {y}?", "Transfer money from {s} to {t}",
    "What is the time difference going from {c} to {e}?", "Send the invoice from {p} to {q}",
)  # fmt: skip
_ROLES: Final = (
    "Did {p} pay {q} back?", "Does {p} report to {q}?", "Is {p} taller than {q}?", "Did {f} acquire {g}?",
    "Why did {f} sue {g}?", "Can {p} approve expenses of {q}?", "Is {c} bigger than {e}?", "Who introduced {p} to {q}?",
    "Does {f} supply parts to {g}?", "Has {p} shared the folder with {q}?",
)  # fmt: skip
_LANGUAGES: Final = ("English", "French", "German", "Spanish", "Italian", "Polish", "Dutch")
_STORES: Final = ("MySQL", "Postgres", "Oracle", "Redis", "Dropbox", "SharePoint", "Jira", "Trello")
_ACCOUNTS: Final = ("checking", "savings", "brokerage", "pension", "business")
_MEASURES: Final = ("miles", "kilometers", "pounds", "kilograms", "dollars", "euros", "inches", "centimeters")


def numbers(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another number, in real questions and in templates."""
    for text in questions:
        match = _NUMBER.search(text)
        if match:
            yield Twin(
                "number", text, f"{text[: match.start()]}{_other_number(match.group(), chance)}{text[match.end() :]}"
            )
    for template in _NUMBERED:
        for _ in range(8):
            one, other = chance.sample(range(2, 60), 2)
            yield Twin("number", template.format(n=one), template.format(n=other))


def entities(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another city, person or company in the same sentence."""
    for template in (*_DATED, *_ROLES, *_DIRECTED):
        for names, fields in ((_CITIES, "ce"), (_PEOPLE, "pq"), (_COMPANIES, "fg"), (_STORES, "xy")):
            used = [field for field in fields if f"{{{field}}}" in template]
            if not used:
                continue
            for _ in range(4):
                values = _values(chance)
                changed = dict(values)
                field = chance.choice(used)
                changed[field] = chance.choice([name for name in names if name not in values.values()])
                yield Twin("entity", template.format(**values), template.format(**changed))
    del questions


def negations(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """The same question denied."""
    for text in questions:
        found = [(pattern, with_not) for pattern, with_not in _NEGATE if re.search(pattern, text)]
        if found and not re.search(r"n't|\bnot?\b|never|without", text):
            pattern, with_not = chance.choice(found)
            yield Twin("negation", text, re.sub(pattern, with_not, text, count=1))


def directions(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """From A to B, and from B to A."""
    for template in _DIRECTED:
        for _ in range(14):
            values = _values(chance)
            pairs = (("a", "b"), ("c", "e"), ("l", "k"), ("x", "y"), ("s", "t"), ("p", "q"))
            one, other = next(pair for pair in pairs if f"{{{pair[0]}}}" in template)
            swapped = {**values, one: values[other], other: values[one]}
            yield Twin("direction", template.format(**values), template.format(**swapped))
    for text in questions:
        match = re.search(r"\bfrom (\w+) to (\w+)\b", text)
        if match and _SMALL.isdisjoint(match.groups()):
            swapped_text = f"from {match.group(2)} to {match.group(1)}"
            yield Twin("direction", text, text[: match.start()] + swapped_text + text[match.end() :])


def units(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """The same amount of something else."""
    for one, other in _UNITS:
        for template in (
            "How much is {n} {u} for shipping?", "Convert {n} {u} for me", "Is {n} {u} a lot for a beginner?",
            "What can I get for {n} {u}?", "Why was I told {n} {u} is the limit?", "How many {u} are left on my plan?",
        ):  # fmt: skip
            amount = chance.randrange(2, 90)
            yield Twin("unit", template.format(n=amount, u=one), template.format(n=amount, u=other))
    del questions


def dates(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another day or month."""
    for template in _DATED:
        for names, field in ((_MONTHS, "m"), (_DAYS, "d")):
            if f"{{{field}}}" not in template:
                continue
            for _ in range(10):
                values = _values(chance)
                other = chance.choice([name for name in names if name != values[field]])
                yield Twin("date", template.format(**values), template.format(**{**values, field: other}))
    for text in questions:
        match = re.search(
            r"(?<!the )\b(today|tomorrow|yesterday|this week|next week|last week|monday|friday|january|june)\b(?! \d)",
            text,
        )
        if match:
            others = (
                ["today", "tomorrow", "yesterday"]
                if "day" in match.group()
                else ["this week", "next month", "last year"]
            )
            other = chance.choice([each for each in others if each != match.group()])
            yield Twin("date", text, text[: match.start()] + other + text[match.end() :])


def roles(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Who does it to whom, exchanged."""
    for template in _ROLES:
        for _ in range(14):
            values = _values(chance)
            one, other = next(pair for pair in (("p", "q"), ("f", "g"), ("c", "e")) if f"{{{pair[0]}}}" in template)
            swapped = {**values, one: values[other], other: values[one]}
            yield Twin("roles", template.format(**values), template.format(**swapped))
    del questions


GENERATORS: Final[tuple[Generator, ...]] = (numbers, entities, negations, directions, units, dates, roles)


def _values(chance: random.Random) -> dict[str, str]:
    c, e = chance.sample(_CITIES, 2)
    p, q = chance.sample(_PEOPLE, 2)
    f, g = chance.sample(_COMPANIES, 2)
    x, y = chance.sample(_STORES, 2)
    lang, k = chance.sample(_LANGUAGES, 2)
    s, t = chance.sample(_ACCOUNTS, 2)
    a, b = chance.sample(_MEASURES, 2)
    found = {"c": c, "e": e, "p": p, "q": q, "f": f, "g": g, "x": x, "y": y, "l": lang, "k": k}
    return found | {"s": s, "t": t, "a": a, "b": b, "m": chance.choice(_MONTHS), "d": chance.choice(_DAYS)}


def _other_number(written: str, chance: random.Random) -> str:
    while True:
        other = str(chance.randrange(2, 10 ** len(written)))
        if int(other) != int(written):
            return other
