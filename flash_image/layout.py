"""What is where on the chip: the partition table, the factory data, and a chip as it leaves the factory.

The README of this package gives both byte by byte.
"""

import re
import struct
import zlib
from functools import lru_cache
from typing import Final

import attrs

from flash_image.chip import Chip, ChipFault, Geometry, programs
from flash_image.records import (
    CONFIRMATION,
    HEADER_SIZE,
    SNAPSHOT,
    BankHeader,
    Record,
    encode_bank_header,
    encode_record,
)

TABLE: Final = "table"
FACTORY: Final = "factory"
BOOT: Final = "boot"
LOG: Final = "log"
JOURNAL: Final = "journal"
FILES: Final = "files"
FIRMWARE_A: Final = "firmware-a"
FIRMWARE_B: Final = "firmware-b"

BANK_SECTORS: Final = 16
"""Sectors of one bank of the journal."""
BANKS: Final = 2
"""Banks of the journal in the built-in table; a table may give it more, never fewer."""

_BOOT_START: Final = 2
_BOOT_SECTORS: Final = 2
_LOG_START: Final = _BOOT_START + _BOOT_SECTORS
_JOURNAL_START: Final = 16
_FILES_START: Final = _JOURNAL_START + BANKS * BANK_SECTORS
VERSION: Final = 2
"""Of the format of a fresh chip."""
_IDENTITY_VERSION: Final = 1
_CRC: Final = struct.Struct("<I")
_TABLE_MAGIC: Final = b"KXPT"
_TABLE: Final = struct.Struct("<4sBBHII")
_TABLE_ENTRY: Final = struct.Struct("<12sII")
_IDENTITY_MAGIC: Final = b"KXFD"
_IDENTITY: Final = struct.Struct("<4sB3x12s16s24s")
_MAC: Final = re.compile(r"[0-9A-Fa-f]{12}")
_LABEL: Final = re.compile(r"[ -~]*")


