"""The flash of a phone through a run: what it held just after any event, and who wrote a byte of it last.

Only the events that touch the chip are read, once and in order, as :mod:`emulator.phone.flash` applies them.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import Factory, define, frozen

from emulator.events import (
    Entry,
    Event,
    FlashErased,
    FlashFitted,
    FlashFlipped,
    FlashProgrammed,
    FlashTorn,
    PowerOn,
    SectorsWorn,
    SettingsLoaded,
)
from emulator.log.store import LogError
from flash_image import Chip, ChipFault, ImageError, Limit, Torn, leave, partitions, unpack
from flash_image.layout import FIRMWARE_A, FIRMWARE_B, LOG
from tools.why.reader import Reader

KINDS = (FlashFitted, FlashErased, FlashProgrammed, FlashTorn, FlashFlipped, SectorsWorn, PowerOn, SettingsLoaded)


@frozen
class Write:
    """What an event did to the bytes of a sector from ``first`` up to before ``end``."""

    n: int
    first: int
    end: int


@define
class History:
    """The chip of one phone up to event ``upto``.

    fitted: event that brought the chip, 0 if none did; writes: sector to what was done to it since, in order; loads:
    the chip as it was when settings were loaded, by event.
    """

    upto: int
    events: list[Entry] = Factory(list)
    fitted: int = 0
    writes: dict[int, list[Write]] = Factory(dict)
    loads: dict[int, Chip] = Factory(dict)
    chip: Chip = Factory(Chip)

    def writer(self, address: int, before: int) -> int:
        """The last event before event ``before`` that wrote the byte at ``address``: an operation, or what brought the
        chip; 0 if there was no chip."""
        for write in reversed(self.writes.get(address // self.chip.geometry.sector, ())):
            if write.n < before and write.first <= address < write.end:
                return write.n
        return self.fitted if self.fitted < before else 0

    def at(self, n: int) -> Chip:
        """The chip just after event ``n``, which must not be changed. Raises LogError."""
        if n >= self.upto:
            return self.chip
        base = max((load for load in self.loads if load <= n), default=0)
        chip = self.loads[base].copy() if base else Chip()
        for entry in self.events:
            if base < entry.n <= n:
                chip = applied(chip, entry)
        return chip


def history(reader: Reader, phone: int, upto: int, address: int | None = None) -> History:
    """What became of the chip of a phone up to event ``upto``. Raises LogError for a log that no chip can follow.

    What is programmed in the partitions of the log and the firmware is left out, but for the sector of ``address``.
    """
    fitted = next(reader.forth(phone, 0, upto, (FlashFitted.kind,)), None)
    but = [] if fitted is None else unread(applied(Chip(), fitted), address)
    return followed(reader, phone, upto, but) or followed(reader, phone, upto, []) or History(upto)


def followed(reader: Reader, phone: int, upto: int, but: list[tuple[int, int]]) -> History | None:
    """The history without what is programmed in ``but``; None if that is of one chip, and there is another."""
    made = History(upto)
    for entry in reader.programs(phone, upto, tuple(kind.kind for kind in KINDS), but):
        made.events.append(entry)
        event = entry.event
        if isinstance(event, FlashFitted):
            if made.fitted and but:
                return None
            made.fitted, made.writes = entry.n, {}
        made.chip = applied(made.chip, entry)
        for where, write in written(made.chip, entry):
            made.writes.setdefault(where, []).append(write)
        if isinstance(event, SettingsLoaded):
            made.loads[entry.n] = made.chip.copy()
    return made


def unread(chip: Chip, address: int | None) -> list[tuple[int, int]]:
    """The addresses whose content nobody asks for, as (first, last)."""
    size = chip.geometry.sector
    asked = -1 if address is None else address // size
    ranges: list[tuple[int, int]] = []
    for area in filter(None, map(partitions(chip).find, (LOG, FIRMWARE_A, FIRMWARE_B))):
        own = [area.first, area.first + area.count]
        edges = sorted((*own, *((asked, asked + 1) if own[0] <= asked < own[1] else ())))
        ranges += [(a * size, b * size - 1) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]
    return ranges


def applied(chip: Chip, entry: Entry) -> Chip:
    """``chip``, changed as the event changed it. Raises LogError."""
    try:
        return _applied(chip, entry.event)
    except (ChipFault, ImageError) as error:
        raise LogError(f"event {entry.n}: the flash chip cannot follow it: {error}") from None


def _applied(chip: Chip, event: Event) -> Chip:
    if isinstance(event, FlashFitted):
        return unpack(event.image)
    if isinstance(event, FlashErased):
        chip.erase(event.sector)
    elif isinstance(event, FlashProgrammed):
        chip.program(event.address, event.data)
    elif isinstance(event, FlashTorn):
        left = (event.sector_erased, event.address, bytes(event.data), event.weak_at, event.weak, event.turn)
        leave(chip, Torn(*left))
    elif isinstance(event, FlashFlipped):
        chip.flip(event.address, event.mask)
    elif isinstance(event, SectorsWorn):
        chip.wear_out(Limit(event.erasures, event.behaviour), event.sectors)  # type: ignore[arg-type]
    elif isinstance(event, PowerOn) and chip.faults is not None:
        chip.faults.turn += 1
    return chip


def written(chip: Chip, entry: Entry) -> Iterator[tuple[int, Write]]:
    """(sector, what was done to it) for an event that wrote."""
    event, size = entry.event, chip.geometry.sector
    if isinstance(event, FlashErased):
        yield event.sector, Write(entry.n, event.sector * size, (event.sector + 1) * size)
    elif isinstance(event, FlashProgrammed):
        yield event.address // size, Write(entry.n, event.address, event.address + len(event.data))
    elif isinstance(event, FlashTorn):
        sector = event.address // size
        if event.sector_erased:
            yield sector, Write(entry.n, sector * size, (sector + 1) * size)
        if event.data:
            yield sector, Write(entry.n, event.address, event.address + len(event.data))
        yield from masked(entry.n, event.weak_at, event.weak, size)
    elif isinstance(event, FlashFlipped):
        yield from masked(entry.n, event.address, event.mask, size)


def masked(n: int, address: int, mask: bytes, size: int) -> Iterator[tuple[int, Write]]:
    """The bytes in which a mask from ``address`` on has a bit, in sectors of ``size`` bytes."""
    for at, bits in enumerate(mask, address):
        if bits:
            yield at // size, Write(n, at, at + 1)
