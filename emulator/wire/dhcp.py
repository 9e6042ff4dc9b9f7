"""DHCPv4 messages as bytes and as objects (RFC 2131, RFC 2132, RFC 3396).

`parse` accepts what can be read and keeps every byte of it, so `parse(data).encode() == data`. `build` writes a
well-formed message; `Message.encode` writes whatever the object holds, also what no good sender would send.
"""

import functools
import re
import struct
from collections.abc import Iterable
from typing import Final

import attrs

SIZE_LIMIT: Final = 1500
"""The longest message that is read, in bytes: one Ethernet frame."""
MINIMUM: Final = 300
"""The shortest message a BOOTP relay forwards, in bytes (RFC 1542 s.2.1)."""
MAGIC: Final = b"\x63\x82\x53\x63"

BOOTREQUEST: Final = 1
BOOTREPLY: Final = 2
BROADCAST: Final = 0x8000
"""The only defined bit of `flags` (RFC 2131 s.2)."""

DISCOVER: Final = 1
OFFER: Final = 2
REQUEST: Final = 3
DECLINE: Final = 4
ACK: Final = 5
NAK: Final = 6
RELEASE: Final = 7
INFORM: Final = 8
FORCERENEW: Final = 9
_TYPE_NAMES: Final = ("DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM", "FORCERENEW")

PAD: Final = 0
SUBNET_MASK: Final = 1
ROUTER: Final = 3
DNS: Final = 6
HOSTNAME: Final = 12
DOMAIN: Final = 15
NTP: Final = 42
REQUESTED_ADDRESS: Final = 50
LEASE_TIME: Final = 51
OVERLOAD: Final = 52
MESSAGE_TYPE: Final = 53
SERVER_ID: Final = 54
PARAMETERS: Final = 55
MESSAGE: Final = 56
MAXIMUM_SIZE: Final = 57
T1: Final = 58
T2: Final = 59
VENDOR_CLASS: Final = 60
CLIENT_ID: Final = 61
TFTP_SERVER: Final = 66
BOOT_FILE: Final = 67
PROVISIONING_159: Final = 159
PROVISIONING_160: Final = 160
END: Final = 255

TEXT_OPTIONS: Final = frozenset(
    {HOSTNAME, DOMAIN, MESSAGE, TFTP_SERVER, BOOT_FILE, PROVISIONING_159, PROVISIONING_160},
)
"""Options whose value is text, so that a trailing NUL in them is careless (RFC 2132 s.2)."""

TOLERANCES: Final = (
    "under-300-bytes",
    "hlen-not-6",
    "reserved-flags",
    "no-end-option",
    "padding-not-zero",
    "trailing-nul",
    "bad-overload",
    "overload-overrun",
)
"""Every code that `Message.tolerances` can give, in the order in which it gives them."""

_FIXED: Final = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s4s")
_NUMBERS: Final = struct.Struct("!BBBBIHH")
_BUILT: Final = struct.Struct("!BBBBIHH4s4s4s4x16s192x4sBBB")
_OCTET: Final = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_DOTTED: Final = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}")

_FILE_BIT: Final = 1
_SNAME_BIT: Final = 2


