"""One settled exchange as spans: its own (server), one for each call of a provider (client), one for each thing that is
known to have taken time (a guard, a search, the wait for a place).  What else happened is an event of the first.

All times are the record's `started_at` and seconds since then by a clock that cannot be set, so that children lie
within their parent whatever was done to the machine's clock meanwhile.  All ids follow from the exchange's id: a record
that is shipped twice makes the same trace.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from penstock.core.facts import (
    AnyFact,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    CacheBypassed,
    CacheHit,
    CacheMissed,
    ClaimsTraced,
    ExtraCallBilled,
    GuardJudged,
    KnowledgeSearched,
)
from penstock.watch.traces import names
from penstock.watch.traces.calls import Call, calls_of, took_s
from penstock.watch.traces.peer import Peer
from penstock.watch.traces.reading import TracedRecord, facts_of, model_name, sendable
from penstock.watch.traces.sampling import Why, is_own_id, span_id, trace_id

_MOST_EVENTS = 128
_NS = 1_000_000_000
_ERRORS = frozenset({"upstream_failed", "deadline", "shutdown", "failed"})
_SAMPLED, _RANDOM, _PARENT_IS_KNOWN = 0x01, 0x02, 0x100
_Attributes: TypeAlias = RepeatedCompositeFieldContainer[KeyValue]
_NO_EVENT = (AttemptStarted, AttemptSucceeded, AttemptFailed)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What all spans of an exchange share."""

    record: TracedRecord
    trace_id: bytes
    root_id: bytes
    began_ns: int
    flags: int

    def at(self, at_s: float) -> int:
        """As Unix nanoseconds, within the exchange."""
        return self.began_ns + round(min(max(at_s, 0.0), self.record.duration_s) * _NS)

    def child(self, part: str, name: str, begun_s: float, ended_s: float, kind: "Span.SpanKind.ValueType") -> Span:
        begun = self.at(begun_s)
        return Span(
            trace_id=self.trace_id,
            span_id=span_id(self.record.id, part),
            parent_span_id=self.root_id,
            name=name,
            kind=kind,
            start_time_unix_nano=begun,
            end_time_unix_nano=max(begun, self.at(ended_s)),
            flags=self.flags,
        )


def spans_of(record: TracedRecord, why: Why, peers: Mapping[str, Peer]) -> list[Span]:
    """The root first.  Raises `ValueError` where a time of the record is none."""
    facts, unknown = facts_of(record)
    # By way of microseconds: a float of today's seconds knows no more, and nanoseconds would pretend to.
    began_ns = round(record.started_at * 1e6) * 1000
    flags = _SAMPLED | _PARENT_IS_KNOWN | (_RANDOM if is_own_id(record.id) else 0)
    scene = _Scene(record, trace_id(record.id), span_id(record.id, "root"), began_ns, flags)
    timed = [(number, fact) for number, fact in enumerate(facts) if took_s(fact) > 0]
    untimed = [fact for fact in facts if took_s(fact) <= 0 and not isinstance(fact, _NO_EVENT)]
    return [
        _root(scene, untimed, unknown, why),
        *(_call(scene, call, facts, peers) for call in calls_of(record, facts)),
        *(_timed(scene, number, fact) for number, fact in timed),
    ]


def _root(scene: _Scene, facts: Sequence[AnyFact], unknown: int, why: Why) -> Span:
    record = scene.record
    is_known_model = record.outcome_code != "unknown_model"
    model = model_name(record.model) if is_known_model else names.OTHER
    span = Span(
        trace_id=scene.trace_id,
        span_id=scene.root_id,
        name=f"{record.operation} {model}",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=scene.began_ns,
        end_time_unix_nano=scene.at(record.duration_s),
        dropped_events_count=unknown + max(0, len(facts) - _MOST_EVENTS),
        flags=scene.flags,
    )
    _own(
        span.attributes,
        (
            ("exchange", record.id),
            ("tenant", record.tenant),
            ("key", record.key),
            ("dialect", record.dialect),
            ("operation", record.operation),
            ("streamed", record.is_streamed),
            ("model", model),
            ("target", None if record.target is None else model_name(record.target)),
            ("outcome", record.outcome),
            ("outcome_code", record.outcome_code),
            ("attempts", record.attempts),
            ("first_event_s", record.first_event_s),
            ("input_tokens", record.input_tokens),
            ("output_tokens", record.output_tokens),
            ("cache_read_tokens", record.cache_read_tokens),
            ("cache_write_tokens", record.cache_write_tokens),
            ("reasoning_tokens", record.reasoning_tokens),
            ("usage_accuracy", record.usage_accuracy),
            ("cost_nanousd", record.cost_nanousd),
            ("cost_accuracy", record.cost_accuracy),
            ("cache", _cache(facts)),
            ("config_hash", record.config_hash),
            ("kept", why),
        ),
    )
    for fact in facts[:_MOST_EVENTS]:
        _add_event(scene, span, fact)
    if record.outcome in _ERRORS:
        span.status.code = Status.STATUS_CODE_ERROR
    if record.outcome in _ERRORS or record.outcome_code is not None:
        _fill(span.attributes, [(names.ERROR_TYPE, record.outcome_code or record.outcome)])
    return span


