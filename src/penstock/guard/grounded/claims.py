# ruff: noqa: E501, RUF001 - expressions read best as one line each; texts have marks that look like others
"""Splits an answer into what it states: sentences, and in them clauses that can be right or wrong on their own.

What states nothing about the matter is no claim: greetings, questions, offers of help, what the assistant says of itself
or of its sources ("according to the handbook"), headings and code.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from penstock.guard.grounded.lexicon import VERBS
from penstock.guard.grounded.marks import Mark, Unmarked, unmarked
from penstock.guard.grounded.sentences import Kind, Sentence, sentences
from penstock.guard.grounded.words import Word, read

_FRAME: Final = re.compile(
    r"(?i)^(?:(?:(?:no|nein)(?:\s?[,.!:;]+|(?=\s+(?:i|you|he|she|it|we|they|there|that|but|ich|du|er|sie|es|wir|aber)\b))"
    r"|(?:yes|sure|certainly|of course|absolutely|great question|good question|well|okay|ok|thanks for asking|happy to help|ja|gerne|natürlich|klar)[,.!:;]*)\s+)*"
    r"(?:(?:according to|based on|as (?:stated|described|mentioned|noted|outlined|explained|per)(?: in| by)?|per|from what|in|laut|gemäß|nach|wie in)\s+"
    r"(?:the |our |your |these |this |my |dem |der |den |die |unserem |unserer )?(?:[\w'’-]+ ){0,4}?(?:handbook|document(?:s|ation)?|sources?|context|passages?|text|information|page|pages|guide|articles?|excerpts?|search results|knowledge base|handbuch|dokument(?:e|en|ation)?|quellen?|unterlagen|texte?s?)"
    r"(?: (?:provided|above|given|beschrieben|you (?:provided|shared)|states|says)| i (?:found|have|see)){0,2}\s*[,:]\s*(?:that )?)?"
    r"(?:(?:here(?:'s| is| are) what (?:i found|the (?:handbook|sources?|documents?) says?)|i found (?:that|the following)|the (?:handbook|documents?|sources?|documentation|text|passages?|context) (?:states?|says?|mentions?|explains?|notes?|describes?) that|please note that|note that|it(?:'s| is) (?:worth noting|important to note) that|in short|in summary|to summarize|to sum up|overall|das handbuch sagt, dass|kurz gesagt|zusammengefasst)\s*[,:]?\s*)?"
)
_NOTHING: Final = re.compile(
    r"(?i)^(?:"
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|welcome|thank(?:s| you)|you(?:'re| are) welcome|sure|certainly|of course|absolutely|great|good question|great question|no problem|my pleasure|hallo|guten (?:tag|morgen|abend)|danke|gerne|bitte|vielen dank)\b[^.!?]{0,60}[.!:]?"
    r"|(?:i hope|hope) (?:this|that|it)\b.{0,80}|(?:please )?(?:let me know|feel free|don't hesitate|do not hesitate|reach out)\b.{0,160}"
    r"|(?:if you (?:have|need|want|would like|'d like)\b.{0,80}(?:let me know|feel free|ask|happy to|glad to|i can|reach out|don't hesitate|just say)\b.{0,80})"
    r"|(?:is there|would you like|do you (?:want|need)|can i|may i|shall i|how can i)\b.*|(?:i(?:'d| would|'m| am)? (?:be )?(?:happy|glad) to|i can (?:also )?(?:help|look|tell you more)|let me\b|i(?:'ll| will) (?:be happy|try|do my best|explain|summarize|walk))\b.{0,160}"
    r"|(?:i am|i'm) (?:an? |just |only |sorry|afraid|not (?:entirely |completely |fully )?(?:sure|certain)|unable|here to)\b.{0,160}|as an? (?:ai|language model|assistant)\b.{0,200}|i (?:do not|don't|cannot|can't|could not|couldn't) (?:have|find|know|see|answer|provide|confirm|access|locate|tell)\b.{0,240}"
    r"|(?:unfortunately,? |sorry,? (?:but )?)(?:i|we|the (?:document|source|passage|context|handbook|text|information|provided))\b.{0,240}"
    r"|(?:however, |but |unfortunately, )?(?:the|these|none of the|no) (?:provided |given |available )?(?:documents?|sources?|passages?|context|handbook|text|excerpts?|information)(?: provided| given| available)? (?:does not|doesn't|do not|don't|did not|is not|isn't|are not|aren't|contains? no|has no|have no|says? nothing|mentions?(?= no))\b.{0,240}"
    r"|(?:here(?:'s| is| are)|below (?:is|are)|these are|this is|the following (?:is|are)|hier (?:ist|sind)|folgende)\b[^.!?]{0,120}:"
    r"|(?:ich hoffe|melden sie sich|falls sie (?:weitere )?fragen|wenn sie (?:weitere )?fragen|ich (?:kann|habe|weiß|bin) (?:das |dazu |leider |keine |nicht |mir ).{0,160}|leider (?:habe|kann|enthält|enthalten|steht|finde).{0,200}|gern geschehen|kann ich|möchten sie|soll ich)\b.{0,160}"
    r")$"
)
_SPLIT: Final = re.compile(
    r";\s+|\s[–—]\s|,\s+(?:and|but|while|whereas|although|though|so|yet|und|aber|während|sondern|wobei|obwohl)\s+|,?\s+(?:whereas|sowie auch)\s+"
)
_VERBAL: Final = re.compile(
    r"[^\W\d_]{3,}(?:ed|ses|tes|des|res|ves|nes|les|ces|ges)$|[^\W\d_]{2,}(?:iert|ieren|te|ten)$"
)
_LEAST_CHARS: Final = 3
_LEAST_WORDS_OF_A_CLAUSE: Final = 3
_MARKUP: Final = re.compile(r"[*_`>#|]+")


@dataclass(frozen=True, slots=True)
class Claim:
    """Something an answer states.  `text` is without marks; `begin` to `end` is its place in the answer as it came.

    `at` is its place in `Answer.text`, `cited` are the labels that its sentence cites, in order; empty where it cites
    nothing.  `sentence` counts the sentences of its answer from 0.
    """

    text: str
    begin: int
    end: int
    at: tuple[int, int]
    cited: tuple[str, ...]
    sentence: int
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of an answer: `begin` to `end` as it came, with the marks that belong to it, and its claims, if any."""

    begin: int
    end: int
    kind: Kind
    cited: tuple[str, ...]
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is the answer without its marks: what an encoder is to read, in one pass."""

    text: str
    sentences: tuple[Said, ...]
    marks: tuple[Mark, ...] = ()
    claims: tuple[Claim, ...] = field(default=())


def split(text: str) -> Answer:
    """Never raises.  An answer that states nothing has no claims, which is not that all of it is supported."""
    bare = unmarked(text)
    found = [each for each in sentences(bare.text) if bare.text[each.begin : each.end].strip(" .\n")]
    cited = _cited(bare, [(each.begin, each.end) for each in found])
    said: list[Said] = []
    for number, (each, labels) in enumerate(zip(found, cited, strict=True)):
        claims = tuple(
            Claim(
                bare.text[begin:end],
                bare.origin(begin),
                bare.origin(end - 1) + 1,
                (begin, end),
                labels,
                number,
                each.kind,
            )
            for begin, end in _stated(bare.text, each.begin, each.end, each.kind)
        )
        begin, end = bare.origin(each.begin), bare.origin(each.end - 1) + 1
        said.append(Said(begin, _with_marks(bare, begin, end, found, number), each.kind, labels, claims))
    return Answer(bare.text, tuple(said), bare.marks, tuple(claim for each in said for claim in each.claims))


def _with_marks(bare: Unmarked, begin: int, end: int, found: list[Sentence], number: int) -> int:
    """The end of a sentence with the marks that follow it before the next begins."""
    limit = bare.origin(found[number + 1].begin) if number + 1 < len(found) else len(bare.text) + (1 << 30)
    for mark in bare.marks[bisect_left(bare.marks, begin, key=lambda each: each.begin) :]:
        if mark.begin > end + 1 or mark.end > limit:
            break
        end = max(end, mark.end)
    return end


def _cited(bare: Unmarked, spans: list[tuple[int, int]]) -> list[tuple[str, ...]]:
    """A mark belongs to the sentence that it stands in, or behind."""
    found: list[dict[str, None]] = [{} for _ in spans]
    for mark, place in zip(bare.marks, bare.places, strict=True):
        at = max(bisect_left(spans, place, key=lambda each: each[0]) - 1, 0)
        if spans:
            found[at].update(dict.fromkeys(mark.labels))
    return [tuple(each) for each in found]


def _stated(text: str, begin: int, end: int, kind: Kind) -> Iterator[tuple[int, int]]:
    """The claims of one sentence, by their places."""
    if kind in {"heading", "code"}:
        return
    plain = text[begin:end].replace("’", "'")
    shown = _MARKUP.sub("", plain).strip()
    if len(shown) < _LEAST_CHARS or shown.endswith("?") or _NOTHING.match(shown):
        return
    frame = _FRAME.match(plain)
    if frame is not None:
        begin += frame.end()
    words = read(text[begin:end])
    if not any(not word.is_function and not word.is_number for word in words):
        return
    if kind == "text" and text[begin:end].rstrip().endswith(":") and len(words) < 3 * _LEAST_WORDS_OF_A_CLAUSE:
        return
    if kind == "row":
        yield begin, end
        return
    yield from _clauses(text, begin, end, words)


def _clauses(text: str, begin: int, end: int, words: list[Word]) -> Iterator[tuple[int, int]]:
    first = begin
    for match in _SPLIT.finditer(text, begin, end):
        left = [word for word in words if first <= begin + word.begin < match.start()]
        right = [word for word in words if begin + word.begin >= match.end()]
        if _is_clause(left) and _is_clause(right):
            yield first, match.start()
            first = match.end()
    if first < end:
        yield first, end


def _is_clause(words: list[Word]) -> bool:
    """Whether the words have a verb of their own, after something that it can be said of."""
    if len(words) < _LEAST_WORDS_OF_A_CLAUSE or all(word.is_function for word in words):
        return False
    return any(at > 0 and (word.lower in VERBS or _VERBAL.match(word.lower)) for at, word in enumerate(words[:8]))
