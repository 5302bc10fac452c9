# ruff: noqa: E501, ARG001, SIM905 - all makers have one form; patterns read best in one piece
"""Makers that put one word for another, or turn words round: invented answers, and right ones that look like them.

Invented: `quality` (an adjective or an adverb of another page for one), `things` (a noun in the plural of another page
for one), `nearby` (a noun of the same section for another), `turned_round` (two nouns of a sentence for each other),
`unit` (`days` for `weeks`), `tied` (a preposition for another).  What is put in is about as frequent in the handbook as
what it stands for.  No verb is exchanged, nor a word by its opposite, nor `may` by `must`: these are left out on
purpose, to be tested on.

Right: `possessive` says `the team's goal` for `the goal of the team`; `turned_active` says who does something for what
is done by whom; `addressed` names whom `you` means; `retied` puts for words that tie others what means the same.
"""

import random
import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Final

from training.grounded_pages import Section, sections
from training.grounded_phrases import OPPOSITES, STRONGER

Maker = Callable[[random.Random, list[str], Section], str | None]

NOUN: Final = r"\b(?:the|a) ([a-z]{5,})(?= (?:of|for|to|in|on|is|and)|\.)"
VERB: Final = r"\b(?:to|will|can|should|must|please) ([a-z]{4,})(?= (?:the|a|an|your|our|any|all)\b)"
_QUALITY: Final = (
    r"\b(?:a|an|the|our|your|their|is|are|be|more|most|very|and) "
    r"([a-z]{2,}(?:al|ive|ous|ful|able|ible|ic|ent|ant|ary|less|ly))(?= [a-z]{3,}|\.)"
)
_THINGS: Final = (
    r"\b(?:our|your|their|all|any|other|these|those|of|for|with|new|the) ([a-z]{4,}[^\Wsu]s)\b(?! (?:the|a|an)\b)"
)
_UNIT: Final = r"\b(minute|hour|day|week|month|quarter|year)(s?)\b"
_UNITS: Final = ("minute", "hour", "day", "week", "month", "quarter", "year")
_TIED: Final = (
    r"\b(to|from|for|by|with|about|under|through|into)(?= (?:the|a|an|our|your|their|this|these|all|[A-Z])\b)"
)
_TIES: Final = ("to", "from", "for", "by", "about", "under", "against", "behind", "through", "into")
_MEANT: Final = ("teammates", "employees", "people", "staff", "everyone", "engineers", "managers")
_TIED_ALIKE: Final = tuple(
    tuple(each.split("="))
    for each in (
        "will=is going to|will=are going to|can=is able to|can=are able to|should=ought to|through=by means of|"
        "through=via|during=in the course of|within=inside|while=whereas|although=even though|although=though|but=yet|"
        "when=whenever|only=solely|for=on behalf of|all=all of|among=amongst|until=till|upon=on|into=in|if=provided that|"
        "via=through|over=across|any=whichever|so that=in order that|no longer=not any more|"
        "under=in accordance with|both=the two|some=a few|more than=over"
    ).split("|")
)
_MOST_TIED: Final = 2
_LEFT_OUT: Final = frozenset(word for pair in (*OPPOSITES, *STRONGER) for word in pair)
_LOOKED_AT: Final = 6
_TURN: Final = re.compile(r"(?:\W|and|or|the|a|an|our|your)*")


def with_one(draw: random.Random, said: list[str], change: Callable[[str], str | None]) -> str | None:
    """The answer with one of its sentences changed."""
    for at in draw.sample(range(len(said)), len(said)):
        now = change(said[at])
        if now is not None and now != said[at]:
            return " ".join([*said[:at], now, *said[at + 1 :]])
    return None


@cache
def _counts(form: str, *, for_tests: bool) -> Counter[str]:
    """What the form finds in the sentences of all pages, and how often."""
    return Counter(
        match[1]
        for each in sections()
        if each.is_for_tests == for_tests
        for said in each.good
        for match in re.finditer(form, said)
    )


@cache
def words(form: str, *, for_tests: bool) -> tuple[str, ...]:
    """Behind an article mostly nouns, behind `to` mostly verbs."""
    return tuple(sorted(_counts(form, for_tests=for_tests)))


def exchanged(form: str) -> Maker:
    """By any word of that form."""

    def made(draw: random.Random, said: list[str], section: Section) -> str | None:
        def change(each: str) -> str | None:
            found = [*re.finditer(form, each)]
            if not found:
                return None
            match = draw.choice(found)
            word = draw.choice(words(form, for_tests=section.is_for_tests))
            return None if word in section.text else each[: match.start(1)] + word + each[match.end(1) :]

        return with_one(draw, said, change)

    return made


def _like(form: str) -> Maker:
    """By one that is about as frequent."""

    def made(draw: random.Random, said: list[str], section: Section) -> str | None:
        counts = _counts(form, for_tests=section.is_for_tests)

        def change(each: str) -> str | None:
            found = [match for match in re.finditer(form, each) if match[1] not in _LEFT_OUT]
            if not found:
                return None
            match = draw.choice(found)
            others = draw.sample(words(form, for_tests=section.is_for_tests), _LOOKED_AT)
            fit = [each for each in others if each not in section.text and each not in _LEFT_OUT]
            if not fit:
                return None
            word = min(fit, key=lambda other: abs(counts[other] - counts[match[1]]))
            return each[: match.start(1)] + word + each[match.end(1) :]

        return with_one(draw, said, change)

    return made


