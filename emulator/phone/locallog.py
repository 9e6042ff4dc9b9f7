"""The phone's own log (PROV-291): its lines go from memory into a ring in flash, soon after a run and before a restart.

What is still in memory when the power goes is lost, as on any phone that writes its log by the page. On a chip that has
no ring, as earlier versions made it, the last :data:`LINES` stay in memory. ``LOG_FILE_SIZE`` counts megabytes, more
than the chip has for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from emulator.events import (
    SECOND,
    ClockRefused,
    ClockSet,
    ConfigurationSaved,
    Entry,
    Event,
    LogWritten,
    RestartNeeded,
    RunEnded,
    SaveFailed,
    TimerDue,
    TimerSet,
)
from emulator.phone.firmware import Reaction, applies, becomes, reacts
from emulator.phone.flash import flash_event
from emulator.phone.loglines import TOLD, Line, line_of
from emulator.phone.parts import PartState, part
from flash_image import LogEnd, LogLine, has_log, read_log

if TYPE_CHECKING:
    from emulator.phone.state import Phone

LINES = 500
"""Lines that are kept in memory; an older one goes when another comes."""
DELAY = SECOND
"""From the end of a run until its lines are written: the answers that the phone waits for then come first. Ours."""
TIMER = "local-log"


@part
class LocalLog(PartState):
    """lines: in memory, oldest first, at most :data:`LINES`; end: where the ring goes on, None before the first write
    since power-on."""

    lines: list[Line] = attrs.Factory(list)
    end: LogEnd | None = None


def log_of(phone: Phone) -> list[LogLine]:
    """All that the phone's log holds, oldest first: what is in flash, and what is still in memory."""
    return [*read_log(phone.flash.chip).lines, *held(phone)]


def held(phone: Phone) -> list[LogLine]:
    """The lines in memory, with the time of day or, while the clock is not set, the time since power-on."""
    started, clock = phone.power.started, phone.wallclock
    return [
        LogLine(line.time - started if (utc := clock.utc(line.time)) is None else utc, utc is not None, *line[1:])
        for line in phone.locallog.lines
    ]


@applies("locallog", *TOLD)
def logged(phone: Phone, event: Event, entry: Entry) -> None:
    """What is told is kept, if ``LOG_TO_FILE_ENABLE`` says so."""
    if phone.settings.enabled("LOG_TO_FILE_ENABLE"):
        lines = phone.locallog.lines
        lines.append(line_of(event, entry.time))
        del lines[:-LINES]


@applies("locallog", LogWritten)
def written(phone: Phone, event: LogWritten, entry: Entry) -> None:
    """They are in flash, or lost with a worn sector."""
    log = phone.locallog
    del log.lines[: event.lines]
    log.end = LogEnd(event.address, event.sequence)


@reacts(RunEnded, ClockSet, ClockRefused, ConfigurationSaved, SaveFailed)
def soon(phone: Phone, event: Event, entry: Entry) -> Reaction:
    """Once no run is on, the lines are written before long."""
    waiting = phone.locallog.lines and not phone.orders.armed(TIMER)
    if waiting and phone.provisioning.step == 0 and has_log(phone.flash.chip):
        yield TimerSet(TIMER, DELAY)


@reacts(TimerDue)
def time_to_write(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """The time has come."""
    return write(phone) if event.name == TIMER else ()


@reacts(RestartNeeded)
def before_restart(phone: Phone, event: RestartNeeded, entry: Entry) -> Reaction:
    """What a restart would lose is written first."""
    return write(phone)


def write(phone: Phone) -> Reaction:
    """The flash work that appends every line in memory to the ring."""
    lines = held(phone)
    work, end = phone.format.plan_log(phone.flash.chip, lines, phone.locallog.end)
    if not work or end is None:
        return ()
    return (*map(flash_event, work), LogWritten(len(lines), end.address, end.sequence, ""))


@becomes(LogWritten)
def not_written(phone: Phone, event: LogWritten, busy: int) -> Event:
    """In a worn sector no line can be kept."""
    return attrs.evolve(event, reason=phone.flash.failed) if phone.flash.failed else event
