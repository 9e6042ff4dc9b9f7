"""The time of day."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from emulator.events.base import Event
from emulator.events.civil import utc_text
from emulator.events.masking import duration


@frozen
class ClockSet(Event):
    """The phone knows the time of day: from now on its clock reads so.

    utc: ns from 1970-01-01 to the moment of this event, without leap seconds; source: ``SNTP``; server: its address;
    delay: ns of the round trip, half of which is in ``utc``; correction: ns by which the clock was put forward (back:
    negative), None when it was not set before.
    """

    mark: ClassVar[str] = "="
    utc: int
    source: str
    server: str
    delay: int
    correction: int | None

    def _line(self) -> str:
        moved = self.correction
        change = f", {duration(abs(moved))} {'back' if moved < 0 else 'forward'}" if moved else ""
        return f"clock set to {utc_text(self.utc)} by {self.source} {self.server}{change}"


@frozen
class ClockRefused(Event):
    """A time server told the phone to stay away (kiss-o'-death, RFC 4330 s.8).

    server: as it is set; code: ``RATE`` (ask less often), ``DENY`` or ``RSTR`` (ask no more).
    """

    server: str
    code: str

    def _line(self) -> str:
        return f"time server {self.server} refuses: {self.code}"
