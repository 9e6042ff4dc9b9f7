"""Cisco Discovery Protocol, version 2, as bytes and as objects.

The protocol is not published as a standard; field layout as in Cisco's configuration guides and as dissectors read it.
`parse` keeps every byte, so `parse(data).encode() == data`; `build` writes a message with the right checksum.
"""

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

import attrs

SIZE_LIMIT: Final = 1492
"""The longest message that is read, in bytes: one frame less LLC and SNAP."""
VERSION: Final = 2

DEVICE_ID: Final = 0x0001
PORT_ID: Final = 0x0003
CAPABILITIES: Final = 0x0004
PLATFORM: Final = 0x0006
NATIVE_VLAN: Final = 0x000A
VOICE_VLAN: Final = 0x000E
"""VoIP VLAN reply: one byte of data, then the VLAN."""
VOICE_VLAN_QUERY: Final = 0x000F

SWITCH: Final = 0x08
HOST: Final = 0x10
PHONE: Final = 0x80
"""Bits of the capabilities."""

_HEADER: Final = struct.Struct("!BBH")
_TLV: Final = struct.Struct("!HH")


class CdpError(ValueError):
    """Bytes that are no CDP message, or values that fit into none. `reason` is a short fixed code.

    Codes from `parse`: `too-short`, `too-long`, `bad-version`, `bad-tlv` (a length under 4), `tlv-overrun`,
    `bad-checksum`. Codes from writing: `bad-field`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


class Tlv(NamedTuple):
    """One element of a message; the length on the wire counts the four bytes in front of the value."""

    type: int
    value: bytes


@attrs.frozen
class Message:
    """One message. ttl: seconds for which it holds."""

    version: int
    ttl: int
    checksum: int
    tlvs: tuple[Tlv, ...]

    def encode(self) -> bytes:
        """The message as bytes, also with a checksum that is not right. Raises CdpError: `bad-field`."""
        try:
            parts = [_HEADER.pack(self.version, self.ttl, self.checksum)]
            parts += (_TLV.pack(kind, _TLV.size + len(value)) + value for kind, value in self.tlvs)
        except struct.error:
            raise CdpError("bad-field") from None
        return b"".join(parts)

    def value(self, kind: int) -> bytes | None:
        """The value of the first element of a type, or None."""
        return next((value for found, value in self.tlvs if found == kind), None)

    def text(self, kind: int) -> str:
        """The value of a text element; "" if it is not there."""
        return (self.value(kind) or b"").decode("utf-8", "replace")

    @property
    def voice_vlan(self) -> int:
        """The VLAN that the neighbour wants voice in; 0 if it names none."""
        value = self.value(VOICE_VLAN)
        return int.from_bytes(value[1:3], "big") if value is not None and len(value) >= 3 else 0


def parse(data: bytes) -> Message:
    """Read one message; `parse(data).encode() == data`. Raises CdpError."""
    if len(data) < _HEADER.size:
        raise CdpError("too-short")
    if len(data) > SIZE_LIMIT:
        raise CdpError("too-long")
    version, ttl, checksum = _HEADER.unpack_from(data)
    if version not in (1, VERSION):
        raise CdpError("bad-version")
    tlvs = []
    at, size = _HEADER.size, len(data)
    while at < size:
        if at + _TLV.size > size:
            raise CdpError("tlv-overrun")
        kind, length = _TLV.unpack_from(data, at)
        if length < _TLV.size:
            raise CdpError("bad-tlv")
        if at + length > size:
            raise CdpError("tlv-overrun")
        tlvs.append(Tlv(kind, data[at + _TLV.size : at + length]))
        at += length
    if checksum not in sums(data):
        raise CdpError("bad-checksum")
    return Message(version, ttl, checksum, tuple(tlvs))


def build(ttl: int, tlvs: Iterable[Tlv]) -> bytes:
    """A message with its checksum. Raises CdpError: `bad-field`."""
    bare = Message(VERSION, ttl, 0, tuple(tlvs))
    return attrs.evolve(bare, checksum=sums(bare.encode())[0]).encode()


def sums(data: bytes) -> tuple[int, int]:
    """The checksum that Cisco writes, and that of RFC 1071: they differ for messages of odd length.

    Cisco puts the odd byte at the end into the low half of its word and adds that as a signed number; RFC 1071 s.4.1
    puts it into the high half. Both are sent, so both are taken.
    """
    clear = data[:2] + b"\0\0" + data[4:]
    if len(clear) % 2 == 0:
        return (_ones(clear),) * 2
    last = clear[-1]
    signed = bytes((0xFF, last - 1)) if last & 0x80 else bytes((0, last))
    return _ones(clear[:-1] + signed), _ones(clear + b"\0")


def _ones(data: bytes) -> int:
    """RFC 1071 over an even number of bytes."""
    total: int = sum(word for (word,) in struct.iter_unpack("!H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
