"""How often each kind of fault really happened in a run: counters that show that a campaign tried what it says.

The counters of runs are summed over a campaign (:func:`tools.fuzz.verdicts.watching.summed`). A kind that stays at zero
was never tried, whatever was planned.
"""

from __future__ import annotations

from typing import Any

from emulator.events import (
    COMPLETE,
    AccessRefused,
    AddressLost,
    ClockRefused,
    ClockSet,
    ConflictFound,
    DatagramLost,
    DatagramReceived,
    Entry,
    Event,
    ExportRequested,
    FactoryResetRequested,
    FileAnswered,
    FileRefused,
    FirmwareRefused,
    FirmwareRolledBack,
    FlashFailed,
    FlashFlipped,
    FlashSettled,
    FlashTorn,
    HandsetLifted,
    HttpAnswered,
    ImportOffered,
    LineRefused,
    LineWaiting,
    LinkDown,
    LookupAnswered,
    PacketRefused,
    PageOpened,
    PageSubmitted,
    ParameterSkipped,
    PowerLost,
    PowerOff,
    RestartOrdered,
    RestartRequested,
    RunDeferred,
    SaveFailed,
    SettingEntered,
    StreamClosed,
    ToleranceUsed,
    TransferEnded,
    UpdateAnswered,
)
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

REMEMBERED = 256
"""Datagrams of a power cycle among which a repetition is looked for."""
REASONED = (AccessRefused, AddressLost, DatagramLost, FileRefused, FirmwareRefused, FirmwareRolledBack, FlashFailed)
ANSWERED = (HttpAnswered, FileAnswered, TransferEnded)
PLAIN: dict[type[Event], str] = {
    FlashFlipped: "bit flip",
    FlashSettled: "flash settled after a cut",
    PowerLost: "power cut in flash work",
    PowerOff: "power off",
    LinkDown: "link down",
    ConflictFound: "address conflict",
    ClockRefused: "time server refuses",
    SaveFailed: "configuration not saved",
    LineRefused: "line refused",
    LineWaiting: "line not registered",
    RunDeferred: "run deferred",
    RestartOrdered: "restart",
    ParameterSkipped: "parameter skipped",
    HandsetLifted: "user: call",
    RestartRequested: "user: restart",
    SettingEntered: "user: setting",
    PageSubmitted: "user: setting",
    PageOpened: "user: page",
    ExportRequested: "user: export",
    ImportOffered: "user: import",
    FactoryResetRequested: "user: factory reset",
    UpdateAnswered: "user: firmware update",
}
"""Kinds of events that are counted as they are."""
NAMES: dict[type[Event], str] = {
    AccessRefused: "access refused",
    AddressLost: "address lost",
    DatagramLost: "datagram lost",
    FileRefused: "file refused",
    FirmwareRefused: "firmware refused",
    FirmwareRolledBack: "firmware rolled back",
    FlashFailed: "flash failure",
}
"""Kinds that are counted by their reason."""


class Sometimes(Verdict):
    """Finds nothing; it counts, in ``facts.counts``."""

    name = "sometimes"

    def begin(self) -> None:
        """Nothing has come yet."""
        self.known: dict[tuple[str, int, bytes], None] = {}
        self.sent: dict[tuple[str, int], int] = {}

    def count(self, what: str) -> None:
        """Once more."""
        self.facts.counts[what] += 1

    @on(*PLAIN)
    def plain(self, entry: Entry, event: Event) -> None:
        """A kind that needs no reason."""
        self.count(PLAIN[type(event)])

    @on(*REASONED)
    def reasoned(self, entry: Entry, event: Any) -> None:
        """A kind by its reason."""
        self.count(f"{NAMES[type(event)]}: {event.reason}")

    @on(PacketRefused)
    def refused(self, entry: Entry, event: PacketRefused) -> None:
        """A packet that is of no use."""
        self.count(f"packet refused: {event.protocol} {event.reason}")

    @on(ToleranceUsed)
    def tolerated(self, entry: Entry, event: ToleranceUsed) -> None:
        """A careless packet."""
        self.count(f"tolerated: {event.protocol} {event.code}")

    @on(FlashTorn)
    def torn(self, entry: Entry, event: FlashTorn) -> None:
        """A power cut by how it leaves the flash."""
        self.count(f"flash torn: {event.operation} {event.tear}")

    @on(*ANSWERED)
    def answered(self, entry: Entry, event: Any) -> None:
        """A server that does not answer as it should: silent, refused, cut off, too much, another status."""
        if event.end != COMPLETE:
            self.count(f"server: {event.end}")
        elif isinstance(event, HttpAnswered) and event.status != 200:
            self.count(f"server: status {event.status}")

    @on(StreamClosed)
    def closed(self, entry: Entry, event: StreamClosed) -> None:
        """A connection that broke, or never stood."""
        if event.reason:
            self.count(f"connection: {event.reason}")

    @on(LookupAnswered)
    def looked_up(self, entry: Entry, event: LookupAnswered) -> None:
        """A name that is not found."""
        if event.error:
            self.count(f"name: {event.error}")

    @on(ClockSet)
    def clock(self, entry: Entry, event: ClockSet) -> None:
        """The clock is moved while it runs."""
        if event.correction:
            self.count("clock put back" if event.correction < 0 else "clock put forward")

    @on(DatagramReceived)
    def received(self, entry: Entry, event: DatagramReceived) -> None:
        """The same datagram once more, or one that was overtaken on its way."""
        key = event.source, event.source_port, bytes(event.payload)
        if key in self.known:
            self.count("datagram seen twice")
        self.known[key] = None
        if len(self.known) > REMEMBERED:
            del self.known[next(iter(self.known))]
        if entry.cause is not None:
            end = event.source, event.port
            if entry.cause < self.sent.get(end, 0):
                self.count("datagram overtaken")
            self.sent[end] = max(entry.cause, self.sent.get(end, 0))
