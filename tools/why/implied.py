"""Grounds that an event has by its nature and does not name: who cut the power, why a write failed."""

from __future__ import annotations

from emulator.events import (
    Entry,
    Event,
    FirmwareBooted,
    FirmwareDamaged,
    FirmwareRefused,
    FirmwareRolledBack,
    FlashFailed,
    FlashFlipped,
    FlashTorn,
    PowerCutPlanned,
    SaveFailed,
    SectorsWorn,
    SettingsLoaded,
)
from tools.why.reader import Reader


def implied(reader: Reader, entry: Entry) -> tuple[int, ...]:
    """The last event that an event rests on without naming it; () if there is none, or none is needed."""
    kinds, together = _rests_on(entry.event)
    if not kinds:
        return ()
    for other in reader.back(entry.phone, entry.n - 1, tuple(kind.kind for kind in kinds)):
        if not together or other.cause == entry.cause:
            return () if other.n in entry.because else (other.n,)
        if entry.cause is None or other.n < entry.cause:
            break
    return ()


def _rests_on(event: Event) -> tuple[tuple[type[Event], ...], bool]:
    """(kinds of the events that it may rest on, whether they have the same cause)."""
    if isinstance(event, FlashTorn):
        return (PowerCutPlanned,), False
    if isinstance(event, FlashFailed):
        return (SectorsWorn,), False
    if isinstance(event, SaveFailed):
        return (FlashFailed,), True
    if isinstance(event, FirmwareBooted):
        return (FirmwareRolledBack, FirmwareDamaged), True
    if isinstance(event, FirmwareRefused) and event.reason == "rolled-back":
        return (FirmwareRolledBack,), False
    if isinstance(event, SettingsLoaded) and event.damage:
        return (FlashFlipped, FlashTorn), False
    return (), False
