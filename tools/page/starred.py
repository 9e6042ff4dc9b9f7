"""Bytes with their secrets overwritten at the same length, so that offsets and lengths beside them stay right."""

from __future__ import annotations

import re

import attrs

from emulator.wire import dhcp
from tools.masks import hidden, joined, without_vendor_logins

_CREDENTIALS = re.compile(rb"(?im)^((?:proxy-)?authorization[ \t]*:)((?:[^\n]|\n[ \t])*)")
"""A header field that holds a login, with its folded lines."""
_STARS = re.compile(r"\*+")
_NUMBER = 4
"""Options of so many bytes at most are numbers and addresses."""


def starred(data: bytes) -> bytes:
    """``data`` with what :func:`tools.masks.hidden` would hide in it overwritten with stars, byte for byte."""
    data = _CREDENTIALS.sub(lambda found: found[1] + re.sub(rb"[^\s]", b"*", found[2]), data)
    text = "\n".join(map(_middle_starred, data.decode("utf-8", "surrogateescape").split("\n")))
    if _STARS.sub("***", hidden(text)) != _STARS.sub("***", text):
        # Something spans lines.
        text = _middle_starred(text)
    return text.encode("utf-8", "surrogateescape")


def starred_dhcp(data: bytes) -> bytes:
    """:func:`starred` for a DHCP message, each option by itself, however many parts it came in."""
    try:
        message = dhcp.parse(data)
    except dhcp.DhcpError:
        return starred(data)
    options = joined(message.options, lambda _, value: value if len(value) <= _NUMBER else starred(value))
    return attrs.evolve(
        message, options=options, sname=starred(message.sname), file=starred(message.file), tail=starred(message.tail)
    ).encode()


def starred_dhcpv6(data: bytes) -> bytes:
    """:func:`starred` for a DHCPv6 message."""
    return starred(without_vendor_logins(data))


def _middle_starred(text: str) -> str:
    """``text`` with stars from the first to the last character that masking changes."""
    masked = hidden(text)
    if masked == text:
        return text
    most = min(len(text), len(masked))
    head = next((at for at in range(most) if text[at] != masked[at]), most)
    tail = next((at for at in range(most - head) if text[-1 - at] != masked[-1 - at]), most - head)
    middle = text[head : len(text) - tail]
    return text[:head] + "*" * len(middle.encode("utf-8", "surrogateescape")) + text[len(text) - tail :]
