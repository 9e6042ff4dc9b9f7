"""TFTP by its packets: what a file is made of, and when a packet is sent again (PROV-118, RFC 1350)."""

from __future__ import annotations

from hashlib import sha256

from emulator.events import (
    COMPLETE,
    SECOND,
    DatagramReceived,
    DatagramSent,
    Entry,
    PowerOn,
    TftpStarted,
    TransferEnded,
)
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

SENDINGS = 5
AGAIN = SECOND
"""PROV-118: each packet is sent five times at most, a second apart."""
ACKNOWLEDGEMENT, ERROR = b"\0\4", b"\0\5"
READ = b"\0\1"


class Blocks(Verdict):
    """Each block counts once, in its turn, and from the server only."""

    name = "tftp-blocks"

    def begin(self) -> None:
        """No transfer."""
        self.arrived: list[bytes] = []
        self.path = ""

    @on(TftpStarted)
    def started(self, entry: Entry, event: TftpStarted) -> None:
        """A transfer begins."""
        self.arrived = []

    @on(DatagramReceived)
    def came(self, entry: Entry, event: DatagramReceived) -> None:
        """Every block, whoever sent it."""
        transfer = self.facts.bodies.transfer
        if transfer is not None and event.port == transfer.local and event.payload[:2] == b"\0\3":
            self.arrived.append(bytes(event.payload[4:]))

    @on(TransferEnded)
    def ended(self, entry: Entry, event: TransferEnded) -> None:
        """The file is what the blocks give."""
        transfer = self.facts.bodies.transfer
        if transfer is None or event.end != COMPLETE:
            return
        body = transfer.body
        if (event.size, event.digest) == (len(body), sha256(body).hexdigest()):
            return
        text = f"the blocks of the {event.name} file give {len(body):,} bytes, and the phone has {event.size:,}"
        rule = "RFC 1350 s.4" if transfer.foreign_blocks and not transfer.repeats else "RFC 1350"
        self.fault(rule, text, entry, "another file")

    @on(DatagramSent)
    def sent(self, entry: Entry, event: DatagramSent) -> None:
        """A block that came twice is not acknowledged twice at once; a stranger is told so and gets nothing else."""
        transfer = self.facts.bodies.transfer
        first = self.facts.settled.entries[0].event
        if transfer is None or event.source_port != transfer.local or type(first) is not DatagramReceived:
            return
        if first.port != transfer.local:
            return
        acknowledges = event.payload[:2] == ACKNOWLEDGEMENT
        if acknowledges and transfer.repeated and not transfer.foreign:
            text = f"block {transfer.taken} came twice, and was acknowledged once more at once"
            self.fault("RFC 1123 s.4.2.3.1", text, entry, "apprentice")
        if acknowledges and transfer.foreign:
            self.fault("RFC 1350 s.4", "a packet from another port or host was acknowledged", entry, "stranger")
        if acknowledges and int.from_bytes(event.payload[2:4], "big") != transfer.taken % 65_536:
            number = int.from_bytes(event.payload[2:4], "big")
            text = f"block {number} was acknowledged, and {transfer.taken} came last"
            self.fault("RFC 1350", text, entry, "number")


class TftpPace(Verdict):
    """A packet is sent again a second after the last time, five times in all."""

    name = "tftp-pace"

    def begin(self) -> None:
        """Nothing was sent."""
        self.local = 0
        self.packet = b""
        self.time = self.count = 0

    @on(PowerOn)
    def powered(self, entry: Entry, event: PowerOn) -> None:
        """No transfer."""
        self.begin()

    @on(TftpStarted)
    def started(self, entry: Entry, event: TftpStarted) -> None:
        """A transfer begins."""
        self.begin()
        self.local = event.local_port

    @on(DatagramSent)
    def sent(self, entry: Entry, event: DatagramSent) -> None:
        """The same packet again, or the next."""
        if event.source_port != self.local or event.payload[:2] == ERROR:
            return
        if event.payload[:2] == READ and event.payload.split(b"\0")[2:3] != [b"octet"]:
            self.fault("PROV-118", "a file is asked for in another mode than octet", entry, "mode")
        if event.payload != self.packet:
            self.packet, self.time, self.count = event.payload, entry.time, 1
            return
        self.count += 1
        waited, self.time = self.facts.due - self.time, entry.time
        if self.count > SENDINGS:
            self.fault("PROV-118", f"a TFTP packet was sent {self.count} times", entry, "too often")
        elif waited != AGAIN and type(self.facts.settled.entries[0].event) is not DatagramReceived:
            self.fault("PROV-118", f"a TFTP packet was sent again after {waited / SECOND:g} s", entry, "wait")

    @on(TransferEnded)
    def ended(self, entry: Entry, event: TransferEnded) -> None:
        """Given up only after the last time."""
        silent = event.end in ("idle-timeout", "connect-timeout")
        if self.local and silent and self.count < SENDINGS:
            text = f"a TFTP packet was sent {self.count} times, and then no more"
            self.fault("PROV-118", text, entry, "too few")
        self.local = 0