class DhcpError(ValueError):
    """Bytes that are no DHCP message, or values that fit into none. `reason` is a short fixed code.

    Codes from `parse`: `too-short`, `too-long`, `bad-magic`, `option-overrun`. Codes from writing: `bad-address`,
    `bad-number`, `bad-field`, `bad-hardware-address`, `bad-option`, `option-too-long`, `too-long`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@attrs.frozen
class Message:
    """One DHCP message, field by field as RFC 2131 s.2 draws it.

    Addresses are dotted quads. `chaddr`, `sname` and `file` are the whole fields: 16, 64 and 128 bytes. `options` are
    (code, value) in wire order; a pad is `(0, b"")`, the end is `(255, b"")`. `tail` is what follows the end option.
    """

    op: int
    htype: int
    hlen: int
    hops: int
    xid: int
    secs: int
    flags: int
    ciaddr: str
    yiaddr: str
    siaddr: str
    giaddr: str
    chaddr: bytes
    sname: bytes
    file: bytes
    options: tuple[tuple[int, bytes], ...]
    tail: bytes

    def encode(self) -> bytes:
        """The message as bytes, nothing added, nothing put right.

        A `chaddr`, `sname` or `file` of another length than the standard's is written as it is, and bytes in `tail`
        without an end option before them stand where an option would: so malformed messages can be written too.

        Raises DhcpError: `bad-field` (a number out of range), `bad-address`, `bad-option` (a code out of range, or a
        value for pad or end), `option-too-long` (over 255 bytes).
        """
        numbers = (self.op, self.htype, self.hlen, self.hops, self.xid, self.secs, self.flags)
        try:
            parts = [_NUMBERS.pack(*numbers)]
        except struct.error:
            raise DhcpError("bad-field") from None
        parts += map(ip_to_bytes, (self.ciaddr, self.yiaddr, self.siaddr, self.giaddr))
        parts += (self.chaddr, self.sname, self.file, MAGIC)
        parts += (_option_bytes(code, value) for code, value in self.options)
        parts.append(self.tail)
        return b"".join(parts)

    @property
    def type(self) -> int | None:
        """The message type (option 53), or None if it is missing or not one byte long: then it is no DHCP message."""
        value = self.option(MESSAGE_TYPE)
        return value[0] if value is not None and len(value) == 1 else None

    def option(self, code: int) -> bytes | None:
        """The value of an option, its parts joined (RFC 3396 s.7), or None if it is not there.

        Reads `file`, then `sname`, after the options field if option 52 says that they hold options (RFC 2131 s.4.1).
        """
        return self._values.get(code)

    @functools.cached_property
    def _values(self) -> dict[int, bytes]:
        """Every option, its parts joined in the order in which they are read."""
        values: dict[int, bytes] = {}
        for options in (self.options, *(_walk(area, 0)[0] for area in self._overloaded())):
            for code, value in options:
                values[code] = values[code] + value if code in values else value
        return values

    def tolerances(self) -> tuple[str, ...]:
        """What is careless here, though readable: codes of `TOLERANCES`, each at most once, in that order."""
        used = (
            self._size() < MINIMUM,
            self.hlen != 6,
            self.flags & ~BROADCAST != 0,
            (END, b"") not in self.options,
            self.tail.count(0) != len(self.tail),
            any(code in TEXT_OPTIONS and value.endswith(b"\0") for code, value in self.options),
            any(code == OVERLOAD and value not in (b"\1", b"\2", b"\3") for code, value in self.options),
            any(_walk(area, 0)[2] for area in self._overloaded()),
        )
        return tuple(code for code, is_used in zip(TOLERANCES, used, strict=True) if is_used)

    def _size(self) -> int:
        """Bytes of the encoded message."""
        fixed = _NUMBERS.size + 16 + len(self.chaddr) + len(self.sname) + len(self.file) + len(MAGIC)
        listed = sum(1 if code in (PAD, END) else 2 + len(value) for code, value in self.options)
        return fixed + listed + len(self.tail)

    def _overloaded(self) -> tuple[bytes, ...]:
        """The fixed fields that hold options, in the order in which they are read."""
        for code, value in self.options:
            if code == OVERLOAD:
                bits = value[0] if value in (b"\1", b"\2", b"\3") else 0
                return (self.file,) * bool(bits & _FILE_BIT) + (self.sname,) * bool(bits & _SNAME_BIT)
        return ()


def parse(data: bytes) -> Message:
    """Read one message from the payload of a datagram; `parse(data).encode() == data`.

    A missing end option is accepted. Raises DhcpError: `too-short` (under 240 bytes), `too-long` (over 1500),
    `bad-magic`, `option-overrun` (the last option is cut off).
    """
    if len(data) < _FIXED.size:
        raise DhcpError("too-short")
    if len(data) > SIZE_LIMIT:
        raise DhcpError("too-long")
    op, htype, hlen, hops, xid, secs, flags, ci, yi, si, gi, chaddr, sname, file, magic = _FIXED.unpack_from(data)
    if magic != MAGIC:
        raise DhcpError("bad-magic")
    options, end, overrun = _walk(data, _FIXED.size)
    if overrun:
        raise DhcpError("option-overrun")
    return Message(
        op,
        htype,
        hlen,
        hops,
        xid,
        secs,
        flags,
        bytes_to_ip(ci),
        bytes_to_ip(yi),
        bytes_to_ip(si),
        bytes_to_ip(gi),
        chaddr,
        sname,
        file,
        tuple(options),
        data[end:],
    )


def build(
    *,
    op: int,
    xid: int,
    chaddr: bytes,
    type: int,
    options: Iterable[tuple[int, bytes]],
    ciaddr: str = "0.0.0.0",
    yiaddr: str = "0.0.0.0",
    siaddr: str = "0.0.0.0",
    flags: int = 0,
    secs: int = 0,
    minimum: int = MINIMUM,
) -> bytes:
    """Write a well-formed Ethernet message: option 53, then `options` in the order given, the end, zeros to `minimum`.

    `chaddr` is 6 bytes, `secs` counts seconds. A value over 255 bytes is split into several options (RFC 3396 s.5).
    Raises DhcpError: `bad-hardware-address`, `bad-address`, `bad-field` (a number out of range), `bad-option` (a code
    outside 1 to 254), `too-long` (the result is over 1500 bytes).
    """
    if len(chaddr) != 6:
        raise DhcpError("bad-hardware-address")
    addresses = ip_to_bytes(ciaddr), ip_to_bytes(yiaddr), ip_to_bytes(siaddr)
    try:
        fixed = _BUILT.pack(op, 1, 6, 0, xid, secs, flags, *addresses, chaddr, MAGIC, MESSAGE_TYPE, 1, type)
    except struct.error:
        raise DhcpError("bad-field") from None
    parts = [fixed]
    for code, value in options:
        if not PAD < code < END:
            raise DhcpError("bad-option")
        if len(value) < 256:
            parts.append(b"%c%c%b" % (code, len(value), value))
        else:
            parts += (_option_bytes(code, value[start : start + 255]) for start in range(0, len(value), 255))
    parts.append(b"\xff")
    packet = b"".join(parts).ljust(minimum, b"\0")
    if len(packet) > SIZE_LIMIT:
        raise DhcpError("too-long")
    return packet


def type_name(number: int) -> str:
    """The name of a message type as people write it: `DISCOVER` for 1; `type 77` for one that has no name."""
    return _TYPE_NAMES[number - 1] if 0 < number <= len(_TYPE_NAMES) else f"type {number}"


@functools.lru_cache(maxsize=1024)
def ip_to_bytes(address: str) -> bytes:
    """The 4 bytes of a dotted quad. Raises DhcpError `bad-address`, also for leading zeros: some read them as octal."""
    match = _DOTTED.fullmatch(address)
    if match is None:
        raise DhcpError("bad-address")
    return bytes(map(int, match.groups()))


@functools.lru_cache(maxsize=1024)
def bytes_to_ip(data: bytes) -> str:
    """The dotted quad of 4 bytes. Raises DhcpError `bad-address` for any other length."""
    if len(data) != 4:
        raise DhcpError("bad-address")
    return ".".join(map(str, data))


def u32(number: int) -> bytes:
    """A number from 0 to 2**32 - 1 as 4 bytes, as lease times are written. Raises DhcpError `bad-number`."""
    try:
        return number.to_bytes(4, "big")
    except OverflowError:
        raise DhcpError("bad-number") from None


def _walk(data: bytes, at: int) -> tuple[list[tuple[int, bytes]], int, bool]:
    """The whole options from offset `at` on, the offset where they end, and whether the last one is cut off."""
    options: list[tuple[int, bytes]] = []
    size = len(data)
    while at < size:
        code = data[at]
        if code in (PAD, END):
            options.append((code, b""))
            at += 1
            if code == END:
                break
            continue
        after = at + 2 + data[at + 1] if at + 1 < size else size + 1
        if after > size:
            return options, at, True
        options.append((code, data[at + 2 : after]))
        at = after
    return options, at, False


def _option_bytes(code: int, value: bytes) -> bytes:
    if code in (PAD, END) and not value:
        return bytes((code,))
    if not PAD < code < END:
        raise DhcpError("bad-option")
    if len(value) > 255:
        raise DhcpError("option-too-long")
    return b"%c%c%b" % (code, len(value), value)
