"""Ethernet frames as bytes and as objects (IEEE 802.3, 802.1Q), and what is recognised in them.

`parse` keeps every byte, so `parse(data).encode() == data`. Frames stand here as an interface hands them over: without
preamble and check sequence, and not padded to the minimum size.
"""

import struct
from typing import Final

import attrs

SIZE_LIMIT: Final = 1518
"""The longest tagged frame without its check sequence, in bytes."""

ARP_TYPE: Final = 0x0806
VLAN_TYPE: Final = 0x8100
LLDP_TYPE: Final = 0x88CC
LONGEST_LENGTH: Final = 1500
"""A type field up to this is a length (IEEE 802.3 s.3.2.6); a type is 0x0600 or more, what lies between is neither."""
FIRST_TYPE: Final = 0x0600

BROADCAST: Final = b"\xff" * 6
LLDP_GROUP: Final = bytes.fromhex("0180c200000e")
"""Nearest bridge (IEEE 802.1AB s.7.1)."""
CDP_GROUP: Final = bytes.fromhex("01000ccccccc")
CDP_SNAP: Final = bytes.fromhex("aaaa0300000c2000")
"""LLC and SNAP header of CDP: the organisation is Cisco, the protocol 0x2000."""
LARGEST_VLAN: Final = 4094

_HEADER: Final = struct.Struct("!6s6sH")
_TAG: Final = struct.Struct("!HH")


class FrameError(ValueError):
    """Bytes that are no frame, or values that fit into none. `reason` is a short fixed code.

    Codes: `too-short`, `too-long`, `bad-type` (neither a length nor a type), `bad-length` (longer than the frame); from
    writing: `bad-field`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@attrs.frozen
class Frame:
    """One frame. tag: the two bytes after 0x8100 as a number, None for an untagged frame.

    type: EtherType, or the length of the data where it is 1500 or less; payload: everything behind it.
    """

    destination: bytes
    source: bytes
    tag: int | None
    type: int
    payload: bytes

    def encode(self) -> bytes:
        """The frame as bytes, nothing added, nothing put right. Raises FrameError: `bad-field`."""
        if len(self.destination) != 6 or len(self.source) != 6:
            raise FrameError("bad-field")
        try:
            if self.tag is None:
                return _HEADER.pack(self.destination, self.source, self.type) + self.payload
            header = _HEADER.pack(self.destination, self.source, VLAN_TYPE)
            return header + _TAG.pack(self.tag, self.type) + self.payload
        except struct.error:
            raise FrameError("bad-field") from None

    @property
    def vlan(self) -> int:
        """The VLAN that the tag names; 0 for an untagged frame, and for a tag that only carries a priority."""
        return 0 if self.tag is None else self.tag & 0x0FFF

    @property
    def data(self) -> bytes:
        """The payload without the padding behind an 802.3 length."""
        return self.payload[: self.type] if self.type <= LONGEST_LENGTH else self.payload

    @property
    def protocol(self) -> str:
        """``ARP``, ``LLDP``, ``CDP``, or "" for anything else."""
        if self.type == ARP_TYPE:
            return "ARP"
        if self.type == LLDP_TYPE:
            return "LLDP"
        return "CDP" if self.type <= LONGEST_LENGTH and self.data.startswith(CDP_SNAP) else ""


def parse(data: bytes) -> Frame:
    """Read one frame; `parse(data).encode() == data`. Raises FrameError."""
    if len(data) < _HEADER.size:
        raise FrameError("too-short")
    if len(data) > SIZE_LIMIT:
        raise FrameError("too-long")
    destination, source, kind = _HEADER.unpack_from(data)
    tag, at = None, _HEADER.size
    if kind == VLAN_TYPE:
        if len(data) < at + _TAG.size:
            raise FrameError("too-short")
        tag, kind = _TAG.unpack_from(data, at)
        at += _TAG.size
    if LONGEST_LENGTH < kind < FIRST_TYPE:
        raise FrameError("bad-type")
    if kind <= LONGEST_LENGTH and kind > len(data) - at:
        raise FrameError("bad-length")
    return Frame(destination, source, tag, kind, data[at:])


def arp_frame(destination: bytes, source: bytes, packet: bytes, vlan: int = 0) -> bytes:
    """An ARP packet in a frame, tagged if `vlan` is not 0."""
    return Frame(destination, source, vlan or None, ARP_TYPE, packet).encode()


def lldp_frame(source: bytes, message: bytes) -> bytes:
    """An LLDPDU in a frame to the nearest bridge; never tagged (IEEE 802.1AB s.7.3)."""
    return Frame(LLDP_GROUP, source, None, LLDP_TYPE, message).encode()


def cdp_frame(source: bytes, message: bytes) -> bytes:
    """A CDP message in an 802.3 frame with LLC and SNAP headers."""
    data = CDP_SNAP + message
    return Frame(CDP_GROUP, source, None, len(data), data).encode()


def mac_text(mac: bytes) -> str:
    """A MAC address as people write it: ``00:80:f0:12:34:56``."""
    return mac.hex(":")
