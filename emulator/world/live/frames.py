"""Frames of the phone on a real interface: DHCP before there is an address, ARP, LLDP and CDP."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Any

import trio

from emulator.events import DatagramReceived, DatagramSent, Event, FrameReceived, Payload
from emulator.wire import ethernet
from emulator.wire.ip import IPV4_TYPE, UDP, packets, udp
from emulator.world.live.inbox import Inbox

LLC = 0x0004
"""ETH_P_802_2: frames with a length, CDP among them."""
CLIENT = 68
PHONE = 0
"""A phone that has an interface to itself is the only one of its run."""
LONGEST = 2_048
_OUTGOING = 4
"""PACKET_OUTGOING: what this machine sent itself."""
_SO_ATTACH_FILTER, _SOL_PACKET, _ADD_MEMBERSHIP, _MULTICAST = 26, 263, 1, 0
_DHCP_ONLY = (
    *((0x28, 0, 0, 12), (0x15, 0, 8, IPV4_TYPE), (0x30, 0, 0, 23), (0x15, 0, 6, 17), (0x28, 0, 0, 20)),
    *((0x45, 4, 0, 0x1FFF), (0xB1, 0, 0, 14), (0x48, 0, 0, 16), (0x15, 0, 1, CLIENT), (0x6, 0, 0, 0xFFFF)),
    (0x6, 0, 0, 0),
)
"""A filter for the kernel (classic BPF): IPv4, UDP, no fragment, to port 68. So a busy network costs nothing."""


class Frames:
    """Packet sockets on an interface. mac: of the phone; address: of the phone, "" before it has one.

    Raises OSError: PermissionError without the right to send frames (root).
    """

    def __init__(self, interface: str, mac: str, inbox: Inbox) -> None:
        self.interface, self.inbox = interface, inbox
        self.mac = bytes.fromhex(mac)
        self.address = ""
        self._sockets: list[socket.socket] = []
        try:
            self._dhcp = self._open(IPV4_TYPE, _DHCP_ONLY)
            for kind in (ethernet.ARP_TYPE, ethernet.LLDP_TYPE, LLC):
                self._open(kind, ())
            for group in (ethernet.LLDP_GROUP, ethernet.CDP_GROUP):
                request = struct.pack("IHH8s", socket.if_nametoindex(interface), _MULTICAST, 6, group)
                self._dhcp.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, request)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the sockets, which nobody reads any more."""
        for each in self._sockets:
            each.close()
        self._sockets = []

    def send(self, frame: bytes) -> str:
        """Send a frame as it is; the reason if it cannot be sent."""
        try:
            self._dhcp.send(frame)
        except OSError:
            return "unreachable"
        return ""

    def send_udp(self, event: DatagramSent) -> str:
        """Send a datagram in a frame to everybody: there may be no address yet, and so no neighbour."""
        datagram = udp(event.source, event.source_port, event.destination, event.port, event.payload)
        for packet in packets(event.source, event.destination, UDP, datagram, ttl=event.ttl):
            reason = self.send(ethernet.Frame(ethernet.BROADCAST, self.mac, None, IPV4_TYPE, packet).encode())
            if reason:
                return reason
        return ""

    async def read(self) -> None:
        """Take frames until cancelled."""
        async with trio.open_nursery() as nursery:
            for each in self._sockets:
                nursery.start_soon(self._read, each)

    async def _read(self, made: socket.socket) -> None:
        while True:
            await trio.lowlevel.wait_readable(made)
            for frame in _arrived(made):
                event = self.meaning(frame)
                if event is not None:
                    self.inbox.offer(PHONE, event, frame[6:12].hex(), 0)
            await self.inbox.room()

    def meaning(self, frame: bytes) -> Event | None:
        """What a frame is to the phone; None for what a network card or a kernel would not hand up."""
        try:
            found = ethernet.parse(frame)
        except ethernet.FrameError:
            return None
        if found.source == self.mac:
            return None
        if found.type == IPV4_TYPE:
            return datagram_in(found.payload)
        if found.protocol == "ARP" and not self._claims_our_address(found.payload):
            return None
        return FrameReceived(Payload(frame)) if found.protocol else None

    def _claims_our_address(self, packet: bytes) -> bool:
        """Whether the sender of an ARP packet has the phone's address; all else of ARP is done by the kernel."""
        return bool(self.address) and packet[14:18] == socket.inet_aton(self.address)

    def _open(self, kind: int, code: tuple[tuple[int, int, int, int], ...]) -> socket.socket:
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._sockets.append(made)
        made.setblocking(False)
        if code:
            _attach(made, code)
        made.bind((self.interface, kind))
        return made


def datagram_in(packet: bytes) -> DatagramReceived | None:
    """The UDP datagram in a whole IPv4 packet (RFC 791, RFC 768); None if there is none, or part of it is missing.

    Checksums are left to the network card: on a virtual link it has not filled them in yet.
    """
    header = (packet[0] & 0x0F) * 4 if packet else 0
    if header < 20 or packet[0] >> 4 != 4 or len(packet) < header + 8 or packet[9] != UDP:
        return None
    source_port, port, size = struct.unpack_from("!HHH", packet, header)
    payload = packet[header + 8 : header + size]
    if size < 8 or len(packet) < header + size:
        return None
    ends = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    return DatagramReceived(ends[0], source_port, ends[1], port, Payload(payload))


def _attach(made: socket.socket, code: tuple[tuple[int, int, int, int], ...]) -> None:
    """Have the kernel filter what a socket gets (socket(7), SO_ATTACH_FILTER)."""
    import ctypes

    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in code))
    filter_ = struct.pack("HP", len(code), ctypes.addressof(program))
    made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_)


def _arrived(made: socket.socket) -> Iterator[bytes]:
    """Frames that wait in a socket, but those that this machine sent itself."""
    for _ in range(50):
        try:
            frame, where = made.recvfrom(LONGEST)
        except OSError:
            return
        if _kind_of(where) != _OUTGOING:
            yield frame


def _kind_of(where: Any) -> int:
    """The packet type of a link-layer address (packet(7))."""
    return int(where[2])
