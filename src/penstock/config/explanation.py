"""What Penstock would do with a request, and why: the answer of `app.explain`, printed by `penstock explain`."""

from dataclasses import dataclass
from typing import Literal

from penstock.core.chat import Dialect

Outcome = Literal["continue", "answer", "refuse", "skip"]


@dataclass(frozen=True, slots=True)
class StageDecision:
    """What one stage did with the request.  `has_filter` says that it also watches the answer."""

    stage: str
    outcome: Outcome
    why: str
    has_filter: bool = False


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """The HTTP call that a target would get, with the credential left out; or, in `refusal`, why it would get none."""

    target: str
    provider: str
    dialect: Dialect
    model: str
    method: str = "POST"
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    dropped_fields: tuple[str, ...] = ()
    refusal: str | None = None
    price: str = "unknown"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Stages in their order, filters in theirs, and the calls in the order in which they would be tried.

    `course` says in sentences how places at a target are given out, and what follows when a call fails or is late.
    `error` is set where the request ends before any call would be made.
    """

    dialect: Dialect
    model: str
    is_streamed: bool
    config_hash: str
    stages: tuple[StageDecision, ...] = ()
    filters: tuple[str, ...] = ()
    route: str | None = None
    max_attempts: int | None = None
    deadline_s: float | None = None
    gone_policy: str | None = None
    course: tuple[str, ...] = ()
    calls: tuple[PlannedCall, ...] = ()
    error: str | None = None
