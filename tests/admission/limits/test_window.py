"""Periods and the clocks that name them."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.admission.limits.scene import Scene

from penstock.admission.limits.limit import Limit, Period
from penstock.admission.limits.window import window_at
from penstock.core.errors import ConfigError, RateLimited
from penstock.testing.clock import FakeClock


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("per", "zone", "now", "start", "end"),
    [
        ("second", "UTC", "2026-03-01T10:20:30.700", "2026-03-01T10:20:30", "2026-03-01T10:20:31"),
        ("minute", "UTC", "2026-03-01T10:20:30", "2026-03-01T10:20:00", "2026-03-01T10:21:00"),
        ("hour", "UTC", "2026-03-01T10:20:30", "2026-03-01T10:00:00", "2026-03-01T11:00:00"),
        ("day", "UTC", "2026-03-01T10:20:30", "2026-03-01T00:00:00", "2026-03-02T00:00:00"),
        ("day", "Asia/Tokyo", "2026-03-01T16:00:00", "2026-03-01T15:00:00", "2026-03-02T15:00:00"),
        ("day", "Europe/Berlin", "2026-03-29T12:00:00", "2026-03-28T23:00:00", "2026-03-29T22:00:00"),
        ("week", "UTC", "2026-03-01T10:20:30", "2026-02-23T00:00:00", "2026-03-02T00:00:00"),
        ("month", "UTC", "2026-02-14T10:20:30", "2026-02-01T00:00:00", "2026-03-01T00:00:00"),
        ("month", "America/New_York", "2026-12-31T23:00:00", "2026-12-01T05:00:00", "2027-01-01T05:00:00"),
    ],
)
def test_a_period_begins_and_ends_where_it_should(per: Period, zone: str, now: str, start: str, end: str) -> None:
    window = window_at(per, at(now), zone)
    assert (window.start, window.end) == (at(start), at(end))


@settings(deadline=None, max_examples=100)
@given(
    now=st.floats(0, 4e9),
    per=st.sampled_from(["second", "minute", "hour", "day", "week", "month"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"]),
)
def test_every_moment_lies_in_its_period_and_periods_meet(now: float, per: Period, zone: str) -> None:
    window = window_at(per, now, zone)
    assert window.start <= now < window.end
    assert window_at(per, window.end, zone).start == window.end


def test_an_unknown_zone_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="Mars"):
        window_at("day", 0, "Mars/Olympus")


class JumpingClock(FakeClock):
    """Its time of day can be set; its monotonic time cannot."""

    def jump(self, seconds: float) -> None:
        self._now_offset_s += seconds


def test_a_store_clock_that_is_moved_by_an_hour_opens_the_next_hour_and_never_an_old_one_again() -> None:
    async def play() -> None:
        clock = JumpingClock(now_s=at("2026-03-01T10:20:30"))
        scene = Scene((Limit(name="h", unit="requests", amount=5, per="hour"),), clock=clock)
        scene.supply.start()

        async def admitted() -> int:
            let_in = 0
            for _ in range(8):
                try:
                    scene.settle(await scene.enter())
                    let_in += 1
                except RateLimited:
                    pass
            return let_in

        assert await admitted() == 5
        clock.jump(3600)
        clock.advance(2)
        assert scene.supply.health().clock_steps == 1
        assert await admitted() == 5, "by the store's clock it is another hour"
        clock.jump(-3600)
        clock.advance(2)
        assert scene.supply.health().clock_steps == 2
        assert await admitted() == 0, "the hour before is still used up"
        clock.advance(3600)
        assert await admitted() == 0, "and so is the one that came too early"
        clock.advance(3600)
        assert await admitted() == 5

    asyncio.run(play())


def test_a_tenants_day_is_its_own() -> None:
    async def play() -> None:
        clock = FakeClock(now_s=at("2026-03-01T14:59:00"))
        limit = Limit(name="d", unit="requests", amount=1, per="day", scope=("tenant",))
        scene = Scene((limit,), clock=clock, zones={"tokyo": "Asia/Tokyo"})
        scene.supply.start()
        await scene.enter(scene.exchange(tenant="tokyo"))
        await scene.enter(scene.exchange(tenant="london"))
        clock.advance(120)
        await scene.enter(scene.exchange(tenant="tokyo"))
        with pytest.raises(RateLimited):
            await scene.enter(scene.exchange(tenant="london"))

    asyncio.run(play())
