"""A virtual DHCP server (RFC 2131), with the options and the faults its scenario gives it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address

from emulator.events import SECOND
from emulator.wire import dhcp as wire
from emulator.world.scenario import DhcpSpec
from emulator.world.servers.base import Datagram, Send, Wake, pool_limits

CLIENT, SERVER = 68, 67
BROADCAST = "255.255.255.255"


class DhcpServer:
    """leases: MAC to address; given: addresses of the pool that were handed out, in its order, and are not handed out
    again; refusals, ignored: what is left of the faults that happen a number of times."""

    def __init__(self, spec: DhcpSpec) -> None:
        self.spec = spec
        self.vlan = spec.vlan
        self.leases: dict[str, str] = {}
        self.given = 0
        self.refusals = spec.nak
        self.ignored = spec.ignore
        self.first, self.last = pool_limits(spec.pool, 4)
        self._reply_options = reply_options(spec)

    def fork(self) -> DhcpServer:
        """A server that goes on from here."""
        twin = DhcpServer(self.spec)
        twin.leases = dict(self.leases)
        twin.given = self.given
        twin.refusals, twin.ignored = self.refusals, self.ignored
        return twin

    def listens(self, destination: str, port: int, now: int) -> bool:
        """Broadcasts and unicasts to port 67."""
        here = destination in (BROADCAST, self.spec.address)
        return port == SERVER and here and self.spec.start <= now < self.spec.end

    def wake(self, token: str, now: int) -> Iterable[Send | Wake]:
        """It never asks to be woken."""
        return ()

    def receive(self, datagram: Datagram, now: int) -> Iterable[Send | Wake]:
        """OFFER, ACK or NAK, as the protocol and the scenario demand."""
        if self.spec.behaviour == "silent":
            return ()
        if self.ignored > 0:
            self.ignored -= 1
            return ()
        if self.spec.behaviour == "garbage":
            return (self.send(datagram, bytes(range(200)) * 2),)
        try:
            message = wire.parse(datagram.payload)
        except wire.DhcpError:
            return ()
        kind = (message.option(wire.MESSAGE_TYPE) or b"\0")[0]
        if kind == wire.DISCOVER:
            address = self.lease(message.chaddr[:6].hex())
            return (self.reply(datagram, message, wire.OFFER, address),) if address else ()
        if kind == wire.REQUEST and self.spec.behaviour != "offer-only":
            return self.acknowledge(datagram, message)
        if kind == wire.DECLINE:
            self.decline(message)
        return ()

    def acknowledge(self, datagram: Datagram, message: wire.Message) -> Iterable[Send]:
        """ACK for the address that is the client's, NAK for another (RFC 2131 s.4.3.2); silence if not asked."""
        chosen = message.option(wire.SERVER_ID)
        if chosen is not None and chosen != wire.ip_to_bytes(self.spec.address):
            return ()
        if self.refusals > 0:
            self.refusals -= 1
            return (self.reply(datagram, message, wire.NAK, "0.0.0.0"),)
        address = self.lease(message.chaddr[:6].hex())
        wanted = message.option(wire.REQUESTED_ADDRESS)
        asked = wire.bytes_to_ip(wanted) if wanted is not None and len(wanted) == 4 else message.ciaddr
        kind = wire.ACK if address and asked == address else wire.NAK
        return (self.reply(datagram, message, kind, address if kind == wire.ACK else "0.0.0.0"),)

    def decline(self, message: wire.Message) -> None:
        """The client's address is in use by somebody else: nobody gets it any more (RFC 2131 s.4.3.3)."""
        mac = message.chaddr[:6].hex()
        if mac in self.leases and message.option(wire.REQUESTED_ADDRESS) == wire.ip_to_bytes(self.leases[mac]):
            del self.leases[mac]

    def lease(self, mac: str) -> str:
        """The client's address: the one it had, or the next of the pool; "" when the pool is empty."""
        if mac not in self.leases:
            following = self.first + self.given
            if following > self.last:
                return ""
            self.given += 1
            self.leases[mac] = str(IPv4Address(following))
        return self.leases[mac]

    def reply(self, datagram: Datagram, message: wire.Message, kind: int, address: str) -> Send:
        """A reply of type ``kind``; a NAK carries no lease."""
        options = self._reply_options if kind != wire.NAK else self._reply_options[:1]
        payload = wire.build(
            op=wire.BOOTREPLY,
            xid=message.xid,
            chaddr=message.chaddr[:6],
            type=kind,
            options=options,
            yiaddr=address,
            ciaddr=message.ciaddr if kind == wire.ACK else "0.0.0.0",
            flags=message.flags,
        )
        return self.send(datagram, payload)

    def send(self, datagram: Datagram, payload: bytes) -> Send:
        """Back to the client: by unicast if it has an address, else by broadcast."""
        to = datagram.source if datagram.source != "0.0.0.0" else BROADCAST
        return Send(self.spec.delay, Datagram(datagram.phone, self.spec.address, SERVER, to, CLIENT, payload))


@lru_cache(maxsize=64)
def reply_options(spec: DhcpSpec) -> tuple[tuple[int, bytes], ...]:
    """The options of every OFFER and ACK, server identifier first."""
    return tuple(_options(spec))


def sample_reply(spec: DhcpSpec) -> bytes:
    """A reply with every option of ``spec``. Raises DhcpError if none can be made."""
    return wire.build(op=wire.BOOTREPLY, xid=0, chaddr=bytes(6), type=wire.ACK, options=reply_options(spec))


def _options(spec: DhcpSpec) -> Iterable[tuple[int, bytes]]:
    yield wire.SERVER_ID, wire.ip_to_bytes(spec.address)
    yield wire.LEASE_TIME, wire.u32(min(spec.lease // SECOND, 0xFFFFFFFF))
    for code, time in ((wire.T1, spec.t1), (wire.T2, spec.t2)):
        if time:
            yield code, wire.u32(time // SECOND)
    yield wire.SUBNET_MASK, wire.ip_to_bytes(spec.mask)
    yield wire.ROUTER, wire.ip_to_bytes(spec.address)
    yield wire.DNS, wire.ip_to_bytes(spec.address)
    texts = (
        (wire.TFTP_SERVER, spec.option66),
        (wire.PROVISIONING_159, spec.option159),
        (wire.PROVISIONING_160, spec.option160),
    )
    for code, text in texts:
        if text is not None:
            yield code, text.encode()
