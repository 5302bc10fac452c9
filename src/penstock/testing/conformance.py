"""PUBLIC: kits that check a part of your own against the contract in `core.ports`, each rule with its reason.

Call them from a test.  They raise `AssertionError` with the rule that was broken.
"""

import asyncio
from collections.abc import Callable, Sequence

from penstock.core.chat import DIALECTS, ChatRequest, Dialect, Message, OpaqueTool, TextPart
from penstock.core.errors import ClientError, UnsupportedField, UpstreamError
from penstock.core.events import Event, Finish, Notice, Start, Text, ToolCall, UsageReport
from penstock.core.ports import Provider, Source


async def check_provider(
    provider: Provider,
    *,
    model: str,
    failing_model: str | None = None,
    in_use: Callable[[], int] | None = None,
    timeout_s: float = 10.0,
) -> None:
    """Check that `provider`, asked for `model`, keeps to `core.ports.Provider` and its answers to `core.events`.

    `failing_model` is one whose calls fail before an answer.  `in_use` counts what the provider holds open, and makes
    the kit check that nothing is left behind.  Makes about twenty calls, some at the same time; does not `aclose`.
    """
    _rule(bool(provider.name), "a provider has a name")
    _rule(provider.dialect in DIALECTS, f"`{provider.dialect}` is no dialect")
    for is_streamed in (False, True):
        request = question(model, is_streamed=is_streamed)
        advisory = provider.advisory(request)
        _rule(not isinstance(advisory, str), "`advisory` names fields; it is no text")
        source = await provider.open(request, model, timeout_s=timeout_s)
        events = await _read_to_end(source, timeout_s)
        check_events(events)
        _rule(any(isinstance(event, Text | ToolCall) for event in events), "an answer says something")
        await _check_left_early(provider, request, model, timeout_s)
    await _check_together(provider, model, timeout_s)
    await _check_cancelled_open(provider, model, timeout_s)
    await _check_refuses_what_it_cannot_do(provider, model, timeout_s)
    if failing_model is not None:
        await _check_failure(provider, failing_model, timeout_s)
    if in_use is not None:
        await asyncio.get_running_loop().create_task(_nothing())
        _rule(in_use() == 0, f"{in_use()} answers are still open after each was closed, cancelled or failed")


def check_events(events: Sequence[Event]) -> None:
    """Check that a complete answer keeps the promises in `core.events`."""
    _rule(bool(events) and isinstance(events[0], Start), "`Start` comes first")
    _rule(sum(isinstance(event, Start) for event in events) == 1, "`Start` comes once")
    finished: set[int] = set()
    parts: dict[int, int] = {}
    channels: dict[tuple[int, int], str] = {}
    calls: set[tuple[int, int]] = set()
    is_reported = False
    for event in events:
        match event:
            case Text(choice=choice, part=part, channel=channel):
                _rule(not is_reported, "usage comes after the last text")
                _rule(choice not in finished, f"choice {choice} goes on after its `Finish`")
                _rule(part >= parts.get(choice, 0), f"the parts of choice {choice} do not rise")
                parts[choice] = part
                known = channels.setdefault((choice, part), channel)
                _rule(known == channel, f"part {part} of choice {choice} is on two channels")
            case ToolCall(choice=choice, index=index, id=id_, name=name):
                _rule(choice not in finished, f"choice {choice} goes on after its `Finish`")
                if (choice, index) not in calls:
                    _rule(bool(id_ and name), "the first piece of a tool call carries its id and name")
                    calls.add((choice, index))
            case Finish(choice=choice):
                _rule(choice not in finished, f"choice {choice} finishes twice")
                finished.add(choice)
            case UsageReport():
                _rule(not is_reported, "usage is reported twice")
                is_reported = True
            case _:
                pass
    spoken = {event.choice for event in events if isinstance(event, Text | ToolCall)}
    _rule(spoken <= finished, f"choices {sorted(spoken - finished)} have no `Finish`")


