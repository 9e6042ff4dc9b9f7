"""Local time: the time zone, and the rule by which summer time begins and ends (``TIME_ZONE`` and ``DST_*``).

Pure functions on integers: instants are ns since 1970-01-01 UTC, wall clock and zone count minutes. Summer time puts
the clock forward by an hour. The times of its beginning and end are what the clock shows just before it is changed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from emulator.events import SECOND
from emulator.events.civil import DAY, date_of, days_of
from emulator.phone.catalogue import catalogue
from emulator.phone.settings import Settings

MINUTE = 60 * SECOND
DAY_MINUTES = 24 * 60
SHIFT = 60
"""Minutes by which summer time is ahead."""
LAST = 5
"""The ordinal that means the last such weekday of the month."""


class Change(NamedTuple):
    """When the clock is changed: the ``ordinal``-th ``weekday`` (0 Sunday) of ``month``, ``minute`` after midnight."""

    month: int
    ordinal: int
    weekday: int
    minute: int


class Rules(NamedTuple):
    """zone: minutes east of UTC; start, stop: of summer time, None where there is none.

    A stop earlier in the year than the start is the southern hemisphere: summer time lasts over New Year.
    """

    zone: int
    start: Change | None = None
    stop: Change | None = None


class Local(NamedTuple):
    """What the clock and the calendar on the wall show. weekday: 0 Sunday; ahead: minutes ahead of UTC."""

    year: int
    month: int
    day: int
    weekday: int
    hour: int
    minute: int
    second: int
    ahead: int


def rules_of(settings: Settings) -> Rules:
    """The rules that the settings hold; a phone that is told no ``TIME_ZONE`` shows UTC."""
    number, text = settings.number, settings.value("TIME_ZONE")
    zone = 0 if not text or catalogue().by_tag["TIME_ZONE"].check(text) else int(text)
    if not settings.enabled("DST_ENABLE"):
        return Rules(zone)
    names = ("MONTH", "ORDINAL_DAY", "DAY_OF_WEEK", "TIME")
    start, stop = (Change(*(number(f"DST_{edge}_{name}") for name in names)) for edge in ("START", "STOP"))
    return Rules(zone, start, stop)


def ahead_of_utc(utc: int, rules: Rules) -> int:
    """Minutes by which the local clock is ahead of UTC at an instant."""
    if rules.start is None:
        return rules.zone
    minute = utc // MINUTE
    year, _, _ = date_of((minute + rules.zone) // DAY_MINUTES)
    summer = [begins for at, begins in changes(year, rules) if at <= minute][-1]
    return rules.zone + SHIFT * summer


def local(utc: int, rules: Rules) -> Local:
    """What the wall clock shows at an instant."""
    ahead = ahead_of_utc(utc, rules)
    days, rest = divmod(utc + ahead * MINUTE, DAY)
    minutes, second = divmod(rest // SECOND, 60)
    return Local(*date_of(days), (days + 4) % 7, *divmod(minutes, 60), second, ahead)


def next_occurrence(hour: int, minute: int, utc: int, rules: Rules) -> int:
    """The next instant after ``utc`` at which the local clock comes to show ``hour``:``minute``.

    A time that the change in spring skips happens at the first minute after the gap; one that the change in autumn
    repeats happens once, the first time.
    """
    today = (utc // MINUTE + ahead_of_utc(utc, rules)) // DAY_MINUTES
    days = range(today - 1, today + 3)
    moments = (instant_of(day * DAY_MINUTES + hour * 60 + minute, rules) * MINUTE for day in days)
    return next(moment for moment in moments if moment > utc)


def instant_of(wall: int, rules: Rules) -> int:
    """The first UTC minute at which the wall clock shows ``wall`` (minutes since 1970), or that follows a gap there."""
    winter = wall - rules.zone
    summer = winter - SHIFT
    if ahead_of_utc(summer * MINUTE, rules) != rules.zone:
        return summer
    if ahead_of_utc(winter * MINUTE, rules) == rules.zone:
        return winter
    year, _, _ = date_of(wall // DAY_MINUTES)
    return next(at for at, begins in changes(year, rules) if begins and summer < at <= winter)


@lru_cache(maxsize=64)
def changes(year: int, rules: Rules) -> tuple[tuple[int, bool], ...]:
    """The changes from the year before to the year after, in order: (UTC minute, whether summer time begins)."""
    found = []
    for which in (year - 1, year, year + 1):
        if rules.start is not None and rules.stop is not None:
            found.append((wall_minute(which, rules.start) - rules.zone, True))
            found.append((wall_minute(which, rules.stop) - rules.zone - SHIFT, False))
    return tuple(sorted(found))


def wall_minute(year: int, change: Change) -> int:
    """The wall clock, in minutes since 1970, just before a change in ``year``."""
    first = days_of(year, change.month, 1)
    following = days_of(year + change.month // 12, change.month % 12 + 1, 1)
    day = first + (change.weekday - (first + 4)) % 7 + 7 * (change.ordinal - 1)
    if change.ordinal == LAST and day >= following:
        day -= 7
    return day * DAY_MINUTES + change.minute
