"""What the phone decided when it wrote to its flash, and what it said of having written."""

from __future__ import annotations

from attrs import frozen

from emulator.events import (
    CertificateRead,
    ConfigurationRead,
    ConfigurationSaved,
    Entry,
    FactoryResetDone,
    FirmwareConfirmed,
    FirmwareInstalled,
    FirmwareWritten,
    LogWritten,
    PowerLost,
    SettingChanged,
)
from tools.why.reader import Reader
from tools.why.subjects import FILE, LAYERS

FACTS = (ConfigurationSaved, FactoryResetDone, FirmwareInstalled, FirmwareConfirmed, FirmwareWritten, LogWritten)
"""What a phone says of flash work that it has done, after the last operation."""
FAR = 4_000
"""Events between the first operation of a decision and what is said of all of them, at most."""


@frozen
class Writer:
    """Who put something into the flash. decided: the event by which it became so, 0 if none tells; saved: what the
    phone said of having written it, or the operation that wrote it, or what brought the chip with it; 0 for nobody."""

    decided: int = 0
    saved: int = 0

    @property
    def first(self) -> tuple[int, ...]:
        """The event to go on with."""
        return tuple(n for n in (self.decided or self.saved,) if n)


def decision(reader: Reader, operation: Entry, subject: str) -> tuple[int, ...]:
    """The event by which a subject became what an operation of the flash wrote; () if none tells."""
    if subject.startswith(FILE):
        name = subject.removeprefix(FILE)
        for entry in reader.back(operation.phone, operation.n, (ConfigurationRead.kind, CertificateRead.kind)):
            if isinstance(entry.event, ConfigurationRead | CertificateRead) and entry.event.file == name:
                return (entry.n,)
    layer, key = LAYERS.get(subject[:2], ""), subject[2:]
    for entry in reader.forth(operation.phone, operation.cause or 0, operation.n, (SettingChanged.kind,)):
        change = entry.event
        own = isinstance(change, SettingChanged) and (change.key, change.layer) == (key, layer)
        if own and entry.cause == operation.cause:
            return (entry.n,)
    return ()


def fact(reader: Reader, operation: Entry) -> tuple[int, ...]:
    """What the phone said when it was done with an operation and the others of the same decision; () if nothing."""
    kinds = (*(kind.kind for kind in FACTS), PowerLost.kind)
    for entry in reader.forth(operation.phone, operation.n, operation.n + FAR, kinds):
        if isinstance(entry.event, PowerLost):
            return ()
        if entry.cause == operation.cause:
            return (entry.n,)
    return ()
