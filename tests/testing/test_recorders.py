import asyncio

import pytest
from tests.records import completed

from penstock.core.chat import ChatRequest, Message, TextPart
from penstock.core.events import Start, Text
from penstock.core.exchange import Exchange, Principal
from penstock.core.ids import new_exchange_id
from penstock.core.ports import ClientGone
from penstock.testing import FakeClock, MemoryLedger, RecordingSink

EVENTS = (Start("id", "sim"), Text("a"), Text("b"), Text("c", choice=1))


def exchange() -> Exchange:
    clock = FakeClock()
    request = ChatRequest(dialect="openai-chat", model="sim", messages=(Message("user", (TextPart("hi"),)),))
    return Exchange(
        id=new_exchange_id(clock),
        principal=Principal("t", "k"),
        request=request,
        dialect="openai-chat",
        started_at=clock.now(),
        began_s=clock.monotonic(),
        deadline_s=clock.monotonic() + 1,
        gone_policy="abort",
    )


def test_a_sink_keeps_events_and_the_end() -> None:
    async def scenario() -> RecordingSink:
        sink = RecordingSink()
        await sink.write(EVENTS)
        over = exchange()
        over.end = "completed"
        await sink.close(over)
        return sink

    sink = asyncio.run(scenario())
    assert (sink.events, sink.end, sink.closes, sink.writes) == (list(EVENTS), "completed", 1, 1)
    assert (sink.text(), sink.text(choice=1)) == ("ab", "c")


@pytest.mark.parametrize("at", [0, 2])
def test_a_client_leaves_at_the_event_that_was_named_and_stays_away(at: int) -> None:
    async def scenario() -> RecordingSink:
        sink = RecordingSink(gone_at=at)
        for _ in range(2):
            with pytest.raises(ClientGone):
                await sink.write(EVENTS)
        return sink

    assert asyncio.run(scenario()).events == list(EVENTS[:at])


def test_a_client_that_stops_reading_holds_the_writer() -> None:
    async def scenario() -> None:
        sink = RecordingSink(hold_at=1)
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(sink.write(EVENTS))
            await sink.wait_for_events(1)
            await FakeClock().settle()
            assert not writing.done()
            sink.release()
            await sink.wait_for_events(4)
        assert sink.events == list(EVENTS)
        sink.leave()
        with pytest.raises(ClientGone):
            await sink.write(EVENTS)

    asyncio.run(scenario())


def test_a_ledger_keeps_a_second_record_of_the_same_exchange_too() -> None:
    ledger = MemoryLedger()
    with pytest.raises(LookupError):
        ledger.only()
    record = completed(
        id="ex_1",
        started_at=1.0,
        duration_s=1.0,
        first_event_s=None,
        tenant="t",
        key="k",
        target=None,
        input_tokens=1,
        output_tokens=1,
        cost_nanousd=None,
        cost_accuracy="unknown",
        config_hash="",
        facts=(),
    )
    ledger.append(record)
    assert ledger.only() is record
    ledger.append(record)
    with pytest.raises(LookupError):
        ledger.only()
    ledger.fail_with = OSError("disk full")
    with pytest.raises(OSError, match="disk full"):
        ledger.append(record)
