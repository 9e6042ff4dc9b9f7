"""The clock: only an answer to the phone's own question sets it (RFC 4330)."""

from __future__ import annotations

from emulator.events import ClockRefused, ClockSet, DatagramReceived, DatagramSent, Entry
from tools.fuzz.strict.marks import on
from tools.fuzz.strict.watching import Verdict

PORT = 123


class ClockAnswers(Verdict):
    """The answer repeats what was sent, and its server knows the time itself (RFC 4330 s.5 and s.8)."""

    name = "clock-answer"

    def begin(self) -> None:
        """Nothing was asked."""
        self.sent = b""
        self.server = ""
        self.packet: DatagramReceived | None = None

    @on(DatagramSent)
    def asked(self, entry: Entry, event: DatagramSent) -> None:
        """A question."""
        if event.port == PORT:
            self.sent, self.server = bytes(event.payload[40:48]), event.destination

    @on(DatagramReceived)
    def came(self, entry: Entry, event: DatagramReceived) -> None:
        """It may be an answer."""
        if event.source_port == PORT:
            self.packet = event

    def careless(self) -> bool:
        """Whether a setting says that the leap indicator does not matter."""
        return self.facts.enabled("IGNORE_LEAP_INDICATOR")

    @on(ClockSet, ClockRefused)
    def taken(self, entry: Entry, event: ClockSet | ClockRefused) -> None:
        """It was taken for one."""
        if self.packet is None or self.facts.settled.entries[0].event is not self.packet:
            self.fault("RFC 4330 s.5", "the clock was set, and no time server had answered", entry, "no answer")
            return
        data = self.packet.payload
        if data[24:32] != self.sent:
            self.fault("RFC 4330 s.5", "the answer of a time server to another question was accepted", entry, "stray")
        elif self.packet.source != self.server:
            self.fault("RFC 4330 s.5", "an answer of another time server was accepted", entry, "server")
        elif isinstance(event, ClockSet) and (data[1] == 0 or (data[0] >> 6 == 3 and not self.careless())):
            self.fault("RFC 4330 s.8", "a server that does not know the time set the clock", entry, "unsynchronised")
