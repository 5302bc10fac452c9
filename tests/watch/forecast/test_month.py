"""The calendar of a forecast: days of 23 and 25 hours, midnights that are not there, and shares of a day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from penstock.watch.forecast.month import Month, midnight, month_of, share_over

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_month_is_of_its_zone() -> None:
    eve = datetime(2026, 2, 28, 23, 30, tzinfo=UTC)
    assert month_of(eve, ZoneInfo("UTC")).first == date(2026, 2, 1)
    berlin = month_of(eve, BERLIN)
    assert (berlin.first, berlin.after) == (date(2026, 3, 1), date(2026, 4, 1))
    assert berlin.starts_at == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert berlin.ends_at == datetime(2026, 3, 31, 22, tzinfo=UTC)  # the clocks went forward on the 29th
    assert Month(date(2026, 12, 1), BERLIN).after == date(2027, 1, 1)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)])
def test_a_day_is_as_long_as_it_is(day: date, hours: int) -> None:
    starts = midnight(day, BERLIN)
    assert midnight(day + timedelta(days=1), BERLIN).timestamp() - starts.timestamp() == hours * 3600
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=BERLIN)
    over = (noon.timestamp() - starts.timestamp()) / 3600 / hours
    assert share_over(noon, BERLIN) == pytest.approx(over)
    assert over == pytest.approx({23: 11 / 23, 24: 0.5, 25: 13 / 25}[hours])


def test_a_midnight_that_is_skipped_is_when_the_clocks_change() -> None:
    beirut = ZoneInfo("Asia/Beirut")
    assert midnight(date(2022, 3, 27), beirut).timestamp() == datetime(2022, 3, 26, 22, tzinfo=UTC).timestamp()


def test_hours_say_how_much_of_the_spend_is_behind() -> None:
    office = [0] * 9 + [10] * 8 + [0] * 7
    at = datetime(2026, 7, 1, 10, 30, tzinfo=BERLIN)
    assert share_over(at, BERLIN, office) == pytest.approx(max(1.5 / 8, 0.5 * 10.5 / 24))
    assert share_over(at.replace(hour=20), BERLIN, office) == 1.0
    # Nothing was ever spent at night: what is spent there is not a whole day's.
    assert share_over(at.replace(hour=6, minute=0), BERLIN, office) == pytest.approx(0.125)
    assert share_over(at, BERLIN, [0] * 24) == share_over(at, BERLIN)
    with pytest.raises(ValueError, match="24 hours"):
        share_over(at, BERLIN, [1])
