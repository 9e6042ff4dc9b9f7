"""A serial NOR flash chip: programming clears bits, erasing a sector sets them all.

Addresses and lengths are in bytes, sectors are counted from 0, times are integer nanoseconds. The chip holds contents
and wear, and no time: who orders an operation asks `Timing` how long it takes.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias

import attrs

from flash_image.faults import BEHAVIOURS, EVERY, Behaviour, Faults, Limit

MAX_SIZE: Final = 64 * 1024 * 1024
"""The largest chip in bytes: 512 Mbit, eight times that of the phone."""
MAX_SECTOR: Final = 256 * 1024
"""The largest sector in bytes, that of parallel and hybrid NOR."""
MIN_PAGE: Final = 16
"""The smallest page in bytes."""
MAX_PAGE: Final = 4096
"""The largest page in bytes; serial NOR has 256 or 512."""


MAX_ERASURES: Final = 0xFFFF_FFFF
"""The highest count of erasures that is kept."""


class ChipFault(ValueError):
    """An operation that this chip cannot carry out; `reason` is a fixed code.

    The codes: `geometry`, `read-range`, `program-range`, `program-length`, `page-crossed`, `sector-range`; of a worn
    sector `read-error`, `program-error`, `erase-error`, and `behaviour` for one that there is not; of a tear
    (`flash_image.tears`) `keep-range` and `tear-kind`.
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
    them; a sector that is all 0xFF is absent. These are the cells: what a read gives (`read`, `seen`) may differ where
    the chip has `faults`. `wear` counts the erasures of every sector that was ever erased. Chips are equal when
    geometry, contents, wear and faults are.
    """

    geometry: Geometry = attrs.field(factory=Geometry)
    sectors: dict[int, bytes] = attrs.field(factory=dict)
    wear: dict[int, int] = attrs.field(factory=dict)
    faults: Faults | None = None

    def copy(self) -> "Chip":
        """An independent chip with the same contents, wear and faults; the sectors' bytes are shared."""
        faults = None if self.faults is None else self.faults.copy()
        return Chip(self.geometry, self.sectors.copy(), self.wear.copy(), faults)

    def is_blank(self, sector: int) -> bool:
        """Whether every byte of `sector` reads 0xFF. Raises `ChipFault("sector-range")`."""
        self._check_sector(sector)
        if self.faults is None:
            return sector not in self.sectors
        return not self._worn(sector, "read-error") and self.seen(sector) is None

    def seen(self, sector: int) -> bytes | None:
        """What reading all of `sector` gives; None if every byte is 0xFF. Raises `ChipFault("read-error")`."""
        held = self.sectors.get(sector)
        if self.faults is None or self.faults.blind:
            return held
        if self._worn(sector, "read-error"):
            raise ChipFault("read-error")
        size = self.geometry.sector
        overlay = self.faults.overlay(sector * size, (sector + 1) * size)
        if not overlay:
            return held
        read = bytearray(held or b"\xff" * size)
        for at, mask in overlay.items():
            read[at - sector * size] ^= mask
        return bytes(read) if read != b"\xff" * size else None

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes from `address` on, across sectors if need be.

        Raises `ChipFault` with `read-range` or, in a worn sector, `read-error`.
        """
        size = self.geometry.sector
        end = address + length
        if address < 0 or length < 0 or end > self.geometry.size:
            raise ChipFault("read-range")
        first, offset = divmod(address, size)
        if offset + length <= size and (self.faults is None or self.faults.blind):
            held = self.sectors.get(first)
            return b"\xff" * length if held is None else held[offset : offset + length]
        blank = b"\xff" * size
        whole = b"".join([self.seen(number) or blank for number in range(first, -(-end // size))])
        return whole[offset : offset + length]

    def program(self, address: int, data: bytes) -> None:
        """Program 1 to `page` bytes inside one page: every byte becomes old AND new.

        Raises `ChipFault` with `program-length`, `program-range`, `page-crossed` or, in a worn sector,
        `program-error`; the chip is then unchanged.
        """
        self._check_program(address, len(data))
        if self.faults is None or self._lasts(Program(address, data)):
            self._clear(address, data)

    def clear(self, op: Program) -> None:
        """Clear bits as `op` would if its sector were as good as new: what a torn operation leaves is no operation.

        Raises what `program` does, but for a worn sector.
        """
        self._check_program(op.address, len(op.data))
        self._clear(op.address, op.data)

    def _clear(self, address: int, data: bytes) -> None:
        if self.faults is not None:
            self.faults.programmed(address, data)
        number, offset = divmod(address, self.geometry.sector)
        length = len(data)
        blank = b"\xff" * length
        old = self.sectors.get(number)
        if old is None:
            if data == blank:
                return
            old = b"\xff" * self.geometry.sector
        end = offset + length
        before = old[offset:end]
        if before != blank:
            data = (int.from_bytes(before, "big") & int.from_bytes(data, "big")).to_bytes(length, "big")
        self.sectors[number] = b"%b%b%b" % (old[:offset], data, old[end:])

    def erase(self, sector: int) -> None:
        """Set `sector` to 0xFF and count the wear.

        Raises `ChipFault` with `sector-range` or, if it is worn, `erase-error`; the chip is then unchanged.
        """
        self._check_sector(sector)
        if self.faults is None or self._lasts(Erase(sector)):
            self.sectors.pop(sector, None)
            if self.faults is not None:
                self.faults.erased(sector * self.geometry.sector, (sector + 1) * self.geometry.sector)
        self.wear[sector] = self.wear.get(sector, 0) + 1

    def apply(self, op: Op) -> None:
        """Carry out one operation. Raises what `erase` and `program` raise."""
        if isinstance(op, Program):
            self.program(op.address, op.data)
        else:
            self.erase(op.sector)

    def fault_of(self, op: Op) -> Behaviour | None:
        """What a worn sector would do about `op` instead of carrying it out; None if it would."""
        if self.faults is None:
            return None
        program = isinstance(op, Program)
        sector = op.address // self.geometry.sector if isinstance(op, Program) else op.sector
        limit = self.faults.limit(sector)
        if limit is None or self.wear.get(sector, 0) < limit.erasures:
            return None
        return limit.behaviour if limit.behaviour.startswith("program" if program else "erase") else None

    def flip(self, address: int, mask: bytes) -> None:
        """Flip the bits of `mask` from `address` on, for whoever reads them; flipped twice they are as they were.

        Raises `ChipFault("read-range")`.
        """
        self._spoiled(address, mask).flip(address, mask)

    def weaken(self, address: int, mask: bytes, turn: int) -> None:
        """Make the bits of `mask` from `address` on read both ways, from `turn` on (see `flash_image.faults`).

        Raises `ChipFault("read-range")`.
        """
        self._spoiled(address, mask).weaken(address, mask, turn)

    def wear_out(self, limit: Limit, sectors: Iterable[int] = ()) -> None:
        """Let `sectors`, or all that have no limit of their own, last for so long.

        Raises `ChipFault` with `sector-range`, or `behaviour` for one that there is not.
        """
        which = tuple(sectors)
        for sector in which:
            self._check_sector(sector)
        if limit.behaviour not in BEHAVIOURS or not 0 <= limit.erasures <= MAX_ERASURES:
            raise ChipFault("behaviour")
        faults = self.faults = self.faults or Faults()
        faults.limits.update(dict.fromkeys(which or (EVERY,), limit))

    def _spoiled(self, address: int, mask: bytes) -> Faults:
        if address < 0 or address + len(mask) > self.geometry.size:
            raise ChipFault("read-range")
        self.faults = self.faults or Faults()
        return self.faults

    def _lasts(self, op: Op) -> bool:
        """Whether the cells of a sector still change; one that has worn out says so, or leaves them without a word."""
        fault = self.fault_of(op)
        if fault is not None and fault.endswith("error"):
            raise ChipFault(fault)
        return fault is None

    def _check_program(self, address: int, length: int) -> None:
        geometry = self.geometry
        if not 0 < length <= geometry.page:
            raise ChipFault("program-length")
        if address < 0 or address + length > geometry.size:
            raise ChipFault("program-range")
        if address % geometry.page + length > geometry.page:
            raise ChipFault("page-crossed")

    def _worn(self, sector: int, behaviour: Behaviour) -> bool:
        limit = None if self.faults is None else self.faults.limit(sector)
        return limit is not None and limit.behaviour == behaviour and self.wear.get(sector, 0) >= limit.erasures

    def _check_sector(self, sector: int) -> None:
        if not 0 <= sector < self.geometry.sector_count:
            raise ChipFault("sector-range")
