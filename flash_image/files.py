"""The bodies of saved files: free sectors, the operations that fill them, and reading them back."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

import attrs

from flash_image.chip import Chip, ChipFault, Erase, Op, programs
from flash_image.layout import FILES, Layout, Partition
from flash_image.records import FileRef, JournalError, JournalFull

MAX_FILE: Final = 300_000
"""The longest file, in bytes."""


class FileDamaged(ValueError):
    """A saved file that cannot be read as it was written; `reason` is `reference`, `checksum` or `unreadable`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@attrs.define
class Written:
    """What it takes to write some files: the operations in order, the references, and where to go on next time."""

    ops: list[Op]
    refs: dict[str, FileRef | None]
    cursor: int


def read_file(chip: Chip, ref: FileRef) -> bytes:
    """The body that `ref` stands for.

    Raises `FileDamaged`: `reference` if its sectors cannot hold the file or are not on the chip, `unreadable` if the
    chip cannot read them, `checksum` if the bytes there are no longer those that were written.
    """
    size = chip.geometry.sector
    if len(ref.sectors) != _sectors_for(ref.length, size):
        raise FileDamaged("reference")
    try:
        body = b"".join([chip.read(sector * size, size) for sector in ref.sectors])[: ref.length]
    except ChipFault as fault:
        raise FileDamaged("unreadable" if fault.reason == "read-error" else "reference") from None
    if zlib.crc32(body) != ref.crc:
        raise FileDamaged("checksum")
    return body


def write_files(chip: Chip, layout: Layout, used: set[int], cursor: int, bodies: Mapping[str, bytes]) -> Written:
    """Lay `bodies` into sectors of the file area that are not `used`, going round from sector `cursor` on.

    Every sector is erased first, also one that seems blank: a torn erasure may have left it so. (In format 1 only those
    that are not blank.) Raises `JournalError("file-too-long")` and `JournalFull("files-full")`.
    """
    free = _free_sectors(layout.partition(FILES), used, cursor)
    written = Written([], {}, cursor)
    for name in sorted(bodies):
        body = bodies[name]
        if len(body) > MAX_FILE:
            raise JournalError("file-too-long")
        wanted = _sectors_for(len(body), chip.geometry.sector)
        sectors = tuple(islice(free, wanted))
        if len(sectors) < wanted:
            raise JournalFull("files-full")
        written.refs[name] = FileRef(len(body), zlib.crc32(body), sectors)
        written.ops += write_sectors(chip, layout, sectors, body)
        if sectors:
            written.cursor = sectors[-1] + 1
    return written


def write_sectors(chip: Chip, layout: Layout, sectors: Iterable[int], body: bytes) -> Iterator[Op]:
    """The operations that write `body` into `sectors`, in that order, erasing each first."""
    size = chip.geometry.sector
    for index, sector in enumerate(sectors):
        if layout.confirms or not chip.is_blank(sector):
            yield Erase(sector)
        yield from programs(chip.geometry, sector * size, body[index * size : (index + 1) * size])


def _free_sectors(area: Partition, used: set[int], cursor: int) -> Iterator[int]:
    start = cursor - area.first if area.first <= cursor < area.first + area.count else 0
    for step in range(area.count):
        sector = area.first + (start + step) % area.count
        if sector not in used:
            yield sector


def _sectors_for(length: int, size: int) -> int:
    return -(-length // size)
