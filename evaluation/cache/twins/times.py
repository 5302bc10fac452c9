# ruff: noqa: E501 - tables of words read best as lines of words, and sentences in one piece
"""Twins that differ in when: another day, hour or year, how often, and whether it was or will be."""

import random
import re
from collections.abc import Iterator, Sequence
from typing import Final

from evaluation.cache.twins.fillings import DATED, DAYS, MONTHS, drawn
from evaluation.cache.twins.twin import FIFTH, SIXTH, THIRD, Twin, in_texts, said

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
_HOURS: Final = re.compile(r"\b(1[0-2]|[1-9]) ?(am|pm|o'clock)\b")
_ACTIONS: Final = (
    ("send", "sent"), ("ship", "shipped"), ("pay", "paid"), ("cancel", "cancelled"), ("write", "written"), ("build", "built"),
    ("choose", "chosen"), ("repair", "repaired"), ("inspect", "inspected"), ("draw", "drawn"),
)  # fmt: skip
_OBJECTS: Final = (
    "the contract", "my replacement", "that invoice", "the spare keys", "our tickets", "a second copy", "the boiler",
    "the quarterly figures",
)  # fmt: skip
_TENSES: Final = (
    ("have you {done} {thing}?", "will you {do} {thing}?"),
    ("has somebody {done} {thing} by now", "will somebody {do} {thing} by now"),
    ("when are you going to {do} {thing}?", "when did you {do} {thing}?"),
    ("Who has {done} {thing}?", "Who will {do} {thing}?"),
    ("I have {done} {thing}, is that all right?", "I will {do} {thing}, is that all right?"),
    ("were you able to {do} {thing}?", "will you be able to {do} {thing}?"),
)
_OFTEN: Final = (
    ("daily", "weekly"), ("every hour", "every other hour"), ("once a month", "twice a month"), ("always", "never"), ("often", "seldom"),
    ("all year round", "in summer only"), ("from time to time", "all the time"),
)  # fmt: skip
_DONE_OFTEN: Final = (
    "Is the pool cleaned {x}?", "what does it cost to have the paper delivered {x}", "does the ferry to the island run {x}",
    "Should orchids be watered {x}?", "My heart skips a beat {x}: is that bad?", "why do the bells ring {x}",
)  # fmt: skip


def dates(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another day or month."""
    for template in DATED:
        for names, field in ((MONTHS, "m"), (DAYS, "d")):
            if f"{{{field}}}" not in template:
                continue
            for _ in range(10):
                values = drawn(chance)
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


def calendar(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Ordinals, quarters, decades, times, and before for after."""
    years = re.compile(r"\b(?:1[6-9]|20)\d\d\b")
    yield from in_texts("calendar", questions, years, lambda year: str(int(year) + chance.choice((-10, -1, 1, 2, 10))))
    for one, other in _CALENDAR:
        for text in _DATED:
            yield said("calendar", text.format(d=one), text.format(d=other), chance, phrases=THIRD)


def hours(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """Another hour of the day."""
    for text in questions:
        match = _HOURS.search(text)
        if match:
            hour = chance.choice([each for each in range(1, 13) if each != int(match.group(1))])
            yield Twin("hours", text, text[: match.start()] + f"{hour} {match.group(2)}" + text[match.end() :])


def tenses(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """What was done, and what will be."""
    del questions
    for one, other in _TENSES:
        for do, done in _ACTIONS:
            for thing in chance.sample(_OBJECTS, 4):
                yield said(
                    "tenses",
                    one.format(do=do, done=done, thing=thing),
                    other.format(do=do, done=done, thing=thing),
                    chance,
                    phrases=FIFTH,
                )


def frequencies(questions: Sequence[str], chance: random.Random) -> Iterator[Twin]:
    """How often."""
    del questions
    for one, other in _OFTEN:
        for text in _DONE_OFTEN:
            yield said("frequencies", text.format(x=one), text.format(x=other), chance, phrases=SIXTH)
