"""Checks that need no model: each says how good an answer is in one respect, 0 to 1, and in one word why.

A check that has nothing to say of an answer says nothing: claims that nobody traced are not supported claims.  What
looks at words is given by `app`, since words are the guard's.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Final

import msgspec

from penstock.config.quality import Check
from penstock.watch.quality.seen import Choice, Seen
from penstock.watch.quality.verdicts import PASSED, WHOLE, Verdict

_TOKEN: Final = re.compile(r"<[A-Z][A-Z_]*(?:_\d+)?>")
"""What masking puts in a value's place; where a number stood, it makes JSON invalid that was not."""
_OPEN_MARK: Final = re.compile(r"(?:\[\^?\d{1,3}(?:\s?[,;]\s?\d{1,3}){0,9}|【[^【】]{0,40})\Z")
"""A mark of a source that was never closed."""
_REFUSAL: Final = 0.5
_LEAST_USUAL: Final = 50
"""Answers after which an assistant's usual length is known."""
_REMEMBERED: Final = 1_000
"""About as many answers count for what is usual: what is older fades."""
_FAR: Final = 3.5
"""Standard deviations of the logarithm of the length."""
_LEAST_DEVIATION: Final = 0.15
_LANGUAGES: Final = re.compile(
    r"\b(?:translat\w*|übersetz\w*|tradu[iczstr]\w*|vertaal\w*|vertal\w*|tłumacz\w*|перев[её]\w*|翻译|翻訳"
    r"|english|german|french|spanish|italian|portuguese|dutch|polish|turkish|russian|chinese|japanese|korean|arabic"
    r"|englisch\w*|deutsch\w*|französisch\w*|spanisch\w*|italienisch\w*|portugiesisch\w*|niederländisch\w*"
    r"|anglais\w*|allemand\w*|français\w*|espagnol\w*|italien\w*|inglés|alemán|francés|español|inglese|tedesco|francese"
    r"|language|sprache|langue|idioma|lingua)\b",
    re.IGNORECASE,
)
"""Who speaks of languages may want another one: then nothing is said."""
UNUSUAL: Final = PASSED
"""An unusual length alone makes no answer bad."""


@dataclass(frozen=True, slots=True)
class Found:
    """`score` is in thousandths."""

    check: str
    score: int
    verdict: Verdict

    @property
    def is_passed(self) -> bool:
        return self.score >= PASSED