def _nearby(draw: random.Random, said: list[str], section: Section) -> str | None:
    others = sorted({match[1] for form in (NOUN, _THINGS) for match in re.finditer(form, section.text)})

    def change(each: str) -> str | None:
        found = [*re.finditer(NOUN, each), *re.finditer(_THINGS, each)]
        fit = [other for other in others if other not in each]
        if not found or not fit:
            return None
        match = draw.choice(found)
        return each[: match.start(1)] + draw.choice(fit) + each[match.end(1) :]

    return with_one(draw, said, change)


def _turned_round(draw: random.Random, said: list[str], section: Section) -> str | None:
    def change(each: str) -> str | None:
        found = sorted((*re.finditer(NOUN, each), *re.finditer(_THINGS, each)), key=lambda match: match.start(1))
        pairs = [
            (one, other)
            for one, other in pairwise(found)
            if one[1] != other[1]
            and one.end(1) < other.start(1)
            and not _TURN.fullmatch(each[one.end(1) : other.start(1)])
        ]
        if not pairs:
            return None
        one, other = draw.choice(pairs)
        between = each[one.end(1) : other.start(1)]
        return each[: one.start(1)] + other[1] + between + one[1] + each[other.end(1) :]

    return with_one(draw, said, change)


def _unit(draw: random.Random, said: list[str], section: Section) -> str | None:
    def change(each: str) -> str | None:
        found = [*re.finditer(_UNIT, each)]
        if not found:
            return None
        match = draw.choice(found)
        word = draw.choice([unit for unit in _UNITS if unit not in section.text] or [""])
        return each[: match.start()] + word + match[2] + each[match.end() :] if word else None

    return with_one(draw, said, change)


def _tied(draw: random.Random, said: list[str], section: Section) -> str | None:
    def change(each: str) -> str | None:
        found = [*re.finditer(_TIED, each)]
        if not found:
            return None
        match = draw.choice(found)
        word = draw.choice([tie for tie in _TIES if tie != match[1]])
        return each[: match.start()] + word + each[match.end() :]

    return with_one(draw, said, change)


_OF: Final = re.compile(
    r"\b(?:the|The) (?!rest|kind|type|sort|number|lot|end|use)([a-z]{4,}) of (the|our|your|each) ([a-z]{3,}[^s\W])(?=[.,]| (?:is|are|and|for|in)\b)"
)


def _possessive(draw: random.Random, said: list[str], section: Section) -> str | None:
    now = [_OF.sub(lambda match: f"{match[2]} {match[3]}'s {match[1]}", each) for each in said]
    return " ".join(each[:1].upper() + each[1:] for each in now) if now != said else None


_DONE: Final = re.compile(
    r"(?P<what>(?:The|Our|Your|A|An|All|Each|This|These|[A-Z][a-z]+) [^,;:]{2,60}?|It|They)(?<! that)(?<! which)(?<! who) "
    r"(?P<is>is|are|should be|must be|will be|can be) (?P<done>[a-z]{3,}ed) by (?P<who>(?:the|our|your|a|an|each|all) [^,;:]{2,60}|[A-Z][^,;:]{2,60})\."
)


@cache
def _known_words() -> frozenset[str]:
    return frozenset(word for each in sections() for said in each.good for word in re.findall(r"[a-z]{3,}", said))


def _base(done: str) -> str | None:
    """`review` of `reviewed`, `manage` of `managed`; None where neither is a word of the handbook."""
    forms = (done[:-1], done[:-2]) if done[-3] in "cgsuvz" else (done[:-2], done[:-1])
    return next((form for form in forms if form in _known_words()), None)


def _turned_active(draw: random.Random, said: list[str], section: Section) -> str | None:
    def change(each: str) -> str | None:
        match = _DONE.fullmatch(each)
        base = _base(match["done"]) if match is not None else None
        if match is None or base is None:
            return None
        does = match["is"].removesuffix(" be") + f" {base}" if match["is"].endswith("be") else f"{base}s"
        what, who = match["what"], match["who"]
        return f"{who[0].upper()}{who[1:]} {does} {what[0].lower()}{what[1:]}."

    return with_one(draw, said, change)


def _addressed(draw: random.Random, said: list[str], section: Section) -> str | None:
    who = draw.choice(_MEANT)
    found = [
        re.sub(r"\bYou\b", who.capitalize(), re.sub(r"\byou\b", who, re.sub(r"\b[Yy]our\b", "their", each)))
        for each in said
    ]
    return " ".join(found) if found != said else None


def _retied(draw: random.Random, said: list[str], section: Section) -> str | None:
    changed = 0
    found: list[str] = []
    for each in said:
        now = each
        for one, other in draw.sample(_TIED_ALIKE, len(_TIED_ALIKE)):
            put = re.sub(rf"\b{one}\b", other, now, count=1) if changed < _MOST_TIED else now
            changed += put != now
            now = put
        found.append(now)
    return " ".join(found) if changed else None


TAUGHT_INVENTED: Final[dict[str, Maker]] = {
    "quality": _like(_QUALITY), "things": _like(_THINGS), "nearby": _nearby, "turned_round": _turned_round,
    "unit": _unit, "tied": _tied,
}  # fmt: skip
TAUGHT_RIGHT: Final[dict[str, Maker]] = {
    "possessive": _possessive, "turned_active": _turned_active, "addressed": _addressed,
    "retied": _retied,
}  # fmt: skip
