"""Packet captures in the pcapng format as bytes and as objects (draft-ietf-opsawg-pcapng).

A file is a section header, an interface description for each interface, and an enhanced packet for each packet, all
little-endian, with times in ns. `parse` reads what `Capture.encode` writes, and other files as far as they have one
section and nothing but these blocks to tell: blocks and options of other types are skipped.
"""

import struct
from collections.abc import Iterator
from typing import Final

import attrs

SIZE_LIMIT: Final = 1 << 30
"""The longest file that is read, in bytes."""
BLOCK_LIMIT: Final = 1 << 24
"""The longest block that is read, in bytes."""
PACKET_LIMIT: Final = 262_144
"""The longest packet, in bytes: what capturing programs take."""
LATEST: Final = (1 << 64) - 1
"""The last time that can be written, in ns since 1970."""

ETHERNET: Final = 1
"""LINKTYPE_ETHERNET: frames without preamble and check sequence."""
UNKNOWN: Final = 0
INBOUND: Final = 1
OUTBOUND: Final = 2
"""Directions, as the flags of a packet name them (s.4.3.1)."""

_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_PACKET: Final = 6
_ORDER: Final = 0x1A2B3C4D
_END_OF_OPTIONS: Final = 0
_COMMENT: Final = 1
_APPLICATION: Final = 4
_NAME: Final = 2
_FLAGS: Final = 2
_RESOLUTION: Final = 9
_NANOSECONDS: Final = 9
_MICROSECONDS: Final = 6
"""What times count where an interface does not say (s.4.2)."""
_SHORTEST: Final = 12
_UNKNOWN_LENGTH: Final = (1 << 64) - 1


class PcapngError(ValueError):
    """Bytes that are no capture that can be read, or values that fit into none. `reason` is a short fixed code.

    Codes from `parse`: `too-long`, `not-pcapng`, `bad-version`, `second-section`, `bad-block` (its lengths, or its
    fields), `cut-off`, `bad-option`, `bad-resolution` (of times: not a power of ten, or finer than ns),
    `unknown-interface`. Codes from writing: `bad-field`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@attrs.frozen
class Interface:
    """Where packets were captured. link: the link type."""

    name: str
    link: int = ETHERNET

    def encode(self) -> bytes:
        """The interface description block. Raises PcapngError: `bad-field`."""
        resolution = _option(_RESOLUTION, bytes([_NANOSECONDS]))
        options = _text(_NAME, self.name) + resolution + _option(_END_OF_OPTIONS, b"")
        return _block(_INTERFACE, _pack("HHI", self.link, 0, PACKET_LIMIT) + options)


@attrs.frozen
class Packet:
    """One packet. interface: index; time: ns since 1970; comment: "" for none; direction: 0, INBOUND or OUTBOUND."""

    interface: int
    time: int
    data: bytes
    comment: str = ""
    direction: int = UNKNOWN

    def encode(self) -> bytes:
        """The enhanced packet block. Raises PcapngError: `bad-field`."""
        size = len(self.data)
        if size > PACKET_LIMIT or not 0 <= self.time <= LATEST or self.direction not in (UNKNOWN, INBOUND, OUTBOUND):
            raise PcapngError("bad-field")
        fixed = _pack("IIIII", self.interface, self.time >> 32, self.time & 0xFFFFFFFF, size, size)
        options = _text(_COMMENT, self.comment)
        if self.direction:
            options += _option(_FLAGS, _pack("I", self.direction))
        if options:
            options += _option(_END_OF_OPTIONS, b"")
        return _block(_PACKET, fixed + self.data + _padding(size) + options)


@attrs.frozen
class Capture:
    """A whole file of one section. application: the program that wrote it; comment: on all of it."""

    interfaces: tuple[Interface, ...]
    packets: tuple[Packet, ...]
    application: str = ""
    comment: str = ""

    def encode(self) -> bytes:
        """The file. Raises PcapngError: `bad-field`."""
        interfaces = b"".join(interface.encode() for interface in self.interfaces)
        packets = b"".join(packet.encode() for packet in self.packets)
        return section(self.application, self.comment) + interfaces + packets


def section(application: str = "", comment: str = "") -> bytes:
    """The section header block that a file begins with (s.4.1); its length is left open, so that packets can follow
    as they come. Raises PcapngError: `bad-field`."""
    options = _text(_COMMENT, comment) + _text(_APPLICATION, application)
    if options:
        options += _option(_END_OF_OPTIONS, b"")
    return _block(_SECTION, _pack("IHHQ", _ORDER, 1, 0, _UNKNOWN_LENGTH) + options)


def parse(data: bytes) -> Capture:
    """Read a file; `parse(capture.encode()) == capture`. Raises PcapngError."""
    if len(data) > SIZE_LIMIT:
        raise PcapngError("too-long")
    order = _byte_order(data)
    application = comment = ""
    interfaces: list[Interface] = []
    scales: list[int] = []
    packets: list[Packet] = []
    for number, (kind, body) in enumerate(_blocks(data, order)):
        if kind == _SECTION:
            if number:
                raise PcapngError("second-section")
            options = _options(_section_options(body, order), order)
            application, comment = _read(options, _APPLICATION), _read(options, _COMMENT)
        elif kind == _INTERFACE:
            link, _, _ = _unpack(order, "HHI", body)
            options = _options(body[8:], order)
            interfaces.append(Interface(_read(options, _NAME), link))
            scales.append(_scale(options))
        elif kind == _PACKET:
            packets.append(_packet(body, order, scales))
    return Capture(tuple(interfaces), tuple(packets), application, comment)


# --- writing ----------------------------------------------------------------------------------------------------------


def _pack(form: str, *values: int) -> bytes:
    try:
        return struct.pack("<" + form, *values)
    except struct.error:
        raise PcapngError("bad-field") from None


def _padding(size: int) -> bytes:
    """What brings ``size`` bytes to a multiple of four."""
    return bytes(-size % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = _pack("I", len(body) + _SHORTEST)
    return _pack("I", kind) + length + body + length


def _option(code: int, value: bytes) -> bytes:
    return _pack("HH", code, len(value)) + value + _padding(len(value))


def _text(code: int, text: str) -> bytes:
    """An option that holds text, nothing for "". Raises PcapngError: `bad-field`."""
    try:
        value = text.encode()
    except UnicodeEncodeError:
        raise PcapngError("bad-field") from None
    return _option(code, value) if text else b""


# --- reading ----------------------------------------------------------------------------------------------------------


def _unpack(order: str, form: str, data: bytes) -> tuple[int, ...]:
    """The numbers that ``data`` begins with. Raises PcapngError: `bad-block`."""
    try:
        return struct.unpack_from(order + form, data)
    except struct.error:
        raise PcapngError("bad-block") from None


def _byte_order(data: bytes) -> str:
    """How numbers are written in a file, by the magic number in its section header (s.4.1)."""
    if len(data) < _SHORTEST or data[:4] != _pack("I", _SECTION):
        raise PcapngError("not-pcapng")
    for order in "<>":
        if struct.unpack_from(order + "I", data, 8)[0] == _ORDER:
            return order
    raise PcapngError("not-pcapng")


def _blocks(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Type and body of each block."""
    at = 0
    while at < len(data):
        if len(data) - at < _SHORTEST:
            raise PcapngError("cut-off")
        kind, length = struct.unpack_from(order + "II", data, at)
        if length < _SHORTEST or length % 4 or length > BLOCK_LIMIT:
            raise PcapngError("bad-block")
        if length > len(data) - at:
            raise PcapngError("cut-off")
        if struct.unpack_from(order + "I", data, at + length - 4)[0] != length:
            raise PcapngError("bad-block")
        yield kind, data[at + 8 : at + length - 4]
        at += length


