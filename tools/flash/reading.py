"""All that is on a chip, read once: what the verbs tell, compare and copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from attrs import frozen

from emulator.phone.storage import PROVISIONED, USER
from flash_image import (
    Chip,
    Environment,
    Faults,
    FileDamaged,
    FileRef,
    FirmwareError,
    FirmwareImage,
    Identity,
    Layout,
    LayoutError,
    Limit,
    LogRead,
    Mounted,
    has_slots,
    identity,
    mount,
    partitions,
    read_environment,
    read_file,
    read_log,
    read_slot,
    slot_size,
)
from flash_image.files import MAX_FILE

URL_KEY = "m/url"
"""The key of the last good URL in the journal."""
SLOTS = ("A", "B")
T = TypeVar("T")


@frozen
class Setting:
    """A stored value. layer: ``user``, ``provisioned``, or ``other`` for a journal key that no phone reads."""

    layer: str
    key: str
    value: str
    perm: str = ""
    access: str = ""


@frozen
class SavedFile:
    """A saved file. body: None if it cannot be read as it was written, and then ``fault`` is the code of why."""

    name: str
    ref: FileRef
    body: bytes | None
    fault: str = ""


@frozen
class Slot:
    """A firmware slot of ``size`` bytes. image: None if there is no sound one, and ``fault`` is the code of why."""

    name: str
    size: int
    image: FirmwareImage | None
    fault: str = ""


@frozen
class Found:
    """What is on a chip. chip: as it reads; identity: None if the factory data is not sound, ``lost`` says why;
    slots: none if the chip has no slots."""

    chip: Chip
    layout: Layout
    identity: Identity | None
    lost: str
    mounted: Mounted
    settings: tuple[Setting, ...]
    url: str | None
    files: tuple[SavedFile, ...]
    environment: Environment
    slots: tuple[Slot, ...]
    log: LogRead

    def file(self, name: str) -> SavedFile | None:
        """The saved file of that name."""
        return next((file for file in self.files if file.name == name), None)


def still(chip: Chip) -> Chip:
    """A chip that reads as ``chip`` does now, and does so again: no bit is flipped or in doubt any more.

    Sectors that cannot be read stay so. Whoever reads all of a chip is quicker with it.
    """
    faults = chip.faults
    if faults is None:
        return chip
    size = chip.geometry.sector
    turned: dict[int, bytearray] = {}
    for at, mask in faults.overlay(0, chip.geometry.size).items():
        held = turned.setdefault(at // size, bytearray(chip.sectors.get(at // size, b"\xff" * size)))
        held[at % size] ^= mask
    sectors = {**chip.sectors, **{sector: bytes(held) for sector, held in turned.items()}}
    blank = b"\xff" * size
    unreadable = Faults(limits=dict.fromkeys(_unreadable(chip, faults), Limit(0, "read-error")))
    return Chip(
        chip.geometry,
        {sector: held for sector, held in sectors.items() if held != blank},
        chip.wear,
        unreadable if unreadable.limits else None,
    )


def _unreadable(chip: Chip, faults: Faults) -> Iterator[int]:
    if any(limit.behaviour == "read-error" for limit in faults.limits.values()):
        for sector in range(chip.geometry.sector_count):
            limit = faults.limit(sector)
            if limit and limit.behaviour == "read-error" and chip.wear.get(sector, 0) >= limit.erasures:
                yield sector


def look(chip: Chip) -> Found:
    """Read all of ``chip``. Never raises for any content; LayoutError for a chip that is too small for a phone."""
    chip = still(chip)
    mounted = mount(chip)
    who, lost = _tried(lambda: identity(chip), LayoutError)
    url = mounted.values.get(URL_KEY)
    return Found(
        chip,
        partitions(chip),
        who,
        lost,
        mounted,
        tuple(_setting(key, data) for key, data in sorted(mounted.values.items()) if key != URL_KEY),
        None if url is None else url.decode("utf-8", "replace"),
        tuple(_saved(chip, name, ref) for name, ref in sorted(mounted.files.items())),
        read_environment(chip),
        tuple(_slot(chip, name) for name in SLOTS) if has_slots(chip) else (),
        read_log(chip),
    )


def _setting(key: str, data: bytes) -> Setting:
    """As a phone reads it (see :mod:`emulator.phone.storage`)."""
    text = data.decode("utf-8", "replace")
    if key.startswith(PROVISIONED):
        perm, _, rest = text.partition("\0")
        access, _, value = rest.partition("\0")
        return Setting("provisioned", key.removeprefix(PROVISIONED), value, perm, access)
    if key.startswith(USER):
        return Setting("user", key.removeprefix(USER), text)
    return Setting("other", key, text)


def _saved(chip: Chip, name: str, ref: FileRef) -> SavedFile:
    if ref.length > MAX_FILE:
        return SavedFile(name, ref, None, "reference")  # no phone wrote that, and it would take much memory to read
    body, fault = _tried(lambda: read_file(chip, ref), FileDamaged)
    return SavedFile(name, ref, body, fault)


def _slot(chip: Chip, name: str) -> Slot:
    image, fault = _tried(lambda: read_slot(chip, name), FirmwareError)
    return Slot(name, slot_size(chip, name), image, fault)


def _tried(read: Callable[[], T], error: type[Exception]) -> tuple[T | None, str]:
    """(what ``read`` gives, "") or (None, the code of why it gives nothing)."""
    try:
        return read(), ""
    except error as why:
        return None, str(why)
