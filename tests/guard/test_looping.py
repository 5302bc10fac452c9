"""Answers that repeat themselves: cut off where that is enforced, recorded where it is not, and no others."""

from collections.abc import Sequence

import pytest
from tests.guard.hearings import CLOCK, exchange_of

from penstock.core.errors import PolicyBlocked
from penstock.core.events import Event, Finish, Text, ToolCall
from penstock.core.facts import GuardJudged
from penstock.guard.answer import Answers
from penstock.guard.judging import Judging
from penstock.guard.looping import Looped
from penstock.guard.scope.repetition import LoopSettings
from penstock.guard.ward import Mode, Ward

ROUND = "and so on, "
PROSE = "A sentence that says something. Another, which says something else, ends here. "


def answers(mode: Mode) -> Answers:
    ward = Ward(guard="scope.limits", mode=mode, fail="closed", action=lambda _: "block")
    looped = Looped(ward, LoopSettings())
    return Answers([], [], Judging(CLOCK, None, most_chars=1000), CLOCK, loops=looped)


def ran(
    mode: Mode, events: Sequence[Event], *, stream: bool = True
) -> tuple[list[Event], GuardJudged, Exception | None]:
    exchange = exchange_of("x", stream=stream)
    guards = answers(mode).open(exchange)
    assert guards is not None
    passed: list[Event] = []
    stopped: Exception | None = None
    try:
        for event in events:
            passed += guards.feed((event,))
        passed += guards.finish()
    except PolicyBlocked as error:
        stopped = error
        passed += error.last
    (fact,) = [each for each in exchange.facts if isinstance(each, GuardJudged)]
    return passed, fact, stopped


def test_a_stream_ends_where_it_is_known_for_a_loop() -> None:
    events = [Text(PROSE), *(Text(ROUND) for _ in range(500)), Finish("stop")]
    passed, fact, stopped = ran("enforce", events)
    assert stopped is not None
    assert passed[-1] == Finish("content_filter")
    shown = "".join(each.text for each in passed if isinstance(each, Text))
    assert shown.startswith(PROSE + ROUND)
    assert len(shown) < len(PROSE) + 450
    assert (fact.action, fact.rule, fact.is_after_release) == ("block", "scope.loop", True)


def test_in_shadow_it_is_recorded_and_goes_on() -> None:
    events = [Text(ROUND * 100), Finish("stop")]
    passed, fact, stopped = ran("shadow", events)
    assert (list(passed), stopped) == (events, None)
    assert (fact.mode, fact.action, fact.rule, fact.findings) == ("shadow", "block", "scope.loop", 1)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "repeated",
    [
        pytest.param([Text(ROUND * 100, channel="reasoning")], id="reasoning"),
        pytest.param([ToolCall(0, 0, id="c", name="f", arguments='{"a": "' + ROUND * 100)], id="a tool's arguments"),
        pytest.param([Text(PROSE), Text(ROUND * 100, choice=1)], id="another choice"),
    ],
)
def test_it_is_found_wherever_it_stands_and_however_it_is_sent(repeated: list[Event], *, stream: bool) -> None:
    assert ran("enforce", repeated, stream=stream)[2] is not None


@pytest.mark.parametrize("stream", [True, False])
def test_what_stands_in_several_texts_is_no_loop(*, stream: bool) -> None:
    events: list[Event] = [Text(PROSE * 3, choice=choice) for choice in range(9)]
    passed, fact, stopped = ran("enforce", events, stream=stream)
    assert (passed, stopped, fact.action, fact.texts) == (events, None, "allow", 9)
