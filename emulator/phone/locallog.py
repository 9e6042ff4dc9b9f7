"""The phone's own log (PROV-291): its last lines, in RAM.

``LOG_FILE_SIZE`` counts megabytes, more than any run fills; what bounds the log here is :data:`LINES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from emulator.events import Entry, Event
from emulator.phone.firmware import applies
from emulator.phone.loglines import TOLD, Line, line_of
from emulator.phone.parts import PartState, part

if TYPE_CHECKING:
    from emulator.phone.state import Phone

LINES = 500
"""Lines that are kept; an older one goes when another comes."""


@part
class LocalLog(PartState):
    """lines: oldest first, at most :data:`LINES`."""

    lines: list[Line] = attrs.Factory(list)


@applies("locallog", *TOLD)
def logged(phone: Phone, event: Event, entry: Entry) -> None:
    """What is told is kept, if ``LOG_TO_FILE_ENABLE`` says so."""
    if phone.settings.enabled("LOG_TO_FILE_ENABLE"):
        lines = phone.locallog.lines
        lines.append(line_of(event, entry.time))
        del lines[:-LINES]
