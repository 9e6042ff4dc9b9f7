"""Images as files: what a programmer device or a debugger writes, and what this package packs, told apart by content.

A dump from elsewhere may end early, have holes, or come from a chip of another size. It is read as far as it goes, and
what was made of it is said in notes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from flash_image.chip import MAX_SIZE, Chip, ChipFault, Geometry
from flash_image.image import ImageError, is_packed, pack, raw, unpack
from flash_image.layout import geometry_of

if TYPE_CHECKING:
    from bincopy import BinFile

Form: TypeAlias = Literal["raw", "packed", "ihex", "srec"]
SUFFIXES: Final[dict[str, Form]] = {
    **dict.fromkeys((".bin", ".raw", ".img", ".dump"), "raw"),
    ".kxf": "packed",
    **dict.fromkeys((".hex", ".ihex", ".ihx"), "ihex"),
    **dict.fromkeys((".srec", ".s19", ".s28", ".s37", ".mot"), "srec"),
}
"""Endings of file names and the forms that they stand for."""
MAX_DUMP: Final = 192 * 1024 * 1024
"""The longest file that is looked at, in bytes: a chip of the largest size as Intel HEX."""


class DumpError(ValueError):
    """A file that no chip can be made of; `reason` is a fixed code: `too-long`, `empty`, `no-records`, `suffix`, or one
    of `ImageError`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@attrs.frozen
class Note:
    """What was made of a dump that is not a whole image: a fixed code, and a sentence for people.

    The codes: `truncated`, `longer`, `holes`, `geometry`, `no-table`, `bad-records`, `moved`.
    """

    code: str
    text: str


@attrs.frozen
class Dump:
    """A chip as a file held it. holes: (first address, one behind the last) of what the file does not say."""

    chip: Chip
    form: Form
    notes: tuple[Note, ...] = ()
    holes: tuple[tuple[int, int], ...] = ()


def read_dump(data: bytes) -> Dump:
    """The chip in a file, whatever its form. Raises `DumpError` for one that nothing can be made of."""
    if len(data) > MAX_DUMP:
        raise DumpError("too-long")
    if not data:
        raise DumpError("empty")
    if is_packed(data):
        try:
            return Dump(unpack(data), "packed")
        except ImageError as error:
            raise DumpError(error.reason) from None
    first = data.lstrip()[:2]
    if first[:1] == b":":
        return _from_records(data, "ihex")
    if first[:1] == b"S" and first[1:].isdigit():
        return _from_records(data, "srec")
    return _placed([(0, data)], "raw", [])


def write_dump(chip: Chip, form: Form) -> bytes:
    """The bytes of a file. `raw` is all that the chip reads, `packed` keeps wear and faults too, the others hold only
    the sectors that are not blank."""
    return _WRITERS[form](chip)


def form_of(name: str) -> Form:
    """The form that the ending of a file name stands for. Raises `DumpError("suffix")`."""
    for suffix, form in SUFFIXES.items():
        if name.lower().endswith(suffix):
            return form
    raise DumpError("suffix")


def _from_records(data: bytes, form: Form) -> Dump:
    lines = [line for line in map(str.strip, data.decode("latin-1").splitlines()) if line]
    good = list(_trusted(lines, form))
    bad = len(lines) - len(good)
    notes = [Note("bad-records", f"{bad:,} lines are damaged and were left out")] if bad else []
    file = _bin_file()
    getattr(file, f"add_{form}")("\n".join(good), overwrite=True)
    pieces = [(segment.minimum_address, bytes(segment.data)) for segment in file.segments]
    if not pieces:
        raise DumpError("no-records")
    base = pieces[0][0]
    if pieces[-1][0] + len(pieces[-1][1]) > MAX_SIZE and base:
        # A chip that a processor sees at some address: what is asked for is the chip.
        base -= base % (64 * 1024)
        notes.append(Note("moved", f"addresses begin at {base:#x}, which is taken for the start of the chip"))
        pieces = [(at - base, body) for at, body in pieces]
    return _placed(pieces, form, notes)


