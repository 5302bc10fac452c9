# ruff: noqa: ARG001, SIM905 - all makers have one form; lists of words read best so
"""Makes right and invented answers over sections of the handbook, by kinds that are named.

Right: `verbatim` copies one to three sentences; `shortened` leaves out what stands in brackets, after `, which`, or as
an example; `synonyms` puts words in others' place, and number words for figures; `joined` makes one sentence of two;
`framed` adds polite words and citations.  Not in `FITTED`, and so fitted on by nobody: `reordered` changes the order of
sentences and of clauses with `if` and `when`; `listed` makes items of a list; `spoken_of` turns `we` into `they` or the
company; `reworded` takes the other half of the synonyms, and shortens and reorders.

Invented, one claim each, in an answer that else is right: `number`, `date`, `name` (by one of another page), `negation`
(put in or taken out), `added` (a sentence of another page), `detail` (a noun of another page for one), `extrapolated`
(a sentence that goes further).  Not in `FITTED`: `attributed` (a name of the same section for another), `opposite`,
`stronger` (`may` to `must`), `deed` (a verb of another page for one), `extrapolated_on` (the other half of those
sentences).
"""

import random
import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from penstock.guard.grounded.lexicon import MONTHS, NUMBER_WORDS, WEEKDAYS
from penstock.guard.grounded.words import read
from training.grounded_exchanged import NOUN, TAUGHT_INVENTED, TAUGHT_RIGHT, VERB, Maker, exchanged, with_one
from training.grounded_pages import Section, sections
from training.grounded_phrases import CLOSINGS, EXTRAPOLATIONS, OPENINGS, OPPOSITES, STRONGER, SYNONYMS

FITTED: Final = frozenset(
    "verbatim shortened synonyms joined framed number date name negation added extrapolated detail".split()
)
TAUGHT: Final = frozenset({*TAUGHT_RIGHT, *TAUGHT_INVENTED})
"""Kinds that only teach (`grounded_exchanged`): fitted on like `FITTED`, and left out where all kinds are counted."""
_MOST_TRIES: Final = 40
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_MONTHS: Final = ("January", "February", "March", "April", "June", "July", "August", "September", "October", "November")
_WORDS_OF: Final = {value: word for word, value in list(NUMBER_WORDS.items())[2:13]}


@dataclass(frozen=True, slots=True)
class Made:
    """`passages` are (title, text), the section that was answered from among them."""

    kind: str
    is_right: bool
    answer: str
    passages: tuple[tuple[str, str], ...]
    page: str
    is_for_tests: bool


def make(count: int, seed: int, *, for_tests: bool, kinds: frozenset[str] | None = None) -> list[Made]:
    """`count` answers of each kind, of pages that are (not) `for_tests`; all but `TAUGHT` where none are named."""
    draw = random.Random(seed)
    of = [each for each in sections() if each.is_for_tests == for_tests]
    found: list[Made] = []
    for kind, maker in (*RIGHT.items(), *INVENTED.items(), *TAUGHT_RIGHT.items(), *TAUGHT_INVENTED.items()):
        if kind in TAUGHT if kinds is None else kind not in kinds:
            continue
        made = 0
        for _ in range(count * _MOST_TRIES):
            if made == count:
                break
            section = draw.choice(of)
            number = draw.choice((1, 2, 2, 3))
            at = draw.randrange(max(len(section.good) - number, 0) + 1)
            answer = maker(draw, list(section.good[at : at + number]), section)
            if answer is None:
                continue
            is_right = kind in RIGHT or kind in TAUGHT_RIGHT
            found.append(Made(kind, is_right, answer, _passages(draw, section, of), section.page, section.is_for_tests))
            made += 1
    return found


def _passages(draw: random.Random, section: Section, of: list[Section]) -> tuple[tuple[str, str], ...]:
    """The section with two more: one of its page where there is one, one of another."""
    same = [each for each in of if each.page == section.page and each is not section]
    more = [draw.choice(same or of), draw.choice(of)]
    shown = [section, *(each for each in more if each is not section)]
    draw.shuffle(shown)
    return tuple((" > ".join(each.heading), each.text) for each in shown)


def _verbatim(draw: random.Random, said: list[str], section: Section) -> str | None:
    return " ".join(said)


def _shortened(draw: random.Random, said: list[str], section: Section) -> str | None:
    short = [_short(each) for each in said]
    return " ".join(short) if short != said else None


