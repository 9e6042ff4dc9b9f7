"""The two firmware slots and the boot environment that says which of them is started.

The environment has two copies in sectors of their own, written in turn: a copy counts if its checksum holds, and of two
the one with the later number. Atomicity: let `ops = plan_choice(chip, choice)`. A chip that got only a part of `ops`
gives the old choice until the last byte of the new copy is there; from then on, and with what confirms it, the new one.
What a tear leaves reading both ways is made firm at the next start (`flash_image.settling`).
"""

import struct
import zlib
from typing import Final

import attrs

from flash_image.chip import Chip, ChipFault, Erase, Op
from flash_image.files import write_sectors
from flash_image.firmware import HEADER, FirmwareError, FirmwareImage, decode_firmware, length_of
from flash_image.layout import BOOT, FIRMWARE_A, FIRMWARE_B, Layout, Partition, partitions
from flash_image.records import CONFIRMATION, commit_ops

BLOCK_SECTORS: Final = 16
"""Sectors of a slot that are written in one go."""
NO_ORDER: Final = bytes(32)
"""The order of an image that nobody asked for."""

CONFIRMED, TRIAL, ROLLED_BACK = range(3)
"""States of a choice: it came up well; it has yet to; it was gone back to from an image that did not."""

_NAMES: Final = ("A", "B", "")
_PARTITIONS: Final = {"A": FIRMWARE_A, "B": FIRMWARE_B}
_COPIES: Final = 2
_MAGIC: Final = b"KXBE"
_VERSIONS: Final = (1, 2)
_FIELDS: Final = struct.Struct("<4sBBBBI32s")
_CRC: Final = struct.Struct("<I")
CONFIRM_AT: Final = _FIELDS.size + _CRC.size
"""Length of a copy of the environment in bytes; the next byte confirms one of version 2."""
_NUMBERS: Final = 1 << 32


@attrs.frozen
class Choice:
    """Which firmware is started. slot: `A`, `B`, or "" for the one that the phone came with; state: see above.

    tries: how often it was started on trial; order: 32 bytes that name what ordered the image on trial, or the one that
    was gone back from; number: of the copy that says so.
    """

    slot: str
    state: int = CONFIRMED
    tries: int = 0
    order: bytes = NO_ORDER
    number: int = 0


@attrs.frozen
class Environment:
    """What the boot environment says. choice: None if none was ever made, or (`damaged`) if both copies are lost.

    sectors: where that stands; firm: sector of a copy that counts and was not confirmed, torn: sectors of copies that
    are not whole and never were confirmed.
    """

    choice: Choice | None
    damaged: bool = False
    sectors: tuple[int, ...] = ()
    firm: int | None = None
    torn: tuple[int, ...] = ()


def has_slots(chip: Chip) -> bool:
    """Whether the chip has both slots and a boot environment; chips from before the latter have not."""
    return _boot(partitions(chip)) is not None


def slot_size(chip: Chip, slot: str) -> int:
    """Bytes that slot `A` or `B` holds; 0 if the chip has no slots."""
    return _partition(chip, slot).count * chip.geometry.sector if has_slots(chip) else 0


def first_sector(chip: Chip, slot: str) -> int:
    """Where slot `A` or `B` begins. Raises KeyError if the chip has no such slot."""
    return _partition(chip, slot).first


def read_slot(chip: Chip, slot: str) -> FirmwareImage:
    """The image in slot `A` or `B`. Raises `FirmwareError`: `blank`, `unreadable`, or why it is not sound."""
    area = _partition(chip, slot)
    start, room = area.first * chip.geometry.sector, area.count * chip.geometry.sector
    try:
        length = length_of(chip.read(start, HEADER))
        if length > room:
            raise FirmwareError("length")
        return decode_firmware(chip.read(start, length))
    except ChipFault:
        raise FirmwareError("unreadable") from None


