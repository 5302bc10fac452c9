"""Figures, amounts and dates of a text, as values: `three`, `3` and `3.0` are one, `3 days` and `3 weeks` are not."""

import re
from typing import Final, NamedTuple

from penstock.guard.grounded.lexicon import AMBIGUOUS, LOOSE_NUMBERS, MONTHS, NUMBER_WORDS, SCALES, UNITS, WEEKDAYS

_FIGURE: Final = re.compile(
    r"(?P<iso>\b\d{4}-\d{2}-\d{2}\b)"
    r"|(?:(?P<money>[$€£¥])\s?)?(?P<figure>(?<![A-Za-z\d.,])(?<![A-Za-z]-)\d+(?:[.,:]\d+)*)"
    r"(?P<ordinal>st\b|nd\b|rd\b|th\b|\.(?=\s[JFMASOND][a-zä]{2}))?(?![\d])(?:\s?-?(?P<next>%|°[CF]|[€£$]|[^\W\d_]+))?(?:\s?-?(?P<unit>[^\W\d_]+))?"
    r"|(?P<word>[^\W\d_]+)"
)
_GROUPED: Final = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_CONTINENTAL: Final = re.compile(r"\d{1,3}(?:\.\d{3})+,\d+")
_LEAST_YEAR: Final = 1_500
_MOST_YEAR: Final = 2_100
_MOST_DAY: Final = 31
_ROUNDING: Final = 0.01


class Value(NamedTuple):
    """`kind` is `number`, `year`, `month`, `weekday` or `day`; `unit` is empty where none is said."""

    kind: str
    amount: float
    unit: str
    begin: int
    end: int


def values(text: str) -> list[Value]:
    """In order; a figure that is part of a name (`GPT-4`, `B2`) is none."""
    found: list[Value] = []
    last_word = ""
    for match in _FIGURE.finditer(text):
        if match["iso"]:
            year, month, day = (int(part) for part in match["iso"].split("-"))
            spot = match.span("iso")
            found += [Value("year", year, "", *spot), Value("month", month, "", *spot), Value("day", day, "", *spot)]
            continue
        if match["word"]:
            last_word = match["word"]
            value = _of_word(text, match["word"], match.start("word"))
            if value is not None:
                found.append(value)
            continue
        found.extend(_of_figure(match, last_word))
        for part in ("next", "unit"):
            value = _of_word(text, match[part], match.start(part)) if match[part] else None
            if value is not None and value.kind in {"month", "weekday"}:
                found.append(value)
        last_word = ""
    return found


def _of_figure(match: re.Match[str], before: str) -> list[Value]:
    amount = _amount(match["figure"])
    if amount is None:
        return []
    following = (match["next"] or "").lower()
    unit = UNITS.get(match["money"] or "", "")
    spot = match.span("figure")
    if (following in SCALES and following not in {"m", "b"}) or (unit and following in SCALES):
        amount *= SCALES[following]
        following = (match["unit"] or "").lower()
    unit = unit or UNITS.get(following, "")
    if match["ordinal"] or following in MONTHS or (before.lower() in MONTHS and amount <= _MOST_DAY):
        return [Value("day" if amount <= _MOST_DAY else "number", amount, "", *spot)]
    is_year = (
        not unit and "," not in match["figure"] and "." not in match["figure"] and _LEAST_YEAR <= amount <= _MOST_YEAR
    )
    return [Value("year" if is_year else "number", amount, unit, *spot)]


def _of_word(text: str, word: str, begin: int) -> Value | None:
    lower = word.lower()
    spot = (begin, begin + len(word))
    if lower in WEEKDAYS:
        return Value("weekday", WEEKDAYS[lower], "", *spot)
    if lower in MONTHS:
        is_meant = lower not in AMBIGUOUS or (
            word[0].isupper() and begin > 0 and text[begin - 2 : begin - 1] not in ".!?\n"
        )
        if lower == "may":
            is_meant = is_meant and bool(
                re.match(r"\s\d", text[spot[1] :]) or re.search(r"\d(?:th|st|nd|rd)?\.?\s$", text[:begin])
            )
        return Value("month", MONTHS[lower], "", *spot) if is_meant else None
    if lower in NUMBER_WORDS and lower not in LOOSE_NUMBERS:
        amount = float(NUMBER_WORDS[lower])
        following = re.match(r"[\s-]+([^\W\d_]+)(?:\s+([^\W\d_]+))?", text[spot[1] :])
        unit = ""
        if following is not None:
            next_word = following[1].lower()
            if next_word in SCALES and len(next_word) > 1:
                amount *= SCALES[next_word]
                next_word = (following[2] or "").lower()
            elif next_word == "hundred":
                amount *= 100
                next_word = (following[2] or "").lower()
            unit = UNITS.get(next_word, "")
        return Value("number", amount, unit, *spot)
    return None


def _amount(figure: str) -> float | None:
    if ":" in figure:
        hours, _, minutes = figure.partition(":")
        return float(hours) + float(minutes) / 60 if minutes.isdigit() and len(hours) < 3 else None
    if _CONTINENTAL.fullmatch(figure):
        return float(figure.replace(".", "").replace(",", "."))
    if _GROUPED.fullmatch(figure):
        return float(re.sub(r"[.,]", "", figure))
    plain = figure.replace(",", ".") if figure.count(",") == 1 and "." not in figure else figure.replace(",", "")
    try:
        return float(plain)
    except ValueError:
        return None  # a version, as in 1.2.3: compared as a word


def agrees(one: Value, other: Value) -> bool:
    """Whether one may be said for the other; a unit that only one of them names does not part them."""
    kinds = {one.kind, other.kind}
    if len(kinds) > 1 and not kinds <= {"number", "year", "day"}:
        return False
    if one.unit and other.unit and one.unit != other.unit:
        return False
    slack = _ROUNDING * abs(other.amount) if "number" in kinds and other.amount != round(other.amount) else 0.0
    return abs(one.amount - other.amount) <= slack
