"""Whether an answer must be seen by a person first, and by whom: the rules of the configuration, in their order.

`judge` is asked with what is known of an exchange once its answer is whole (or, for the caller's own wish, before a
model is asked at all), and says what is to be done; it changes nothing itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import msgspec

from penstock.config.review import HoldConditions, HoldRule, OverdueSettings, ReviewSettings, Texts
from penstock.review.amounts import most_of
from penstock.review.hold import Found, OverdueStep
from penstock.review.hours import due_at
from penstock.review.person import asks_for_person

HAND_OVER: Mapping[str, str] = {
    "": "Your question is with a colleague now. You will get an answer as soon as it has been looked at.",
    "de": "Ihre Frage liegt jetzt bei einem Menschen. Sie bekommen eine Antwort, sobald sie geprüft ist.",
    "fr": "Votre question est entre les mains d'un collègue. Vous recevrez une réponse dès qu'elle aura été examinée.",
    "es": "Su pregunta está ahora en manos de un compañero. Recibirá una respuesta en cuanto la haya revisado.",
    "it": "La sua domanda è ora nelle mani di un collega. Riceverà una risposta appena sarà stata verificata.",
}
REJECTION: Mapping[str, str] = {
    "": "We cannot answer this question here. Please contact us in another way.",
    "de": "Diese Frage können wir hier nicht beantworten. Bitte wenden Sie sich auf anderem Wege an uns.",
    "fr": "Nous ne pouvons pas répondre à cette question ici. Veuillez nous contacter autrement.",
    "es": "No podemos responder a esta pregunta aquí. Póngase en contacto con nosotros por otra vía.",
    "it": "Non possiamo rispondere qui a questa domanda. La preghiamo di contattarci in un altro modo.",
}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an exchange.  `question` is what the caller wrote last; `answer` is empty while there is none.

    `topic` is the scope guard's label.  `is_asking` says that the caller asks for a person by header or by tool.
    """

    tenant: str
    model: str
    question: str
    answer: str = ""
    topic: str | None = None
    verdicts: tuple[Found, ...] = ()
    confidence: float | None = None
    is_asking: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A rule that matched: who is to judge, how soon, and what the caller is told until then."""

    rule: str
    reason: str
    group: str
    priority: int
    due_at: float
    hand_over: str
    overdue: tuple[OverdueStep, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """`ruling` is None where the answer may go out; `shadows` are the rules that would have held it, and why."""

    ruling: Ruling | None
    shadows: tuple[tuple[str, str], ...]


def judge(settings: ReviewSettings, seen: Seen, *, now: float) -> Judged:
    """The first enforcing rule that matches, and the shadow ones before it."""
    shadows: list[tuple[str, str]] = []
    for rule in settings.rules:
        reason = _reason(rule.when, seen)
        if reason is None:
            continue
        if rule.mode == "shadow":
            shadows.append((rule.name, reason))
            continue
        return Judged(_ruling(settings, rule, reason, seen, now), tuple(shadows))
    return Judged(None, tuple(shadows))


def text_of(texts: Texts, language: str, otherwise: Mapping[str, str]) -> str:
    """The text in a language, or in its widest form, or in none; and where none is set, the standard one."""
    chosen = texts or otherwise
    for name in (language, language.partition("-")[0], ""):
        if name in chosen:
            return chosen[name]
    return otherwise.get(language.partition("-")[0], otherwise[""])


def _ruling(settings: ReviewSettings, rule: HoldRule, reason: str, seen: Seen, now: float) -> Ruling:
    hours = None if rule.hours is None else settings.hours[rule.hours]
    return Ruling(
        rule=rule.name,
        reason=reason,
        group=rule.group,
        priority=rule.priority,
        due_at=due_at(now, rule.due_s, hours),
        hand_over=text_of(rule.hand_over, seen.language, HAND_OVER),
        overdue=tuple(_step(step, seen.language) for step in rule.overdue),
    )


def _step(step: OverdueSettings, language: str) -> OverdueStep:
    return OverdueStep(
        action=step.action,
        group=step.group,
        priority=step.priority,
        text=text_of(step.text, language, {"": ""}),
        within_s=step.within_s,
    )


def _reason(when: HoldConditions, seen: Seen) -> str | None:
    """Why all conditions are met, in words; None where one is not.  The dear ones come last."""
    said: list[str] = []
    if when.tenants is not None:
        if seen.tenant not in when.tenants:
            return None
        said.append(f"tenant {seen.tenant}")
    if when.models is not None:
        if not _is_any(seen.model, when.models):
            return None
        said.append(f"model {seen.model}")
    if when.confidence_below is not None:
        if seen.confidence is None:
            if not when.or_unknown:
                return None
            said.append("confidence unknown")
        elif seen.confidence < when.confidence_below:
            said.append(f"confidence {seen.confidence:.2f} is below {when.confidence_below:.2f}")
        else:
            return None
    if when.topics is not None:
        if seen.topic is None or not _is_any(seen.topic, when.topics):
            return None
        said.append(f"topic {seen.topic}")
    if when.verdicts is not None:
        found = next((each.rule for each in seen.verdicts if _is_any(each.rule, when.verdicts)), None)
        if found is None:
            return None
        said.append(f"verdict {found}")
    return _dear(when, seen, said)


def _dear(when: HoldConditions, seen: Seen, said: list[str]) -> str | None:
    if when.asks_for_person is not None:
        if when.asks_for_person != (seen.is_asking or asks_for_person(seen.question)):
            return None
        said.append("asks for a person" if when.asks_for_person else "does not ask for a person")
    if when.amount is not None:
        currency = when.amount.currency
        found = max(
            (most for text in (seen.question, seen.answer) if (most := most_of(text, currency)) is not None),
            default=None,
        )
        if found is None or found < when.amount.above:
            return None
        said.append(f"{found:f} {currency} is {when.amount.above:g} {currency} or more")
    return "; ".join(said)


def _is_any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
