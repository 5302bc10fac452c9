"""What an assistant is for and what its answers may say, as frozen values."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from penstock.config.guards.guarding import Direction, GuardAction, Guarding, Mode, Share

Words = tuple[Annotated[str, msgspec.Meta(min_length=2, max_length=200)], ...]
Topic = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}$")]
Said = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Claim = Literal["guarantee", "medical", "legal", "financial"]
Tone = Literal["rude", "familiar"]
Harm = Literal["violence", "self_harm", "sexual", "hate", "weapons_drugs", "malware"]


class RepetitionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as repeating itself: the same, `least_times` in a row and over `least_chars` in all; or a text that
    compresses to less than `stuffing` of its size.

    Asked `on` what users say (`input`) and on answers as they come (`output`): one that repeats itself is cut off.
    """

    least_times: Annotated[int, msgspec.Meta(ge=3)] = 8
    least_chars: Annotated[int, msgspec.Meta(ge=100)] = 400
    stuffing: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.04
    on: tuple[Direction, ...] = ("input", "output")


class ScopeSettings(Guarding, frozen=True, kw_only=True):
    """What an assistant is for, by examples of what it is asked, by topic; `outside` are examples of what it is not.

    What is found outside is blocked; `false_refusals` is the share of its own questions that may be too.  `tuning` are
    more questions that it is for, best of all real ones: they are no examples, and only say how strange such questions
    may look.  `most_chars` bounds a question, `languages` are those that it may be in (the extra `language`), and
    `repetition` bounds how often the same may be said.

    `refusal` is what is said in place of an error, one text or one by language; `polite` says a text of ours.
    """

    topics: dict[Topic, Words] = msgspec.field(default_factory=dict[Topic, Words])
    outside: Words = ()
    tuning: Words = ()
    false_refusals: Annotated[float, msgspec.Meta(gt=0, le=0.5)] = 0.05
    most_chars: Annotated[int, msgspec.Meta(ge=1)] | None = None
    languages: tuple[Language, ...] = ()
    repetition: RepetitionSettings | None = None
    refusal: Said | dict[Language, Said] | None = None
    polite: bool = False


class DisclaimerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is added to an answer that does not say it: to each, or where one of the words `when` is in it."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    when: Words = ()
    said: Words = ()


class JudgeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A judgement that may be wrong: recorded (`shadow`), until you trust it enough to `enforce` its `action`."""

    mode: Mode = "shadow"
    action: GuardAction = "block"


class ScoredSettings(JudgeSettings, frozen=True, kw_only=True):
    """Of one that says how sure it is: it counts from `threshold` on."""

    threshold: Share = 0.5


class PolicySettings(Guarding, frozen=True, kw_only=True):
    """What answers must not say: words (`terms`, by topic), `competitors` (with what else they are called), `claims`,
    `tones`, `harms` and, with `secrets`, keys and passwords.  `action` is what becomes of it.

    `disclaimers` are added where they are missing.  `least_chars`, `most_chars` and `most_words` bound an answer.

    Four more judge what words alone do not tell, and run where they are named: `meaning` looks for the `harms` with the
    encoder, sentence by sentence; `prices` for amounts of money that nothing in the request names; `refusals` for
    answers that decline, and `overconfidence` for such as are surer than anybody can be.
    """

    action: GuardAction = "block"
    terms: dict[Topic, Words] = msgspec.field(default_factory=dict[Topic, Words])
    competitors: dict[str, Words] = msgspec.field(default_factory=dict[str, Words])
    claims: tuple[Claim, ...] = ()
    tones: tuple[Tone, ...] = ()
    harms: tuple[Harm, ...] = ()
    secrets: bool = True
    disclaimers: tuple[DisclaimerSettings, ...] = ()
    least_chars: Annotated[int, msgspec.Meta(ge=1)] | None = None
    most_chars: Annotated[int, msgspec.Meta(ge=1)] | None = None
    most_words: Annotated[int, msgspec.Meta(ge=1)] | None = None
    meaning: ScoredSettings | None = None
    prices: JudgeSettings | None = None
    refusals: ScoredSettings | None = None
    overconfidence: ScoredSettings | None = None


def broken_scope(scope: ScopeSettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken."""
    if not scope.topics and scope.most_chars is None and not scope.languages and scope.repetition is None:
        yield "scope", "it asks for nothing: it needs `topics`, `languages`, `repetition` or `most_chars`"
    for name, texts in scope.topics.items():
        if not texts:
            yield f"scope.topics.{name}", "it needs at least one example"
    for name, texts in (("outside", scope.outside), ("tuning", scope.tuning)):
        if texts and not scope.topics:
            yield f"scope.{name}", "it says nothing without `topics`"
    if scope.repetition is not None and not scope.repetition.on:
        yield "scope.repetition.on", "it is asked about nothing"
    if scope.polite and scope.refusal is not None:
        yield "scope.polite", "there is a text of yours too (`refusal`): only one can be said"
    if isinstance(scope.refusal, dict) and not scope.refusal:
        yield "scope.refusal", "it has no text"


def broken_policy(policy: PolicySettings) -> Iterator[tuple[str, str]]:
    """Path and message of every rule that is broken."""
    if policy.meaning is not None and not policy.harms:
        yield "policy.meaning", "name the `harms` that it looks for"
    if policy.least_chars is not None and policy.most_chars is not None and policy.least_chars > policy.most_chars:
        yield "policy.least_chars", "it is above `most_chars`: no answer is both"
