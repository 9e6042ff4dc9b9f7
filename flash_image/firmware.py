"""A firmware image as a file and in its slot: what it is for, which version it is, and the hash of what it carries.

The container is this project's own (PROV-266). What it carries is opaque: the emulator's firmware is its code.
"""

import re
import struct
import zlib
from hashlib import sha256
from typing import Final

import attrs

HEADER: Final = 72
"""Bytes in front of the payload."""

_MAGIC: Final = b"KXFW"
_VERSION: Final = 1
_HANGS: Final = 1
_FIELDS: Final = struct.Struct("<4sBBHI16s8s32s")
_CRC: Final = struct.Struct("<I")
_MODEL: Final = re.compile(r"[ -~]{1,16}")
_NUMBER: Final = re.compile(r"[0-9]{2}\.[0-9]{3}")


class FirmwareError(ValueError):
    """Bytes that are no sound image, or an image that cannot be written down; `reason` is a fixed code.

    The codes: `blank`, `too-short`, `magic`, `container-version`, `header-checksum`, `header`, `length`,
    `payload-hash`; `bad-model`, `bad-version`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@attrs.frozen
class FirmwareImage:
    """An image. model: of the phone that it is for; version: form `03.220` (PROV-261).

    hangs: it does not come up, so that a watchdog and a roll back can be told from a story.
    """

    model: str
    version: str
    payload: bytes
    hangs: bool = False


@attrs.frozen
class _Header:
    model: str
    version: str
    hangs: bool
    length: int
    digest: bytes


def is_version(text: str) -> bool:
    """Whether `text` is a version: two digits, a dot, three digits (PROV-261). Later ones are greater as texts."""
    return _NUMBER.fullmatch(text) is not None


def encode_firmware(image: FirmwareImage) -> bytes:
    """The bytes of `image`. Raises `FirmwareError` with `bad-model` or `bad-version`."""
    if not _is_model(image.model):
        raise FirmwareError("bad-model")
    if not is_version(image.version):
        raise FirmwareError("bad-version")
    texts = image.model.encode(), image.version.encode()
    flags = _HANGS if image.hangs else 0
    digest = sha256(image.payload).digest()
    fields = _FIELDS.pack(_MAGIC, _VERSION, flags, 0, len(image.payload), *texts, digest)
    return fields + _CRC.pack(zlib.crc32(fields)) + image.payload


def decode_firmware(raw: bytes) -> FirmwareImage:
    """The image that `encode_firmware` made `raw` of; every other input raises `FirmwareError`."""
    header = _decode_header(raw)
    if len(raw) != HEADER + header.length:
        raise FirmwareError("length")
    payload = raw[HEADER:]
    if sha256(payload).digest() != header.digest:
        raise FirmwareError("payload-hash")
    return FirmwareImage(header.model, header.version, payload, header.hangs)


def length_of(raw: bytes) -> int:
    """How many bytes the image has that `raw` (`HEADER` bytes or more) is the start of. Raises `FirmwareError`."""
    return HEADER + _decode_header(raw).length


def _decode_header(raw: bytes) -> _Header:
    if len(raw) < HEADER:
        raise FirmwareError("too-short")
    magic, version, flags, reserved, length, model, number, digest = _FIELDS.unpack_from(raw)
    if magic != _MAGIC:
        raise FirmwareError("blank" if raw[:HEADER] == b"\xff" * HEADER else "magic")
    if version != _VERSION:
        raise FirmwareError("container-version")
    if _CRC.unpack_from(raw, _FIELDS.size)[0] != zlib.crc32(raw[: _FIELDS.size]):
        raise FirmwareError("header-checksum")
    header = _Header(_text(model), _text(number), flags == _HANGS, length, digest)
    sound = _is_model(header.model) and is_version(header.version)
    if flags not in (0, _HANGS) or reserved or not sound:
        raise FirmwareError("header")
    return header


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("latin-1")


def _is_model(text: str) -> bool:
    return _MODEL.fullmatch(text) is not None
