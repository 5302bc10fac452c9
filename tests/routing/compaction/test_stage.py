"""The stage: which requests it shortens, what it records, and where what was left out can be had again."""

import asyncio
import threading
from pathlib import Path

import msgspec
import numpy as np
import psycopg
from numpy.typing import NDArray
from tests.console.serving import serving
from tests.routing.compaction.conversations import assistant, chat, texts_of, user

from penstock.config.routing.compaction import CompactionSettings
from penstock.core.chat import ChatRequest, EmbeddingRequest, Request
from penstock.core.clock import Clock
from penstock.core.exchange import Exchange, Principal
from penstock.core.facts import Compacted, CompactionSkipped
from penstock.core.ids import new_exchange_id
from penstock.routing.compaction.compactor import Compactor
from penstock.routing.compaction.retained import Retained
from penstock.routing.compaction.stage import CompactionStage
from penstock.routing.compaction.store import clean, read, shipping, write
from penstock.testing.clock import FakeClock
from penstock.watch.tokens import Counter

SETTINGS = CompactionSettings(budget_tokens=300, after_tokens=500, encoder_tokens=0)
LONG = chat(
    *(each for at in range(40) for each in (user(f"Question {at} of the invoice?"), assistant(f"Answer {at} " * 8))),
    user("What was answer 7?"),
)


def exchange_of(request: Request, clock: Clock, tenant: str = "t") -> Exchange:
    return Exchange(
        id=new_exchange_id(clock),
        principal=Principal(tenant=tenant, key="k"),
        request=request,
        dialect="openai-chat",
        started_at=clock.now(),
        began_s=clock.monotonic(),
        deadline_s=clock.monotonic() + 60,
        gone_policy="abort",
        facts=[],
    )


def enter(
    request: Request, settings: CompactionSettings = SETTINGS, *, model: str = "m", max_waiting: int = 4
) -> tuple[Exchange, Retained]:
    clock = FakeClock()
    retained = Retained(clock)
    stage = CompactionStage({model: settings}, Compactor(Counter()), retained, clock, max_waiting=max_waiting)
    exchange = exchange_of(request, clock)
    asyncio.run(stage.enter(exchange))
    stage.close()
    return exchange, retained


def test_a_long_prompt_is_shortened_and_recorded_and_what_it_lost_is_kept_for_its_tenant() -> None:
    exchange, retained = enter(LONG)
    (fact,) = exchange.facts
    assert isinstance(fact, Compacted)
    assert fact.tokens_after <= 300
    assert fact.tokens_before > 500
    assert isinstance(exchange.request, ChatRequest)
    assert len(exchange.request.messages) < len(LONG.messages)
    lost = retained.find(exchange.id, tenant="t")
    assert len(lost) == fact.parts > 0
    for each in lost:
        said = LONG.messages[int(each.id.split(".")[0])]
        assert (each.role, each.part["text"]) == (said.role, texts_of([said])[0])
    assert retained.find(exchange.id, tenant="u") == ()
    assert retained.find(exchange.id, tenant=None) == lost


def test_in_shadow_mode_it_is_recorded_and_nothing_changes() -> None:
    exchange, retained = enter(LONG, msgspec.structs.replace(SETTINGS, shadow=True))
    (fact,) = exchange.facts
    assert isinstance(fact, Compacted)
    assert fact.is_shadow
    assert exchange.request is LONG
    assert retained.find(exchange.id, tenant=None) == ()


def test_other_models_short_prompts_and_embeddings_are_left_alone() -> None:
    for request, model in (
        (LONG, "other"),
        (chat(user("Hi")), "m"),
        (EmbeddingRequest(dialect="openai-chat", model="m", inputs=("a" * 90_000,)), "m"),
    ):
        exchange, _ = enter(request, model=model)
        assert exchange.request is request
        assert exchange.facts == []


def test_a_prompt_goes_on_as_it_is_where_too_many_wait() -> None:
    exchange, _ = enter(LONG, max_waiting=0)
    assert exchange.request is LONG
    assert [type(fact) for fact in exchange.facts] == [CompactionSkipped]


