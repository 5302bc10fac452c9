import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from penstock.core.chat import Request
from penstock.core.events import Event, Finish, Start, Text, ToolCall, UsageReport
from penstock.core.usage import Usage
from penstock.testing import FakeClock, ScriptedProvider, ScriptedSource, check_events, check_provider

START, STOP, USAGE = Start("id", "m"), Finish("stop"), UsageReport(Usage())


@pytest.mark.parametrize(
    ("events", "rule"),
    [
        ((), "comes first"),
        ((Text("a"), START, STOP), "comes first"),
        ((START, START, STOP), "comes once"),
        ((START, Text("a"), STOP, Text("b")), "goes on after"),
        ((START, Text("a"), STOP, STOP), "finishes twice"),
        ((START, Text("a")), "have no `Finish`"),
        ((START, USAGE, Text("a"), STOP), "after the last text"),
        ((START, Text("a"), STOP, USAGE, USAGE), "reported twice"),
        ((START, Text("a", part=1), Text("b", part=0), STOP), "do not rise"),
        ((START, Text("a"), Text("b", channel="reasoning"), STOP), "two channels"),
        ((START, ToolCall(0, 0, arguments="{}"), STOP), "id and name"),
    ],
)
def test_an_answer_that_breaks_a_promise_is_found(events: Sequence[Event], rule: str) -> None:
    with pytest.raises(AssertionError, match=rule):
        check_events(events)


class Leaky(ScriptedProvider):
    """Forgets that a failed or cancelled call must leave nothing open."""

    leaks = 0

    async def open(self, request: Request, model: str, *, timeout_s: float) -> ScriptedSource:
        self.leaks += 1
        source = await super().open(request, model, timeout_s=timeout_s)
        self.leaks -= 1
        return source


class Deaf(ScriptedProvider):
    """Drops what it cannot do in silence."""

    async def open(self, request: Request, model: str, *, timeout_s: float) -> ScriptedSource:
        return await super().open(request_without_tools(request), model, timeout_s=timeout_s)


def request_without_tools(request: Request) -> Request:

    return msgspec.structs.replace(request, tools=())


def test_a_provider_that_leaks_is_found() -> None:
    provider = Leaky(clock=FakeClock())
    with pytest.raises(AssertionError, match="still open"):
        asyncio.run(check_provider(provider, model="sim", in_use=lambda: provider.leaks))


def test_a_provider_that_drops_what_it_cannot_do_is_found() -> None:
    with pytest.raises(AssertionError, match="dropped in silence"):
        asyncio.run(check_provider(Deaf(clock=FakeClock()), model="sim"))


def test_a_provider_that_answers_where_it_was_to_fail_is_found() -> None:
    provider = ScriptedProvider(clock=FakeClock())
    with pytest.raises(AssertionError, match="was to fail"):
        asyncio.run(check_provider(provider, model="sim", failing_model="sim"))


class Stammering(ScriptedSource):
    """Says the end twice."""

    async def read(self) -> Sequence[Event] | None:
        batch = await super().read()
        return None if batch is None else (*batch, *(event for event in batch if isinstance(event, Finish)))


class StammeringProvider(ScriptedProvider):
    async def open(self, request: Request, model: str, *, timeout_s: float) -> ScriptedSource:
        source = await super().open(request, model, timeout_s=timeout_s)
        source.__class__ = Stammering
        return source


def test_a_provider_whose_answers_are_malformed_is_found() -> None:
    with pytest.raises(AssertionError, match="finishes twice"):
        asyncio.run(check_provider(StammeringProvider(clock=FakeClock()), model="sim"))
