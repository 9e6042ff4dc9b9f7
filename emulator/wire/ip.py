"""IPv4 and IPv6 packets with UDP and TCP in them, as bytes (RFC 791, RFC 8200, RFC 768, RFC 9293).

This only writes: `udp` and `tcp` make what an IP packet carries, with its checksum, and `packets` puts it into as many
packets as it takes. Addresses are text, as people write them.
"""

import struct
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

MTU: Final = 1500
"""Bytes of an IP packet that an Ethernet frame holds."""
IPV4_TYPE: Final = 0x0800
IPV6_TYPE: Final = 0x86DD
TCP: Final = 6
UDP: Final = 17
TTL: Final = 64
"""Time to live of a packet about which nothing else is known (RFC 1700, IP parameters)."""

FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
PSH: Final = 0x08
ACK: Final = 0x10

_LARGEST: Final = 65_535
_IPV4: Final = struct.Struct("!BBHHHBBH4s4s")
_IPV6: Final = struct.Struct("!IHBB16s16s")
_FRAGMENT: Final = struct.Struct("!BBHI")
_UDP: Final = struct.Struct("!HHHH")
_TCP: Final = struct.Struct("!HHIIBBHHH")
_FRAGMENT_HEADER: Final = 44
_DO_NOT_FRAGMENT: Final = 0x4000
_MORE_FRAGMENTS: Final = 0x2000
_FULL_WINDOW: Final = 65_535


class IpError(ValueError):
    """Values that fit into no packet. `reason` is a short fixed code.

    Codes: `bad-address`, `mixed-families` (IPv4 at one end and IPv6 at the other), `bad-field`, `too-long`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@lru_cache(maxsize=1024)
def packed(address: str) -> bytes:
    """An address as 4 or 16 bytes. Raises IpError: `bad-address`."""
    try:
        return ip_address(address).packed
    except ValueError:
        raise IpError("bad-address") from None


def ethernet_type(address: str) -> int:
    """The EtherType of packets to or from an address. Raises IpError: `bad-address`."""
    return IPV4_TYPE if len(packed(address)) == 4 else IPV6_TYPE


def group_mac(address: str) -> bytes | None:
    """The MAC address of a multicast group (RFC 1112 s.6.4, RFC 2464 s.7) or of all stations (RFC 919); None for the
    address of one host. Raises IpError: `bad-address`."""
    raw = packed(address)
    if len(raw) == 16:
        return b"\x33\x33" + raw[12:] if raw[0] == 0xFF else None
    if raw == b"\xff" * 4:
        return b"\xff" * 6
    return b"\x01\x00\x5e" + bytes([raw[1] & 0x7F]) + raw[2:] if raw[0] >> 4 == 0xE else None


def checksum(data: bytes) -> int:
    """The Internet checksum of ``data``, which may already hold one: then it is 0 if that is right (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    # Words sum modulo 0xFFFF as the digits of one number do; only an all-zero sum stays 0 instead of 0xFFFF.
    total = int.from_bytes(data, "big")
    return 0xFFFF - (total % 0xFFFF or (0xFFFF if total else 0))


def udp(source: str, source_port: int, destination: str, port: int, payload: bytes) -> bytes:
    """A UDP datagram with its checksum (RFC 768, RFC 8200 s.8.1). Raises IpError."""
    size = _UDP.size + len(payload)
    if size > _LARGEST:
        raise IpError("too-long")
    bare = _packed(_UDP, source_port, port, size, 0) + payload
    found = checksum(_pseudo(source, destination, UDP, size) + bare) or 0xFFFF  # 0 says that there is none
    return bare[:6] + found.to_bytes(2, "big") + payload


def tcp(
    source: tuple[str, int],
    destination: tuple[str, int],
    sequence: int,
    acknowledged: int,
    flags: int,
    payload: bytes = b"",
    options: bytes = b"",
) -> bytes:
    """A TCP segment with its checksum and an open window; options: a multiple of four bytes. Raises IpError."""
    header = _TCP.size + len(options)
    if len(options) % 4 or header > 60:
        raise IpError("bad-field")
    numbers = (sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, header << 2, flags, _FULL_WINDOW)
    bare = _packed(_TCP, source[1], destination[1], *numbers, 0, 0) + options + payload
    found = checksum(_pseudo(source[0], destination[0], TCP, len(bare)) + bare)
    return bare[:16] + found.to_bytes(2, "big") + bare[18:]


def maximum_segment(size: int) -> bytes:
    """The option of a SYN that says how long segments may be, in bytes of payload (RFC 9293 s.3.7.1)."""
    return struct.pack("!BBH", 2, 4, size)


def packets(
    source: str, destination: str, protocol: int, data: bytes, *, ttl: int = TTL, identification: int = 0
) -> Iterator[bytes]:
    """The IP packets that carry ``data``: one, or fragments of MTU bytes at most if that would be too long.

    identification: what the fragments have in common; a packet that needs none is not to be fragmented either, and so
    has none (RFC 6864 s.4.1). Raises IpError.
    """
    ends = packed(source), packed(destination)
    if len(ends[0]) != len(ends[1]):
        raise IpError("mixed-families")
    write = _ipv4 if len(ends[0]) == 4 else _ipv6
    if len(data) > _LARGEST - (20 if len(ends[0]) == 4 else 0):
        raise IpError("too-long")
    return write(*ends, protocol, data, ttl, identification)


def _ipv4(source: bytes, destination: bytes, protocol: int, data: bytes, ttl: int, number: int) -> Iterator[bytes]:
    """Packets of RFC 791; fragments begin at multiples of eight bytes (s.3.2)."""
    room = MTU - _IPV4.size
    whole = len(data) <= room
    step = len(data) or 1 if whole else room - room % 8
    for at in range(0, max(1, len(data)), step):
        piece = data[at : at + step]
        more = _MORE_FRAGMENTS if at + step < len(data) else 0
        place = _DO_NOT_FRAGMENT if whole else more | at >> 3
        fields = (0x45, 0, _IPV4.size + len(piece), 0 if whole else number, place, ttl, protocol)
        bare = _packed(_IPV4, *fields, 0, source, destination)
        yield bare[:10] + checksum(bare).to_bytes(2, "big") + bare[12:] + piece


def _ipv6(source: bytes, destination: bytes, protocol: int, data: bytes, ttl: int, number: int) -> Iterator[bytes]:
    """Packets of RFC 8200; each fragment has a header of its own (s.4.5)."""
    room = MTU - _IPV6.size
    if len(data) <= room:
        yield _packed(_IPV6, 6 << 28, len(data), protocol, ttl, source, destination) + data
        return
    step = (room - _FRAGMENT.size) // 8 * 8
    for at in range(0, len(data), step):
        piece = data[at : at + step]
        fragment = _packed(_FRAGMENT, protocol, 0, at | (at + step < len(data)), number)
        size = len(fragment) + len(piece)
        yield _packed(_IPV6, 6 << 28, size, _FRAGMENT_HEADER, ttl, source, destination) + fragment + piece


def _pseudo(source: str, destination: str, protocol: int, size: int) -> bytes:
    """What the checksum of UDP and TCP covers besides the datagram (RFC 768, RFC 8200 s.8.1)."""
    return packed(source) + packed(destination) + struct.pack("!II", protocol, size)


def _packed(form: struct.Struct, *values: int | bytes) -> bytes:
    try:
        return form.pack(*values)
    except struct.error:
        raise IpError("bad-field") from None
