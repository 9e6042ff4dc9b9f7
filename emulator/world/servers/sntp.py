"""A virtual time server (RFC 4330 s.6): it knows the true time of the story, or what its scenario makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from emulator.events import SECOND
from emulator.wire import sntp
from emulator.world.scenario import SntpSpec
from emulator.world.servers.base import Datagram, Send, Wake, usual
from emulator.world.streams import MILLION

PRECISION = -20
"""About a microsecond."""
SYNCHRONISED = 64 * SECOND
"""How long ago it last asked its own server, in ns."""


class SntpServer:
    """clock: the true time when the story begins, in ns since 1970."""

    vlan = None

    def __init__(self, spec: SntpSpec, clock: int) -> None:
        self.spec = spec
        self.address = usual(spec.address)
        self.clock = clock

    def fork(self) -> SntpServer:
        """A server that goes on from here; it remembers nothing."""
        return SntpServer(self.spec, self.clock)

    def listens(self, destination: str, port: int, now: int) -> bool:
        """Unicasts to port 123."""
        return (destination, port) == (self.address, sntp.PORT) and self.spec.start <= now < self.spec.end

    def wake(self, token: str, now: int) -> Iterable[Send | Wake]:
        """It never asks to be woken."""
        return ()

    def receive(self, datagram: Datagram, now: int) -> Iterable[Send | Wake]:
        """A client's request is answered as the scenario demands."""
        try:
            request = sntp.parse(datagram.payload)
        except sntp.SntpError:
            return ()
        if request.mode != sntp.CLIENT:
            return ()
        payload = BEHAVIOURS[self.spec.behaviour](self, request, now)
        if not payload:
            return ()
        came = datagram
        answer = Datagram(came.phone, came.destination, came.port, came.source, came.source_port, payload)
        return (Send(self.spec.delay, answer),)

    def time(self, now: int) -> int:
        """What its clock shows at virtual time ``now``, as a timestamp."""
        spec = self.spec
        return sntp.from_ns(self.clock + now + spec.ahead - spec.behind + now * spec.drift // MILLION)

    def packet(self, request: sntp.Packet, now: int) -> sntp.Packet:
        """The answer to ``request``, which came at ``now``."""
        spec = self.spec
        name = spec.kiss.encode() if spec.kiss else b"GPS\0" if spec.stratum == 1 else bytes((192, 0, 2, 1))
        return sntp.Packet(
            leap=sntp.UNSYNCHRONISED if spec.kiss else spec.leap,
            version=request.version,
            mode=sntp.SERVER,
            stratum=sntp.KISS if spec.kiss else spec.stratum,
            poll=request.poll,
            precision=PRECISION,
            reference_id=name,
            reference=self.time(now - SYNCHRONISED),
            originate=request.transmit,
            receive=self.time(now),
            transmit=self.time(now + spec.delay),
        )

    def answer(self, request: sntp.Packet, now: int) -> bytes:
        """As a good server would; with a kiss code, to send the phone away."""
        return self.packet(request, now).encode()

    def silent(self, request: sntp.Packet, now: int) -> bytes:
        """Nothing."""
        return b""

    def garbage(self, request: sntp.Packet, now: int) -> bytes:
        """Bytes that are no NTP."""
        return b"\xff" * 20

    def wrong_originate(self, request: sntp.Packet, now: int) -> bytes:
        """The answer to a question that the phone did not ask."""
        return attrs.evolve(self.packet(request, now), originate=request.transmit ^ 1).encode()

    def unsynchronised(self, request: sntp.Packet, now: int) -> bytes:
        """A server that has not found out the time itself yet."""
        return attrs.evolve(self.packet(request, now), leap=sntp.UNSYNCHRONISED).encode()


BEHAVIOURS: dict[str, Callable[[SntpServer, sntp.Packet, int], bytes]] = {
    "answer": SntpServer.answer,
    "silent": SntpServer.silent,
    "garbage": SntpServer.garbage,
    "wrong-originate": SntpServer.wrong_originate,
    "unsynchronised": SntpServer.unsynchronised,
}
"""Behaviour name to the bytes the server sends back; none for silence."""
