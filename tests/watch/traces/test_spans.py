"""What one exchange looks like as spans: their times, their parents, and what is never among their words."""

import typing
from collections.abc import Callable
from types import UnionType
from typing import Any, get_args, get_origin

import msgspec
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.watch.traces.collector import attributes

from penstock.core.facts import (
    AnyFact,
    AskedAgain,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    CacheMissed,
    Ended,
    ExtraCallBilled,
    GuardJudged,
    PersonalDataMasked,
    Queued,
    RouteChosen,
)
from penstock.core.record import Settled
from penstock.watch.traces.peer import Peer
from penstock.watch.traces.reading import SENT, WITHHELD, decode_record, sendable
from penstock.watch.traces.spans import spans_of

MakeRecord = Callable[[int], Settled]
ID = "ex_019ab3c4d5e60123456789abcdef0123"
BEGAN = 1_795_000_000.125
BEGAN_NS = 1_795_000_000_125_000_000
PEERS = {"openai": Peer("openai", "api.openai.com", 443)}
FACTS: tuple[AnyFact, ...] = (
    RouteChosen(at_s=0.001, route="fast", targets=("openai/gpt-4o", "claude/opus@eu")),
    GuardJudged(
        at_s=0.01, guard="personal", direction="input", mode="enforce", action="mask", texts=1, latency_s=0.004
    ),
    PersonalDataMasked(at_s=0.01, kinds={"EMAIL": 2}),
    CacheMissed(at_s=0.011, reason="new"),
    Queued(at_s=0.05, target="openai/gpt-4o", waited_s=0.03),
    AttemptStarted(at_s=0.05, attempt=1, target="openai/gpt-4o"),
    AttemptFailed(
        at_s=0.15,
        attempt=1,
        target="openai/gpt-4o",
        code="upstream_unavailable",
        upstream_status=503,
        detail="Jane Doe",
    ),
    AttemptStarted(at_s=0.16, attempt=2, target="claude/opus@eu"),
    AttemptSucceeded(at_s=0.26, attempt=2, target="claude/opus@eu"),
    ExtraCallBilled(
        at_s=0.5,
        target="openai/gpt-4o",
        why="lost",
        input_tokens=12,
        output_tokens=28,
        accuracy="exact",
        cost_nanousd=7,
    ),
    Ended(at_s=0.5, end="completed"),
)


def spans(record: Settled) -> list[Span]:
    return spans_of(decode_record(msgspec.json.encode(record)), "sampled", PEERS)


def scene(make_record: MakeRecord, **changes: Any) -> Settled:
    return msgspec.structs.replace(
        make_record(0), **{"id": ID, "started_at": BEGAN, "user": "jane@doe.example", "facts": FACTS, **changes}
    )


def times(span: Span) -> tuple[int, int]:
    """In microseconds since the exchange began."""
    begun, ended = span.start_time_unix_nano - BEGAN_NS, span.end_time_unix_nano - BEGAN_NS
    assert begun % 1000 == ended % 1000 == 0
    return begun // 1000, ended // 1000


def test_times_and_parents_are_those_of_the_facts(make_record: MakeRecord) -> None:
    root, *children = made = spans(scene(make_record))
    assert {span.trace_id.hex() for span in made} == {ID.removeprefix("ex_")}
    assert len({span.span_id for span in made}) == len(made) == 5
    assert root.parent_span_id == b""
    assert {span.parent_span_id for span in children} == {root.span_id}
    assert [(span.name, span.kind, *times(span)) for span in made] == [
        ("chat gpt-4o", Span.SPAN_KIND_SERVER, 0, 500_000),
        ("chat gpt-4o", Span.SPAN_KIND_CLIENT, 50_000, 150_000),
        ("chat opus@eu", Span.SPAN_KIND_CLIENT, 160_000, 500_000),
        ("guard personal input", Span.SPAN_KIND_INTERNAL, 6000, 10_000),
        ("wait for a place", Span.SPAN_KIND_INTERNAL, 20_000, 50_000),
    ]
    assert [(event.name, event.time_unix_nano - BEGAN_NS) for event in root.events] == [
        ("penstock.route_chosen", 1_000_000),
        ("penstock.personal_data_masked", 10_000_000),
        ("penstock.cache_missed", 11_000_000),
        ("penstock.extra_call_billed", 500_000_000),
        ("penstock.ended", 500_000_000),
    ]
    assert spans(scene(make_record)) == made, "what is sent twice is the same"


def test_calls_follow_the_conventions_and_usage_stands_at_the_answer_alone(make_record: MakeRecord) -> None:
    root, failed, answered, *_ = spans(scene(make_record, cost_nanousd=2_560_000))
    assert attributes(failed.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.stream": True,
        "server.address": "api.openai.com",
        "server.port": 443,
        "http.response.status_code": 503,
        "error.type": "upstream_unavailable",
        "penstock.attempt": 1,
        "penstock.target": "openai/gpt-4o",
        "penstock.call": "failed",
    }
    assert failed.status.code == Status.STATUS_CODE_ERROR
    said = attributes(answered.attributes)
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (500, 100)
    assert (said["gen_ai.provider.name"], said["penstock.call"]) == ("claude", "answered")
    assert said["gen_ai.response.time_to_first_chunk"] == 0.26 - 0.16
    assert answered.status.code == root.status.code == Status.STATUS_CODE_UNSET
    whole = attributes(root.attributes)
    assert whole["penstock.input_tokens"] == 512
    assert whole["penstock.cost_nanousd"] == 2_560_000
    assert (whole["penstock.cache"], whole["penstock.tenant"], whole["penstock.key"]) == ("missed", "acme", "key_1")
    assert not any(name.startswith("gen_ai.") for name in whole), "it would be counted twice"


