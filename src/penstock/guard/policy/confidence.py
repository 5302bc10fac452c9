# ruff: noqa: E501 - tables of expressions read best as one line each
"""Whether an answer is surer of itself than anybody can be: claims without exception, and without a word of doubt.

Judged sentence by sentence, whole answers; English and German.  It sees wording, and knows nothing of what is true.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from penstock.guard.patterns.expressions import compiled, sound
from penstock.guard.verdict import Finding

_SENTENCE: Final = re.compile(r"[.!?\n]")  # one character at a time: linear whatever the text is

_ABSOLUTE: Final = compiled(
    r"\b(?:without (?:a |any )?(?:doubt|question|exception|fail)|undoubtedly|unquestionably|indisputabl[ey]|definitely|certainly|absolutely|obviously"
    r"|guaranteed|100 ?%|hundred percent|always works?|never fails?|no one (?:can|could|would)|nobody (?:can|could|would)|everyone knows|everybody knows"
    r"|it is (?:a )?(?:certain|clear|proven fact|fact) that|(?:the|is) only (?:possible )?(?:explanation|answer|way|solution|reason)|impossible"
    r"|there is no (?:doubt|question|way|chance)|i am (?:100 ?%|absolutely|completely|totally) (?:sure|certain)|the (?:undisputed|definitive) (?:truth|answer|fact)"
    r"|zweifellos|zweifelsfrei|ohne (?:jeden )?zweifel|ohne ausnahme|definitiv|mit (?:absoluter )?sicherheit|ganz sicher|absolut sicher|hundertprozentig|garantiert"
    r"|selbstverständlich|unbestreitbar|eindeutig|es steht fest|(?:jeder|jede) weiß|niemand kann|unmöglich|die einzige (?:erklärung|lösung|möglichkeit|antwort))\b",
    ignores_case=True,
)
_HEDGE: Final = compiled(
    r"\b(?:may|might|could|perhaps|possibly|probably|likely|unlikely|seems?|seemingly|appears?|suggests?|i think|i believe|in my (?:view|opinion)|as far as i know"
    r"|generally|usually|typically|often|sometimes|mostly|in most cases|approximately|roughly|about|around|estimated?|not (?:entirely |completely |absolutely )?(?:sure|certain|clear)"
    r"|uncertain|it depends|depending on|can vary|to my knowledge|not (?:definitely|certainly|necessarily|always|guaranteed|impossible|absolutely)|almost|nearly"
    r"|vielleicht|möglicherweise|wahrscheinlich|vermutlich|eventuell|könnten?|dürften?|scheint|scheinen|meines wissens|soweit ich weiß|in der regel|meist(?:ens)?|normalerweise"
    r"|üblicherweise|häufig|oft|manchmal|ungefähr|etwa|circa|ca|geschätzt|kommt darauf an|je nach|nicht (?:ganz |völlig |unbedingt |zwingend )?(?:sicher|eindeutig|definitiv|unmöglich|garantiert))\b",
    ignores_case=True,
)
_USUAL: Final = 2.0


class Overconfidence(msgspec.Struct, frozen=True):
    """`score` is 0 to 1: none, up to every sentence being absolute.  `findings` are the absolute words."""

    score: float
    findings: tuple[Finding, ...] = ()


def overconfidence(answer: str) -> Overconfidence:
    """Sentences with an absolute word and no hedge, against those with a hedge and two more."""
    absolute = hedged = 0
    found: list[Finding] = []
    for begin, sentence in _sentences(sound(answer).replace("\u2019", "'")):
        hedge = _HEDGE.search(sentence)
        match = _ABSOLUTE.search(sentence)
        if hedge is not None:
            hedged += 1
        elif match is not None and not sentence.rstrip().endswith("?"):
            absolute += 1
            found.append(Finding("policy.overconfidence", "ABSOLUTE", begin + match.start(), begin + match.end()))
    score = absolute / (absolute + hedged + _USUAL)
    return Overconfidence(score, tuple(Finding(each.rule, each.kind, each.begin, each.end, score) for each in found))


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    begin = 0
    for end in _SENTENCE.finditer(text):
        if end.end() > begin + 1:
            yield begin, text[begin : end.end()]
        begin = end.end()
    if begin < len(text):
        yield begin, text[begin:]
