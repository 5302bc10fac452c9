"""Shortens what a tool answered.  JSON stays JSON: long lists lose rows, long texts their middle, each with a mark.

Of a list the first rows, the last one and those with the question's words stay; rows that say the same are one.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from penstock.core.json import JsonValue, dumps, loads
from penstock.routing.compaction.words import words_of

_CHARS_A_TOKEN: Final = 3.3
"""Of JSON and of plain text alike, on the low side."""
_LEAST_ROWS: Final = 3
_LEAST_TEXT: Final = 80
_MOST_DEPTH: Final = 40
_ROUNDS: Final = 6


def shortened(text: str, max_tokens: int, terms: Mapping[str, float]) -> str | None:
    """`text` in about `max_tokens`; None where it is short enough, or no shorter form of it was found."""
    budget = int(max_tokens * _CHARS_A_TOKEN)
    if len(text) <= budget:
        return None
    value = _json(text)
    if value is None:
        return _cut(text, budget)
    rows, chars = 64, max(_LEAST_TEXT, budget // 2)
    written = text
    for _ in range(_ROUNDS):
        written = dumps(_reduced(value, rows, chars, terms, _MOST_DEPTH)).decode("utf-8", "surrogatepass")
        if len(written) <= budget:
            break
        rows, chars = max(_LEAST_ROWS, rows // 2), max(_LEAST_TEXT, chars // 2)
    return written if len(written) < len(text) else None


def _json(text: str) -> JsonValue:
    """The list or object that a text is; None for any other text."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        value = loads(text.encode("utf-8", "surrogatepass"))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return value if isinstance(value, list | dict) else None


def _reduced(value: JsonValue, rows: int, chars: int, terms: Mapping[str, float], depth: int) -> JsonValue:
    if isinstance(value, str):
        return _cut(value, chars)
    if depth == 0:
        return value
    if isinstance(value, dict):
        return {name: _reduced(inner, rows, chars, terms, depth - 1) for name, inner in value.items()}
    if isinstance(value, list):
        kept = _rows(value, rows, terms)
        written: list[JsonValue] = [_reduced(value[at], rows, chars, terms, depth - 1) for at in kept]
        if len(kept) < len(value):
            written.append(f"[{len(value) - len(kept)} more of {len(value)} left out]")
        return written
    return value


def _rows(values: Sequence[JsonValue], most: int, terms: Mapping[str, float]) -> list[int]:
    """Which rows of a list stay, in order."""
    written = [dumps(each) for each in values]
    last_seen = {text: at for at, text in reversed(list(enumerate(written)))}
    distinct = sorted(last_seen.values())
    if len(distinct) <= most:
        return distinct
    scores = {at: _found(written[at].decode("utf-8", "replace"), terms) for at in distinct}
    ends = [*distinct[: _LEAST_ROWS - 1], distinct[-1]]
    by_score = sorted((at for at in distinct if at not in ends), key=lambda at: -scores[at])  # stable: earlier first
    return sorted([*ends, *by_score[: max(0, most - len(ends))]])


def _found(text: str, terms: Mapping[str, float]) -> float:
    return sum(terms.get(word, 0.0) for word in set(words_of(text)))


def _cut(text: str, chars: int) -> str:
    """The beginning and the end, two to one."""
    if len(text) <= chars:
        return text
    mark = f" [… {len(text) - chars:,} characters left out …] "
    room = max(0, chars - len(mark))
    head = room * 2 // 3
    tail = room - head
    cut = f"{text[:head]}{mark}{text[len(text) - tail :] if tail else ''}"
    return cut if len(cut) < len(text) else text
