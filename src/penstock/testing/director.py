"""Decides how one simulated call goes: what is said, when, and what goes wrong where.

The one place where a `Behaviour` becomes a course of events, shared by the provider in process and the simulator on a
socket, so that both fail alike.  Draws depend on the seed, the question and how often it was asked before, never on the
order in which other questions came: a run is repeatable however its requests interleave.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from msgspec.structs import replace

from penstock.core.events import Event, Finish, Start, Text, ToolCall, UsageReport
from penstock.core.usage import UNKNOWN_USAGE, Usage
from penstock.testing.allowance import Allowance, allowances
from penstock.testing.behaviour import Behaviour, Constant, Fault
from penstock.testing.chance import Rng, rng_for
from penstock.testing.script import Ask, count_tokens, embed, tell

_MOST_REMEMBERED = 65_536

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

BreakKind = Literal["stall", "cut", "reset", "error", "bad_sse", "wrong_json"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """No answer at all: an HTTP `status`, or with status 0 a reset connection."""

    status: int
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """Before event `at`, this happens instead of it."""

    kind: BreakKind
    at: int


@dataclass(frozen=True, slots=True)
class Course:
    """How one call goes.  `first_s` passes before event 0, `gap_s()` before each later one.

    `usage` is what the answer truly takes, whatever its events report; `headers` announce the limit, where it is.
    """

    events: tuple[Event, ...]
    first_s: float
    gap_s: Callable[[], float]
    has_gaps: bool
    usage: Usage = UNKNOWN_USAGE
    refusal: Refusal | None = None
    break_: Break | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)


@dataclass(slots=True)
class Director:
    """One simulator's memory: how often each question was asked, and each credential's use of its limit.

    The memory is bounded: of more than 65,536 different questions the oldest are forgotten.
    """

    seed: int = 0
    _asked: "OrderedDict[int, int]" = field(default_factory=OrderedDict["int", "int"])
    _undrawn: Rng = field(default_factory=lambda: rng_for("nothing is drawn from this one"))
    _allowances: "OrderedDict[str, tuple[Allowance, ...]]" = field(
        default_factory=OrderedDict["str", "tuple[Allowance, ...]"]
    )

    def decide(self, ask: Ask, behaviour: Behaviour, *, key: str, elapsed_s: float, created: int) -> Course:
        """Return the course of one call by credential `key`, `elapsed_s` after the simulator began.

        An answer that is not streamed comes when the last of its events would have come.
        """
        times = self._times_asked(f"{key}\x1f{ask.model}\x1f{ask.prompt}")
        if behaviour.outage is not None and behaviour.outage.is_down(elapsed_s):
            return _refused(Refusal(0))
        wait_s, headers = self._count(ask, behaviour, key, elapsed_s)
        if wait_s is not None:
            return _refused(Refusal(429, wait_s), headers)
        seed = self.seed if ask.seed is None else ask.seed
        chance = rng_for("chance", self.seed, ask.model, ask.prompt, times) if _is_chancy(behaviour) else self._undrawn
        fault = _drawn(behaviour, chance)
        refusal = _refusal(fault, behaviour, times)
        first_s = behaviour.first_s.draw(chance)
        if fault is not None and fault.kind == "slow_first":
            first_s += fault.at
        if refusal is not None:
            return _refused(refusal, headers, first_s if refusal.status >= 500 else 0.0)
        words = rng_for("text", seed, ask.model, ask.prompt)
        events = embed(ask) if ask.texts else tell(ask, behaviour, words, created=created)
        usage = next((event.usage for event in events if isinstance(event, UsageReport)), UNKNOWN_USAGE)
        events = _spoiled(events, fault)
        if fault is not None and fault.kind == "content_filter":
            usage = replace(usage, output_tokens=tokens_said(events))
        has_gaps = behaviour.gap_s != Constant(0)
        if has_gaps and not ask.is_streamed:
            first_s += sum(behaviour.gap_s.draw(chance) for _ in events[1:])
            has_gaps = False
        gap_s = _gaps(behaviour, chance)
        broken = _break(fault, len(events))
        return Course(tuple(events), first_s, gap_s, has_gaps, usage, break_=broken, headers=headers)

    def _times_asked(self, question: str) -> int:
        fingerprint = hash(question)
        times = self._asked.pop(fingerprint, 0)
        self._asked[fingerprint] = times + 1
        if len(self._asked) > _MOST_REMEMBERED:
            self._asked.popitem(last=False)
        return times

    def _count(
        self, ask: Ask, behaviour: Behaviour, key: str, elapsed_s: float
    ) -> tuple[float | None, Mapping[str, str]]:
        """How long until the limits take this request, None where they took it; and what is announced of them."""
        if behaviour.limit is None and behaviour.token_limit is None:
            return None, NO_HEADERS
        name = f"{key}\x1f{ask.model}"
        counted = self._allowances.get(name)
        if counted is None:
            counted = self._allowances[name] = allowances(behaviour)
            if len(self._allowances) > _MOST_REMEMBERED:
                self._allowances.popitem(last=False)
        need = {"requests": 1, "tokens": ask.input_tokens + (ask.max_tokens or 0)}
        wait_s = max(each.wait_s(need[each.unit], elapsed_s) for each in counted)
        if not wait_s:
            for each in counted:
                each.take(need[each.unit])
        headers: dict[str, str] = {}
        if behaviour.is_announced:
            for each in counted:
                headers.update(each.headers())
        return wait_s or None, headers


def tokens_said(events: Sequence[Event]) -> int:
    """Count the tokens in pieces of an answer that was not finished."""
    tokens = 0
    for event in events:
        match event:
            case Text(text=text) | ToolCall(arguments=text):
                tokens += count_tokens(text)
            case _:
                pass
    return tokens


def _is_chancy(behaviour: Behaviour) -> bool:
    """Whether anything is left to chance but the words; a generator costs more than an answer."""
    drawn = (behaviour.first_s, behaviour.gap_s)
    return bool(behaviour.faults) or not all(isinstance(each, Constant) for each in drawn)


def _drawn(behaviour: Behaviour, chance: Rng) -> Fault | None:
    if not behaviour.faults:
        return None
    strikes, which = chance.random(), chance.random()
    if strikes >= behaviour.rate:
        return None
    return behaviour.faults[int(which * len(behaviour.faults))]


def _refusal(fault: Fault | None, behaviour: Behaviour, times: int) -> Refusal | None:
    match fault:
        case Fault(kind="flaky", at=at) if times < at:
            return Refusal(429, behaviour.retry_after_s)
        case Fault(kind="throttle"):
            return Refusal(429, behaviour.retry_after_s)
        case Fault(kind="status", at=status):
            return Refusal(int(status), behaviour.retry_after_s if status in {429, 503} else None)
        case _:
            return None


def _break(fault: Fault | None, length: int) -> Break | None:
    match fault:
        case Fault(kind="stall" | "cut" | "reset" | "error" | "bad_sse" | "wrong_json" as kind, at=at):
            return Break(kind, min(int(at), length))
        case _:
            return None


def _spoiled(events: list[Event], fault: Fault | None) -> list[Event]:
    match fault:
        case Fault(kind="missing_usage"):
            return [event for event in events if not isinstance(event, UsageReport)]
        case Fault(kind="zero_usage"):
            return [UsageReport(Usage()) if isinstance(event, UsageReport) else event for event in events]
        case Fault(kind="content_filter", at=at):
            return _filtered(events, int(at))
        case _:
            return events


def _filtered(events: list[Event], pieces: int) -> list[Event]:
    """The first `pieces` alone, each choice ended by the filter, and the usage of what was said until then."""
    said = [event for event in events if not isinstance(event, Start | Finish | UsageReport)][:pieces]
    tokens = tokens_said(said)
    thoughts = tokens_said([event for event in said if isinstance(event, Text) and event.channel == "reasoning"])
    ends = [Finish("content_filter", event.choice) for event in events if isinstance(event, Finish)]
    usages = [event.usage for event in events if isinstance(event, UsageReport)]
    reports = [UsageReport(replace(usage, output_tokens=tokens, reasoning_tokens=thoughts)) for usage in usages]
    return [events[0], *said, *ends, *reports]


def _gaps(behaviour: Behaviour, chance: Rng) -> Callable[[], float]:
    gap_s = behaviour.gap_s
    return lambda: gap_s.draw(chance)


def _refused(refusal: Refusal, headers: Mapping[str, str] = NO_HEADERS, first_s: float = 0.0) -> Course:
    return Course((), first_s, lambda: 0.0, has_gaps=False, refusal=refusal, headers=headers)
