"""Answers of a record, made to fit another question: what a server only repeats is taken from the new one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import attrs

from emulator.events import DatagramReceived, DatagramSent, Event, Payload

_COOKIE = b"\x63\x82\x53\x63"
_REPEATED = (
    re.compile(rb"\bbranch=([^;,\s]+)"),
    re.compile(rb"(?im)^(?:call-id|i)\s*:\s*(\S+)"),
    re.compile(rb"(?im)^(?:from|f)\s*:[^\r\n]*;tag=([^;,\s]+)"),
    re.compile(rb"(?im)^cseq\s*:\s*(\d+ [A-Z]+)"),
)
"""What a SIP response repeats of its request (RFC 3261 section 8.2.6.2)."""
_CSEQ = re.compile(rb"(?im)^cseq\s*:\s*\d+\s+([A-Z]+)")
_TFTP = range(1, 7)


def kind_of(payload: bytes) -> str:
    """Protocol and type of a message, without what differs from one to the next of its kind."""
    if payload[236:240] == _COOKIE:
        return f"DHCP {payload[242] if payload[240:241] == b'5' and len(payload) > 242 else ''}"
    if len(payload) == 48 and payload[0] & 7 in (3, 4):
        return "SNTP"
    if payload[:1] == b"\0" and len(payload) > 3 and payload[1] in _TFTP:
        return f"TFTP {payload[1]} {payload[2:4].hex() if payload[1] in (3, 4) else payload[2:].hex()}"
    words = payload[:64].split(b"\r\n", 1)[0].split(b" ")
    if words[0].startswith(b"SIP/"):
        method = _CSEQ.search(payload)
        return f"SIP {words[1:2]} {method[1] if method else b''!r}"
    if words[0].isalpha() and words[-1].startswith(b"SIP/"):
        return f"SIP {words[0]!r}"
    return f"{payload[:1].hex()}"


def echoed(old: Event, new: Event, reply: Event, ordinal: int) -> Event:
    """The reply to ``old`` as one to ``new``; ordinal: of the new order."""
    if isinstance(reply, DatagramReceived) and isinstance(old, DatagramSent) and isinstance(new, DatagramSent):
        port = new.source_port if reply.port == old.source_port else reply.port
        to = new.source if reply.destination == old.source else reply.destination
        payload = Payload(repeated(old.payload, new.payload, reply.payload))
        return attrs.evolve(reply, destination=to, port=port, payload=payload)
    if reply.answers:
        fields: dict[str, Any] = {"name": getattr(new, "name", ""), "ordinal": ordinal}
        return attrs.evolve(reply, **fields)
    return reply


def repeated(old: bytes, new: bytes, reply: bytes) -> bytes:
    """The bytes of a reply, with what it repeats of the old question taken from the new one."""
    if old == new:
        return reply
    if reply[236:240] == _COOKIE and old[236:240] == _COOKIE:
        xid = new[4:8] if reply[4:8] == old[4:8] else reply[4:8]
        chaddr = new[28:44] if reply[28:44] == old[28:44] else reply[28:44]
        return reply[:4] + xid + reply[8:28] + chaddr + reply[44:]
    if len(reply) == len(old) == len(new) == 48:
        return reply[:24] + new[40:48] + reply[32:] if reply[24:32] == old[40:48] else reply
    if reply[1:4] == old[1:4] and len(new) > 4 and reply[:1] in b"\2\7\x0a":
        return reply[:1] + new[1:4] + reply[4:]
    for before, after in _pairs(old, new):
        reply = reply.replace(before, after)
    return reply


def _pairs(old: bytes, new: bytes) -> Iterator[tuple[bytes, bytes]]:
    """What is repeated of a SIP request, in both."""
    for each in _REPEATED:
        before, after = each.search(old), each.search(new)
        if before is not None and after is not None and before[1] != after[1]:
            yield before[1], after[1]