def _section_options(body: bytes, order: str) -> bytes:
    """What stands behind the fields of a section header."""
    if _unpack(order, "IHHQ", body)[1] != 1:
        raise PcapngError("bad-version")
    return body[16:]


def _options(data: bytes, order: str) -> dict[int, bytes]:
    """The options that ``data`` begins with, by their codes; of several with one code the first."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        if len(data) - at < 4:
            raise PcapngError("bad-option")
        code, size = struct.unpack_from(order + "HH", data, at)
        if code == _END_OF_OPTIONS:
            break
        value = data[at + 4 : at + 4 + size]
        if len(value) < size:
            raise PcapngError("bad-option")
        found.setdefault(code, value)
        at += 4 + size + -size % 4
    return found


def _read(options: dict[int, bytes], code: int) -> str:
    """The text of an option, "" if it is not there."""
    try:
        return options.get(code, b"").decode()
    except UnicodeDecodeError:
        raise PcapngError("bad-option") from None


def _scale(options: dict[int, bytes]) -> int:
    """How many ns a unit of time is at an interface."""
    value = options.get(_RESOLUTION, bytes([_MICROSECONDS]))
    if len(value) != 1 or value[0] > _NANOSECONDS:
        raise PcapngError("bad-resolution")
    return int(10 ** (_NANOSECONDS - value[0]))


def _packet(body: bytes, order: str, scales: list[int]) -> Packet:
    interface, high, low, size, _ = _unpack(order, "IIIII", body)
    if interface >= len(scales):
        raise PcapngError("unknown-interface")
    data = body[20 : 20 + size]
    if len(data) < size or size > PACKET_LIMIT:
        raise PcapngError("bad-block")
    options = _options(body[20 + size + -size % 4 :], order)
    flags = options.get(_FLAGS, bytes(4))
    if len(flags) != 4:
        raise PcapngError("bad-option")
    direction = _unpack(order, "I", flags)[0] & 3
    time = (high << 32 | low) * scales[interface]
    return Packet(interface, time, data, _read(options, _COMMENT), direction)
