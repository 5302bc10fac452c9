# ruff: noqa: E501 - tables of expressions read best as one line each
"""Whether an answer declines: the model will not, or cannot, do what it was asked.

A refusal stands at the beginning and has little after it.  A sentence of that kind in a long answer is none, nor is
one after which help follows all the same (“however, here is”).  Rules on words for English, German, French, Spanish and Italian; whole answers.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.guard.patterns.expressions import compiled, sound
from penstock.guard.verdict import Finding

_OPENING_CHARS: Final = 400
_FIRST_CHARS: Final = 150
_SHORT_CHARS: Final = 600
_LONG_CHARS: Final = 2_500

_CANNOT: Final = (
    r"(?:can(?:no|')t|can ?not|won't|will not|am (?:not able|unable) to|'m (?:not able|unable) to|are (?:not able|unable) to"
    r"|am not (?:allowed|permitted|comfortable)|'m not (?:allowed|permitted|comfortable)|must (?:decline|refuse)|have to (?:decline|refuse)"
    r"|do ?n[o']t feel comfortable|refuse to|decline to)"
)
_DO: Final = (
    r"(?:help|assist|provide|do that|do this|answer|fulfil?l|comply|support|engage|discuss|create|generate|write|share|give|offer|participate|continue"
    r"|complete|produce|process|respond|tell you|advise|access|browse|open|carry out)"
)
_STRONG: Final = tuple(
    compiled(expression, ignores_case=True)
    for expression in (
        rf"\b(?:i|we)(?: |')?(?:am )?(?:really |simply |just |also |therefore )?{_CANNOT}(?: [a-z']{{1,15}}){{0,3}} {_DO}\b",
        r"\b(?:i'm|i am|we're|we are) (?:sorry|afraid),?(?: but)?(?: that)? (?:i|we|this|that|it)[^.!?\n]{0,30}(?:can't|cannot|can not|won't|unable|not able|isn't|is not)\b",
        r"\b(?:against|violates?|outside) (?:of )?(?:my|our|the) (?:guidelines|policy|policies|programming|terms|scope|principles|capabilities)\b",
        r"\b(?:sorry|apologi[sz]e|apologies|as an? (?:ai|assistant|language model|virtual assistant|chatbot))\b[^.!?\n]{0,60}\bi (?:do not|don't) have (?:the )?(?:access|ability|capability|permission|information)\b",
        r"\bnot (?:something|a (?:request|topic|thing)) (?:that )?(?:i|we) (?:can|am able|are able|will)\b",
        (
            r"\b(?:ich|wir) (?:kann|können|darf|dürfen|möchte|möchten|werde|werden)[^.!?\n]{0,60}\b(?:nicht|keine[nrsm]?|leider)\b[^.!?\n]{0,80}"
            r"\b(?:helfen|beantworten|unterstützen|weiterhelfen|geben|erstellen|schreiben|bereitstellen|behilflich|nachkommen|erfüllen|anbieten|bieten|tun|machen|verfassen|nennen|zugreifen|sagen)\b"
        ),
        r"\b(?:dabei|damit|hierbei|das|dies) (?:kann|darf|können|dürfen) (?:ich|wir)[^.!?\n]{0,30}\bnicht\b",
        r"\b(?:verstößt|widerspricht) (?:gegen )?(?:meine|unsere|die|den|meinen|unseren)[^.!?\n]{0,20}(?:richtlinien|vorgaben|regeln|grundsätzen?)\b",
        (
            r"\b(?:es tut mir leid|tut mir leid|leider|entschuldigung|bedaure)[^.!?\n]{0,60}\b(?:nicht|keine[nrsm]?)\b[^.!?\n]{0,60}"
            r"\b(?:helfen|beantworten|unterstützen|weiterhelfen|geben|möglich|erstellen|behilflich|nachkommen|ausführen|sagen)\b"
        ),
        r"\bje (?:suis désolée?,?[^.!?\n]{0,40})?(?:ne (?:peux|puis|pourrai|suis)|refuse)[^.!?\n]{0,40}\b(?:pas|aider|répondre|fournir|capable|mesure)\b",
        r"\b(?:lo siento,?[^.!?\n]{0,40})?no (?:puedo|podemos|me es posible)[^.!?\n]{0,40}\b(?:ayudar|ayudarte|ayudarle|responder|proporcionar|hacer|cumplir|ofrecer|escribir)\b",
        r"\b(?:mi dispiace,?[^.!?\n]{0,40})?non (?:posso|possiamo|sono in grado)[^.!?\n]{0,40}\b(?:aiutar|aiutarti|aiutarla|rispondere|fornire|fare|soddisfare|scrivere)",
    )
)
_WEAK: Final = tuple(
    compiled(expression, ignores_case=True)
    for expression in (
        r"\bas an? (?:ai|artificial intelligence|language model|assistant|chatbot)\b",
        r"\b(?:i'm|i am) (?:sorry|afraid)\b",
        r"\bi (?:do not|don't) have (?:access|the ability|information|enough information|any information|real-time)\b",
        r"\b(?:please|you should|i (?:recommend|suggest)) (?:consult|contact|speak to|seek)\b",
        r"\bals (?:ki|sprachmodell|künstliche intelligenz|assistent)\b",
        r"\b(?:tut mir leid|leider|ich bedauere)\b",
        r"\bich habe (?:leider )?(?:keinen zugriff|keine informationen|nicht die möglichkeit)\b",
        r"\b(?:désolée?|lo siento|mi dispiace)\b",
    )
)


_YET: Final = compiled(
    r"\b(?:however|nevertheless|that said|but (?:here|i can [a-z]|we can [a-z])|here (?:is|are)|here's|instead,|jedoch|allerdings|stattdessen|aber (?:ich kann|hier))\b",
    ignores_case=True,
)
"""What help after all begins with."""


class Refusal(msgspec.Struct, frozen=True):
    """`score` is 0 to 1: from 0.5 on it is one.  `findings` say by which words."""

    score: float
    findings: tuple[Finding, ...] = ()


def refusal(answer: str) -> Refusal:
    """Looks at the opening; the longer what follows, the less likely it is that all was declined."""
    text = sound(answer).replace("\u2019", "'").strip()
    lead = len(answer) - len(answer.lstrip())
    opening = text[:_OPENING_CHARS]
    strong = [
        match
        for each in _STRONG
        if (match := each.search(opening)) is not None
        and match.start() <= _FIRST_CHARS
        and not opening[match.end() :].lstrip().startswith("but ")  # I can't help but wonder
    ]
    weak = [match for each in _WEAK if (match := each.search(opening)) is not None]
    if not strong and not weak:
        return Refusal(0.0)
    plain = 0.9 if strong else min(0.2 + 0.15 * len(weak), 0.45)
    plain += 0.05 if strong and weak else 0.0
    if _YET.search(text[: 2 * _OPENING_CHARS]) is not None:
        plain *= 0.5
    found = sorted({(match.start() + lead, match.end() + lead) for match in strong or weak})
    findings: Sequence[Finding] = [
        Finding("policy.refusal", "REFUSAL", begin, end, plain * _kept(len(text))) for begin, end in found
    ]
    return Refusal(plain * _kept(len(text)), tuple(findings))


def _kept(chars: int) -> float:
    """What is left of the likelihood in an answer of so many characters."""
    if chars <= _SHORT_CHARS:
        return 1.0
    return max(1.0 - 0.7 * (chars - _SHORT_CHARS) / (_LONG_CHARS - _SHORT_CHARS), 0.3)
