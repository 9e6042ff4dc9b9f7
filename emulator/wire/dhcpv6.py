"""DHCPv6 messages between client and server as bytes and as objects (RFC 8415); relay messages are not read.

`parse` accepts what can be read and keeps every byte of it, so `parse(data).encode() == data`. What stands inside an
option is read by `options_in`, `IaNa.read`, `IaAddress.read` and `Vendor.read`, each with an `encode` of its own.
"""

import functools
import struct
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv6Address
from typing import Any, Final, Self

import attrs

SIZE_LIMIT: Final = 1500
"""The longest message that is read or written, in bytes: one Ethernet frame."""

SOLICIT: Final = 1
ADVERTISE: Final = 2
REQUEST: Final = 3
CONFIRM: Final = 4
RENEW: Final = 5
REBIND: Final = 6
REPLY: Final = 7
_TYPE_NAMES: Final = (
    *("SOLICIT", "ADVERTISE", "REQUEST", "CONFIRM", "RENEW", "REBIND", "REPLY", "RELEASE", "DECLINE"),
    *("RECONFIGURE", "INFORMATION-REQUEST"),
)

CLIENT_ID: Final = 1
SERVER_ID: Final = 2
IA_NA: Final = 3
IA_ADDRESS: Final = 5
OPTION_REQUEST: Final = 6
PREFERENCE: Final = 7
ELAPSED_TIME: Final = 8
STATUS_CODE: Final = 13
VENDOR_OPTIONS: Final = 17
DNS: Final = 23
SOL_MAX_RT: Final = 82

SUCCESS: Final = 0
UNSPECIFIED_FAILURE: Final = 1
NO_ADDRESSES: Final = 2
NO_BINDING: Final = 3
NOT_ON_LINK: Final = 4

Options = tuple[tuple[int, bytes], ...]
"""(code, value) in wire order."""

_HEAD: Final = struct.Struct("!HH")
_IA_NA: Final = struct.Struct("!III")
_IA_ADDRESS: Final = struct.Struct("!16sII")


class Dhcpv6Error(ValueError):
    """Bytes that are no DHCPv6 message, or values that fit into none. `reason` is a short fixed code.

    Codes from reading: `too-short`, `too-long`, `unknown-type` (a relay message, or no message type at all),
    `option-overrun`, `option-too-short`. Codes from writing: `bad-type`, `bad-transaction`, `bad-option`, `bad-number`,
    `bad-address`, `bad-hardware-address`, `too-long`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@attrs.frozen
class Message:
    """One message (RFC 8415 s.8): its type, a transaction id of 24 bits, its options in wire order."""

    type: int
    transaction: int
    options: Options

    def encode(self) -> bytes:
        """The message as bytes. Raises Dhcpv6Error: `bad-type`, `bad-transaction`, `bad-option`, `too-long`."""
        if not 0 < self.type <= len(_TYPE_NAMES):
            raise Dhcpv6Error("bad-type")
        if not 0 <= self.transaction < 1 << 24:
            raise Dhcpv6Error("bad-transaction")
        data = bytes((self.type,)) + self.transaction.to_bytes(3, "big") + encode_options(self.options)
        if len(data) > SIZE_LIMIT:
            raise Dhcpv6Error("too-long")
        return data

    def option(self, code: int) -> bytes | None:
        """The value of the first option with this code, or None."""
        return first(self.options, code)


@attrs.frozen
class IaNa:
    """An identity association for addresses (option 3, s.21.4). t1, t2: seconds, 0 leaves them to the client."""

    iaid: int
    t1: int = 0
    t2: int = 0
    options: Options = ()

    @classmethod
    def read(cls, data: bytes) -> Self:
        """From the option's value. Raises Dhcpv6Error: `option-too-short`, `option-overrun`."""
        iaid, t1, t2 = _fixed(_IA_NA, data)
        return cls(iaid, t1, t2, options_in(data[_IA_NA.size :]))

    def encode(self) -> bytes:
        """The option's value. Raises Dhcpv6Error: `bad-number`, `bad-option`."""
        return _packed(_IA_NA, self.iaid, self.t1, self.t2) + encode_options(self.options)


@attrs.frozen
class IaAddress:
    """An address of an identity association (option 5, s.21.6). preferred, valid: lifetimes in seconds."""

    address: str
    preferred: int
    valid: int
    options: Options = ()

    @classmethod
    def read(cls, data: bytes) -> Self:
        """From the option's value. Raises Dhcpv6Error: `option-too-short`, `option-overrun`."""
        address, preferred, valid = _fixed(_IA_ADDRESS, data)
        return cls(bytes_to_ip(address), preferred, valid, options_in(data[_IA_ADDRESS.size :]))

    def encode(self) -> bytes:
        """The option's value. Raises Dhcpv6Error: `bad-address`, `bad-number`, `bad-option`."""
        fixed = _packed(_IA_ADDRESS, ip_to_bytes(self.address), self.preferred, self.valid)
        return fixed + encode_options(self.options)


