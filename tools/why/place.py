"""What a byte of the flash belongs to: partition, record, setting, file."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from emulator.events.masking import is_secret
from flash_image import Chip, ChipFault, Partition, mount, partitions, read_environment
from flash_image.layout import BANK_SECTORS, BOOT, FACTORY, FILES, FIRMWARE_A, FIRMWARE_B, JOURNAL, LOG, TABLE
from flash_image.records import HEADER_SIZE
from tools.why.journal import bank_start, part_at, records
from tools.why.subjects import FILE, LAST_URL, words


@frozen
class Where:
    """What a byte belongs to. what: in words; subject: journal key (``p/KEY``, ``u/KEY``, ``m/url``) or ``f:NAME`` that
    it is part of, "" for none; secret: what it reads must not be shown."""

    what: str
    subject: str = ""
    secret: bool = False


@frozen
class Place:
    """A byte of the chip. value: as it reads, None if the chip cannot read it; partition: "" for none."""

    address: int
    sector: int
    value: int | None
    partition: str
    where: Where


def place(chip: Chip, address: int) -> Place:
    """What the byte at ``address``, which the chip has, belongs to. Never raises for any content."""
    sector = address // chip.geometry.sector
    layout = partitions(chip)
    area = next((part for part in layout.partitions if part.first <= sector < part.first + part.count), None)
    try:
        value = chip.read(address, 1)[0]
    except ChipFault:
        return Place(address, sector, None, area.name if area else "", Where("a sector that cannot be read"))
    if area is None:
        return Place(address, sector, value, "", Where("no partition"))
    return Place(address, sector, value, area.name, _WITHIN.get(area.name, _unknown)(chip, area, address))


def _table(chip: Chip, area: Partition, address: int) -> Where:
    return Where("the partition table")


def _factory(chip: Chip, area: Partition, address: int) -> Where:
    return Where("the factory data: MAC address, model, serial number")


def _log(chip: Chip, area: Partition, address: int) -> Where:
    page = (address - area.first * chip.geometry.sector) // chip.geometry.page
    return Where(f"page {page} of the phone's own log", secret=True)


def _boot(chip: Chip, area: Partition, address: int) -> Where:
    sector = address // chip.geometry.sector
    used = "in use" if sector in read_environment(chip).sectors else "not in use"
    return Where(f"copy {sector - area.first + 1} of the boot environment, {used}")


def _firmware(chip: Chip, area: Partition, address: int) -> Where:
    offset = address - area.first * chip.geometry.sector
    return Where(f"byte {offset:,} of firmware slot {'A' if area.name == FIRMWARE_A else 'B'}")


def _files(chip: Chip, area: Partition, address: int) -> Where:
    sector, size = address // chip.geometry.sector, chip.geometry.sector
    for name, ref in mount(chip).files.items():
        if sector in ref.sectors:
            offset = ref.sectors.index(sector) * size + address % size
            if offset < ref.length:
                return Where(f"byte {offset:,} of the saved {name} file", f"{FILE}{name}", secret=True)
            return Where(f"the unused end of the last sector of the saved {name} file", f"{FILE}{name}")
    return Where("a sector of the file area that no saved file uses", secret=True)


def _journal(chip: Chip, area: Partition, address: int) -> Where:
    mounted = mount(chip)
    bank = (address // chip.geometry.sector - area.first) // BANK_SECTORS
    which = f"bank {bank + 1} of the settings journal"
    if bank != mounted.bank:
        return Where(f"{which}, which is not the one in use", secret=True)
    if address <= bank_start(chip, bank) + HEADER_SIZE:
        return Where(f"the header of {which}")
    for placed in records(chip, bank):
        if placed.address <= address <= placed.last + 1:
            what = f"the record of transaction {placed.record.sequence} in {which}"
            part = part_at(chip, placed, address)
            if part.what == "file":
                return Where(f"{what}: where the saved {part.name} file lies", f"{FILE}{part.name}")
            if part.what in ("key", "value"):
                secret = part.what == "value" and (part.name == LAST_URL or is_secret(part.name.partition("/")[2]))
                of = words(part.name) if part.what == "value" else f"the name of {words(part.name)}"
                return Where(f"{what}: {of}", part.name, secret)
            return Where(f"{what}: its {part.what}")
    page = chip.read(address - address % chip.geometry.page, chip.geometry.page)
    if not any(page):
        return Where(f"{which}: a page that was given up, because the power may have gone while it was written")
    return Where(f"{which}, where no record stands", secret=any(byte != 0xFF for byte in page))


def _unknown(chip: Chip, area: Partition, address: int) -> Where:
    return Where("of which this program knows no more", secret=True)


_WITHIN: dict[str, Callable[[Chip, Partition, int], Where]] = {
    TABLE: _table,
    FACTORY: _factory,
    LOG: _log,
    BOOT: _boot,
    FIRMWARE_A: _firmware,
    FIRMWARE_B: _firmware,
    FILES: _files,
    JOURNAL: _journal,
}
