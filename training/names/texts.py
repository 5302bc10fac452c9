"""Texts to learn from beside the labelled sets: frames filled with names, labelled texts with other names, and texts
that have none.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec

from training.names.addresses import address
from training.names.listed import frames, listed
from training.names.sets import FOLDER, Span, Text
from training.names.values import Chance, first_name, noun, organisation, people, person, place, surname

_KIND: Final[Mapping[str, str]] = {
    "P": "PERSON",
    "F": "PERSON",
    "S": "PERSON",
    "L": "LOCATION",
    "O": "ORGANIZATION",
    "A": "STREET_ADDRESS",
    "N": "NRP",
}
_MONTHS_EN: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MONTHS_DE: Final = (
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
)
_SLOT: Final = re.compile(r"\{([PFSLOAND#MTRKWYH])\}")
_FULL_NAME: Final = re.compile(r"\{F\} \{S\}")
_SHARE_CHANGED: Final = 0.85
_LONGEST_SNIPPET: Final = 600


def filled(seed: int, times: int) -> Iterator[Text]:
    """Each frame `times` times; one without a place for a name once.  What is drawn depends on the frame alone."""
    for german in (False, True):
        for frame in frames(german=german):
            for number in range(times if _SLOT.search(frame) else 1):
                yield fill(frame, Chance(f"{seed} {number} {frame}"), german=german)


def fill(frame: str, chance: Chance, *, german: bool) -> Text:
    parts: list[str] = []
    spans: list[Span] = []
    at = last = 0
    joined = {match.start(): match.end() for match in _FULL_NAME.finditer(frame)}
    matches = list(_SLOT.finditer(frame))
    skipped = False
    for match in matches:
        if skipped:
            skipped = False
            continue
        before = frame[last : match.start()]
        parts.append(before)
        at += len(before)
        last = match.end()
        slot = match[1]
        value = _drawn(slot, chance, german=german)
        if match.start() in joined:
            value += " " + surname(chance, german=german)
            last, skipped = joined[match.start()], True
        if slot in _KIND:
            spans.append(Span(at, at + len(value), _KIND[slot]))
        parts.append(value)
        at += len(value)
    parts.append(frame[last:])
    return Text("".join(parts), tuple(spans), f"frame {frame}", "german" if german else "english")


def _drawn(slot: str, chance: Chance, *, german: bool) -> str:
    match slot:
        case "P":
            return person(chance, german=german)
        case "F":
            return first_name(chance, german=german)
        case "S":
            return surname(chance, german=german)
        case "L":
            return place(chance, german=german)
        case "O":
            return organisation(chance, german=german)
        case "A":
            return address(chance, german=german)
        case "N":
            return people(chance, german=german)
        case "D":
            return _date(chance, german=german)
        case "T":
            return chance.choice(("+49 ", "0", "(555) ", "+1-")) + str(chance.randrange(10**6, 10**9))
        case "R":
            return chance.choice(listed("roles_de"))
        case "K":
            return chance.choice(listed("kinds_de"))
        case "W":
            return noun(chance)
        case "Y":
            return chance.choice(listed("technical"))
        case "H":
            return chance.choice(listed("headers"))
        case "M":
            return f"user{chance.randrange(999)}@example.{chance.choice(('com', 'org', 'de'))}"
        case _:
            return str(chance.randrange(1, 60))


def _date(chance: Chance, *, german: bool) -> str:
    day, month, year = chance.randrange(1, 29), chance.randrange(12), chance.randrange(1900, 2030)
    name = (_MONTHS_DE if german else _MONTHS_EN)[month]
    if german:
        return chance.choice(
            (f"{day}. {name} {year}", f"{day:02d}.{month + 1:02d}.{year}", str(year), f"{day}. {name}")
        )
    ways = (f"{name} {day}, {year}", f"{day} {name} {year}", f"{month + 1}/{day}/{year}", str(year), f"{name} {year}")
    return chance.choice(ways)


def changed(text: Text, seed: int, *, german: bool) -> Text:
    """The same text with other names, of about the same form.  What is drawn depends on the text alone."""
    chance = Chance(f"{seed} {text.text}")
    parts: list[str] = []
    spans: list[Span] = []
    at = last = 0
    for span in sorted(text.spans):
        if span.begin < last:
            continue
        before = text.text[last : span.begin]
        old = text.text[span.begin : span.end]
        new = _like(old, span.kind, chance, german=german) if chance.random() < _SHARE_CHANGED else old
        parts += [before, new]
        at += len(before)
        spans.append(Span(at, at + len(new), span.kind))
        at += len(new)
        last = span.end
    parts.append(text.text[last:])
    return Text("".join(parts), tuple(spans), text.group, text.origin)


def _like(old: str, kind: str, chance: Chance, *, german: bool) -> str:
    own = german if chance.random() < 0.8 else not german
    match kind:
        case "PERSON" if " " not in old:
            new = first_name(chance, german=own) if chance.random() < 0.4 else surname(chance, german=own)
        case "PERSON":
            new = next(name for name in iter(lambda: person(chance, german=own), "") if _is_full(name))
        case "LOCATION":
            new = place(chance, german=own)
        case "ORGANIZATION":
            new = organisation(chance, german=own)
        case "STREET_ADDRESS":
            new = address(chance, german=own)
        case _:
            new = people(chance, german=german)
    if old.islower() and kind != "NRP":
        return new.lower()
    return new.upper() if old.isupper() and len(old) > 5 else new


def _is_full(name: str) -> bool:
    """Not turned round, either: that is for forms and lists, not for sentences."""
    return " " in name and "," not in name


def without_names(seed: int, number: int) -> Iterator[Text]:
    """Customers' questions, and pieces of code: what is written in capitals there is hardly ever a name."""
    chance = Chance(seed)
    with (FOLDER / "cache" / "banking77_train.csv").open(encoding="utf-8", newline="") as file:
        questions = [row[0] for row in csv.reader(file)][1:]
    for question in chance.sample(questions, number):
        yield Text(question, (), f"banking {question[:20]}", "banking")
    chunks = msgspec.json.decode((FOLDER / "rag" / "code_chunks.json").read_bytes())
    for chunk in chance.sample(_strings(chunks), number // 2):
        begin = chance.randrange(max(1, len(chunk) - _LONGEST_SNIPPET))
        yield Text(chunk[begin : begin + chance.randrange(80, _LONGEST_SNIPPET)], (), f"code {chunk[:20]}", "code")


def _strings(value: Any) -> list[str]:
    """Every long text in it."""
    if isinstance(value, str):
        return [value] if len(value) > 80 else []
    if isinstance(value, list):
        return [each for part in cast("list[Any]", value) for each in _strings(part)]
    if isinstance(value, dict):
        return [each for part in cast("dict[str, Any]", value).values() for each in _strings(part)]
    return []
