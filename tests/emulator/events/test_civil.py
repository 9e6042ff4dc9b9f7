"""The calendar as arithmetic: the standard library's datetime is the judge."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import SECOND
from emulator.events.civil import DAY, date_of, days_of, utc_text

prop = settings(deadline=None)


@prop
@given(st.dates())
def test_days_are_those_of_the_standard_library(day: date) -> None:
    days = (day - date(1970, 1, 1)).days
    assert days_of(day.year, day.month, day.day) == days
    assert date_of(days) == (day.year, day.month, day.day)


@prop
@given(st.integers(-(10**9), 10**9))
def test_any_day_comes_back(days: int) -> None:
    assert days_of(*date_of(days)) == days


@prop
@given(st.integers(0, 1 << 62))
def test_an_instant_as_text(instant: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=instant // SECOND)
    assert utc_text(instant) == moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    assert DAY == 86_400 * SECOND
