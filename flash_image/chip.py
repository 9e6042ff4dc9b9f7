"""A serial NOR flash chip: programming clears bits, erasing a sector sets them all.

Addresses and lengths are in bytes, sectors are counted from 0, times are integer nanoseconds. The chip holds contents
and wear, and no time: who orders an operation asks `Timing` how long it takes.
"""

from typing import Final, TypeAlias

import attrs

MAX_SIZE: Final = 64 * 1024 * 1024
"""The largest chip in bytes: 512 Mbit, eight times that of the phone."""
MAX_SECTOR: Final = 256 * 1024
"""The largest sector in bytes, that of parallel and hybrid NOR."""
MIN_PAGE: Final = 16
"""The smallest page in bytes."""
MAX_PAGE: Final = 4096
"""The largest page in bytes; serial NOR has 256 or 512."""


class ChipFault(ValueError):
    """An operation that no chip of this geometry can carry out; `reason` is a fixed code.

    The codes: `geometry`, `read-range`, `program-range`, `program-length`, `page-crossed`, `sector-range` and
    `keep-range`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@attrs.frozen
class Geometry:
    """The sizes of a chip in bytes: all of it, one sector (the unit of erasing), one page (the unit of programming).

    Raises `ChipFault("geometry")` unless pages divide sectors, sectors divide the chip, and all are within
    `MIN_PAGE`, `MAX_PAGE`, `MAX_SECTOR` and `MAX_SIZE`.
    """

    size: int = 8 * 1024 * 1024
    sector: int = 4096
    page: int = 256

    def __attrs_post_init__(self) -> None:
        in_order = MIN_PAGE <= self.page <= self.sector <= self.size
        too_large = self.page > MAX_PAGE or self.sector > MAX_SECTOR or self.size > MAX_SIZE
        if not in_order or too_large or self.sector % self.page or self.size % self.sector:
            raise ChipFault("geometry")

    @property
    def sector_count(self) -> int:
        """How many sectors the chip has."""
        return self.size // self.sector


@attrs.frozen
class Erase:
    """Set every byte of one sector to 0xFF."""

    sector: int


@attrs.frozen
class Program:
    """Clear bits from `address` on, inside one page: every byte becomes old AND new."""

    address: int
    data: bytes


Op: TypeAlias = Erase | Program


@attrs.frozen
class Timing:
    """How long an operation takes, in nanoseconds: the typical figures of 64-Mbit serial NOR datasheets.

    Programming a part of a page costs as much as the whole page.
    """

    program_ns: int = 700_000
    erase_ns: int = 45_000_000

    def duration(self, op: Op) -> int:
        """The nanoseconds that `op` keeps the chip busy."""
        return self.erase_ns if isinstance(op, Erase) else self.program_ns


def programs(geometry: Geometry, address: int, data: bytes) -> tuple[Program, ...]:
    """Cut `data` at the page boundaries: the operations that write it from `address` on, in ascending order."""
    page = geometry.page
    first = page - address % page
    if len(data) <= first:
        return (Program(address, data),) if data else ()
    head = Program(address, data[:first])
    return (head, *(Program(address + at, data[at : at + page]) for at in range(first, len(data), page)))


@attrs.define
class Chip:
    """The contents and the wear of one chip.

    `sectors` holds the sectors that are not blank, each as immutable bytes of exactly one sector, so that copies share
    them; a sector that is all 0xFF is absent. `wear` counts the erasures of every sector that was ever erased. Chips
    are equal when geometry, contents and wear are.
    """

    geometry: Geometry = attrs.field(factory=Geometry)
    sectors: dict[int, bytes] = attrs.field(factory=dict)
    wear: dict[int, int] = attrs.field(factory=dict)

    def copy(self) -> "Chip":
        """An independent chip with the same contents and wear; the sectors' bytes are shared."""
        return Chip(self.geometry, self.sectors.copy(), self.wear.copy())

    def is_blank(self, sector: int) -> bool:
        """Whether every byte of `sector` is 0xFF. Raises `ChipFault("sector-range")`."""
        self._check_sector(sector)
        return sector not in self.sectors

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes from `address` on, across sectors if need be. Raises `ChipFault("read-range")`."""
        size = self.geometry.sector
        end = address + length
        if address < 0 or length < 0 or end > self.geometry.size:
            raise ChipFault("read-range")
        first, offset = divmod(address, size)
        if offset + length <= size:
            held = self.sectors.get(first)
            return b"\xff" * length if held is None else held[offset : offset + length]
        blank = b"\xff" * size
        whole = b"".join([self.sectors.get(number, blank) for number in range(first, -(-end // size))])
        return whole[offset : offset + length]

    def program(self, address: int, data: bytes) -> None:
        """Program 1 to `page` bytes inside one page: every byte becomes old AND new.

        Raises `ChipFault` with `program-length`, `program-range` or `page-crossed`; the chip is then unchanged.
        """
        geometry = self.geometry
        length = len(data)
        if not 0 < length <= geometry.page:
            raise ChipFault("program-length")
        if address < 0 or address + length > geometry.size:
            raise ChipFault("program-range")
        if address % geometry.page + length > geometry.page:
            raise ChipFault("page-crossed")
        number, offset = divmod(address, geometry.sector)
        blank = b"\xff" * length
        old = self.sectors.get(number)
        if old is None:
            if data == blank:
                return
            old = b"\xff" * geometry.sector
        end = offset + length
        before = old[offset:end]
        if before != blank:
            data = (int.from_bytes(before, "big") & int.from_bytes(data, "big")).to_bytes(length, "big")
        self.sectors[number] = b"%b%b%b" % (old[:offset], data, old[end:])

    def erase(self, sector: int) -> None:
        """Set `sector` to 0xFF and count the wear. Raises `ChipFault("sector-range")`."""
        self._check_sector(sector)
        self.sectors.pop(sector, None)
        self.wear[sector] = self.wear.get(sector, 0) + 1

    def apply(self, op: Op) -> None:
        """Carry out one operation. Raises what `erase` and `program` raise."""
        if isinstance(op, Program):
            self.program(op.address, op.data)
        else:
            self.erase(op.sector)

    def tear(self, op: Op, keep: int) -> None:
        """Carry out only the first `keep` bytes of `op`, as when the power goes in the middle of it.

        `keep` counts bytes of a program's data, or of the sector that is erased; 0 leaves the chip as it is. A torn
        erasure wears the sector like a whole one. Raises `ChipFault("keep-range")` for a `keep` beyond the operation,
        and what `erase` and `program` raise.
        """
        size = len(op.data) if isinstance(op, Program) else self.geometry.sector
        if not 0 <= keep <= size:
            raise ChipFault("keep-range")
        if keep == 0:
            return
        if isinstance(op, Program):
            self.program(op.address, op.data[:keep])
            return
        old = self.sectors.get(op.sector)
        self.erase(op.sector)
        if old is not None and old[keep:] != b"\xff" * (size - keep):
            self.sectors[op.sector] = b"\xff" * keep + old[keep:]

    def _check_sector(self, sector: int) -> None:
        if not 0 <= sector < self.geometry.sector_count:
            raise ChipFault("sector-range")
