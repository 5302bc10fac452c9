"""The tone of an answer, as far as its form and some words tell it: no model, and no word of it is kept.

How long its sentences are and whether it exclaims, has emoji or is laid out shows in every language; whether it
apologises, is courteous or hedges only in those whose words are known (English, German, French, Spanish, Italian).
"""

import re
from typing import Final, NamedTuple

SIGNS: Final = ("exclamations", "emoji", "apologies", "courtesies", "hedges", "layout")
"""What an answer has or has not, in the order in which it is counted."""
_MOST_CHARS: Final = 20_000
"""Of an answer: what follows has the same tone."""
_ENDS: Final = re.compile(r"[.!?\u2026\u3002\uff01\uff1f](?=\s|\Z)|[\u3002\uff01\uff1f]|\n+")
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)
_TOKEN: Final = re.compile(r"<[A-Z][A-Z_]*(?:_\d+)?>")
"""What masking has put in a value's place: its length is not the value's."""
_LAYOUT: Final = re.compile(r"^\s{0,3}(?:[-*+\u2022]\s|\d{1,3}[.)]\s|#{1,6}\s|\|.*\||>\s)|\*\*\S", re.MULTILINE)
_EMOJI: Final = re.compile("[\u2600-\u27bf\u2b50\u2b55\U0001f300-\U0001faff]")
_PATTERNS: Final = (
    re.compile(r"[!\uff01](?=[\s\"'\u201d\u00bb)]|\Z)"),
    _EMOJI,
    re.compile(
        r"\b(?:sorry|apolog\w+|regret\w*|unfortunately|entschuldig\w+|leider|bedauer\w+|verzeih\w*|tut mir leid"
        r"|désol\w+|malheureusement|excus\w+|regrett\w+|lo siento|lamento|lamentablemente|disculp\w+|perdón"
        r"|mi dispiace|ci dispiace|purtroppo|scus\w+)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:please|thank(?:s| you)|you(?:'|\u2019)re welcome|happy to|glad to|feel free|kindly|bitte|dank\w*|gern\w*"
        r"|s(?:'|\u2019)il vous plaît|merci|n(?:'|\u2019)hésitez pas|volontiers|por favor|gracias|con gusto"
        r"|encantad\w+|per favore|grazie|prego|volentieri)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:perhaps|maybe|might|probably|possibly|likely|seems?|appears? to|i think|i believe|not (?:entirely )?sure"
        r"|vielleicht|möglicherweise|eventuell|wahrscheinlich|vermutlich|scheint|peut-être|probablement|sans doute"
        r"|il semble|quizás?|tal vez|probablemente|posiblemente|parece|forse|magari|probabilmente|sembra)\b",
        re.IGNORECASE,
    ),
)


class Tone(NamedTuple):
    """`sentence` is how many characters a sentence has in the mean, `signs` which of `SIGNS` there are."""

    sentence: float
    signs: tuple[bool, ...]


def tone_of(text: str) -> Tone | None:
    """None of what has no sentence: code, links, nothing at all."""
    said = _TOKEN.sub("X", _CODE.sub(" ", text[:_MOST_CHARS]))
    sentences = [each for each in (part.strip() for part in _ENDS.split(said)) if any(map(str.isalpha, each))]
    if not sentences:
        return None
    found = [pattern.search(said) is not None for pattern in _PATTERNS]
    return Tone(sum(map(len, sentences)) / len(sentences), (*found, _LAYOUT.search(said) is not None))
