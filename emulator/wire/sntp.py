"""NTP packets as bytes and as objects (RFC 5905 s.7.3), as far as an SNTP client needs them (RFC 4330).

`parse` accepts every packet that has the 48 bytes of the header and keeps what follows them, so
`parse(data).encode() == data`. A timestamp is an integer of 64 bits: seconds in the upper half, a fraction of a second
in units of 2**-32 s in the lower one. Which seconds those are depends on the era (RFC 4330 s.3); `to_ns` and `from_ns`
convert.
"""

import struct
from typing import Final

import attrs

PORT: Final = 123
SIZE: Final = 48
"""Bytes of the header, and of a packet without extensions and authenticator."""
SIZE_LIMIT: Final = 1500
"""The longest packet that is read, in bytes: one Ethernet frame."""
VERSION: Final = 4

CLIENT: Final = 3
SERVER: Final = 4
BROADCAST: Final = 5

UNSYNCHRONISED: Final = 3
"""The leap indicator of a server that does not know the time itself."""
KISS: Final = 0
"""The stratum of a kiss-o'-death packet, whose reference identifier is a code (RFC 4330 s.8)."""
WORST_STRATUM: Final = 15

_FIXED: Final = struct.Struct("!BBbbII4sQQQQ")
_SECOND: Final = 1_000_000_000
_FRACTIONS: Final = 1 << 32
_TO_1970: Final = 2_208_988_800
"""Seconds from 1900-01-01, where era 0 begins, to 1970-01-01."""
_MIDDLE: Final = 1 << 31
"""A timestamp whose first bit is set belongs to era 0, any other to era 1, which began in 2036 (RFC 4330 s.3)."""
EARLIEST: Final = (_MIDDLE - _TO_1970) * _SECOND
"""The first instant that has a timestamp, 1968-01-20, in ns since 1970."""
LATEST: Final = (_FRACTIONS + _MIDDLE - _TO_1970) * _SECOND - 1
"""The last one, in 2104."""


class SntpError(ValueError):
    """Bytes that are no NTP packet, or values that fit into none. `reason` is a short fixed code.

    Codes from `parse`: `too-short`, `too-long`. Codes from writing: `bad-field`, `out-of-era`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@attrs.frozen
class Packet:
    """One NTP packet, field by field as RFC 5905 s.7.3 draws it.

    `leap` 0 to 3, `version` and `mode` 0 to 7; `poll` and `precision` are exponents of two, in seconds, signed;
    `root_delay` and `root_dispersion` count 2**-16 s; `reference_id` is 4 bytes. `reference`, `originate`, `receive`
    and `transmit` are timestamps, 0 where unknown. `tail` is what follows the header: extensions, authenticator.
    """

    leap: int = 0
    version: int = VERSION
    mode: int = CLIENT
    stratum: int = 0
    poll: int = 0
    precision: int = 0
    root_delay: int = 0
    root_dispersion: int = 0
    reference_id: bytes = bytes(4)
    reference: int = 0
    originate: int = 0
    receive: int = 0
    transmit: int = 0
    tail: bytes = b""

    def encode(self) -> bytes:
        """The packet as bytes. Raises SntpError `bad-field` for a value that its field cannot hold."""
        if not (0 <= self.leap < 4 and 0 <= self.version < 8 and 0 <= self.mode < 8 and len(self.reference_id) == 4):
            raise SntpError("bad-field")
        try:
            header = _FIXED.pack(
                self.leap << 6 | self.version << 3 | self.mode,
                *(self.stratum, self.poll, self.precision, self.root_delay, self.root_dispersion),
                *(self.reference_id, self.reference, self.originate, self.receive, self.transmit),
            )
        except struct.error:
            raise SntpError("bad-field") from None
        return header + self.tail


def parse(data: bytes) -> Packet:
    """Read a packet. Raises SntpError: `too-short` (under 48 bytes), `too-long` (over 1500)."""
    if len(data) < SIZE:
        raise SntpError("too-short")
    if len(data) > SIZE_LIMIT:
        raise SntpError("too-long")
    first, stratum, poll, precision, delay, dispersion, name, *timestamps = _FIXED.unpack_from(data)
    reference, originate, receive, transmit = timestamps
    return Packet(
        leap=first >> 6,
        version=first >> 3 & 7,
        mode=first & 7,
        stratum=stratum,
        poll=poll,
        precision=precision,
        root_delay=delay,
        root_dispersion=dispersion,
        reference_id=name,
        reference=reference,
        originate=originate,
        receive=receive,
        transmit=transmit,
        tail=bytes(data[SIZE:]),
    )


def request(transmit: int) -> bytes:
    """A client's request (RFC 4330 s.5): everything is zero but version, mode and `transmit`, 64 bits that the server
    sends back as `originate`. Raises SntpError `bad-field` for a `transmit` that does not fit."""
    return Packet(transmit=transmit).encode()


def transmitted(data: bytes) -> int:
    """The `transmit` of a packet, or of what is there of one."""
    return int.from_bytes(data[40:SIZE], "big")


def to_ns(timestamp: int) -> int:
    """The instant of a timestamp in ns since 1970, rounded to the nearest; half a nanosecond does not occur.

    Era 0 if the first bit is set, else era 1: 1968 to 2104 (RFC 4330 s.3).
    """
    seconds, fraction = divmod(timestamp, _FRACTIONS)
    if seconds < _MIDDLE:
        seconds += _FRACTIONS
    return (seconds - _TO_1970) * _SECOND + (fraction * _SECOND + _MIDDLE) // _FRACTIONS


def from_ns(instant: int) -> int:
    """The timestamp nearest to an instant in ns since 1970; `to_ns` gives back exactly that instant.

    Raises SntpError `out-of-era` for an instant before :data:`EARLIEST` or after :data:`LATEST`.
    """
    if not EARLIEST <= instant <= LATEST:
        raise SntpError("out-of-era")
    seconds, rest = divmod(instant, _SECOND)
    return (seconds + _TO_1970) % _FRACTIONS * _FRACTIONS + (rest * _FRACTIONS + _SECOND // 2) // _SECOND
