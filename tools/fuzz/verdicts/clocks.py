"""The clock: only an answer to the phone's own question sets it (RFC 4330)."""

from __future__ import annotations

from emulator.events import ClockRefused, ClockSet, DatagramReceived, DatagramSent, Entry
from emulator.wire import sntp
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict


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
        if event.port == sntp.PORT:
            self.sent, self.server = bytes(event.payload[40:48]), event.destination

    @on(DatagramReceived)
    def came(self, entry: Entry, event: DatagramReceived) -> None:
        """It may be an answer."""
        if event.source_port == sntp.PORT:
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
        elif isinstance(event, ClockSet):
            self.set_by(entry, data)

    def set_by(self, entry: Entry, data: bytes) -> None:
        """What the server says of its own clock."""
        stratum = data[1]
        if stratum == 0:
            self.fault("RFC 4330 s.5, RFC 4330 s.8", "a kiss-o'-death set the clock", entry, "kiss")
        elif stratum > sntp.WORST_STRATUM:
            self.fault("RFC 4330 s.5", f"a server of stratum {stratum} set the clock", entry, "stratum")
        elif data[0] >> 6 == sntp.UNSYNCHRONISED and not self.careless():
            text = "a server that does not know the time set the clock"
            self.fault("RFC 4330 s.4, RFC 4330 s.5", text, entry, "unsynchronised")
        elif data[0] & 7 != sntp.SERVER or not any(data[40:48]):
            self.fault(
                "RFC 4330 s.5", "what is no answer of a server, or holds no time, set the clock", entry, "no time"
            )