class LayoutError(ValueError):
    """The chip does not hold what it should; `reason` is a fixed code.

    The codes: `chip-too-small`, `bad-mac`, `bad-model`, `bad-serial`, `factory-data-blank`, `factory-data-damaged`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@attrs.frozen(cache_hash=True)
class Partition:
    """A named run of `count` sectors from sector `first` on."""

    name: str
    first: int
    count: int


@attrs.frozen(cache_hash=True)
class Layout:
    """The partitions in ascending order.

    `version` is the format of the chip: 1 has no log, and what is written is not confirmed (see the README). `damage`
    is empty when the partitions come from the chip's own table. Otherwise they are the built-in ones and it says why:
    `blank`, `unreadable`, `header`, `checksum`, `geometry` or `entries`.
    """

    partitions: tuple[Partition, ...]
    version: int = VERSION
    damage: str = ""

    @property
    def confirms(self) -> bool:
        """Whether what is written is confirmed, and no sector is trusted to be blank."""
        return self.version > 1

    def partition(self, name: str) -> Partition:
        """The partition of that name; `table`, `factory`, `journal` and `files` are always there. Raises KeyError."""
        for partition in self.partitions:
            if partition.name == name:
                return partition
        raise KeyError(name)

    def find(self, name: str) -> Partition | None:
        """The partition of that name, or None if there is none."""
        return next((partition for partition in self.partitions if partition.name == name), None)


@attrs.frozen
class Identity:
    """What the factory gave a phone: MAC address (12 upper-case hex digits), model and serial number."""

    mac: str
    model: str
    serial: str


def built_in(geometry: Geometry, version: int = VERSION) -> Layout:
    """The layout of a fresh chip: each firmware slot takes a quarter (2 MiB of 8), the file area what is left.

    With `version` 1, that of a chip of earlier days. Raises `LayoutError("chip-too-small")`.
    """
    sectors = geometry.sector_count
    slot = sectors // 4
    firmware = sectors - 2 * slot
    if firmware <= _FILES_START or geometry.page < HEADER_SIZE or geometry.sector < 256:
        raise LayoutError("chip-too-small")
    log = (Partition(LOG, _LOG_START, _JOURNAL_START - _LOG_START),) if version > 1 else ()
    return Layout(
        (
            Partition(TABLE, 0, 1),
            Partition(FACTORY, 1, 1),
            Partition(BOOT, _BOOT_START, _BOOT_SECTORS),
            *log,
            Partition(JOURNAL, _JOURNAL_START, BANKS * BANK_SECTORS),
            Partition(FILES, _FILES_START, firmware - _FILES_START),
            Partition(FIRMWARE_A, firmware, slot),
            Partition(FIRMWARE_B, firmware + slot, slot),
        ),
        version,
    )


def partitions(chip: Chip) -> Layout:
    """The partitions of `chip`: its own table or, if that is damaged, the built-in one with `damage` saying why.

    Raises `LayoutError("chip-too-small")` only for a geometry that has no built-in layout, never for any content.
    """
    try:
        sector = chip.seen(0)
    except ChipFault:
        return attrs.evolve(built_in(chip.geometry), damage="unreadable")
    return _read_table(sector, chip.geometry)


def geometry_of(raw: bytes) -> Geometry | None:
    """The geometry that the partition table at the start of `raw` states; None if there is none that is whole."""
    if len(raw) < _TABLE.size + _CRC.size:
        return None
    magic, version, count, page, sector, size = _TABLE.unpack_from(raw)
    end = _TABLE.size + count * _TABLE_ENTRY.size + _CRC.size
    if magic != _TABLE_MAGIC or version not in (1, VERSION) or end > len(raw) or not _checks(raw[:end]):
        return None
    try:
        return Geometry(size, sector, page)
    except ChipFault:
        return None


def factory(mac: str, model: str, serial: str = "", geometry: Geometry | None = None, version: int = VERSION) -> Chip:
    """A chip as it leaves the factory: partition table, factory data, an empty journal, no wear.

    `mac` is 12 hex digits, `model` 1 to 16 and `serial` up to 24 printable ASCII characters; `version` is the format.
    Raises `LayoutError` with `bad-mac`, `bad-model`, `bad-serial` or `chip-too-small`.
    """
    chip = Chip() if geometry is None else Chip(geometry)
    layout = built_in(chip.geometry, version)
    size = chip.geometry.sector
    bank = layout.partition(JOURNAL).first * size
    snapshot = Record(SNAPSHOT, 0, 1, layout.partition(FILES).first, {}, {}, version)
    header = encode_bank_header(BankHeader(1, 0, version))
    for address, data in (
        (0, _encode_table(layout, chip.geometry)),
        (layout.partition(FACTORY).first * size, _encode_identity(mac, model, serial)),
        (bank + chip.geometry.page, encode_record(snapshot)),
        (bank, header + CONFIRMATION if layout.confirms else header),
    ):
        for op in programs(chip.geometry, address, data):
            chip.apply(op)
    return chip


def identity(chip: Chip) -> Identity:
    """The factory data of `chip`. Raises `LayoutError` with `factory-data-blank` or `factory-data-damaged`."""
    start = partitions(chip).partition(FACTORY).first * chip.geometry.sector
    try:
        raw = chip.read(start, _IDENTITY.size + _CRC.size)
    except ChipFault:
        raise LayoutError("factory-data-damaged") from None
    if raw == b"\xff" * len(raw):
        raise LayoutError("factory-data-blank")
    magic, version, mac, model, serial = _IDENTITY.unpack_from(raw)
    if not _checks(raw) or magic != _IDENTITY_MAGIC or version != _IDENTITY_VERSION:
        raise LayoutError("factory-data-damaged")
    texts = [field.rstrip(b"\0").decode("latin-1") for field in (mac, model, serial)]
    found = Identity(*texts)
    if _identity_fault(found):
        raise LayoutError("factory-data-damaged")
    return found


def _encode_identity(mac: str, model: str, serial: str) -> bytes:
    given = Identity(mac.upper(), model, serial)
    fault = _identity_fault(given)
    if fault:
        raise LayoutError(fault)
    fields = (given.mac.encode(), given.model.encode(), given.serial.encode())
    return _with_crc(_IDENTITY.pack(_IDENTITY_MAGIC, _IDENTITY_VERSION, *fields))


def _identity_fault(found: Identity) -> str:
    if not _MAC.fullmatch(found.mac):
        return "bad-mac"
    if not 0 < len(found.model) <= 16 or not _LABEL.fullmatch(found.model):
        return "bad-model"
    if len(found.serial) > 24 or not _LABEL.fullmatch(found.serial):
        return "bad-serial"
    return ""


def _encode_table(layout: Layout, geometry: Geometry) -> bytes:
    entries = [_TABLE_ENTRY.pack(p.name.encode(), p.first, p.count) for p in layout.partitions]
    head = _TABLE.pack(_TABLE_MAGIC, layout.version, len(entries), geometry.page, geometry.sector, geometry.size)
    return _with_crc(head + b"".join(entries))


# Every mount asks for the layout, of a table that never changes in the life of a chip: pure, small and bounded.
@lru_cache(maxsize=16)
def _read_table(sector: bytes | None, geometry: Geometry) -> Layout:
    fallback = built_in(geometry)
    if sector is None:
        return attrs.evolve(fallback, damage="blank")
    found = _decode_table(sector[:256], geometry)
    return found if isinstance(found, Layout) else attrs.evolve(fallback, damage=found)


def _decode_table(raw: bytes, geometry: Geometry) -> Layout | str:
    magic, version, count, page, sector, size = _TABLE.unpack_from(raw)
    end = _TABLE.size + count * _TABLE_ENTRY.size
    if magic != _TABLE_MAGIC or version not in (1, VERSION) or end + _CRC.size > len(raw):
        return "header"
    if not _checks(raw[: end + _CRC.size]):
        return "checksum"
    if (page, sector, size) != (geometry.page, geometry.sector, geometry.size):
        return "geometry"
    entries = _TABLE_ENTRY.iter_unpack(raw[_TABLE.size : end])
    layout = Layout(tuple(Partition(name.rstrip(b"\0").decode("latin-1"), at, n) for name, at, n in entries), version)
    return layout if _is_sound(layout, geometry) else "entries"


def _is_sound(layout: Layout, geometry: Geometry) -> bool:
    free = 0
    for partition in layout.partitions:
        if partition.first < free or partition.count == 0:
            return False
        free = partition.first + partition.count
    counts = {partition.name: partition.count for partition in layout.partitions}
    return (
        layout.partitions[:1] == (Partition(TABLE, 0, 1),)
        and free <= geometry.sector_count
        and len(counts) == len(layout.partitions)
        and counts.keys() >= {FACTORY, JOURNAL, FILES}
        and counts[JOURNAL] >= BANKS * BANK_SECTORS
    )


def _with_crc(raw: bytes) -> bytes:
    return raw + _CRC.pack(zlib.crc32(raw))


def _checks(raw: bytes) -> bool:
    return bool(_CRC.unpack_from(raw, len(raw) - _CRC.size)[0] == zlib.crc32(raw[: -_CRC.size]))
