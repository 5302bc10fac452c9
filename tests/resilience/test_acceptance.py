"""A small version of each acceptance run (`make evaluate ARGS=resilience`), with what it must show."""

import asyncio
from pathlib import Path

import pytest
from evaluation.resilience import report
from evaluation.resilience.capacity import find
from evaluation.resilience.failing import one_provider, two_providers
from evaluation.resilience.hedging import slow_target
from evaluation.resilience.limited import Counting, Prompts, requests_limited, tokens_limited
from evaluation.resilience.sharing import batch_flood, two_tenants
from evaluation.resilience.site import Site, play, route_to
from evaluation.resilience.traffic import Caller

from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider


def test_two_failing_providers_that_go_down_in_turn_lose_next_to_nothing() -> None:
    survived = two_providers(4_000, 21)
    assert survived.share >= 0.9995, survived.causes
    assert survived.extra <= 0.1


def test_one_provider_alone_loses_what_it_fails() -> None:
    assert 0.92 <= one_provider(2_000, 21).share <= 0.96


def test_a_batch_tenant_at_fifty_times_its_share_is_hardly_felt_by_an_interactive_one() -> None:
    flooded = batch_flood(21, minutes=0.5)
    assert flooded.moved < 0.1
    assert flooded.beside.answered == flooded.beside.requests > 0
    assert flooded.busy > 0.6, "what is kept free for the interactive tenant is not more than it uses"


def test_tenants_of_one_class_get_their_weight_however_loud_they_are() -> None:
    assert two_tenants(21, weight=3.0, minutes=0.5).off <= 0.05


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("counting", ["window", "bucket"])
def test_an_announced_limit_is_used_and_hardly_ever_hit(counting: Counting, processes: int) -> None:
    paced = requests_limited(counting, 21, minutes=5, processes=processes)
    assert paced.share_throttled <= 0.01
    assert paced.used >= 0.95


@pytest.mark.parametrize("prompts", ["alike", "varied"])
def test_an_announced_limit_of_tokens_is_used_and_hardly_ever_hit(prompts: Prompts) -> None:
    paced = tokens_limited("window", 21, minutes=5, prompts=prompts)
    assert paced.share_throttled <= 0.01
    assert paced.used >= 0.95


def test_hedged_streams_wait_far_less_for_a_target_that_is_sometimes_slow() -> None:
    hedging = slow_target(1_500, 21, streamed=1.0)
    assert hedging.saved >= 0.6
    assert hedging.hedged.spend <= 0.05
    assert hedging.hedged.answered == hedging.hedged.requests


@pytest.mark.parametrize(("refuses", "initial"), [(True, 1_000), (False, 32)])
def test_the_room_of_a_server_is_found_and_used(*, refuses: bool, initial: int) -> None:
    (phase,) = find(21, refuses=refuses, initial=initial, phase_s=200.0, room=(20,)).phases
    assert phase.off <= 0.25
    assert phase.busy >= 0.85, "it lets through fewer on purpose now and then, to compare"
    assert phase.refused <= 0.03


def test_a_run_leaves_nothing_behind_and_is_the_same_each_time() -> None:
    first, second = (two_providers(500, 5) for _ in range(2))
    assert first == second


def test_what_is_still_under_way_at_the_end_is_stopped_and_settled() -> None:
    async def scene() -> list[str]:
        clock = FakeClock()
        provider = ScriptedProvider(clock=clock)
        site = Site(clock, route_to([(provider, "sim:first=1s")]))
        await play(clock, [(site, each) for each in Caller(rate=10.0).for_seconds(10.0, 1)], until_s=10.0)
        assert provider.opened == provider.closed
        return [each.outcome for each in site.records]

    outcomes = asyncio.run(scene())
    assert set(outcomes) == {"completed", "shutdown"}


def test_the_published_page_has_the_place_for_what_is_measured() -> None:
    page = (Path(__file__).parents[2] / "docs" / "resilience.md").read_text()
    section = report.Section(title="T", text="t", rows=(report.Row(what="w", measured="1", bound="2", is_met=False),))
    assert "| w | 1 | 2 | **missed** |" in report.inserted(page, report.markdown([section], [1]))


def test_a_page_without_markers_is_not_written() -> None:
    with pytest.raises(ValueError, match="markers"):
        report.inserted("# A page", "text")