def _short(each: str) -> str:
    short = re.sub(r"\s\([^)]*\)", "", each)
    short = re.sub(r",? (?:such as|for example|including|e\.g\.)[^.;]*(?=\.$)", "", short)
    short = re.sub(r", which [^.,;]*(?=\.$)", "", short)
    short = re.sub(
        r"^(?:However|Additionally|Also|Finally|In addition|Therefore|Generally|Ideally|Typically), (\w)",
        lambda m: m[1].upper(),
        short,
    )
    return short if len(short.split()) > 4 else each


def _put(draw: random.Random, said: list[str], pairs: list[tuple[str, str]], most: int) -> tuple[list[str], int]:
    changed = 0
    found: list[str] = []
    for each in said:
        now = each
        for one, other in draw.sample(pairs, len(pairs)):
            if changed >= most:
                break
            put = re.sub(rf"\b{re.escape(one)}\b", other, now, count=1)
            changed += put != now
            now = put
        found.append(now)
    return found, changed


def _synonyms(draw: random.Random, said: list[str], section: Section) -> str | None:
    found, changed = _put(draw, said, list(SYNONYMS[::2]), 3)
    counted = [re.sub(r"\b([2-9])\b(?![.,:/-])", lambda m: _WORDS_OF[int(m[1])], each) for each in found]
    return " ".join(counted) if changed or counted != found else None


def _joined(draw: random.Random, said: list[str], section: Section) -> str | None:
    one, other = draw.choice(section.good), draw.choice(section.good)
    if one == other:
        return None
    low = other if read(other)[0].is_name or other.startswith("I ") else other[0].lower() + other[1:]
    return one[:-1] + draw.choice((", and ", "; ", ", while ")) + low


def _framed(draw: random.Random, said: list[str], section: Section) -> str | None:
    opening = draw.choice(OPENINGS)
    first = said[0] if opening.endswith(("! ", ". ")) or read(said[0])[0].is_name else said[0][0].lower() + said[0][1:]
    marks = (
        [f"{each[:-1]} [{draw.randint(1, 3)}]." for each in (first, *said[1:])]
        if draw.random() < 0.5
        else [first, *said[1:]]
    )
    return opening + " ".join(marks) + (draw.choice(CLOSINGS) if draw.random() < 0.7 else "")


def _reordered(draw: random.Random, said: list[str], section: Section) -> str | None:
    turned = [_turned(each) for each in said]
    if turned == said and len(said) < 2:
        return None
    return " ".join(reversed(turned))


def _turned(each: str) -> str:
    match = re.fullmatch(r"(If|When|Once|Before|After|While) ([^,]+), (\w)([^.]*)\.", each)
    if match:
        return f"{match[3].upper()}{match[4]} {match[1].lower()} {match[2]}."
    match = re.fullmatch(r"(\w)([^,.]{20,}) (if|when|once|because) ([^,.]{12,})\.", each)
    return f"{match[3].capitalize()} {match[4]}, {match[1].lower()}{match[2]}." if match else each


def _listed(draw: random.Random, said: list[str], section: Section) -> str | None:
    return "Here is what the handbook says:\n" + "\n".join(f"- {each}" for each in said) if len(said) > 1 else None


def _spoken_of(draw: random.Random, said: list[str], section: Section) -> str | None:
    who, whose = draw.choice((("they", "their"), ("Sourcegraph", "Sourcegraph's"), ("the company", "its")))
    found = [
        re.sub(
            r"\bWe\b",
            who[0].upper() + who[1:],
            re.sub(r"\bwe\b", who, re.sub(r"\b[Oo]ur\b", whose, re.sub(r"\bus\b", "them", each))),
        )
        for each in said
    ]
    return " ".join(found) if found != said else None


def _reworded(draw: random.Random, said: list[str], section: Section) -> str | None:
    found, changed = _put(draw, [_turned(_short(each)) for each in said], list(SYNONYMS[1::2]), 4)
    return " ".join(reversed(found)) if changed else None


def _number(draw: random.Random, said: list[str], section: Section) -> str | None:
    def change(each: str) -> str | None:
        found = [*re.finditer(r"(?<![\w.,/-])\d+(?:[.,]\d+)?(?![\w/-]|[.,]\d)", each)]
        words = [match for match in re.finditer(r"\b[a-z]+\b", each) if match[0] in _WORDS_OF.values()]
        if not found and not words:
            return None
        match = draw.choice([*found, *words])
        if match[0].isalpha():
            new = draw.choice([word for word in _WORDS_OF.values() if word != match[0]])
        else:
            value = float(match[0].replace(",", ""))
            new = f"{round(value * draw.choice((0.5, 2, 3)) + draw.choice((1, 2))):d}"
        if new == match[0] or re.search(rf"\b{new}\b", section.text):
            return None
        return each[: match.start()] + new + each[match.end() :]

    return with_one(draw, said, change)


