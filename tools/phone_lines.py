"""Parts of a phone's state as ``state`` tells them: what it waits for, its clock, its own log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from emulator.events.civil import utc_text
from emulator.events.masking import printable
from emulator.phone.locallog import log_of
from emulator.phone.state import Phone
from flash_image import LogLine
from tools.timeline import seconds

LOG_LINES = 10
"""Lines of the phone's log that are shown to a person."""


def timers(phone: Phone) -> list[tuple[int, str]]:
    """(due in ns, order key) of the armed timers, soonest first."""
    return sorted((order.due, key) for key, order in phone.orders.open.items() if order.due is not None)


def waiting(phone: Phone) -> list[str]:
    """The orders that are open besides timers."""
    return sorted(key for key, order in phone.orders.open.items() if order.due is None)


def clock_line(phone: Phone) -> str:
    """The time of day that the phone's clock shows, and since which event it is set."""
    utc = phone.wallclock.utc(phone.clock)
    return "not set" if utc is None else f"{utc_text(utc)}, set by event {phone.wallclock.read}"


def log_lines(phone: Phone) -> Iterator[str]:
    """The phone's own log (PROV-291), its last lines."""
    lines = log_of(phone)
    shown = lines[-LOG_LINES:]
    if lines:
        yield f"log      {len(lines)} lines" + (":" if len(lines) == len(shown) else f", the last {len(shown)}:")
    for line in shown:
        yield f"  {log_time(line):>12}  {line.severity} {line.tag}  {printable(line.text)}"


def log_time(line: LogLine) -> str:
    """When a line was logged: the time of day, or since power-on."""
    return utc_text(line.time) if line.utc else f"+{seconds(line.time)}"


def log_json(phone: Phone) -> list[dict[str, Any]]:
    """The phone's own log, whole."""
    return [attrs.asdict(line) for line in log_of(phone)]
