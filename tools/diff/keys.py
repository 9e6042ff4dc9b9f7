"""What an event is about, apart from its values: the token by which the events of two runs are aligned."""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from typing import Any

import msgspec

from emulator.log.chain import Row

IDENTITY = {
    "SettingChanged": ("layer", "key"),
    "SourceTried": ("step", "source"),
    "StepEntered": ("step",),
    "FlashErased": (),
    "FlashProgrammed": (),
    "ToleranceUsed": ("protocol", "code"),
    "DatagramLost": ("inward", "peer"),
    "DisplayShown": (),
    "DownloadEnded": ("file",),
    "AttemptStarted": ("file",),
    "PageOpened": ("page",),
    "PageShown": ("page",),
    "HttpRequested": ("name",),
    "HttpAnswered": ("name",),
    "NeighbourHeard": ("protocol",),
    "DhcpStateEntered": ("state",),
}
"""Fields that say which of its kind an event is; of other kinds, those of :data:`USUAL` that they have."""
USUAL = ("name", "file", "key", "line", "state", "type", "protocol", "slot", "trigger")
_PACKETS = frozenset(("DatagramSent", "DatagramReceived"))
_FRAMES = frozenset(("FrameSent", "FrameReceived"))
_BINARY = '"payload":"base64:'
_TEXT = '"payload":"'
_CSEQ = re.compile(r"\\nCSeq: *\d+ ([A-Z]+)")
_decode: Any = msgspec.json.Decoder().decode
_COOKIE = b"\x63\x82\x53\x63\x35\x01"


def token(row: Row) -> str:
    """The token of an event: its kind, and which of its kind it is."""
    kind = row.kind
    if kind in _PACKETS:
        return f"{kind} {packet(row.data)}"
    if kind in _FRAMES:
        return f"{kind} {frame(row.data)}"
    return _token(kind, row.data) if len(row.data) < 200 else _made(kind, row.data)


def _made(kind: str, data: str) -> str:
    values = fields(data)
    names = IDENTITY.get(kind)
    if names is None:
        names = tuple(name for name in USUAL if name in values)
    return " ".join((kind, *(str(values.get(name, "")) for name in names)))


_token = lru_cache(maxsize=4_096)(_made)


def fields(data: str) -> dict[str, Any]:
    """The fields of an event in JSON; none if it is not an object."""
    try:
        found = _decode(data)
    except msgspec.MsgspecError:
        return {}
    return found if isinstance(found, dict) else {}


def packet(data: str) -> str:
    """``SIP NOTIFY``, ``DHCP 5``: protocol and type of the datagram in an event's JSON."""
    at = data.find(_BINARY)
    if at >= 0:
        start = at + len(_BINARY)
        return binary(_bytes(data[start : start + 328]))
    start = data.find(_TEXT) + len(_TEXT)
    text = data[start : start + 32]
    if text.startswith("SIP/2.0 "):
        method = _CSEQ.search(data)
        return f"SIP {text[8:11]} {method[1] if method else ''}"
    word = text.split(" ", 1)[0]
    if word.isalpha() and word.isupper():
        return f"SIP {word}"
    return "syslog" if text.startswith("<") else "text"


def binary(head: bytes) -> str:
    """Protocol and type of a datagram that is not text, by its first 246 bytes."""
    if head[236:242] == _COOKIE:
        return f"DHCP {head[242]}"
    if head[:1] == b"\0" and len(head) > 3:
        return f"TFTP {head[1]} {int.from_bytes(head[2:4], 'big') if head[1] in (3, 4) else ''}"
    return f"{len(head)} bytes, {head[:1].hex()}"


def frame(data: str) -> str:
    """EtherType, or length and destination, of the frame in an event's JSON."""
    at = data.find(_BINARY)
    head = _bytes(data[at + len(_BINARY) : at + len(_BINARY) + 32]) if at >= 0 else b""
    return head[12:14].hex() if head[12:13] > b"\x05" else head[:6].hex()


def _bytes(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text[: len(text) // 4 * 4])
    except binascii.Error:
        return b""
