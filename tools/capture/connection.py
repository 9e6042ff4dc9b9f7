"""A TCP connection framed anew, segment by segment (RFC 9293)."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from emulator.events import SECOND
from emulator.wire.ip import ACK, FIN, PSH, RST, SYN, maximum_segment, packed, tcp

End = tuple[str, int]
"""Address and port."""
Emit = Callable[[int, int, bool, bytes], None]
"""What becomes of a segment: time (ns), number of its event, whether the phone sends it, its bytes."""
FIRST_TIMEOUT = SECOND
"""After which a SYN is sent again, doubling each time (RFC 6298 s.2)."""
HEADERS = {4: 40, 16: 60}
"""Bytes of IP and TCP headers in a full packet, by the length of the address."""
MTU = 1500


@define
class Connection:
    """A connection that a phone opens. started, n: when (ns), and number of that event; emit: gets the segments.

    sent, received: the next sequence numbers of phone and host; stands: the handshake is over; round_trip: ns it took;
    owed: (time, event) of what the phone sent and the host has not acknowledged.
    """

    phone: End
    host: End
    started: int
    n: int
    emit: Emit
    sent: int
    received: int
    stands: bool = False
    round_trip: int = 0
    owed: tuple[int, int] | None = None

    @property
    def largest(self) -> int:
        """Bytes of payload in a full segment: 1,460 over IPv4, 1,440 over IPv6."""
        return MTU - HEADERS[len(packed(self.phone[0]))]

    # --- how it begins ----------------------------------------------------------------------------------------------

    def ask(self, time: int) -> None:
        """The SYN of the phone, also when it is sent again."""
        self._segment(time, self.n, True, SYN, self.sent, 0, maximum_segment(self.largest))

    def ask_in_vain(self, until: int) -> None:
        """The SYN again and again, as nothing answers before ``until`` (ns)."""
        at, wait = self.started + FIRST_TIMEOUT, 2 * FIRST_TIMEOUT
        while at < until:
            self.ask(at)
            at, wait = at + wait, 2 * wait

    def refuse(self, time: int, n: int) -> None:
        """The host answers the SYN with a reset (RFC 9293 s.3.5.2)."""
        self._segment(time, n, False, RST | ACK, 0, self.sent + 1)

    def stand(self, time: int, n: int) -> None:
        """The handshake ends at ``time``."""
        self.stands, self.round_trip = True, time - self.started
        self.sent += 1
        self._segment(time, n, False, SYN | ACK, self.received, self.sent, maximum_segment(self.largest))
        self.received += 1
        self._segment(time, n, True, ACK, self.sent, self.received)

    # --- what passes ------------------------------------------------------------------------------------------------

    def say(self, time: int, n: int, data: bytes) -> None:
        """The phone writes; the host acknowledges a round trip later, or with its next segment."""
        self.settle(time)
        for at in range(0, len(data), self.largest):
            piece = data[at : at + self.largest]
            last = at + len(piece) == len(data)
            self._segment(time, n, True, ACK | PSH if last else ACK, self.sent, self.received, payload=piece)
            self.sent += len(piece)
            self.owed = (time, n)

    def hear(self, time: int, n: int, data: bytes) -> None:
        """The host writes; the phone acknowledges every second segment and the last (RFC 9293 s.3.8.6.3)."""
        self.settle(time)
        for count, at in enumerate(range(0, len(data), self.largest), 1):
            piece = data[at : at + self.largest]
            last = at + len(piece) == len(data)
            self._segment(time, n, False, ACK | PSH if last else ACK, self.received, self.sent, payload=piece)
            self.received += len(piece)
            if last or count % 2 == 0:
                self._segment(time, n, True, ACK, self.sent, self.received)

    def settle(self, now: int | None = None) -> None:
        """The host's acknowledgement of what the phone said, if a round trip has passed by ``now`` (None: by the end)
        and no other segment brings it."""
        if self.owed is None:
            return
        said, n = self.owed
        if now is None or now > said + self.round_trip:
            self._segment(said + self.round_trip, n, False, ACK, self.received, self.sent)

    # --- how it ends ------------------------------------------------------------------------------------------------

    def host_closes(self, time: int, n: int) -> None:
        """The host is done, and so is the phone when it hears of it."""
        self.settle(time)
        self._segment(time, n, False, FIN | ACK, self.received, self.sent)
        self.received += 1
        self._segment(time, n, True, FIN | ACK, self.sent, self.received)
        self.sent += 1
        self._segment(time + self.round_trip, n, False, ACK, self.received, self.sent)

    def phone_closes(self, time: int, n: int) -> None:
        """The phone is done, and so is the host when it hears of it."""
        self.settle(time)
        self._segment(time, n, True, FIN | ACK, self.sent, self.received)
        self.sent += 1
        self._segment(time + self.round_trip, n, False, FIN | ACK, self.received, self.sent)
        self.received += 1
        self._segment(time + self.round_trip, n, True, ACK, self.sent, self.received)

    def host_resets(self, time: int, n: int) -> None:
        """The host breaks the connection off."""
        self.settle(time)
        self._segment(time, n, False, RST | ACK, self.received, self.sent)

    def phone_resets(self, time: int, n: int) -> None:
        """The phone breaks the connection off."""
        self.settle(time)
        self._segment(time, n, True, RST | ACK, self.sent, self.received)

    def _segment(
        self,
        time: int,
        n: int,
        outward: bool,
        flags: int,
        sequence: int,
        acknowledged: int,
        options: bytes = b"",
        payload: bytes = b"",
    ) -> None:
        if not outward:
            self.owed = None
        ends = (self.phone, self.host) if outward else (self.host, self.phone)
        self.emit(time, n, outward, tcp(*ends, sequence, acknowledged, flags, payload, options))
