"""Packets, the address of the phone, and SIP plug and play."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from emulator.events.base import Event, Payload, Role
from emulator.events.masking import duration, hide_passwords, repr_text

_PORT_NAMES = {67: "DHCP", 68: "DHCP", 69: "TFTP", 123: "SNTP", 514: "syslog", 5060: "SIP"}
_PORT_NAMES |= {546: "DHCPv6", 547: "DHCPv6"}
_NUL = b"\0"
_FREE_PORT = 1024
"""The packets of a TFTP transfer run between ports that belong to no protocol."""
_TFTP_TYPES = {b"\0\3": "DATA", b"\0\4": "ACK", b"\0\5": "ERROR", b"\0\6": "OACK"}
_DHCPV6_TYPES = ("?", "SOLICIT", "ADVERTISE", "REQUEST", "CONFIRM", "RENEW", "REBIND", "REPLY")
_DHCP_TYPES = ("?", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM")


def _packet(ports: tuple[int, int], payload: bytes, ends: str) -> str:
    """``SIP SUBSCRIBE a -> b``: protocol by port, first words where the protocol is text."""
    protocol = _PORT_NAMES.get(ports[0]) or _PORT_NAMES.get(ports[1]) or "UDP"
    if protocol == "SIP":
        words = payload[:64].split(b"\n", 1)[0].decode("utf-8", "replace").split(" ")
        first = " ".join(words[1:3]) if words[0].startswith("SIP/") else words[0]
        return f"SIP {first.strip()}  {ends}"
    if protocol == "DHCP" and payload[236:241] == b"\x63\x82\x53\x63\x35" and len(payload) > 242:
        kind = _DHCP_TYPES[payload[242]] if payload[242] < len(_DHCP_TYPES) else "?"
        return f"DHCP {kind}  {ends}"
    if protocol == "DHCPv6" and len(payload) >= 4 and payload[0] < len(_DHCPV6_TYPES):
        return f"DHCPv6 {_DHCPV6_TYPES[payload[0]]}  {ends}"
    if protocol == "TFTP" and payload[:2] == b"\0\1":
        return f"TFTP RRQ {payload[2:514].partition(_NUL)[0].decode('utf-8', 'replace')}  {ends}"
    transfer = protocol == "TFTP" or (protocol == "UDP" and min(ports) >= _FREE_PORT)
    if transfer and payload[:2] in _TFTP_TYPES:
        return f"{_tftp(payload)}  {ends}"
    return f"{protocol} {len(payload)} bytes  {ends}"


def _tftp(payload: bytes) -> str:
    """``TFTP DATA 3, 1,428 bytes``: a packet of a transfer."""
    kind, number = _TFTP_TYPES[payload[:2]], int.from_bytes(payload[2:4], "big")
    if kind == "OACK":
        return "TFTP OACK"
    return f"TFTP {kind} {number}" + (f", {len(payload) - 4:,} bytes" if kind == "DATA" else "")


def _end(address: str, port: int) -> str:
    """``192.0.2.1:67``, or ``[fe80::1]:547``."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@frozen
class DatagramSent(Event):
    """A UDP datagram leaves the phone. ttl: IP time to live."""

    role: ClassVar[Role] = Role.ORDER
    mark: ClassVar[str] = "→"
    source: str
    source_port: int
    destination: str
    port: int
    payload: Payload
    ttl: int = 64

    def _line(self) -> str:
        ends = f"{_end(self.source, self.source_port)} → {_end(self.destination, self.port)}"
        return _packet((self.port, self.source_port), self.payload, ends)


@frozen
class DatagramReceived(Event):
    """A UDP datagram arrived at the phone."""

    role: ClassVar[Role] = Role.INPUT
    mark: ClassVar[str] = "←"
    source: str
    source_port: int
    destination: str
    port: int
    payload: Payload

    def _line(self) -> str:
        ends = f"{_end(self.source, self.source_port)} → {_end(self.destination, self.port)}"
        return _packet((self.port, self.source_port), self.payload, ends)


