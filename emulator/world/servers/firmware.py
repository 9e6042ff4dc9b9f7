"""Firmware images as a scenario describes them, sound or not."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import shake_256

from emulator.world.scenario import FirmwareSpec
from flash_image import FirmwareImage, encode_firmware


@lru_cache(maxsize=16)
def firmware(spec: FirmwareSpec) -> bytes:
    """The image, with its damage; the payload derives from model and version, so that runs repeat."""
    payload = shake_256(f"{spec.model} {spec.version}".encode()).digest(spec.size)
    return DAMAGE[spec.damage](encode_firmware(FirmwareImage(spec.model, spec.version, payload, spec.hangs)))


def flipped(image: bytes, at: int) -> bytes:
    """``image`` with the lowest bit of one byte changed."""
    at %= len(image)
    return image[:at] + bytes([image[at] ^ 1]) + image[at + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda image: image,
    "hash": lambda image: flipped(image, -1),
    "header": lambda image: flipped(image, 12),
    "magic": lambda image: b"ELF." + image[4:],
    "cut": lambda image: image[:-1],
}
"""Damage to what it does."""
