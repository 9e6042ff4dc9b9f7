"""Where in the settings journal something stands: the records of a bank, and what each of their bytes is."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from attrs import frozen

from flash_image import Chip, ChipFault, partitions
from flash_image.journal import Mounted
from flash_image.layout import BANK_SECTORS, JOURNAL
from flash_image.records import CONFIRMATION, HEADER_SIZE, RECORD_START, Record, decode_record

_ENTRY: Final = struct.Struct("<BBH")
_END: Final = 5
"""Checksum and end mark of a record, in bytes."""


@frozen
class Placed:
    """A record and the address of its first byte."""

    address: int
    record: Record

    @property
    def last(self) -> int:
        """The address of its end mark, without which it does not count."""
        return self.address + self.record.size - 1


def bank_start(chip: Chip, bank: int) -> int:
    """The address of the first byte of a bank of the journal."""
    return (partitions(chip).partition(JOURNAL).first + bank * BANK_SECTORS) * chip.geometry.sector


def records(chip: Chip, bank: int) -> Iterator[Placed]:
    """The whole records that stand in a bank, in the order of their addresses."""
    page, size = chip.geometry.page, chip.geometry.sector
    start = bank_start(chip, bank)
    area = b"".join(_sector(chip, start // size + index) for index in range(BANK_SECTORS))
    end = len(area.rstrip(b"\xff"))
    at = -(-HEADER_SIZE // page) * page
    while at < end:
        record = decode_record(area, at)
        length = 1
        if isinstance(record, Record):
            yield Placed(start + at, record)
            length = record.size + (len(CONFIRMATION) if record.version > 1 else 0)
        at += -(-length // page) * page


def _sector(chip: Chip, sector: int) -> bytes:
    try:
        return chip.read(sector * chip.geometry.sector, chip.geometry.sector)
    except ChipFault:
        return b"\xff" * chip.geometry.sector


def last_record(chip: Chip, mounted: Mounted, name: str, is_file: bool = False) -> Placed | None:
    """The record from which the journal has its value of a key, or its file of a name; None if it has none."""
    if mounted.bank is None or name not in (mounted.files if is_file else mounted.values):
        return None
    found = None
    for placed in records(chip, mounted.bank):
        if placed.record.sequence > mounted.sequence:
            break
        if name in (placed.record.files if is_file else placed.record.values):
            found = placed
    return found


def newest_record(chip: Chip, mounted: Mounted) -> Placed | None:
    """The record of the last transaction; None if no bank is whole."""
    if mounted.bank is None:
        return None
    whole = [placed for placed in records(chip, mounted.bank) if placed.record.sequence <= mounted.sequence]
    return whole[-1] if whole else None


@frozen
class Part:
    """What a byte of a record is. what: ``head``, ``end``, ``confirmation``, ``key``, ``value`` or ``file``; name: of
    the key or file."""

    what: str
    name: str = ""


def part_at(chip: Chip, placed: Placed, address: int) -> Part:
    """What the byte at ``address``, within the record or just behind it, is."""
    record = placed.record
    at, end = placed.address + _head(record.version), placed.address + record.size - _END
    if address >= placed.address + record.size:
        return Part("confirmation")
    if address >= end:
        return Part("end")
    while at <= address:
        _, key_length, body_length = _ENTRY.unpack(chip.read(at, _ENTRY.size))
        middle = at + _ENTRY.size + key_length
        name = chip.read(at + _ENTRY.size, key_length).decode("utf-8", "replace")
        if address < middle + body_length:
            is_file = name in record.files and name not in record.values
            return Part("file" if is_file else "value" if address >= middle else "key", name)
        at = middle + body_length
    return Part("head")


def _head(version: int) -> int:
    """Bytes of a record in front of its entries; those of version 1 have no checksum of their own there."""
    return RECORD_START if version > 1 else RECORD_START - 4
