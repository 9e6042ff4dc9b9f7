"""The calendar as arithmetic on days since 1970-01-01: proleptic Gregorian, whole numbers only."""

from __future__ import annotations

from emulator.events.units import SECOND

DAY = 86_400 * SECOND
"""Nanoseconds in a day."""
_ERA_DAYS = 146_097
"""Days in 400 years, after which the calendar repeats."""
_TO_MARCH_0000 = 719_468
"""Days from 0000-03-01 to 1970-01-01. Years that begin in March have their leap day last."""


def days_of(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date; month 1 to 12."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * _ERA_DAYS + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _TO_MARCH_0000


def date_of(days: int) -> tuple[int, int, int]:
    """(year, month, day) of a day counted from 1970-01-01."""
    era, of_era = divmod(days + _TO_MARCH_0000, _ERA_DAYS)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    number = month + 3 if month < 10 else month - 9
    return year + era * 400 + (number <= 2), number, day


def utc_text(instant: int) -> str:
    """``2026-03-29 00:58:00 UTC`` for an instant in ns since 1970."""
    days, rest = divmod(instant, DAY)
    year, month, day = date_of(days)
    minutes, second = divmod(rest // SECOND, 60)
    return f"{year:04d}-{month:02d}-{day:02d} {minutes // 60:02d}:{minutes % 60:02d}:{second:02d} UTC"
