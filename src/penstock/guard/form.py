"""Answers that must be JSON of a form: held until they are whole, mended where that is plain, asked for once more.

A stage of its own behind the other guards' filter, since it needs the whole answer and may have another one made.
What is checked is what the caller will read: a value stands where its token stands.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.clock import Clock
from penstock.core.errors import GuardUnavailable, PolicyBlocked
from penstock.core.events import Event, Finish, Start, Text
from penstock.core.exchange import Exchange
from penstock.core.json import JsonObject, dumps
from penstock.core.ports import CONTINUE, AskAgain, Continue, Filter
from penstock.guard.hearing import Hearing
from penstock.guard.personal.restore import Slots
from penstock.guard.policy.schema import SchemaCheck, SchemaError, UnusableSchema, repair_prompt
from penstock.guard.stage import Guarded, guarded
from penstock.guard.verdict import Finding, Segment
from penstock.guard.ward import Ward

_ANY_OBJECT: Final[JsonObject] = {"type": "object"}
_MOST_SCHEMAS: Final = 256
Wrong = tuple[int, str, list[SchemaError]]
"""A choice, what it says, and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPolicy:
    """Of one model.  With `repairs` the model is asked once more; `refusal` is said in place of an error."""

    ward: Ward
    repairs: bool = True
    refusal: str | None = None


class FormStage:
    """See the module.  `policies` are by model name, `default` that of every other."""

    def __init__(self, policies: Mapping[str, FormPolicy | None], default: FormPolicy | None, clock: Clock) -> None:
        self._policies = policies
        self._default = default
        self._clock = clock
        self._checks: OrderedDict[bytes, SchemaCheck] = OrderedDict()

    @property
    def name(self) -> str:
        return "answer_schema"

    async def enter(self, exchange: Exchange) -> Continue:
        """It has no request half."""
        del exchange
        return CONTINUE

    def filter(self, exchange: Exchange) -> Filter | None:
        """Where a form is asked for."""
        policy = self._policies.get(exchange.request.model, self._default)
        request, left = exchange.request, guarded(exchange)
        if policy is None or left is None or not isinstance(request, ChatRequest) or request.response_format is None:
            return None
        match request.response_format.kind:
            case "text":
                return None
            case "json_object":
                schema = _ANY_OBJECT
            case "json_schema":
                schema = request.response_format.schema or _ANY_OBJECT
        hearing = Hearing(exchange, "output", self._clock)
        try:
            check = self._check(schema)
        except UnusableSchema:
            hearing.failed(policy.ward, "unusable_schema")
            if hearing.blocked is not None:
                raise hearing.blocked from None
            return None
        if policy.ward.stream == "observe" or policy.ward.mode == "shadow":
            return _Watch(_Case(policy, check, exchange, left, hearing, self._clock))
        return _Form(_Case(policy, check, exchange, left, hearing, self._clock))

    def _check(self, schema: JsonObject) -> SchemaCheck:
        key = dumps(schema)
        check = self._checks.get(key)
        if check is None:
            check = self._checks[key] = SchemaCheck(schema)
            while len(self._checks) > _MOST_SCHEMAS:
                self._checks.popitem(last=False)
        else:
            self._checks.move_to_end(key)
        return check


@dataclass(frozen=True, slots=True)
class _Case:
    """One answer, and what it is judged by."""

    policy: FormPolicy
    check: SchemaCheck
    exchange: Exchange
    left: Guarded
    hearing: Hearing
    clock: Clock

    def tell(self, wrong: Sequence[Wrong], took_s: float) -> None:
        """Leave the fact."""
        ward = self.policy.ward
        found = [
            (Segment(said, "model", f"choices.{choice}.answer"), Finding("answer_schema.invalid", "JSON", 0, len(said)))
            for choice, said, _ in wrong
        ]
        is_late = ward.stream == "observe" and bool(found)
        self.hearing.judged(ward, found, texts=1, took_s=took_s, is_after_release=is_late)