@attrs.frozen
class Vendor:
    """Vendor-specific information (option 17, s.21.17): an enterprise number and the vendor's own options."""

    enterprise: int
    options: Options = ()

    @classmethod
    def read(cls, data: bytes) -> Self:
        """From the option's value. Raises Dhcpv6Error: `option-too-short`, `option-overrun`."""
        if len(data) < 4:
            raise Dhcpv6Error("option-too-short")
        return cls(int.from_bytes(data[:4], "big"), options_in(data[4:]))

    def encode(self) -> bytes:
        """The option's value. Raises Dhcpv6Error: `bad-number`, `bad-option`."""
        return u32(self.enterprise) + encode_options(self.options)


def parse(data: bytes) -> Message:
    """Read one message from the payload of a datagram; `parse(data).encode() == data`.

    Raises Dhcpv6Error: `too-short` (under 4 bytes), `too-long` (over 1500), `unknown-type`, `option-overrun`.
    """
    if len(data) < 4:
        raise Dhcpv6Error("too-short")
    if len(data) > SIZE_LIMIT:
        raise Dhcpv6Error("too-long")
    if not 0 < data[0] <= len(_TYPE_NAMES):
        raise Dhcpv6Error("unknown-type")
    return Message(data[0], int.from_bytes(data[1:4], "big"), options_in(data[4:]))


def options_in(data: bytes) -> Options:
    """The options that fill `data`, not looked into. Raises Dhcpv6Error `option-overrun` if the last is cut off."""
    found: list[tuple[int, bytes]] = []
    at, size = 0, len(data)
    while at < size:
        after = size + 1
        if at + 4 <= size:
            code, length = _HEAD.unpack_from(data, at)
            after = at + 4 + length
        if after > size:
            raise Dhcpv6Error("option-overrun")
        found.append((code, data[at + 4 : after]))
        at = after
    return tuple(found)


def encode_options(options: Iterable[tuple[int, bytes]]) -> bytes:
    """The bytes of `options`. Raises Dhcpv6Error `bad-option`: a code or a length that is no number of 16 bits."""
    try:
        return b"".join(_HEAD.pack(code, len(value)) + value for code, value in options)
    except struct.error:
        raise Dhcpv6Error("bad-option") from None


def first(options: Options, code: int) -> bytes | None:
    """The value of the first option with this code, or None."""
    return next((value for found, value in options if found == code), None)


def status_in(options: Options) -> int:
    """The status code that stands among `options` (s.21.13); `SUCCESS` if there is none.

    Raises Dhcpv6Error `option-too-short`.
    """
    value = first(options, STATUS_CODE)
    if value is None:
        return SUCCESS
    if len(value) < 2:
        raise Dhcpv6Error("option-too-short")
    return int.from_bytes(value[:2], "big")


def status(code: int, text: str = "") -> bytes:
    """The value of a status code option. Raises Dhcpv6Error `bad-number`."""
    return u16(code) + text.encode()


def duid_ll(mac: bytes) -> bytes:
    """The DUID made of an Ethernet address (s.11.4). Raises Dhcpv6Error `bad-hardware-address`."""
    if len(mac) != 6:
        raise Dhcpv6Error("bad-hardware-address")
    return b"\x00\x03\x00\x01" + mac


def type_name(number: int) -> str:
    """The name of a message type as people write it: `SOLICIT` for 1; `type 77` for one that has no name."""
    return _TYPE_NAMES[number - 1] if 0 < number <= len(_TYPE_NAMES) else f"type {number}"


@functools.lru_cache(maxsize=1024)
def ip_to_bytes(address: str) -> bytes:
    """The 16 bytes of an IPv6 address. Raises Dhcpv6Error `bad-address`, also for one with a zone (`fe80::1%eth0`)."""
    try:
        made = IPv6Address(address)
    except AddressValueError:
        raise Dhcpv6Error("bad-address") from None
    if made.scope_id is not None:
        raise Dhcpv6Error("bad-address")
    return made.packed


@functools.lru_cache(maxsize=1024)
def bytes_to_ip(data: bytes) -> str:
    """16 bytes as an IPv6 address, in its compressed form. Raises Dhcpv6Error `bad-address` for any other length."""
    if len(data) != 16:
        raise Dhcpv6Error("bad-address")
    return IPv6Address(data).compressed


def u16(number: int) -> bytes:
    """A number from 0 to 2**16 - 1 as 2 bytes. Raises Dhcpv6Error `bad-number`."""
    return _number(number, 2)


def u32(number: int) -> bytes:
    """A number from 0 to 2**32 - 1 as 4 bytes. Raises Dhcpv6Error `bad-number`."""
    return _number(number, 4)


def _number(number: int, size: int) -> bytes:
    try:
        return number.to_bytes(size, "big")
    except OverflowError:
        raise Dhcpv6Error("bad-number") from None


def _fixed(form: struct.Struct, data: bytes) -> tuple[Any, ...]:
    if len(data) < form.size:
        raise Dhcpv6Error("option-too-short")
    return form.unpack_from(data)


def _packed(form: struct.Struct, *values: int | bytes) -> bytes:
    try:
        return form.pack(*values)
    except struct.error:
        raise Dhcpv6Error("bad-number") from None