class Usual(msgspec.Struct, frozen=True):
    """How long an assistant's answers are: mean and variance of the logarithm of their characters."""

    answers: int = 0
    mean: float = 0.0
    variance: float = 0.0

    def and_one(self, chars: int) -> "Usual":
        """With one answer more; what is older than a thousand of them counts less and less."""
        weight = 1.0 / min(self.answers + 1, _REMEMBERED)
        off = log(max(chars, 1)) - self.mean
        return Usual(self.answers + 1, self.mean + weight * off, (1.0 - weight) * (self.variance + weight * off * off))

    def judge(self, chars: int) -> Verdict | None:
        """None while too few are known."""
        if self.answers < _LEAST_USUAL:
            return None
        far = (log(max(chars, 1)) - self.mean) / max(sqrt(self.variance), _LEAST_DEVIATION)
        return "too_long" if far > _FAR else "too_short" if far < -_FAR else "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What reads words: how likely a text is a refusal, whether it goes round in circles, which language it is in (None
    where that cannot be said, or nobody asks).
    """

    refusal: Callable[[str], float]
    is_loop: Callable[[str], bool]
    language: Callable[[str], str | None]


class Checks:
    """For any thread: it keeps nothing."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._by_name: Mapping[Check, Callable[[Seen], Iterator[tuple[int, Verdict]]]] = {
            "empty": self._empty,
            "cut": self._cut,
            "refusal": self._refusal,
            "loop": self._loop,
            "format": self._format,
            "citations": self._citations,
            "language": self._language,
            "grounded": self._grounded,
            "confidence": self._confidence,
        }

    def of(self, seen: Seen, wanted: Sequence[Check], usual: Usual) -> list[Found]:
        """Of an answer with several choices the worst counts."""
        found: list[Found] = []
        for name in wanted:
            told = list(self._length(seen, usual)) if name == "length" else list(self._by_name[name](seen))
            if told:
                score, verdict = min(told, key=lambda each: each[0])
                found.append(Found(name, score, verdict))
        return found

    def _empty(self, seen: Seen) -> Iterator[tuple[int, Verdict]]:
        for each in seen.choices or (Choice(text="", calls=False, finish=None),):
            is_empty = not each.text.strip() and not each.calls
            if is_empty and seen.is_cut:
                continue  # there was more than may be kept
            yield _told(not is_empty, "empty")

    def _cut(self, seen: Seen) -> Iterator[tuple[int, Verdict]]:
        for each in seen.choices:
            if each.finish == "content_filter":
                yield 0, "filtered"
            elif each.finish is not None:
                yield _told(each.finish != "length", "cut_off")

    def _refusal(self, seen: Seen) -> Iterator[tuple[int, Verdict]]:
        for text in _texts(seen):
            likely = self._words.refusal(text)
            score = round(WHOLE * (1.0 - likely))
            yield (min(score, PASSED - 1), "refusal") if likely >= _REFUSAL else (max(score, PASSED), "good")

    def _loop(self, seen: Seen) -> Iterator[tuple[int, Verdict]]:
        for text in _texts(seen):
            yield _told(not self._words.is_loop(text), "loop")

    def _format(self, seen: Seen) -> Iterator[tuple[int, Verdict]]:
        if not seen.wants_json or seen.is_cut:
            return
        for each in seen.choices:
            if each.text.strip() or not each.calls:
                yield _told(_is_json(each.text), "invalid_json")

    def _citations(self, seen: Seen) -> Iterator[tuple[int, Verdict]]:
        """Marks that named no source, or that were left open; only where answers cite."""
        told = seen.told
        if told.citations is None:
            return
        unknown = told.unknown_citations + sum(_OPEN_MARK.search(text) is not None for text in _texts(seen))
        if told.citations + unknown:
            score = round(WHOLE * told.citations / (told.citations + unknown))
            yield score, "good" if unknown == 0 else "broken_citations"

    def _length(self, seen: Seen, usual: Usual) -> Iterator[tuple[int, Verdict]]:
        if seen.is_cut:
            return
        for text in _texts(seen):
            verdict = usual.judge(len(text))
            if verdict is not None:
                yield WHOLE if verdict == "good" else UNUSUAL, verdict

    def _language(self, seen: Seen) -> Iterator[tuple[int, Verdict]]:
        if seen.wants_json or _LANGUAGES.search(seen.wishes) is not None:
            return
        asked = self._words.language(seen.question)
        for text in _texts(seen) if asked is not None else ():
            said = self._words.language(text)
            if said is not None:
                yield _told(said == asked, "wrong_language")

    def _grounded(self, seen: Seen) -> Iterator[tuple[int, Verdict]]:
        told = seen.told
        if told.supported is None:
            return
        claims = told.supported + told.contradicted + told.not_found
        if claims:
            score = round(WHOLE * told.supported / claims)
            bad: Verdict = "contradicted" if told.contradicted else "ungrounded"
            yield score, "good" if score == WHOLE else bad

    def _confidence(self, seen: Seen) -> Iterator[tuple[int, Verdict]]:
        sure = seen.told.confidence
        if sure is not None:
            score = min(max(round(WHOLE * sure), 0), WHOLE)
            yield score, "good" if score >= PASSED else "unsure"


def chars_of(seen: Seen) -> int | None:
    """How long the answer is, for what is usual; None where that says nothing."""
    if seen.is_cut or not seen.choices or not seen.choices[0].text.strip():
        return None
    return len(seen.choices[0].text)


def _texts(seen: Seen) -> Iterator[str]:
    return (each.text for each in seen.choices if each.text.strip())


def _told(is_good: bool, verdict: Verdict) -> tuple[int, Verdict]:  # noqa: FBT001 - what was found out
    return (WHOLE, "good") if is_good else (0, verdict)


def _is_json(text: str) -> bool:
    if _reads(text):
        return True
    plain = _TOKEN.sub("0", text)
    return plain != text and _reads(plain)


def _reads(text: str) -> bool:
    try:
        msgspec.json.decode(text.encode("utf-8", "surrogatepass"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True