class _Form:
    """`core.ports.Filter`, for one answer: holds all of it."""

    def __init__(self, case: _Case) -> None:
        self._case = case
        self._held: list[Event] = []

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self._held.extend(events)
        return ()

    def finish(self) -> Sequence[Event]:
        """The answer, mended where that is plain.  Raises `AskAgain`, or `PolicyBlocked` where that was done."""
        began_s = self._case.clock.monotonic()
        wrong: list[Wrong] = []
        instead: dict[int, str] = {}
        for choice, said in _texts(self._held).items():
            shown = _as_read(said, self._case.left)
            errors = self._case.check.errors(shown)
            if not errors:
                continue
            mended = self._case.check.mended(said) if shown == said else None
            if mended is not None:
                instead[choice] = mended
            else:
                wrong.append((choice, said, errors))
        took_s = self._case.clock.monotonic() - began_s
        if not wrong:
            self._case.tell(wrong, took_s)
            return _with_texts(self._held, instead) if instead else self._held
        self._ask_again(wrong)
        self._case.tell(wrong, took_s)
        raise self._refusal(wrong)

    def _ask_again(self, wrong: Sequence[Wrong]) -> None:
        """Raises `AskAgain` while there is somebody left to ask."""
        exchange, left = self._case.exchange, self._case.left
        request, route = exchange.request, exchange.route
        if exchange.attempts == 0 or not isinstance(request, ChatRequest):
            return  # it was kept, or written beforehand: nobody made it now
        if left.asked is None:
            left.asked = request
            if self._case.policy.repairs:
                _, said, errors = wrong[0]
                repeated = (
                    Message("assistant", (TextPart(said),)),
                    Message("user", (TextPart(repair_prompt(errors)),)),
                )
                again = msgspec.structs.replace(request, messages=(*request.messages, *repeated))
                raise AskAgain(again, reason="invalid_answer")
        steps = () if route is None else route.fallbacks
        for step in steps:
            if "invalid_answer" in step.causes and step.targets:
                raise AskAgain(left.asked, reason="invalid_answer", targets=step.targets)

    def _refusal(self, wrong: Sequence[Wrong]) -> PolicyBlocked | GuardUnavailable:
        exchange, refusal = self._case.exchange, self._case.policy.refusal
        first = wrong[0][2][0]
        error = PolicyBlocked(
            f"The answer is not of the form that was asked for ({first.path or 'all of it'}: {first.message}).",
            field="response_format",
        )
        if refusal is not None and exchange.request.stream:
            start = Start(exchange.id, exchange.request.model, int(self._case.clock.now()))
            error.last = (start, Text(refusal), Finish("content_filter"))
        else:
            error.answer = refusal
        return error


class _Watch:
    """`core.ports.Filter`: lets everything pass, and says at the end what it was worth."""

    def __init__(self, case: _Case) -> None:
        self._case = case
        self._seen: list[Event] = []

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        self._seen.extend(event for event in events if isinstance(event, Text))
        return events

    def finish(self) -> Sequence[Event]:
        began_s = self._case.clock.monotonic()
        wrong = [
            (choice, said, errors)
            for choice, said in _texts(self._seen).items()
            if (errors := self._case.check.errors(_as_read(said, self._case.left)))
        ]
        self._case.tell(wrong, self._case.clock.monotonic() - began_s)
        return ()


def _texts(events: Sequence[Event]) -> Mapping[int, str]:
    """By choice what it answers.  One that calls a tool, or says nothing, is no answer yet."""
    found: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, Text) and event.channel == "answer":
            found.setdefault(event.choice, []).append(event.text)
    return {choice: said for choice, pieces in found.items() if (said := "".join(pieces)).strip()}


def _as_read(said: str, left: Guarded) -> str:
    """With values in place of tokens, as whoever may see all of them reads it."""
    if not len(left.tokens):
        return said
    slots = Slots(left.tokens.issued, is_json=True)
    return slots.feed(said) + slots.finish()


def _with_texts(events: Sequence[Event], instead: Mapping[int, str]) -> Sequence[Event]:
    """The events with the whole of a choice's text in the place of its first piece."""
    left = dict(instead)
    out: list[Event] = []
    for event in events:
        if not isinstance(event, Text) or event.channel != "answer" or event.choice not in instead:
            out.append(event)
        elif event.choice in left:
            out.append(Text(left.pop(event.choice), event.choice, "answer", event.part))
    return out
