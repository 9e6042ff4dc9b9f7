"""A map of the sectors: what each is used for, one letter a sector or a run of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from flash_image import Partition, encode_firmware
from flash_image.layout import (
    BANK_SECTORS,
    BOOT,
    FACTORY,
    FILES,
    FIRMWARE_A,
    FIRMWARE_B,
    JOURNAL,
    LOG,
    TABLE,
)
from tools.flash.reading import Found

LEGEND: Final = {
    "!": ("damaged or unreadable", "wrong"),
    "D": ("saved file", "flash"),
    "S": ("firmware in use", "out"),
    "J": ("journal, active bank", "setting"),
    "T": ("partition table", "step"),
    "I": ("factory data", "step"),
    "B": ("boot environment", "step"),
    "L": ("log", "in"),
    "j": ("journal, other bank", "plain"),
    "d": ("file sector that no file uses, not blank", "plain"),
    "s": ("firmware not in use, not blank", "plain"),
    "o": ("not blank, and no part that a phone knows", "plain"),
    "?": ("not in the file", "dim"),
    ".": ("free and blank", "dim"),
}
"""Letter to (what it stands for, its style); of a run of sectors, the first of these letters is shown."""
COLUMNS: Final = 64
"""Letters in a row."""
NOWHERE: Final = ""
"""Name of what belongs to no partition."""
_LETTERS: Final = {TABLE: "T", FACTORY: "I", BOOT: "B", LOG: "L", JOURNAL: "j", FILES: "d"}
_SLOTS: Final = {"A": FIRMWARE_A, "B": FIRMWARE_B}


@frozen
class Row:
    """A row of the map, all of one partition. first: its first sector; run: sectors that one letter stands for."""

    name: str
    first: int
    run: int
    letters: str


def rows(found: Found, holes: Sequence[tuple[int, int]] = (), columns: int = COLUMNS) -> list[Row]:
    """The map. holes: (first address, one behind the last) of what the file does not say; columns: the most letters
    in a row, so that a partition of more sectors has runs of them."""
    letters = sector_letters(found, holes)
    precedence = {letter: rank for rank, letter in enumerate(LEGEND)}
    made = []
    for part in areas(found):
        run = max(1, -(-part.count // columns))
        own = letters[part.first : part.first + part.count]
        shown = "".join(min(own[at : at + run], key=precedence.__getitem__) for at in range(0, part.count, run))
        made.append(Row(part.name, part.first, run, shown))
    return made


def areas(found: Found) -> Iterator[Partition]:
    """The partitions, and what lies between and behind them."""
    at, end = 0, found.chip.geometry.sector_count
    for part in (*found.layout.partitions, Partition(NOWHERE, end, 0)):
        if part.first > at:
            yield Partition(NOWHERE, at, part.first - at)
        if part.count:
            yield part
        at = part.first + part.count


def sector_letters(found: Found, holes: Sequence[tuple[int, int]]) -> list[str]:
    """The letter of every sector."""
    letters = ["."] * found.chip.geometry.sector_count
    size = found.chip.geometry.sector
    for first, end in holes:
        for sector in range(first // size, -(-end // size)):
            letters[sector] = "?"
    for part in areas(found):
        letter = _LETTERS.get(part.name, "s" if part.name in _SLOTS.values() else "o")
        for sector in range(part.first, part.first + part.count):
            if sector in found.chip.sectors:
                letters[sector] = letter
    for sector, letter in _in_use(found):
        if sector in found.chip.sectors:
            letters[sector] = letter
    for sector in damaged(found):
        letters[sector] = "!"
    return letters


def _in_use(found: Found) -> Iterator[tuple[int, str]]:
    """Sectors of the active bank, of saved files and of the firmware that is started."""
    if found.mounted.bank is not None:
        first = found.layout.partition(JOURNAL).first + found.mounted.bank * BANK_SECTORS
        yield from ((sector, "J") for sector in range(first, first + BANK_SECTORS))
    for file in found.files:
        yield from ((sector, "D") for sector in file.ref.sectors)
    choice = found.environment.choice
    for slot in found.slots:
        if choice is not None and choice.slot == slot.name and slot.image is not None:
            first = found.layout.partition(_SLOTS[slot.name]).first
            count = -(-len(encode_firmware(slot.image)) // found.chip.geometry.sector)
            yield from ((sector, "S") for sector in range(first, first + count))


def damaged(found: Found) -> set[int]:
    """Sectors that cannot be read, or hold something that is not as it was written."""
    size = found.chip.geometry.sector
    bad = set(found.chip.faults.limits) if found.chip.faults is not None else set()
    bad.update(damage.address // size for damage in found.mounted.damage)
    bad.update(sector for file in found.files if file.body is None for sector in file.ref.sectors)
    bad.update(address // size for address in found.log.torn)
    environment = found.environment
    bad.update(environment.torn, environment.sectors if environment.damaged else ())
    if found.lost.endswith("damaged"):
        bad.add(found.layout.partition(FACTORY).first)
    for slot in found.slots:
        if environment.choice is not None and environment.choice.slot == slot.name and slot.image is None:
            bad.add(found.layout.partition(_SLOTS[slot.name]).first)
    return {sector for sector in bad if 0 <= sector < found.chip.geometry.sector_count}
