"""A virtual DHCPv6 server (RFC 8415 s.18.3), with the URL and the faults its scenario gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from ipaddress import IPv6Address

from emulator.events import SECOND
from emulator.wire import dhcpv6 as wire
from emulator.world.scenario import Dhcpv6Spec
from emulator.world.servers.base import Datagram, Send, Wake, pool_limits

SERVERS, PORT = "ff02::1:2", 547
URL_SUBOPTION = 1
ASSIGNING = (wire.REQUEST, wire.RENEW, wire.REBIND)
"""Messages that a REPLY answers."""


class Dhcpv6Server:
    """leases: DUID to address; ignored: messages it still has to ignore."""

    def __init__(self, spec: Dhcpv6Spec) -> None:
        self.spec = spec
        self.vlan = spec.vlan
        self.duid = wire.duid_ll(b"\x02" + sha256(spec.address.encode()).digest()[:5])
        self.leases: dict[bytes, str] = {}
        self.ignored = spec.ignore
        self.first, self.last = pool_limits(spec.pool, 6)

    def fork(self) -> Dhcpv6Server:
        """A server that goes on from here."""
        twin = Dhcpv6Server(self.spec)
        twin.leases, twin.ignored = dict(self.leases), self.ignored
        return twin

    def listens(self, destination: str, port: int, now: int) -> bool:
        """The group of all servers; clients do not write to one alone (s.14)."""
        return port == PORT and destination == SERVERS and self.spec.start <= now < self.spec.end

    def wake(self, token: str, now: int) -> Iterable[Send | Wake]:
        """It never asks to be woken."""
        return ()

    def receive(self, datagram: Datagram, now: int) -> Iterable[Send | Wake]:
        """What the scenario makes it do about a message of a client that is not for another server (s.16)."""
        if self.ignored > 0:
            self.ignored -= 1
            return ()
        try:
            message = wire.parse(datagram.payload)
            if not message.option(wire.CLIENT_ID) or message.option(wire.SERVER_ID) not in (None, self.duid):
                return ()
            return BEHAVIOURS[self.spec.behaviour](self, datagram, message)
        except wire.Dhcpv6Error:
            return ()

    def well(self, datagram: Datagram, message: wire.Message) -> Iterable[Send]:
        """ADVERTISE or REPLY; a lease that is not known cannot be renewed (s.18.3.4) or rebound."""
        client = message.option(wire.CLIENT_ID) or b""
        if message.type == wire.RENEW and client not in self.leases:
            return (self.answer(datagram, message, wire.REPLY, failed(message, wire.NO_BINDING)),)
        if message.type == wire.REBIND and client not in self.leases:
            return ()
        if message.type != wire.SOLICIT and message.type not in ASSIGNING:
            return ()
        address = self.lease(client)
        association = self.association(message, address) if address else failed(message, wire.NO_ADDRESSES)
        kind = wire.ADVERTISE if message.type == wire.SOLICIT else wire.REPLY
        return (self.answer(datagram, message, kind, association),)

    def advertise_only(self, datagram: Datagram, message: wire.Message) -> Iterable[Send]:
        """It offers an address and never gives it."""
        return self.well(datagram, message) if message.type == wire.SOLICIT else ()

    def silent(self, datagram: Datagram, message: wire.Message) -> Iterable[Send]:
        """Nothing."""
        return ()

    def garbage(self, datagram: Datagram, message: wire.Message) -> Iterable[Send]:
        """Bytes whose first option is longer than the datagram."""
        return (self.send(datagram, bytes(range(7, 200))),)

    def no_addresses(self, datagram: Datagram, message: wire.Message) -> Iterable[Send]:
        """Every answer says that there is no address left (s.18.3.9)."""
        kind = wire.ADVERTISE if message.type == wire.SOLICIT else wire.REPLY
        return (self.answer(datagram, message, kind, failed(message, wire.NO_ADDRESSES)),)

    def lease(self, client: bytes) -> str:
        """The client's address: the one it had, or the next of the pool; "" when the pool is empty."""
        if client not in self.leases:
            following = self.first + len(self.leases)
            if following > self.last:
                return ""
            self.leases[client] = str(IPv6Address(following))
        return self.leases[client]

    def association(self, message: wire.Message, address: str) -> wire.IaNa:
        """The client's identity association with its address and the times of the scenario."""
        spec = self.spec
        given = wire.IaAddress(address, whole_seconds(spec.preferred), whole_seconds(spec.valid)).encode()
        return wire.IaNa(iaid(message), whole_seconds(spec.t1), whole_seconds(spec.t2), ((wire.IA_ADDRESS, given),))

    def answer(self, datagram: Datagram, message: wire.Message, kind: int, association: wire.IaNa) -> Send:
        """A message to the client, with what it asked for."""
        options = [(wire.CLIENT_ID, message.option(wire.CLIENT_ID) or b""), (wire.SERVER_ID, self.duid)]
        options.append((wire.IA_NA, association.encode()))
        if self.spec.preference:
            options.append((wire.PREFERENCE, bytes((self.spec.preference,))))
        asked = message.option(wire.OPTION_REQUEST) or b""
        if wire.u16(wire.VENDOR_OPTIONS) in (asked[at : at + 2] for at in range(0, len(asked), 2)):
            options += vendor_options(self.spec)
        return self.send(datagram, wire.Message(kind, message.transaction, tuple(options)).encode())

    def send(self, datagram: Datagram, payload: bytes) -> Send:
        """Back to where the message came from."""
        back = Datagram(datagram.phone, self.spec.address, PORT, datagram.source, datagram.source_port, payload)
        return Send(self.spec.delay, back)


