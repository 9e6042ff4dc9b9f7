"""Local time by rule: the time zone database of the standard library is the judge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emulator.events import SECOND
from emulator.phone.calendar import MINUTE, Change, Rules, ahead_of_utc, local, next_occurrence, rules_of
from tests.emulator.phone.bench import Bench

prop = settings(deadline=None)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = {
    "America/New_York": Rules(-300, Change(3, 2, 0, 120), Change(11, 1, 0, 120)),
    "Europe/Berlin": Rules(60, Change(3, 5, 0, 120), Change(10, 5, 0, 180)),
    "Europe/London": Rules(0, Change(3, 5, 0, 60), Change(10, 5, 0, 120)),
    "Australia/Sydney": Rules(600, Change(10, 1, 0, 120), Change(4, 1, 0, 180)),
    "Asia/Kolkata": Rules(330),
}
"""Rules as they have been since 2008 (New York: 2007), written as ``DST_*``."""
FROM, TO = (int((datetime(year, 1, 1, tzinfo=UTC) - EPOCH).total_seconds()) for year in (2009, 2037))
instants = st.integers(FROM, TO).map(lambda seconds: seconds * SECOND)
zones = st.sampled_from(sorted(ZONES))
everywhere = pytest.mark.parametrize("zone", sorted(ZONES))


def judge(utc: int, zone: str) -> datetime:
    """What the wall clock shows in ``zone``, as the standard library has it."""
    return (EPOCH + timedelta(seconds=utc // SECOND)).astimezone(ZoneInfo(zone))


def at(*moment: int) -> int:
    """A UTC time in ns."""
    return int((datetime(*moment, tzinfo=UTC) - EPOCH).total_seconds()) * SECOND  # type: ignore[arg-type,misc]


@prop
@given(instants, zones)
def test_local_time_is_that_of_the_time_zone_database(utc: int, zone: str) -> None:
    theirs = judge(utc, zone)
    ours = local(utc, ZONES[zone])
    assert ours[:3] == (theirs.year, theirs.month, theirs.day)
    assert ours[4:7] == (theirs.hour, theirs.minute, theirs.second)
    assert ours.weekday == theirs.isoweekday() % 7
    assert timedelta(minutes=ours.ahead) == theirs.utcoffset()


@everywhere
@pytest.mark.parametrize("year", [2009, 2023, 2024, 2026, 2036])
def test_the_clock_is_changed_at_the_very_second(zone: str, year: int) -> None:
    """Around every change of the year, and at every hour of it."""
    for hour in range(8784):
        utc = at(year, 1, 1) + hour * 60 * MINUTE
        for moment in (utc - SECOND, utc):
            assert timedelta(minutes=ahead_of_utc(moment, ZONES[zone])) == judge(moment, zone).utcoffset()


def scanned(hour: int, minute: int, utc: int, zone: str) -> int:
    """:func:`next_occurrence` found the slow way: minute by minute, by the standard library."""
    seen = judge(utc // MINUTE * MINUTE - 2 * 60 * MINUTE, zone).replace(tzinfo=None)
    wall = seen
    moment = utc // MINUTE * MINUTE - 2 * 60 * MINUTE
    while True:
        moment += MINUTE
        before, wall = wall, judge(moment, zone).replace(tzinfo=None)
        wanted = wall.replace(hour=hour, minute=minute)
        for target in (wanted, wanted - timedelta(days=1)):
            if before < target <= wall and target > seen and moment > utc:
                return moment
        seen = max(seen, wall)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 23), st.integers(0, 59), instants, zones)
@example(2, 30, at(2026, 3, 29, 0, 59), "Europe/Berlin")
@example(2, 30, at(2026, 10, 25, 0, 30), "Europe/Berlin")
@example(2, 30, at(2026, 10, 25, 0, 29), "Europe/Berlin")
@example(1, 30, at(2026, 11, 1, 5, 0), "America/New_York")
@example(3, 0, at(2026, 4, 4, 15, 30), "Australia/Sydney")
def test_the_next_occurrence_is_the_one_a_patient_person_would_see(hour: int, minute: int, utc: int, zone: str) -> None:
    assert next_occurrence(hour, minute, utc, ZONES[zone]) == scanned(hour, minute, utc, zone)


@pytest.mark.parametrize(
    ("zone", "hour", "minute", "utc", "found"),
    [
        pytest.param("Europe/Berlin", 2, 30, at(2026, 3, 28, 23), at(2026, 3, 29, 1), id="skipped: after the gap"),
        pytest.param("Europe/Berlin", 2, 0, at(2026, 3, 28, 23), at(2026, 3, 29, 1), id="first minute of the gap"),
        pytest.param("Europe/Berlin", 3, 0, at(2026, 3, 28, 23), at(2026, 3, 29, 1), id="the end of the gap"),
        pytest.param("Europe/Berlin", 2, 30, at(2026, 10, 24, 22), at(2026, 10, 25, 0, 30), id="repeated: the first"),
        pytest.param("Europe/Berlin", 2, 30, at(2026, 10, 25, 0, 30), at(2026, 10, 26, 1, 30), id="and not again"),
        pytest.param("Europe/Berlin", 2, 30, at(2026, 10, 25, 1), at(2026, 10, 26, 1, 30), id="not in the repetition"),
        pytest.param("Australia/Sydney", 2, 30, at(2026, 10, 3, 15), at(2026, 10, 3, 16), id="skipped in the south"),
        pytest.param("Asia/Kolkata", 0, 0, at(2026, 1, 1), at(2026, 1, 1, 18, 30), id="midnight in India"),
    ],
)
def test_the_two_odd_nights_of_the_year(zone: str, hour: int, minute: int, utc: int, found: int) -> None:
    assert next_occurrence(hour, minute, utc, ZONES[zone]) == found


def edges() -> st.SearchStrategy[Change]:
    """Any change that settings can name."""
    return st.builds(Change, st.integers(1, 12), st.integers(1, 5), st.integers(0, 6), st.integers(0, 1439))


@prop
@given(st.builds(Rules, st.integers(-720, 840), edges(), edges()), instants, st.integers(0, 23), st.integers(0, 59))
def test_any_rules_give_a_time_within_two_days(rules: Rules, utc: int, hour: int, minute: int) -> None:
    found = next_occurrence(hour, minute, utc, rules)
    assert utc < found <= utc + 2 * 1440 * MINUTE
    assert found % MINUTE == 0
    shown = local(found, rules)
    gap = ahead_of_utc(found - MINUTE, rules) != ahead_of_utc(found, rules)
    assert (shown.hour, shown.minute) == (hour, minute) or gap
    assert ahead_of_utc(utc, rules) in (rules.zone, rules.zone + 60)


@pytest.mark.parametrize(
    ("stored", "rules"),
    [
        ({}, Rules(0)),
        ({"TIME_ZONE": "-300"}, Rules(-300)),
        ({"TIME_ZONE": "far"}, Rules(0)),
        ({"DST_ENABLE": "Y"}, Rules(0, Change(3, 2, 0, 120), Change(10, 2, 0, 120))),
        (
            {"TIME_ZONE": "60", "DST_ENABLE": "Y", "DST_START_ORDINAL_DAY": "5", "DST_STOP_TIME": "180"},
            Rules(60, Change(3, 5, 0, 120), Change(10, 2, 0, 180)),
        ),
    ],
)
def test_rules_are_read_from_the_settings(stored: dict[str, str], rules: Rules) -> None:
    """Also from a flash that holds no allowed value."""
    assert rules_of(Bench(provisioned=tuple(stored.items())).phone.settings) == rules