def plan_block(chip: Chip, slot: str, raw: bytes, done: int) -> tuple[tuple[Op, ...], int]:
    """The operations that write the next block of `raw` into the slot, `done` bytes of which are there.

    With it comes how many bytes are there then. `raw` must be no longer than `slot_size`, and `done` what the call
    before gave, from 0 on. Sectors that are not blank are erased first.
    """
    size = chip.geometry.sector
    first = _partition(chip, slot).first
    end = min(done + BLOCK_SECTORS * size, len(raw))
    sectors = range(first + done // size, first + -(-end // size))
    return tuple(write_sectors(chip, partitions(chip), sectors, raw[done:end])), end


def read_environment(chip: Chip) -> Environment:
    """What the boot environment says; that of a chip without slots says nothing. Never raises for any content."""
    boot = _boot(partitions(chip))
    if boot is None:
        return Environment(None)
    sectors = tuple(range(boot.first, boot.first + _COPIES))
    if all(chip.is_blank(sector) for sector in sectors):
        return Environment(None, False, sectors)
    copies = [_read_copy(chip, sector, partitions(chip).confirms) for sector in sectors]
    torn = tuple(copy.sector for copy in copies if copy.choice is None and not (copy.confirmed or copy.blank))
    whole = [(copy.choice, copy) for copy in copies if copy.choice is not None]
    if not whole:
        # One copy that is not whole beside a blank one is the first that was ever begun, and was cut off.
        return Environment(None, not any(copy.blank for copy in copies), sectors, None, torn)
    newest = whole[0]
    for other in whole[1:]:
        newest = other if _is_later(other[0].number, newest[0].number) else newest
    choice, copy = newest
    return Environment(choice, False, (copy.sector,), None if copy.confirmed else copy.sector, torn)


def plan_choice(chip: Chip, choice: Choice) -> tuple[Op, ...]:
    """The operations that make `choice` count; its number is the next, whatever it says.

    The module's docstring states what a cut at any point leaves. Raises KeyError unless the chip `has_slots`.
    """
    layout = partitions(chip)
    boot = layout.partition(BOOT)
    held = read_environment(chip)
    number = (held.choice.number + 1) % _NUMBERS if held.choice is not None else 1
    sector = boot.first + 1 if held.sectors[0] == boot.first and held.choice is not None else boot.first
    numbers = (_NAMES.index(choice.slot), choice.state, choice.tries, number)
    fields = _FIELDS.pack(_MAGIC, layout.version, *numbers, choice.order)
    raw = fields + _CRC.pack(zlib.crc32(fields))
    # Blank too: a sector that a torn erasure left may only seem blank.
    return (Erase(sector), *commit_ops(chip.geometry, layout.version, sector * chip.geometry.sector, raw))


@attrs.frozen
class _Copy:
    """One copy of the environment. choice: None if it is not whole; blank: nothing was ever written there."""

    sector: int
    choice: Choice | None
    confirmed: bool
    blank: bool


def _read_copy(chip: Chip, sector: int, confirms: bool) -> _Copy:
    try:
        raw = chip.read(sector * chip.geometry.sector, CONFIRM_AT + len(CONFIRMATION))
    except ChipFault:
        return _Copy(sector, None, True, False)  # nothing can be done about it
    # A copy of format 1, also beside one of a later format, is never confirmed and always believed.
    confirmed = not confirms or raw[4] == 1 or raw[CONFIRM_AT:] != b"\xff"
    return _Copy(sector, _decode(raw[:CONFIRM_AT]), confirmed, chip.is_blank(sector))


def _boot(layout: Layout) -> Partition | None:
    """The partition of the boot environment, if it has room and the slots are there too."""
    boot = layout.find(BOOT)
    slots = (layout.find(FIRMWARE_A), layout.find(FIRMWARE_B))
    return boot if boot is not None and boot.count >= _COPIES and None not in slots else None


def _partition(chip: Chip, slot: str) -> Partition:
    return partitions(chip).partition(_PARTITIONS[slot])


def _is_later(number: int, other: int) -> bool:
    """Whether `number` follows `other`; the numbers wrap around (RFC 1982)."""
    return 0 < (number - other) % _NUMBERS < _NUMBERS // 2


def _decode(raw: bytes) -> Choice | None:
    magic, version, slot, state, tries, number, order = _FIELDS.unpack_from(raw)
    if magic != _MAGIC or version not in _VERSIONS or _CRC.unpack_from(raw, _FIELDS.size)[0] != zlib.crc32(raw[:-4]):
        return None
    if slot >= len(_NAMES) or state > ROLLED_BACK:
        return None
    return Choice(_NAMES[slot], state, tries, order, number)