def _call(scene: _Scene, call: Call, facts: Sequence[AnyFact], peers: Mapping[str, Peer]) -> Span:
    """The conventions' inference span.  What was used stands at the call that gave the answer, and only there."""
    record = scene.record
    provider, _, model = call.target.partition("/")
    peer = peers.get(provider, Peer(provider))
    model = model_name(model)
    operation = record.operation
    span = scene.child(
        f"attempt/{call.number}", f"{operation} {model}", call.begun_s, call.ended_s, Span.SPAN_KIND_CLIENT
    )
    pairs: list[tuple[str, object]] = [
        (names.OPERATION, operation),
        (names.PROVIDER, peer.vendor),
        (names.REQUEST_MODEL, model),
        (names.STREAM, record.is_streamed),
        (names.SERVER_ADDRESS, peer.address),
        (names.SERVER_PORT, peer.port),
        (names.HTTP_STATUS, call.upstream_status),
        (names.OWN + "attempt", call.number),
        (names.OWN + "target", model_name(call.target)),
        (names.OWN + "call", call.end),
    ]
    if call.is_answer and record.usage_accuracy != "unknown":
        beside = [fact for fact in facts if isinstance(fact, ExtraCallBilled)]
        pairs += [
            (names.INPUT_TOKENS, max(0, record.input_tokens - sum(each.input_tokens for each in beside))),
            (names.OUTPUT_TOKENS, max(0, record.output_tokens - sum(each.output_tokens for each in beside))),
            (names.CACHE_READ_TOKENS, record.cache_read_tokens or None),
            (names.CACHE_WRITE_TOKENS, record.cache_write_tokens or None),
            (names.REASONING_TOKENS, record.reasoning_tokens or None),
        ]
    if call.is_answer and record.is_streamed and call.first_event_s is not None:
        pairs.append((names.TIME_TO_FIRST_CHUNK, max(0.0, call.first_event_s - call.begun_s)))
    if call.code is not None:
        pairs.append((names.ERROR_TYPE, call.code))
        span.status.code = Status.STATUS_CODE_ERROR
    _fill(span.attributes, pairs)
    return span


def _timed(scene: _Scene, number: int, fact: AnyFact) -> Span:
    """A fact that says how long it took: it stands at its end."""
    match fact:
        case GuardJudged():
            name = f"guard {fact.guard} {fact.direction}"
        case KnowledgeSearched():
            name = "search knowledge"
        case ClaimsTraced():
            name = "trace claims"
        case _:
            name = "wait for a place"
    begun_s = fact.at_s - took_s(fact)
    span = scene.child(f"fact/{number}", name, begun_s, fact.at_s, Span.SPAN_KIND_INTERNAL)
    _own(span.attributes, sendable(fact))
    return span


def _add_event(scene: _Scene, span: Span, fact: AnyFact) -> None:
    event = span.events.add()
    event.time_unix_nano = scene.at(fact.at_s)
    event.name = f"{names.OWN}{type(fact).__struct_config__.tag}"
    _own(event.attributes, sendable(fact))


def _cache(facts: Iterable[AnyFact]) -> str | None:
    """What came of the cache, in one word: the kind of a hit, `missed` or `bypassed`."""
    found: str | None = None
    for fact in facts:
        match fact:
            case CacheHit():
                return fact.kind
            case CacheMissed():
                found = "missed"
            case CacheBypassed():
                found = found or "bypassed"
            case _:
                pass
    return found


def _own(into: _Attributes, pairs: Iterable[tuple[str, object]]) -> None:
    _fill(into, ((names.OWN + name, value) for name, value in pairs))


def _fill(into: _Attributes, pairs: Iterable[tuple[str, object]]) -> None:
    """In place: to make each pair and have it copied takes three times as long."""
    for key, value in pairs:
        match value:
            case None:
                continue
            case dict():
                counts = cast("dict[str, int]", value)  # by kind
                _fill(into, ((f"{key}.{name}", count) for name, count in counts.items()))
            case _:
                pair = into.add()
                pair.key = key
                _set(pair.value, value)


def _set(into: AnyValue, value: object) -> None:
    match value:
        case str():
            into.string_value = value
        case bool():
            into.bool_value = value
        case int():
            into.int_value = value
        case float():
            into.double_value = value
        case _:
            for each in cast("tuple[str, ...]", value):
                into.array_value.values.add().string_value = each
