"""The state of a phone as bytes: a cache from which a fold can start, never the truth."""

from __future__ import annotations

import msgspec

from emulator.phone.state import Phone

_encode = msgspec.msgpack.Encoder(enc_hook=bytes).encode


def encode(phone: Phone) -> bytes:
    """The whole state of ``phone``."""
    return _encode(phone)


def decode(state: bytes) -> Phone | None:
    """The phone that :func:`encode` wrote; None for anything else, since a cache may be stale or damaged."""
    try:
        return msgspec.msgpack.decode(state, type=Phone, dec_hook=_payload)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return None


def _payload(wanted: type, value: object) -> object:
    if isinstance(value, bytes) and issubclass(wanted, bytes):
        return wanted(value)
    raise TypeError("not a payload")
