"""With whom a phone talks, event by event: a role and a place."""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple

from attrs import Factory, define

from emulator.events import (
    DatagramLost,
    DatagramReceived,
    DatagramSent,
    Entry,
    Event,
    FileAnswered,
    FileRequested,
    FrameReceived,
    FrameSent,
    FtpStarted,
    HttpAnswered,
    HttpRequested,
    LookupAnswered,
    LookupRequested,
    NameAsked,
    StreamClosed,
    StreamOpened,
    StreamReceived,
    StreamRequested,
    StreamSent,
    StreamShut,
    TftpStarted,
)

FILES = "file server"
EVERYBODY = ""
"""The place of a broadcast or multicast, and of a peer that has no address."""
PORT_ROLES = {67: "DHCP server", 547: "DHCPv6 server", 69: FILES, 123: "SNTP server", 514: "syslog server"}
STREAMS = (StreamRequested, StreamOpened, StreamSent, StreamReceived, StreamShut, StreamClosed)
PASSING = (
    *(DatagramSent, DatagramReceived, DatagramLost, FrameSent, FrameReceived, LookupRequested, NameAsked),
    *(LookupAnswered, HttpRequested, HttpAnswered, FileRequested, FileAnswered, *STREAMS),
)
"""Events that pass between a phone and somebody else."""


class Peer(NamedTuple):
    """Who it is: what it does, and its host name or address."""

    role: str
    place: str = EVERYBODY

    def text(self) -> str:
        """For a person."""
        return f"{self.role} {self.place}" if self.place else self.role


@define
class Peers:
    """Takes the events of a run in their order. hosts: name of an address; orders: whom an order of a phone went to;
    transfers: (phone, port) of TFTP."""

    hosts: dict[str, str] = Factory(dict)
    orders: dict[tuple[int, str, str], Peer] = Factory(dict)
    transfers: set[tuple[int, int]] = Factory(set)
    registrars: set[str] = Factory(set)

    def of(self, entry: Entry) -> Peer | None:
        """Whom an event of :data:`PASSING` came from or went to; None for any other event."""
        event = entry.event
        if isinstance(event, FtpStarted | TftpStarted):
            self.hosts[event.address] = event.host
            if isinstance(event, TftpStarted):
                self.transfers.add((entry.phone, event.local_port))
        elif isinstance(event, DatagramSent):
            ports = event.source_port, event.port
            return self.beyond(entry.phone, event.destination, ports, event.payload)
        elif isinstance(event, DatagramReceived):
            ports = event.port, event.source_port
            return self.beyond(entry.phone, event.source, ports, event.payload)
        elif isinstance(event, DatagramLost):
            return self.beyond(entry.phone, event.peer, (0, event.port), b"")
        elif isinstance(event, FrameSent | FrameReceived):
            return Peer("LAN" if b"\x08\x06" in event.payload[12:18] else "switch")
        elif isinstance(event, LookupRequested | NameAsked | LookupAnswered):
            return Peer("name server")
        else:
            return self.ordered(entry.phone, event)
        return None

    def beyond(self, phone: int, address: str, ports: tuple[int, int], payload: bytes) -> Peer:
        """Of a datagram. ports: the phone's own, and the other."""
        place = EVERYBODY if is_group(address) else address
        if (phone, ports[0]) in self.transfers:
            return Peer(FILES, self.hosts.get(address, address))
        if ports[1] in PORT_ROLES:
            return Peer(PORT_ROLES[ports[1]], place)
        if 5060 not in ports:
            return Peer("host", place)
        if b"\nCSeq: " in payload and b" REGISTER" in payload.partition(b"\nCSeq: ")[2][:32]:
            self.registrars.add(address)
        if address in self.registrars:
            return Peer("registrar", place)
        return Peer("SIP PnP", place)

    def ordered(self, phone: int, event: Event) -> Peer | None:
        """Of a request or a stream, which its answers name."""
        if isinstance(event, HttpRequested):
            self.hosts[event.address] = event.host
            role = "redirection server" if event.name == "redirection" else FILES
            peer = Peer(role if event.target.startswith("/") else "proxy", event.host)
            self.orders[phone, "http", event.name] = peer
            return peer
        if isinstance(event, FileRequested):
            return self.orders.setdefault((phone, "file", event.name), Peer(FILES, event.host))
        if isinstance(event, StreamRequested):
            peer = Peer(FILES, self.hosts.get(event.address, event.address))
            self.orders[phone, "stream", event.name] = peer
            return peer
        if isinstance(event, HttpAnswered):
            return self.orders.get((phone, "http", event.name))
        if isinstance(event, FileAnswered):
            return self.orders.get((phone, "file", event.name))
        if isinstance(event, STREAMS):
            return self.orders.get((phone, "stream", event.name))
        return None


def is_group(address: str) -> bool:
    """Whether an address is that of many hosts."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return found.is_multicast or address == "255.255.255.255"
