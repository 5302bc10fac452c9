"""What a guard of somebody else is asked and may say: the one contract of plugins and web hooks."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from penstock.guard.verdict import Action, Finding, Segment, Trust
from penstock.guard.ward import CannotJudge, Direction

VERSION = 1


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """One text.  `place` and `source` as in `penstock.guard.verdict.Segment`."""

    text: str
    trust: Trust
    place: str
    source: str | None = None


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Code points `begin` to `end`, half-open.  `kind` names what stands there, in capitals: `PROJECT_NAME`."""

    begin: int
    end: int
    kind: str = "REMOVED"


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """Of one text.  `mask` replaces the spans; the others need none.  `rule` says why, in letters of `a-z0-9_.-`."""

    action: Action = "allow"
    rule: str = "rule"
    score: float = 1.0
    spans: tuple[Span, ...] = ()


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent to a web hook, and given to a plugin."""

    exchange: str
    tenant: str
    model: str
    direction: Direction
    texts: tuple[Inquiry, ...]
    version: Literal[1] = VERSION


class Opinions(msgspec.Struct, frozen=True, kw_only=True):
    """What a web hook answers: one for each text, in their order."""

    opinions: tuple[Opinion, ...]


class GuardPlugin(Protocol):
    """What an entry point of the group `penstock.guards` makes when it is called without arguments.

    `judge` is called from several threads at once.  It has the guard's `timeout_s`; one that does not return holds its
    thread until it does, and once all threads are held the guard counts as unable to judge.
    """

    def judge(self, questions: Questions) -> Sequence[Opinion]: ...


class Opined(Finding, frozen=True):
    """A finding of a guard that says itself what is to follow."""

    action: Action = "allow"


def action_of(finding: Finding) -> Action:
    """What the guard itself wants."""
    return finding.action if isinstance(finding, Opined) else "allow"


def findings_of(guard: str, segments: Sequence[Segment], opinions: Sequence[Opinion]) -> list[list[Finding]]:
    """One list a text.  Raises `CannotJudge` where the opinions are not about these texts."""
    if len(opinions) != len(segments):
        raise CannotJudge("nonsense")
    return [list(_findings(guard, segment, each)) for segment, each in zip(segments, opinions, strict=True)]


def _findings(guard: str, segment: Segment, opinion: Opinion) -> Sequence[Finding]:
    rule = f"own.{guard}.{_word(opinion.rule)}"
    length = len(segment.text)
    if not 0.0 <= opinion.score <= 1.0 or any(not 0 <= each.begin < each.end <= length for each in opinion.spans):
        raise CannotJudge("nonsense")
    if opinion.action == "allow":
        return ()
    if opinion.action == "mask" and not opinion.spans:
        raise CannotJudge("nonsense")  # it wants something hidden and does not say what
    spans = opinion.spans or (Span(begin=0, end=length),)
    return [
        Opined(rule, _kind(each.kind), each.begin, each.end, opinion.score, action=opinion.action) for each in spans
    ]


def _word(rule: str) -> str:
    """A label of a metric: short, and of a few characters."""
    return "".join(char for char in rule.lower()[:60] if char.isascii() and (char.isalnum() or char in "_.-")) or "rule"


def _kind(kind: str) -> str:
    cleaned = "".join(char if char.isascii() and char.isalpha() else "_" for char in kind.upper()[:32]).strip("_")
    return cleaned or "REMOVED"


def questions_of(
    segments: Sequence[Segment], *, exchange: str, tenant: str, model: str, direction: Direction
) -> Questions:
    texts = tuple(Inquiry(text=each.text, trust=each.trust, place=each.place, source=each.source) for each in segments)
    return Questions(exchange=exchange, tenant=tenant, model=model, direction=direction, texts=texts)