@frozen
class DatagramLost(Event):
    """The world's note that a datagram did not arrive; the phone cannot know and does not react.

    reason: ``loss``, ``partition``, ``no-cable`` or ``nobody-listens``; in the live world ``flood`` (others before it
    may have been dropped too), ``unreachable``, ``queue-full``, ``port-taken`` (by another program) or ``no-ipv6``;
    inward: it was on its way to the phone.
    """

    role: ClassVar[Role] = Role.INPUT
    mark: ClassVar[str] = "✗"
    reason: str
    inward: bool
    peer: str
    port: int

    def _line(self) -> str:
        if self.reason == "nobody-listens":
            return f"nobody listens at {_end(self.peer, self.port)}"
        way = f"from {self.peer}" if self.inward else f"to {_end(self.peer, self.port)}"
        return f"datagram {way} lost ({self.reason})"


@frozen
class PacketRefused(Event):
    """A packet was read and not used. reason: fixed code."""

    protocol: str
    reason: str

    def _line(self) -> str:
        return f"{self.protocol} packet refused: {self.reason}"


@frozen
class ToleranceUsed(Event):
    """A peer's careless message was read all the same (PROV-057b); the fault is the peer's. code: fixed code."""

    protocol: str
    code: str

    def _line(self) -> str:
        return f"{self.protocol} message tolerated: {self.code}"


@frozen
class DhcpStateEntered(Event):
    """The DHCP client changed state (RFC 2131 figure 5). state: lower-case name; xid: current transaction."""

    state: str
    xid: int
    attempt: int

    def _line(self) -> str:
        return f"DHCP client {self.state}" + (f", attempt {self.attempt}" if self.attempt > 1 else "")


@frozen
class DhcpReceived(Event):
    """A DHCP message for this phone's current transaction, read.

    type: option 53; times in seconds as in the message, -1 where absent; addresses dotted, "" where absent;
    option66/159/160: text without trailing NUL and surrounding white space (PROV-077), None where absent.
    """

    type: int
    address: str
    server: str
    mask: str
    router: str
    dns: str
    lease: int
    t1: int
    t2: int
    option66: str | None
    option159: str | None
    option160: str | None

    def _line(self) -> str:
        name = _DHCP_TYPES[self.type] if 0 <= self.type < len(_DHCP_TYPES) else f"type {self.type}"
        parts = [f"DHCP {name} read: {self.address} from {self.server or '?'}"]
        options = (("160", self.option160), ("159", self.option159), ("66", self.option66))
        parts += [f"option {number} {repr_text(hide_passwords(value))}" for number, value in options if value]
        return ", ".join(parts)


@frozen
class AddressBound(Event):
    """The phone may use this address. fresh: False for a renewal (PROV-081).

    lease, t1, t2: ns from now until it ends, until renewing and until rebinding; 0 for a lease without end.
    """

    address: str
    mask: str
    server: str
    lease: int
    t1: int
    t2: int
    fresh: bool

    def _line(self) -> str:
        verb = "bound" if self.fresh else "renewed"
        return f"address {self.address} {verb} " + (f"for {duration(self.lease)}" if self.lease else "for ever")


@frozen
class AddressLost(Event):
    """The address may no longer be used. reason: ``expired``, ``refused`` (NAK), ``link-down``, ``conflict``."""

    reason: str

    def _line(self) -> str:
        return f"address lost: {self.reason}"


@frozen
class Dhcpv6StateEntered(Event):
    """The DHCPv6 client changed state, or sends once more.

    state: ``init``, ``soliciting``, ``requesting``, ``bound``, ``renewing``, ``rebinding``; xid: current transaction;
    attempt: 0 before the first message; wait: ns until the next attempt (RFC 8415 s.15), 0 for none.
    """

    state: str
    xid: int
    attempt: int
    wait: int

    def _line(self) -> str:
        return f"DHCPv6 client {self.state}" + (f", attempt {self.attempt}" if self.attempt > 1 else "")


