"""Kept answers come back as they were, however they were cut, and memory stays within its bound."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cache.drops import Drops
from penstock.cache.entry import Drop, Entry, decode_events, encode_events, joined
from penstock.cache.lru import Lru
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport, Vector
from penstock.core.usage import Usage
from penstock.flow.fold import Fold

PIECES: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        Text,
        text=st.text(max_size=4),
        choice=st.integers(0, 1),
        channel=st.sampled_from(["answer", "reasoning", "refusal"]),
        part=st.integers(0, 1),
        logprobs=st.one_of(st.none(), st.lists(st.fixed_dictionaries({"token": st.text(max_size=2)}), max_size=1)),
        signature=st.one_of(st.none(), st.just("s")),
    ),
    st.builds(
        ToolCall,
        choice=st.integers(0, 1),
        index=st.integers(0, 1),
        id=st.sampled_from(["", "a"]),
        name=st.sampled_from(["", "f"]),
        arguments=st.text(max_size=3),
        signature=st.one_of(st.none(), st.just("s")),
    ),
    st.builds(Finish, reason=st.sampled_from(["stop", "length"]), choice=st.integers(0, 1), native=st.just("end")),
    st.builds(Notice, dialect=st.just("anthropic"), kind=st.just("k"), data=st.just({"a": [1, None, "x"]})),
    st.just(UsageReport(Usage(input_tokens=3, native_dialect="anthropic", native={"input_tokens": 3}))),
    st.builds(Vector, index=st.integers(0, 2), values=st.just([0.5, -1.0])),
    st.just(Start("id", "model", 5)),
)


def folded(events: list[Event]) -> object:
    fold = Fold()
    fold.feed(events)
    return fold.answer()


@given(st.lists(PIECES, max_size=12))
@settings(deadline=None, max_examples=200)
def test_joining_pieces_changes_nothing_of_an_answer(events: list[Event]) -> None:
    assert folded(joined(events)) == folded(events)


@given(st.lists(PIECES, max_size=8))
@settings(deadline=None, max_examples=100)
def test_events_come_back_as_they_were(events: list[Event]) -> None:
    assert list(decode_events(encode_events(events))) == events


def test_pieces_of_one_text_become_one() -> None:
    assert joined([Text("a"), Text("b"), Finish("stop")]) == [Text("ab"), Finish("stop")]


@pytest.mark.parametrize("data", [b"", b"\x91\x81\xa4type\xa1x", b"\x91\x82\xa4type\xa4text\xa1x\x01", b"\x91\x01"])
def test_events_of_another_version_are_refused_and_not_misread(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_events(data)


def entry(key: int, size: int = 0, *, tenant: str = "t", tags: tuple[str, ...] = ()) -> Entry:
    return Entry(
        id=f"ex_{key}",
        kind="exact",
        key=key.to_bytes(32),
        partition=b"p" * 32,
        tenant=tenant,
        model="m",
        target="sim/m",
        events=b"." * size,
        created_at=0.0,
        expires_at=100.0,
        tags=tags,
    )


def test_memory_stays_within_its_bound_and_the_least_used_goes_first() -> None:
    lru = Lru(4 * entry(0, 9_000).size_bytes, Drops())
    for key in range(4):
        lru.put(entry(key, 9_000), 0)
    assert lru.get((0).to_bytes(32), 1.0) is not None
    lru.put(entry(4, 9_000), 0)
    kept = [key for key in range(5) if lru.get(key.to_bytes(32), 1.0) is not None]
    assert kept == [0, 2, 3, 4]
    lru.put(entry(5, 100_000), 0)
    assert len(lru) == 4
    assert lru.size_bytes == 4 * entry(0, 9_000).size_bytes


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5_000)), max_size=60))
@settings(deadline=None, max_examples=100)
def test_what_memory_says_it_takes_is_what_lies_in_it(puts: list[tuple[int, int]]) -> None:
    lru = Lru(20_000, Drops())
    for key, size in puts:
        lru.put(entry(key, size), 0)
    found = [lru.get(key, 1.0) for key in lru.everything()]
    assert lru.size_bytes == sum(each.size_bytes for each in found if each is not None) <= 20_000


def test_a_sweep_lets_go_of_what_is_dropped_or_over() -> None:
    drops = Drops()
    lru = Lru(1 << 20, drops)
    for key, tenant in enumerate("abc"):
        lru.put(entry(key, tenant=tenant), drops.now)
    drops.apply(Drop(tenant="b"))
    lru.sweep(lru.everything(), 1.0)
    assert len(lru) == 2
    lru.sweep(lru.everything(), 100.0)
    assert (len(lru), lru.size_bytes) == (0, 0)


def test_a_drop_by_tag_hits_what_carries_it_and_nothing_else() -> None:
    drops = Drops()
    tagged, other = entry(1, tags=("doc:1", "doc:2")), entry(2, tags=("doc:3",))
    drops.apply(Drop(tag="doc:2"))
    assert drops.is_gone(tagged, 0)
    assert not drops.is_gone(other, 0)
    assert not drops.is_gone(tagged, drops.now)


@given(st.lists(st.tuples(*[st.sampled_from([None, "a", "b"])] * 3), max_size=6), st.integers(0, 6))
@settings(deadline=None, max_examples=200)
def test_drops_agree_with_their_definition(given_: list[tuple[str | None, ...]], since: int) -> None:
    drops = Drops()
    asked = [Drop(tenant=tenant, model=model, tag=tag) for tenant, model, tag in given_]
    for drop in asked:
        drops.apply(drop)
    kept = msgspec.structs.replace(entry(1, tenant="a", tags=("a",)), model="a")
    assert drops.is_gone(kept, since) == any(drop.matches(kept) for drop in asked[since:])