def _date(draw: random.Random, said: list[str], section: Section) -> str | None:
    def change(each: str) -> str | None:
        for match in re.finditer(r"\b[A-Z][a-z]+days?\b|\b[A-Z][a-z]{2,8}\b|\b(?:19|20)\d\d\b", each):
            lower = match[0].lower()
            if lower in WEEKDAYS:
                new = draw.choice(_WEEKDAYS)
            elif lower in MONTHS and lower != "may":
                new = draw.choice(_MONTHS)
            elif match[0].isdigit():
                new = str(int(match[0]) + draw.choice((-3, -2, -1, 1, 2)))
            else:
                continue
            if new not in section.text:
                return each[: match.start()] + new + each[match.end() :]
        return None

    return with_one(draw, said, change)


@cache
def _names(*, for_tests: bool) -> tuple[str, ...]:
    found = {
        word.text
        for each in sections()
        if each.is_for_tests == for_tests
        for said in each.good
        for word in read(said)
        if word.is_name and len(word.text) > 2 and word.text.isalpha()
    }
    return tuple(sorted(found))


def _renamed(draw: random.Random, said: list[str], section: Section, names: list[str]) -> str | None:
    def change(each: str) -> str | None:
        mine = [word for word in read(each) if word.is_name and word.text.isalpha() and len(word.text) > 2]
        others = [name for name in names if name not in each]
        if not mine or not others:
            return None
        word = draw.choice(mine)
        return each[: word.begin] + draw.choice(others) + each[word.begin + len(word.text) :]

    return with_one(draw, said, change)


def _name(draw: random.Random, said: list[str], section: Section) -> str | None:
    names = [each for each in _names(for_tests=section.is_for_tests) if each not in section.text]
    return _renamed(draw, said, section, names)


def _attributed(draw: random.Random, said: list[str], section: Section) -> str | None:
    names = sorted({word.text for each in section.good for word in read(each) if word.is_name and word.text.isalpha()})
    return _renamed(draw, said, section, [each for each in names if len(each) > 2])


_DENIED: Final = re.compile(r"\b(is|are|was|were|can|will|must|should|does|do|may|has|have)( not|n't)?\b(?! to\b)")


def _negation(draw: random.Random, said: list[str], section: Section) -> str | None:
    def change(each: str) -> str | None:
        found = [match for match in _DENIED.finditer(each) if match[1] not in {"has", "have", "do", "does"} or match[2]]
        if not found:
            return None
        match = draw.choice(found)
        new = match[1] if match[2] else f"{match[1]} not" if match[1] != "can" else "cannot"
        return each[: match.start()] + new + each[match.end() :]

    return with_one(draw, said, change)


def _added(draw: random.Random, said: list[str], section: Section) -> str | None:
    other = draw.choice([each for each in sections() if each.is_for_tests == section.is_for_tests])
    extra = draw.choice(other.good)
    if other.page == section.page or extra in section.text:
        return None
    at = draw.randint(1, len(said))
    return " ".join([*said[:at], extra, *said[at:]])


def _extrapolated(draw: random.Random, said: list[str], section: Section) -> str | None:
    return " ".join([*said, draw.choice(EXTRAPOLATIONS[::2])])


def _extrapolated_on(draw: random.Random, said: list[str], section: Section) -> str | None:
    return " ".join([*said, draw.choice(EXTRAPOLATIONS[1::2])])


def _replaced(pairs: tuple[tuple[str, str], ...]) -> Maker:
    def made(draw: random.Random, said: list[str], section: Section) -> str | None:
        def change(each: str) -> str | None:
            for one, other in draw.sample(pairs, len(pairs)):
                now = re.sub(rf"\b{one}\b", other, each, count=1)
                if now != each:
                    return now
            return None

        return with_one(draw, said, change)

    return made


RIGHT: Final[dict[str, Maker]] = {
    "verbatim": _verbatim, "shortened": _shortened, "synonyms": _synonyms, "joined": _joined, "framed": _framed,
    "reordered": _reordered, "listed": _listed, "spoken_of": _spoken_of, "reworded": _reworded,
}  # fmt: skip
INVENTED: Final[dict[str, Maker]] = {
    "number": _number, "date": _date, "name": _name, "negation": _negation, "added": _added,
    "extrapolated": _extrapolated, "attributed": _attributed, "opposite": _replaced(OPPOSITES),
    "stronger": _replaced(STRONGER),
    "detail": exchanged(NOUN),
    "deed": exchanged(VERB),
    "extrapolated_on": _extrapolated_on,
}  # fmt: skip
