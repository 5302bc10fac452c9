"""What a guard says of a text, and what it is told about it: one shape for all guards.

Detectors return `Finding`s; a guard makes of them one `Verdict` a segment.  Positions are half-open and count code
points of the segment's own text.
"""

from typing import Final, Literal

import msgspec

Action = Literal["allow", "mask", "block", "hold"]
"""Let pass, replace the spans, refuse, or keep back for a person; the later in this list, the stronger."""

Trust = Literal["system", "developer", "user", "tool_result", "retrieved", "model"]
"""Who wrote a text.  The first two may instruct a model; a tool's result and a document never may."""

UNTRUSTED: frozenset[Trust] = frozenset({"tool_result", "retrieved"})
"""What people and machines wrote whom nobody here has asked anything."""


class Segment(msgspec.Struct, frozen=True):
    """One text that is judged as one.

    `place` says where it stands: `messages.3.parts.0` of a request, `choices.0.answer` or `choices.0.tools.1` of an
    answer.  `source` names a tool or a document, where there is one.  `is_said` is False for fields beside the
    conversation (`user`, metadata, a tool's schema): they leave with it, and nobody speaks in them.
    """

    text: str
    trust: Trust
    place: str
    source: str | None = None
    is_said: bool = True


TOPIC: Final = "scope.topic"
"""The rule of a finding that only says what a question is about: its `kind`, a name of the configuration."""


class Finding(msgspec.Struct, frozen=True):
    """Something that a rule is about, at `begin` to `end`.

    `rule` is stable, dotted, and begins with its guard (`personal.iban`, `injection.override`); `kind` is what stands
    there, in capitals where it is personal data (`IBAN`).  `score` is a probability where the rule gives one, else 1.
    """

    rule: str
    kind: str
    begin: int
    end: int
    score: float = 1.0


class Verdict(msgspec.Struct, frozen=True):
    """Of one guard on one segment.  `rule` and `score` are those of the finding that decided, None where none did.

    `latency_s` is what the guard took, on the clock of the exchange.
    """

    guard: str
    action: Action
    findings: tuple[Finding, ...] = ()
    rule: str | None = None
    score: float | None = None
    latency_s: float = 0.0