def question(model: str, *, is_streamed: bool, dialect: Dialect = "openai-chat") -> ChatRequest:
    """A small question that every provider can answer."""
    said = Message("user", (TextPart("How do I locate my card?"),))
    return ChatRequest(dialect=dialect, model=model, messages=(said,), stream=is_streamed, max_tokens=64)


async def _read_to_end(source: Source, timeout_s: float) -> list[Event]:
    events: list[Event] = []
    try:
        async with asyncio.timeout(timeout_s):
            while (batch := await source.read()) is not None:
                _rule(len(batch) > 0, "`read` returns at least one event, or None at the end")
                events += batch
    finally:
        closed: object = source.close()
        _rule(closed is None, "`close` waits for nothing and returns nothing")
    return events


async def _check_left_early(provider: Provider, request: ChatRequest, model: str, timeout_s: float) -> None:
    """Close before the first read, after it, and after a read that was cancelled: none of it may raise."""
    source = await provider.open(request, model, timeout_s=timeout_s)
    source.close()
    source = await provider.open(request, model, timeout_s=timeout_s)
    try:
        async with asyncio.timeout(timeout_s):
            await source.read()
    finally:
        source.close()
    source = await provider.open(request, model, timeout_s=timeout_s)
    reading = asyncio.get_running_loop().create_task(_read(source))
    await asyncio.get_running_loop().create_task(_nothing())
    reading.cancel()
    await asyncio.wait({reading})
    source.close()
    _rule(
        reading.cancelled() or reading.exception() is None, "a cancelled `read` is cancelled, and raises nothing else"
    )


async def _check_together(provider: Provider, model: str, timeout_s: float) -> None:
    async def one(is_streamed: bool) -> list[Event]:  # noqa: FBT001 - the argument of this one loop
        request = question(model, is_streamed=is_streamed)
        return await _read_to_end(await provider.open(request, model, timeout_s=timeout_s), timeout_s)

    async with asyncio.TaskGroup() as tasks:
        answers = [tasks.create_task(one(bool(turn % 2))) for turn in range(8)]
    for answer in answers:
        check_events([event for event in answer.result() if not isinstance(event, Notice)])


async def _check_cancelled_open(provider: Provider, model: str, timeout_s: float) -> None:
    request = question(model, is_streamed=True)
    opening = asyncio.get_running_loop().create_task(_open(provider, request, model, timeout_s))
    await asyncio.get_running_loop().create_task(_nothing())
    opening.cancel()
    await asyncio.wait({opening})
    if not opening.cancelled():
        opening.result().close()


async def _check_refuses_what_it_cannot_do(provider: Provider, model: str, timeout_s: float) -> None:
    foreign: Dialect = "anthropic" if provider.dialect != "anthropic" else "openai-responses"
    tool = OpaqueTool(foreign, "tools[0]", {"type": "a tool that exists nowhere"})
    said = Message("user", (TextPart("Search."),))
    request = ChatRequest(dialect=foreign, model=model, messages=(said,), tools=(tool,), max_tokens=64)
    try:
        source = await provider.open(request, model, timeout_s=timeout_s)
    except UnsupportedField as error:
        _rule(bool(error.field), "`UnsupportedField` names the field")
        return
    source.close()
    raise AssertionError("another dialect's own tool was dropped in silence; `UnsupportedField` is due")


async def _check_failure(provider: Provider, model: str, timeout_s: float) -> None:
    try:
        source = await provider.open(question(model, is_streamed=True), model, timeout_s=timeout_s)
    except (UpstreamError, ClientError) as error:
        _rule(bool(error.public), "an error has a text for the client")
        return
    try:
        async with asyncio.timeout(timeout_s):
            while await source.read() is not None:
                pass
    except UpstreamError:
        return
    finally:
        source.close()
    raise AssertionError(f"`{model}` was to fail, and answered")


async def _open(provider: Provider, request: ChatRequest, model: str, timeout_s: float) -> Source:
    return await provider.open(request, model, timeout_s=timeout_s)


async def _read(source: Source) -> Sequence[Event] | None:
    return await source.read()


async def _nothing() -> None:
    """One turn of the event loop."""


def _rule(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - an assertion's two halves
    if not holds:
        raise AssertionError(otherwise)
