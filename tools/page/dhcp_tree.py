"""A DHCP or DHCPv6 message as a tree of fields, each with the place of its bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from emulator.wire import dhcp, dhcpv6

FIXED = 240
"""Bytes before the first option of a DHCP message."""
_NAMES = {
    1: "subnet mask",
    3: "router",
    6: "name server",
    12: "host name",
    15: "domain name",
    42: "NTP server",
    43: "vendor information",
    50: "requested address",
    51: "lease time",
    52: "overload",
    53: "message type",
    54: "server identifier",
    55: "parameter request list",
    56: "message",
    57: "maximum message size",
    58: "renewal time (T1)",
    59: "rebinding time (T2)",
    60: "vendor class",
    61: "client identifier",
    66: "TFTP server name",
    67: "boot file name",
    159: "provisioning URL",
    160: "provisioning URL",
}
_ADDRESSES = frozenset({dhcp.SUBNET_MASK, dhcp.ROUTER, dhcp.DNS, dhcp.NTP, dhcp.REQUESTED_ADDRESS, dhcp.SERVER_ID})
_SECONDS = frozenset({dhcp.LEASE_TIME, dhcp.T1, dhcp.T2})
_NAMES_V6 = {
    1: "client identifier",
    2: "server identifier",
    3: "address association",
    5: "address",
    6: "option request",
    7: "preference",
    8: "elapsed time",
    13: "status",
    14: "rapid commit",
    16: "vendor class",
    17: "vendor options",
    23: "name server",
    24: "domain search list",
}
_NESTED_V6 = {3: 12, 5: 24, 17: 4}
"""Options of DHCPv6 that hold options, and the bytes before the first of them."""
_MOST_NESTED = 4


class Field(NamedTuple):
    """A field. at, size: in bytes from the start of the message."""

    name: str
    value: str
    at: int
    size: int
    parts: tuple[Field, ...] = ()


def dhcp_fields(data: bytes) -> tuple[Field, ...]:
    """The fields of a DHCP message. Raises DhcpError."""
    message = dhcp.parse(data)
    operation = {dhcp.BOOTREQUEST: "request", dhcp.BOOTREPLY: "reply"}.get(message.op, "?")
    flags = "broadcast" if message.flags & dhcp.BROADCAST else "unicast"
    head = (
        Field("op", f"{message.op} ({operation})", 0, 1),
        Field("htype", str(message.htype), 1, 1),
        Field("hlen", str(message.hlen), 2, 1),
        Field("hops", str(message.hops), 3, 1),
        Field("xid", f"{message.xid:#010x}", 4, 4),
        Field("secs", str(message.secs), 8, 2),
        Field("flags", f"{message.flags:#06x} ({flags})", 10, 2),
        Field("ciaddr, the client's own", message.ciaddr, 12, 4),
        Field("yiaddr, yours", message.yiaddr, 16, 4),
        Field("siaddr, next server", message.siaddr, 20, 4),
        Field("giaddr, relay", message.giaddr, 24, 4),
        Field("chaddr", message.chaddr[:6].hex(":"), 28, 16),
        Field("sname", text_of(message.sname.rstrip(b"\0")), 44, 64),
        Field("file", text_of(message.file.rstrip(b"\0")), 108, 128),
        Field("magic cookie", data[236:FIXED].hex(), 236, 4),
    )
    return (*head, *_options(message))


def _options(message: dhcp.Message) -> Iterator[Field]:
    at = FIXED
    for code, value in message.options:
        size = 1 if code in (dhcp.PAD, dhcp.END) else 2 + len(value)
        if code != dhcp.PAD:
            yield Field(option_name(code), option_value(code, value), at, size)
        at += size
    if message.tail:
        yield Field("padding", f"{len(message.tail)} bytes", at, len(message.tail))


def option_name(code: int) -> str:
    """``option 160, provisioning URL``."""
    if code == dhcp.END:
        return "end of options"
    name = _NAMES.get(code)
    return f"option {code}" + (f", {name}" if name else "")


def option_value(code: int, value: bytes) -> str:
    """The value of an option as people write it; one of a wrong length as hex digits."""
    if code == dhcp.END:
        return str(code)
    if code == dhcp.MESSAGE_TYPE and len(value) == 1:
        return dhcp.type_name(value[0])
    if code in _ADDRESSES and value and len(value) % 4 == 0:
        return ", ".join(dhcp.bytes_to_ip(value[at : at + 4]) for at in range(0, len(value), 4))
    if code in _SECONDS and len(value) == 4:
        return f"{int.from_bytes(value, 'big'):,} s"
    if code == dhcp.MAXIMUM_SIZE and len(value) == 2:
        return f"{int.from_bytes(value, 'big'):,} bytes"
    if code == dhcp.PARAMETERS:
        return ", ".join(map(str, value))
    if code in dhcp.TEXT_OPTIONS or code == dhcp.VENDOR_CLASS:
        return text_of(value)
    return value.hex(" ")


def dhcpv6_fields(data: bytes) -> tuple[Field, ...]:
    """The fields of a DHCPv6 message. Raises Dhcpv6Error."""
    message = dhcpv6.parse(data)
    head = (
        Field("message type", dhcpv6.type_name(message.type), 0, 1),
        Field("transaction", f"{message.transaction:#08x}", 1, 3),
    )
    return (*head, *_options_v6(message.options, 4, 0))


def _options_v6(options: Iterable[tuple[int, bytes]], at: int, depth: int, names: bool = True) -> Iterator[Field]:
    for code, value in options:
        name = _NAMES_V6.get(code) if names else None
        title = f"{'option' if names else 'sub-option'} {code}" + (f", {name}" if name else "")
        parts = _nested_v6(code, value, at + 4, depth + 1) if names else ()
        yield Field(title, _value_v6(code, value, names), at, 4 + len(value), parts)
        at += 4 + len(value)


def _nested_v6(code: int, value: bytes, at: int, depth: int) -> tuple[Field, ...]:
    """The options in an option; none if they cannot be read."""
    head = _NESTED_V6.get(code)
    if head is None or depth > _MOST_NESTED or len(value) < head:
        return ()
    try:
        inner = dhcpv6.options_in(value[head:])
    except dhcpv6.Dhcpv6Error:
        return ()
    return tuple(_options_v6(inner, at + head, depth, names=code != dhcpv6.VENDOR_OPTIONS))


def _value_v6(code: int, value: bytes, names: bool) -> str:
    if not names:
        return text_of(value)
    if code == 17 and len(value) >= 4:
        return f"enterprise {int.from_bytes(value[:4], 'big')}"
    if code == 5 and len(value) >= 16:
        return dhcpv6.bytes_to_ip(value[:16])
    if code == 23 and value and len(value) % 16 == 0:
        return ", ".join(dhcpv6.bytes_to_ip(value[at : at + 16]) for at in range(0, len(value), 16))
    return value.hex(" ")


def text_of(value: bytes) -> str:
    """Text in quotes where it is text, else hex digits; "" for nothing."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex(" ")
    return f'"{text}"' if text else ""
