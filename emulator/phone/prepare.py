"""A flash chip as it is before the story begins: factory data, and what earlier days left in it."""

from __future__ import annotations

from functools import lru_cache

from emulator.phone.storage import PROVISIONED, USER, encode_stored
from flash_image import Dump, factory, mount, pack, plan, read_dump

Pairs = tuple[tuple[str, str], ...]


@lru_cache(maxsize=64)
def prepared_flash(
    mac: str,
    model: str,
    serial: str = "",
    *,
    user: Pairs = (),
    provisioned: Pairs = (),
    saved: tuple[tuple[str, bytes], ...] = (),
) -> bytes:
    """A packed image with these stored values, as (key, value), and saved files, as (name, body).

    Raises flash_image.LayoutError for a bad MAC, model or serial and flash_image.JournalError if it does not fit.
    """
    chip = factory(mac, model, serial)
    values = {f"{USER}{key}": value.encode() for key, value in user}
    values.update({f"{PROVISIONED}{key}": encode_stored(value, "", "") for key, value in provisioned})
    for operation in plan(chip, mount(chip), values, dict(saved)):
        chip.apply(operation)
    return pack(chip)


@lru_cache(maxsize=8)
def dumped(data: bytes) -> Dump:
    """The chip in a flash image file. Raises flash_image.DumpError."""
    return read_dump(data)


@lru_cache(maxsize=8)
def dumped_flash(data: bytes) -> bytes:
    """The packed image of :func:`dumped`."""
    return pack(dumped(data).chip)