@frozen
class Dhcpv6Received(Event):
    """An ADVERTISE or REPLY for this phone's current transaction, read.

    server: its DUID in hex; preference: 0 to 255; status: the first that is no success, 0 if all is well; address: ""
    if none is given; preferred, valid, t1, t2: seconds as in the message; dns: "" if absent; sol_max_rt: seconds, 0 if
    absent or out of range; enterprise: of the option 17 that url is from, -1 for none; url: sub-option 1 as text
    without trailing NUL and surrounding white space (PROV-091, PROV-077), None where absent.
    """

    type: int
    server: str
    preference: int
    status: int
    address: str
    preferred: int
    valid: int
    t1: int
    t2: int
    dns: str
    sol_max_rt: int
    enterprise: int
    url: str | None

    def _line(self) -> str:
        name = _DHCPV6_TYPES[self.type] if 0 <= self.type < len(_DHCPV6_TYPES) else f"type {self.type}"
        text = f"DHCPv6 {name} read: {self.address or 'no address'}" + (f", status {self.status}" * bool(self.status))
        return text if not self.url else f"{text}, option 17 {repr_text(hide_passwords(self.url))}"


@frozen
class Ipv6AddressBound(Event):
    """The phone may use this IPv6 address. server: its DUID in hex; valid, t1, t2, fresh: see :class:`AddressBound`."""

    address: str
    server: str
    valid: int
    t1: int
    t2: int
    fresh: bool

    def _line(self) -> str:
        verb = "bound" if self.fresh else "renewed"
        return f"address {self.address} {verb} " + (f"for {duration(self.valid)}" if self.valid else "for ever")


@frozen
class Ipv6AddressLost(Event):
    """The IPv6 address may no longer be used. reason: ``expired``, ``withdrawn`` (by its server), ``link-down``."""

    reason: str

    def _line(self) -> str:
        return f"IPv6 address lost: {self.reason}"


@frozen
class SipAnswered(Event):
    """A SIP response arrived for a request of this phone."""

    status: int
    phrase: str
    call_id: str
    method: str

    def _line(self) -> str:
        return f"SIP {self.status} {self.phrase} to our {self.method}"


@frozen
class NotifyReceived(Event):
    """A SIP NOTIFY, read. source, source_port: where the answer goes; copied: header lines it has to repeat."""

    source: str
    source_port: int
    call_id: str
    to_tag: str
    package: str
    content_type: str
    body: Payload
    copied: tuple[tuple[str, str], ...]

    def _line(self) -> str:
        return f"NOTIFY read: event {self.package or '(none)'} from {self.source}"


@frozen
class CheckSyncReceived(Event):
    """A NOTIFY with the event of CFG_RESYNC_FROM_SIP, read (PROV-250 to PROV-253).

    source, source_port: where the answer goes; restart: ``reboot=true`` stood behind the event; transaction: what
    a repetition of it has in common with it; copied: header lines that the answer has to repeat.
    """

    source: str
    source_port: int
    restart: bool
    transaction: str
    copied: tuple[tuple[str, str], ...]

    def _line(self) -> str:
        return f"NOTIFY read: provision again{' after a restart' if self.restart else ''}, from {self.source}"


@frozen
class CheckSyncJudged(Event):
    """What the phone answers to a :class:`CheckSyncReceived` and to its repetitions. status: of the answer."""

    transaction: str
    status: int
    restart: bool

    def _line(self) -> str:
        return f"the NOTIFY is answered {self.status}"


@frozen
class PnpSubscribed(Event):
    """SIP plug and play begins: one SUBSCRIBE transaction with these identities."""

    call_id: str
    from_tag: str
    branch: str

    def _line(self) -> str:
        return f"SIP PnP subscription {self.call_id}"


@frozen
class PnpSettled(Event):
    """The SUBSCRIBE needs no further retransmission: a final response or a NOTIFY came (PROV-058)."""

    def _line(self) -> str:
        return "SIP PnP: no more retransmissions"


@frozen
class PnpAnswered(Event):
    """An acceptable NOTIFY brought a provisioning URL (PROV-061)."""

    url: str

    def _line(self) -> str:
        return f"SIP PnP gave {hide_passwords(self.url)}"


@frozen
class PnpEnded(Event):
    """The five seconds are over (PROV-052). reason: ``no-answer``, ``no-notify``, ``no-address``, or ``answered``."""

    reason: str

    def _line(self) -> str:
        return f"SIP PnP window over: {self.reason}"
