"""Look-ups as DNS messages (RFC 1035, RFC 3596): a question and its answer for each family."""

from __future__ import annotations

import struct

from emulator.wire.ip import packed

PORT = 53
FIRST_LOCAL_PORT, LOCAL_PORTS = 32_768, 16_384
"""Below the ports that the phone takes for TFTP."""
RECORDS = {4: 1, 6: 28}
"""Type A and type AAAA, by family."""
CODES = {"": 0, "no-data": 0, "server-failure": 2, "no-such-name": 3}
"""What a look-up ended with, as a response code; for ``timeout`` there is none, for nothing answered."""
_QUERY, _RESPONSE = 0x0100, 0x8180
"""Flags: recursion desired; and response, recursion available."""
_HEADER = struct.Struct("!HHHHHH")
_THE_NAME_ASKED_FOR = 0xC00C
_INTERNET = 1


def encoded(name: str) -> bytes:
    """A host name as labels; b"" for one that no message can hold, so that nobody is asked (RFC 1035 s.2.3.4)."""
    labels = [label.encode("utf-8", "replace") for label in name.removesuffix(".").split(".")]
    if not all(0 < len(label) < 64 for label in labels):
        return b""
    found = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return found if len(found) <= 255 else b""


def question(number: int, name: bytes, family: int) -> bytes:
    """What a phone asks. number: of the message; name: encoded."""
    return _HEADER.pack(number & 0xFFFF, _QUERY, 1, 0, 0, 0) + _asked(name, family)


def response(number: int, name: bytes, family: int, addresses: tuple[str, ...], error: str) -> bytes:
    """What the server says to :func:`question`: those of ``addresses`` that are of the family. Raises IpError."""
    fitting = [raw for raw in map(packed, addresses) if len(raw) == (4 if family == 4 else 16)]
    flags = _RESPONSE | CODES.get(error, CODES["server-failure"])
    records = [
        struct.pack("!HHHIH", _THE_NAME_ASKED_FOR, RECORDS[family], _INTERNET, 0, len(raw)) + raw for raw in fitting
    ]
    header = _HEADER.pack(number & 0xFFFF, flags, 1, len(records), 0, 0)
    return header + _asked(name, family) + b"".join(records)


def _asked(name: bytes, family: int) -> bytes:
    return name + struct.pack("!HH", RECORDS[family], _INTERNET)
