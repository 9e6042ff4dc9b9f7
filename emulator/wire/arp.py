"""ARP packets for IPv4 over Ethernet as bytes and as objects (RFC 826, RFC 5227).

`parse` keeps every byte, so `parse(data).encode() == data`.
"""

import struct
from typing import Final

import attrs

from emulator.wire.dhcp import DhcpError, bytes_to_ip, ip_to_bytes

SIZE_LIMIT: Final = 1500
REQUEST: Final = 1
REPLY: Final = 2
NO_ADDRESS: Final = "0.0.0.0"
NO_MAC: Final = bytes(6)

_KIND: Final = bytes.fromhex("000108000604")
"""Hardware Ethernet, protocol IPv4, addresses of 6 and 4 bytes."""
_PACKET: Final = struct.Struct("!6sH6s4s6s4s")


class ArpError(ValueError):
    """Bytes that are no ARP packet for IPv4 over Ethernet, or values that fit into none. `reason` is a fixed code.

    Codes from `parse`: `too-short`, `too-long`, `not-ipv4-over-ethernet`. Codes from writing: `bad-field`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@attrs.frozen
class Packet:
    """One packet. MAC addresses are 6 bytes, IPv4 addresses dotted; tail: the padding of its frame."""

    operation: int
    sender_mac: bytes
    sender: str
    target_mac: bytes
    target: str
    tail: bytes = b""

    def encode(self) -> bytes:
        """The packet as bytes. Raises ArpError: `bad-field`."""
        if len(self.sender_mac) != 6 or len(self.target_mac) != 6:
            raise ArpError("bad-field")
        try:
            sender, target = ip_to_bytes(self.sender), ip_to_bytes(self.target)
            fields = (_KIND, self.operation, self.sender_mac, sender, self.target_mac, target)
            return _PACKET.pack(*fields) + self.tail
        except (DhcpError, struct.error):
            raise ArpError("bad-field") from None


def parse(data: bytes) -> Packet:
    """Read one packet; `parse(data).encode() == data`. Raises ArpError."""
    if len(data) < _PACKET.size:
        raise ArpError("too-short")
    if len(data) > SIZE_LIMIT:
        raise ArpError("too-long")
    kind, operation, sender_mac, sender, target_mac, target = _PACKET.unpack_from(data)
    if kind != _KIND:
        raise ArpError("not-ipv4-over-ethernet")
    tail = data[_PACKET.size :]
    return Packet(operation, sender_mac, bytes_to_ip(sender), target_mac, bytes_to_ip(target), tail)


def announcement(mac: bytes, address: str) -> Packet:
    """A request that says: this address is mine (RFC 5227 s.2.3)."""
    return Packet(REQUEST, mac, address, NO_MAC, address)


def probe(mac: bytes, address: str) -> Packet:
    """A request that asks whether anybody has an address, and claims none (RFC 5227 s.2.1.1)."""
    return Packet(REQUEST, mac, NO_ADDRESS, NO_MAC, address)


def reply(packet: Packet, mac: bytes) -> Packet:
    """What the station with this MAC address answers to a request for its own address (RFC 826)."""
    return Packet(REPLY, mac, packet.target, packet.sender_mac, packet.sender)
