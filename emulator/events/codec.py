"""Events to JSON and back, deterministically.

One event is one JSON object with its fields in alphabetical order (so does msgspec write slotted attrs classes under
``order="deterministic"``). A :class:`~emulator.events.base.Payload` becomes

- readable text where it holds no NUL byte: UTF-8 stays as it is, a backslash is doubled, any other byte is ``\\xNN``;
- ``base64:...`` where it does;
- ``blob:<sha256>`` where it is longer than :data:`BLOB_FROM` bytes; the bytes are kept beside the log, once.

Text that happens to start with one of the two words has its first letter escaped. The rule loses nothing.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from emulator.events import VOCABULARY
from emulator.events.base import Event, Payload

BLOB_FROM = 1024
"""Longest payload, in bytes, that stands in the event itself."""

_ESCAPE = re.compile(rb"\\\\|\\x([0-9a-f]{2})")


class EventError(ValueError):
    """An event as stored cannot be read: unknown kind, wrong field, bad escape. ``reason`` says which."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@lru_cache(maxsize=512)
def blob_name(data: bytes) -> str:
    """SHA-256 of ``data`` in hex: the name of a blob."""
    return sha256(data).hexdigest()


def payload_to_text(data: bytes) -> str:
    """``data`` as text under the escape rule of this module (blobs aside)."""
    if b"\0" in data:
        return "base64:" + b64encode(data).decode("ascii")
    text = data.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
    if text.startswith(("base64:", "blob:")):
        return "\\x62" + text[1:]
    return text


def text_to_payload(text: str) -> Payload:
    """The bytes that :func:`payload_to_text` wrote as ``text``. Raises EventError for anything it cannot have written.

    So every payload has one text, and what is read is written again as it was.
    """
    if text.startswith("base64:"):
        try:
            data = b64decode(text[7:], validate=True)
        except ValueError:
            raise EventError("bad base64 in a payload") from None
    else:
        raw = text.encode("utf-8")
        if b"\\" not in raw and b"\0" not in raw:
            return Payload(raw)
        data = _ESCAPE.sub(lambda m: bytes([int(m[1], 16)]) if m[1] else b"\\", raw)
    if payload_to_text(data) != text:
        raise EventError("bad escape in a payload")
    return Payload(data)


class EventEncoder:
    """Encodes events; long payloads are handed to ``blobs`` (digest -> bytes), which the caller empties."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.encode: Callable[[Event], bytes] = msgspec.json.Encoder(
            enc_hook=self._payload, order="deterministic"
        ).encode

    def _payload(self, data: Any) -> str:
        if not isinstance(data, Payload):
            raise TypeError(f"an event must not hold a {type(data).__name__}")
        if len(data) <= BLOB_FROM:
            return payload_to_text(data)
        name = blob_name(data)
        self.blobs[name] = data
        return "blob:" + name


Upcast = Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]
UPCASTERS: dict[str, Upcast] = {}
"""From an event kind of an earlier release to (kind, fields) of the next. Empty while there is one release."""


class EventDecoder:
    """Decodes events. ``blob`` finds the bytes of a blob by digest and raises KeyError when they are missing."""

    def __init__(self, blob: Callable[[str], bytes]) -> None:
        self._blob = blob
        self._decoders: dict[str, Callable[[bytes | str], Event]] = {}

    def decode(self, kind: str, data: bytes | str) -> Event:
        """The event of ``kind`` stored as ``data`` (a JSON object). Raises EventError."""
        decoder = self._decoders.get(kind)
        try:
            if decoder is None:
                if kind in UPCASTERS:
                    kind, fields = UPCASTERS[kind](msgspec.json.decode(data))
                    return self.decode(kind, msgspec.json.encode(fields))
                decoder = self._make(kind)
            return decoder(data)
        except msgspec.MsgspecError as error:
            if isinstance(error.__cause__, EventError):
                raise error.__cause__ from None
            raise EventError(f"{kind} does not have the fields of its kind ({type(error).__name__})") from None
        except (UnicodeError, RecursionError) as error:
            raise EventError(f"{kind} is no JSON object ({type(error).__name__})") from None

    def _make(self, kind: str) -> Callable[[bytes | str], Event]:
        cls = VOCABULARY.get(kind)
        if cls is None:
            raise EventError(f"unknown event kind {kind[:40]!r}")
        decode: Callable[[bytes | str], Event] = msgspec.json.Decoder(cls, dec_hook=self._payload).decode
        self._decoders[kind] = decode
        return decode

    def _payload(self, wanted: type, value: Any) -> Payload:
        if wanted is not Payload or not isinstance(value, str):
            raise EventError("a payload is not text")
        if value.startswith("blob:"):
            try:
                return Payload(self._blob(value[5:]))
            except KeyError:
                raise EventError(f"blob {value[5:17]} is missing") from None
        return text_to_payload(value)