def _placed(pieces: list[tuple[int, bytes]], form: Form, notes: list[Note]) -> Dump:
    """A chip of the right geometry that holds `pieces`, which are (address, bytes) in ascending order."""
    end = max(at + len(body) for at, body in pieces)
    start = next((body for at, body in pieces if at == 0), b"")
    found = geometry_of(start[:256])
    geometry = found or _guessed(end)
    if found is None:
        size = f"{geometry.size:,} bytes, sectors of {geometry.sector:,}"
        notes.append(Note("no-table", f"there is no partition table to tell the geometry; taken as {size}"))
    elif found != Geometry():
        sizes = f"{found.size:,} bytes, sectors of {found.sector:,}, pages of {found.page:,}"
        notes.append(Note("geometry", f"the chip has another geometry than the phone's: {sizes}"))
    if end > geometry.size:
        notes.append(Note("longer", f"{end - geometry.size:,} bytes lie beyond the end of the chip and were left out"))
    holes = tuple(_holes(pieces, geometry.size))
    if form == "raw" and end < geometry.size:
        notes.append(
            Note("truncated", f"the file ends at {end:,} of {geometry.size:,} bytes; the rest counts as blank")
        )
    elif holes:
        missing = sum(end - first for first, end in holes)
        ranges = "1 range" if len(holes) == 1 else f"{len(holes):,} ranges"
        notes.append(Note("holes", f"{missing:,} bytes in {ranges} are not in the file; they count as blank"))
    return Dump(_chip_of(pieces, geometry), form, tuple(notes), holes)


def _chip_of(pieces: list[tuple[int, bytes]], geometry: Geometry) -> Chip:
    chip = Chip(geometry)
    size = geometry.sector
    blank = b"\xff" * size
    cells: dict[int, bytearray] = {}
    for at, body in pieces:
        for address in range(at - at % size, min(at + len(body), geometry.size), size):
            first, last = max(at, address), min(at + len(body), address + size)
            part = body[first - at : last - at]
            if part.strip(b"\xff"):
                held = cells.setdefault(address // size, bytearray(blank))
                held[first - address : last - address] = part
    chip.sectors = {sector: bytes(held) for sector, held in cells.items()}
    return chip


def _holes(pieces: list[tuple[int, bytes]], size: int) -> Iterator[tuple[int, int]]:
    at = 0
    for address, body in pieces:
        if address >= size:
            break
        if address > at:
            yield at, address
        at = max(at, address + len(body))
    if at < size:
        yield at, size


def _guessed(end: int) -> Geometry:
    """The phone's own geometry or, for a longer file, the next power of two."""
    size = Geometry().size
    while size < min(end, MAX_SIZE):
        size *= 2
    return Geometry(size)


def _records(chip: Chip) -> BinFile:
    file = _bin_file()
    overlaid = set[int]() if chip.faults is None else chip.faults.overlaid(chip.geometry.sector)
    for sector in sorted(chip.sectors.keys() | overlaid):
        try:
            content = chip.seen(sector)
        except ChipFault:
            continue
        if content is not None:
            file.add_binary(content, address=sector * chip.geometry.sector)
    return file


def _trusted(lines: list[str], form: Form) -> Iterator[str]:
    """The records whose checksum holds and whose address is known.

    In Intel HEX the upper half of the address is a record of its own: when that may be the damaged one, what follows
    belongs nobody knows where, up to the next of its kind.
    """
    lost = False
    for line in lines:
        whole = _is_record(line, form)
        kind = line[7:9] if form == "ihex" else ""
        if whole and kind in ("02", "04"):
            lost = False
        elif not whole and form == "ihex" and kind != "00":
            lost = True
        if whole and not lost:
            yield line


def _is_record(line: str, form: Form) -> bool:
    import bincopy

    unpack_record: Any = bincopy.unpack_ihex if form == "ihex" else bincopy.unpack_srec
    try:
        unpack_record(line)
    except (bincopy.Error, ValueError, IndexError):
        return False
    return True


def _bin_file() -> BinFile:
    """A fresh collection of records; the library is imported by whoever needs it, for that takes its time."""
    import bincopy

    return bincopy.BinFile()


_WRITERS: Final[dict[str, Callable[[Chip], bytes]]] = {
    "raw": raw,
    "packed": pack,
    "ihex": lambda chip: str(_records(chip).as_ihex()).encode(),
    "srec": lambda chip: str(_records(chip).as_srec()).encode(),
}