def test_a_call_that_nobody_waited_for_and_one_that_was_not_good_enough(make_record: MakeRecord) -> None:
    facts = (
        AttemptStarted(at_s=0.0, attempt=1, target="a/x"),
        AttemptStarted(at_s=0.1, attempt=2, target="b/x"),
        AttemptSucceeded(at_s=0.2, attempt=2, target="b/x"),
        AskedAgain(at_s=0.3, reason="invalid_answer", targets=("c/x",)),
        AttemptStarted(at_s=0.3, attempt=3, target="c/x"),
        AttemptSucceeded(at_s=0.4, attempt=3, target="c/x"),
    )
    record = scene(make_record, facts=facts, outcome="upstream_failed", outcome_code="upstream_protocol")
    root, *calls = spans(record)
    assert [(*times(call), attributes(call.attributes)["penstock.call"]) for call in calls] == [
        (0, 200_000, "given_up"),
        (100_000, 300_000, "answered"),
        (300_000, 500_000, "failed"),
    ]
    assert ["gen_ai.usage.input_tokens" in attributes(call.attributes) for call in calls] == [False, False, True]
    assert root.status.code == Status.STATUS_CODE_ERROR
    assert attributes(root.attributes)["error.type"] == "upstream_protocol"


def test_no_child_leaves_its_parent_whatever_the_clock_did(make_record: MakeRecord) -> None:
    facts = (
        Queued(at_s=0.2, target="a/x", waited_s=7.0),
        AttemptStarted(at_s=-3.0, attempt=1, target="a/x"),
        AttemptFailed(at_s=-4.0, attempt=1, target="a/x", code="upstream_timeout"),
        AttemptStarted(at_s=9.0, attempt=2, target="a/x"),
    )
    root, *children = spans(scene(make_record, facts=facts))
    assert len(children) == 3
    for child in children:
        assert root.start_time_unix_nano <= child.start_time_unix_nano
        assert child.start_time_unix_nano <= child.end_time_unix_nano <= root.end_time_unix_nano


def test_nobody_is_named(make_record: MakeRecord) -> None:
    (failed,) = [fact for fact in FACTS if isinstance(fact, AttemptFailed)]
    assert failed.detail == "Jane Doe"
    assert dict(sendable(failed)) == {
        "attempt": 1,
        "target": "openai/gpt-4o",
        "code": "upstream_unavailable",
        "upstream_status": 503,
    }
    known = scene(make_record, model="Jane Doe", target="openai/Jane Doe")
    unknown = scene(make_record, model="jane-doe", outcome="rejected", outcome_code="unknown_model", facts=())
    for record in (known, unknown):
        sent = b"".join(span.SerializeToString() for span in spans(record)).lower()
        assert b"gpt-4o" in sent or record is unknown
        assert b"jane" not in sent
        assert b"doe" not in sent


def test_facts_that_are_not_known_here_are_left_out_and_counted(make_record: MakeRecord) -> None:
    raw = msgspec.json.decode(msgspec.json.encode(scene(make_record)))
    raw["facts"] += [{"fact": "from_the_future", "at_s": 0.1, "name": "Jane Doe"}] * 3
    raw["facts"] += [{"fact": "ended", "at_s": 0.2, "end": "completed"}] * 200
    root = spans_of(decode_record(msgspec.json.encode(raw)), "slow", PEERS)[0]
    assert (len(root.events), root.dropped_events_count) == (128, 3 + 5 + 200 - 128)
    assert b"Jane" not in root.SerializeToString()


def test_of_each_text_in_a_fact_it_is_decided_whether_it_leaves() -> None:
    """A new fact with words in it must say here whose words they are."""
    texts: dict[str, set[str]] = {}
    for kind in get_args(AnyFact):
        tag = str(kind.__struct_config__.tag)
        for name, hint in typing.get_type_hints(kind).items():
            if name in kind.__struct_fields__ and _may_hold_text(hint):
                texts.setdefault(tag, set()).add(name)
    decided: dict[str, set[str]] = {}
    for table in (SENT, WITHHELD):
        for tag, fields in table.items():
            assert not decided.get(tag, set()) & set(fields)
            decided.setdefault(tag, set()).update(fields)
    assert decided == texts


def _may_hold_text(hint: Any) -> bool:
    if get_origin(hint) is typing.Literal:
        return True
    if get_args(hint) or isinstance(hint, UnionType):
        return any(_may_hold_text(inner) for inner in get_args(hint))
    return hint not in {int, float, bool, type(None), Ellipsis}
