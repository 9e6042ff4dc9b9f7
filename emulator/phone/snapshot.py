"""The state of a phone as bytes: a cache from which a fold can start, never the truth."""

from __future__ import annotations

import msgspec

from emulator.phone.firmware import Firmware
from emulator.phone.state import Phone
from flash_image import Format


def encode(phone: Phone) -> bytes:
    """The whole state of ``phone``; its firmware's format, which is code, is left out."""
    return _encode(phone)


def decode(state: bytes, firmware: Firmware) -> Phone | None:
    """The phone of that firmware that :func:`encode` wrote; None for anything else: a cache may be stale or damaged."""

    def read(wanted: type, value: object) -> object:
        if wanted is Format:
            return firmware.format
        if isinstance(value, bytes) and issubclass(wanted, bytes):
            return wanted(value)
        raise TypeError("not a payload")

    try:
        return msgspec.msgpack.decode(state, type=Phone, dec_hook=read)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return None


def _without_code(value: object) -> bytes | None:
    if isinstance(value, Format):
        return None
    if isinstance(value, bytes):
        return bytes(value)
    raise TypeError(f"a state must not hold a {type(value).__name__}")


_encode = msgspec.msgpack.Encoder(enc_hook=_without_code).encode