def test_the_event_loop_never_reads_for_it() -> None:
    threads: set[int] = set()

    def read_text(text: str) -> NDArray[np.float32]:
        threads.add(threading.get_ident())
        return np.full(4, 0.5, np.float32) if text else np.zeros(4, np.float32)

    clock = FakeClock()
    stage = CompactionStage(
        {"m": msgspec.structs.replace(SETTINGS, encoder_tokens=1_000)},
        Compactor(Counter(), read_text),
        Retained(clock),
        clock,
    )
    asyncio.run(stage.enter(exchange_of(LONG, clock)))
    stage.close()
    assert threads
    assert threading.get_ident() not in threads


def test_what_is_kept_is_forgotten_when_its_time_is_over_or_there_is_too_much_of_it() -> None:
    clock = FakeClock()
    made = Compactor(Counter()).compact(LONG, "m", SETTINGS)
    assert made is not None
    retained = Retained(clock, most_bytes=len(msgspec.json.encode(made.left_out)) * 2)
    for name in ("a", "b", "c"):
        retained.keep(name, "t", made.left_out, for_s=60)
    assert [bool(retained.find(name, tenant="t")) for name in ("a", "b", "c")] == [False, True, True]
    clock.advance(61)
    assert retained.find("c", tenant="t") == ()


def test_what_was_left_out_is_in_the_database_until_its_time_is_over(database_url: str) -> None:
    clock = FakeClock(now_s=4_000_000_000.0)
    made = Compactor(Counter()).compact(LONG, "m", SETTINGS)
    assert made is not None
    retained = Retained(clock)
    retained.keep("ex-1", "t", made.left_out, for_s=60)
    with psycopg.connect(database_url, autocommit=True) as connection:
        ship = shipping(retained).tend
        assert ship is not None
        ship(connection)
        ship(connection)
        assert [each.id for each in read(connection, "ex-1", tenant="t")] == [each.id for each in made.left_out]
        assert read(connection, "ex-1", tenant=None) == read(connection, "ex-1", tenant="t")
        assert read(connection, "ex-1", tenant="u") == ()
        retained.keep("ex-2", "t", made.left_out, for_s=-3_999_999_999.0)
        write(connection, retained.take())
        assert read(connection, "ex-2", tenant="t") == ()
        clean(connection)
        (rows,) = connection.execute("SELECT count(*) FROM left_out").fetchone() or (0,)
        assert rows == 1


def test_a_database_that_is_away_loses_nothing(database_url: str) -> None:
    clock = FakeClock()
    made = Compactor(Counter()).compact(LONG, "m", SETTINGS)
    assert made is not None
    retained = Retained(clock)
    retained.keep("ex-1", "t", made.left_out, for_s=60)
    ship = shipping(retained).tend
    assert ship is not None
    connection = psycopg.connect(database_url)
    connection.close()
    try:
        ship(connection)
    except psycopg.Error:
        assert [entry.exchange for entry in retained.take()] == ["ex-1"]
    else:
        raise AssertionError


def test_the_admin_api_shows_what_a_prompt_lost(tmp_path: Path, database_url: str) -> None:
    clock = FakeClock(now_s=4_000_000_000.0)
    made = Compactor(Counter()).compact(LONG, "m", SETTINGS)
    assert made is not None
    retained = Retained(clock)
    retained.keep("ex-1", "t", made.left_out, for_s=60)
    with psycopg.connect(database_url, autocommit=True) as connection:
        write(connection, retained.take())
    with serving(tmp_path, database_url, {}) as api:
        items = api.get("/admin/v1/exchanges/ex-1/left-out").json["items"]
        nothing = api.get("/admin/v1/exchanges/ex-2/left-out").json["items"]
    assert nothing == []
    assert [item["id"] for item in items] == [each.id for each in made.left_out]
    assert items[0]["text"] == "Question 0 of the invoice?"
    assert items[0]["kind"] == "text"