BEHAVIOURS: dict[str, Callable[[Dhcpv6Server, Datagram, wire.Message], Iterable[Send]]] = {
    "answer": Dhcpv6Server.well,
    "silent": Dhcpv6Server.silent,
    "advertise-only": Dhcpv6Server.advertise_only,
    "garbage": Dhcpv6Server.garbage,
    "no-addresses": Dhcpv6Server.no_addresses,
}
"""Behaviour name to how the server answers."""


def iaid(message: wire.Message) -> int:
    """The number of the client's identity association. Raises Dhcpv6Error if it has none."""
    return wire.IaNa.read(message.option(wire.IA_NA) or b"").iaid


def failed(message: wire.Message, status: int) -> wire.IaNa:
    """The client's identity association with nothing but a status in it."""
    return wire.IaNa(iaid(message), options=((wire.STATUS_CODE, wire.status(status)),))


def whole_seconds(ns: int) -> int:
    """A time as DHCPv6 writes it; more than it can write is for ever."""
    return min(ns // SECOND, 0xFFFFFFFF)


def vendor_options(spec: Dhcpv6Spec) -> list[tuple[int, bytes]]:
    """Option 17 with the URL of ``spec``, if it has one. Raises Dhcpv6Error if that is too long."""
    if spec.url is None:
        return []
    inside = ((URL_SUBOPTION, spec.url.encode()),)
    return [(wire.VENDOR_OPTIONS, wire.Vendor(spec.enterprise, inside).encode())]


def sample_reply(spec: Dhcpv6Spec) -> bytes:
    """A REPLY with every option of ``spec``. Raises Dhcpv6Error if none can be made."""
    server = Dhcpv6Server(spec)
    asked = (
        (wire.CLIENT_ID, wire.duid_ll(bytes(6))),
        (wire.IA_NA, wire.IaNa(1).encode()),
        (wire.OPTION_REQUEST, wire.u16(wire.VENDOR_OPTIONS)),
    )
    message = wire.Message(wire.REQUEST, 0, asked)
    made = server.answer(Datagram(0, "", 0, "", 0, b""), message, wire.REPLY, server.association(message, spec.address))
    return made.datagram.payload
