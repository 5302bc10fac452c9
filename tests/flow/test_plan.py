"""Which stages are asked for a filter: all that may have one, in the order of the plan."""

from collections.abc import Sequence
from typing import Any

import pytest

from penstock.core.events import Event
from penstock.core.exchange import Exchange
from penstock.core.ports import CONTINUE, Continue, Filter, Stage
from penstock.flow.plan import Plan


class _Filter:
    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        return events

    def finish(self) -> Sequence[Event]:
        return ()


class _Stage:
    def __init__(self, made: Filter | None = None) -> None:
        self.made = made
        self.asked = 0

    @property
    def name(self) -> str:
        return type(self).__name__

    async def enter(self, exchange: Exchange) -> Continue:
        del exchange
        return CONTINUE


class Sometimes(_Stage):
    def filter(self, exchange: Exchange) -> Filter | None:
        self.asked += 1
        return self.made


class Never(_Stage):
    def filter(self, exchange: Exchange) -> None:
        self.asked += 1


class Undeclared(_Stage):
    def filter(self, exchange: Exchange):  # type: ignore[no-untyped-def]  # noqa: ANN201 - that it says nothing is the test
        self.asked += 1
        return self.made


def test_whoever_may_have_a_filter_is_asked_and_only_they() -> None:
    first, second = _Filter(), _Filter()
    stages: tuple[Stage, ...] = (Sometimes(first), Never(), Undeclared(second), Sometimes())
    exchange: Any = object()
    assert Plan(stages, stages).filters(exchange) == [first, second]
    assert [stage.asked for stage in stages] == [1, 0, 1, 1]  # type: ignore[attr-defined]  # they are ours


@pytest.mark.parametrize("kind", [Sometimes, Undeclared])
def test_a_stage_that_is_put_in_later_is_asked_too(kind: type[_Stage]) -> None:
    made = _Filter()
    stage: Any = kind(made)
    plan = Plan((), ())
    again = Plan((*plan.request, stage), (*plan.response, stage))
    assert again.filters(stage) == [made]
