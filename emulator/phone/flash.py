"""The chip in the phone: what becomes of the flash operations that are ordered, and the power that goes in one of them.

Reactions order flash operations as if they always worked. Just before one happens the chip is asked what really becomes
of it (``@becomes``): it is done, it fails in a sector that has worn out, or the power goes in the middle of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from emulator.events import (
    ConfigurationSaved,
    Entry,
    Event,
    FirmwareDamaged,
    FirmwareRefused,
    FlashErased,
    FlashFailed,
    FlashFlipped,
    FlashProgrammed,
    FlashTorn,
    LogWritten,
    Payload,
    PowerCutPlanned,
    PowerLost,
    PowerOn,
    SaveFailed,
    SectorsWorn,
)
from emulator.phone.firmware import Reaction, applies, becomes, reacts
from emulator.phone.parts import PartState, part
from flash_image import (
    Chip,
    Erase,
    Limit,
    Op,
    Program,
    Tear,
    Torn,
    elapsed,
    leave,
    size_of,
    tear,
    tears_of,
    unpack,
)

if TYPE_CHECKING:
    from emulator.phone.state import Phone


@part
class Flash(PartState):
    """The chip, and what is going to happen to it.

    writers: sector to the entry that last wrote it; fitted: entry that brought the chip; cut: how the operation is torn
    in which the power goes, after ``left`` more of them; None if no cut is planned; failed: reason of an operation that
    failed, until whoever ordered it is told; saved: whether the journal was written to since power-on.
    """

    chip: Chip = attrs.field(factory=Chip, metadata={"copy": True})
    writers: dict[int, int] = attrs.Factory(dict)
    fitted: int = 0
    cut: Tear | None = None
    left: int = 0
    failed: str = ""
    saved: bool = False

    def fit(self, image: bytes, n: int) -> None:
        """Take over the packed ``image``; entry ``n`` brought it. Raises flash_image.ImageError."""
        self.chip, self.writers, self.fitted = unpack(image), {}, n

    def grounds(self, sectors: Iterable[int]) -> tuple[int, ...]:
        """The entries that last wrote ``sectors``, or the one that fitted the chip."""
        return tuple(sorted({self.writers.get(sector, self.fitted) for sector in sectors} or {self.fitted}))


def flash_event(op: Op) -> Event:
    """A flash operation as an event."""
    return FlashErased(op.sector) if isinstance(op, Erase) else FlashProgrammed(op.address, op.data)


def flash_op(event: FlashErased | FlashProgrammed) -> Op:
    """The flash operation that an event is."""
    return Erase(event.sector) if isinstance(event, FlashErased) else Program(event.address, event.data)


# --- What becomes of an operation -----------------------------------------------------------------------------------


@becomes(FlashErased, FlashProgrammed)
def carried_out(phone: Phone, event: FlashErased | FlashProgrammed, busy: int) -> Event:
    """It is done, unless the power goes in the middle of it or the sector has worn out."""
    flash = phone.flash
    if flash.cut is None and flash.chip.faults is None:
        return event
    op = flash_op(event)
    if flash.cut is not None and flash.left == 0:
        return torn_event(flash.chip, op, flash.cut, busy)
    fault = flash.chip.fault_of(op)
    if fault is None:
        return event
    address = op.address if isinstance(op, Program) else op.sector * flash.chip.geometry.sector
    return FlashFailed(operation_name(op), address, fault, busy)


def torn_event(chip: Chip, op: Op, how: Tear, busy: int) -> FlashTorn:
    """What is left of ``op``, which takes ``busy`` ns as a whole."""
    how = within(chip, op, how)
    torn = tear(chip, op, how)
    took = elapsed(chip, op, how, busy)
    left = (torn.erased, torn.address, Payload(torn.data), torn.weak_at, torn.weak, torn.turn)
    return FlashTorn(operation_name(op), how.kind, *left, took)


def within(chip: Chip, op: Op, how: Tear) -> Tear:
    """``how`` as this operation can be torn: a cut was planned before anybody knew which operation it would meet."""
    kind = how.kind if how.kind in tears_of(op) else "bytes"
    last = size_of(chip, op) - (1 if kind in ("bits", "unstable") else 0)
    return Tear(kind, min(how.keep, last), how.sample)


def operation_name(op: Op) -> str:
    """``erase`` or ``program``."""
    return "erase" if isinstance(op, Erase) else "program"


@applies("flash", FlashErased)
def erased(phone: Phone, event: FlashErased, entry: Entry) -> None:
    """The sector reads 0xFF."""
    flash = phone.flash
    flash.chip.erase(event.sector)
    flash.writers[event.sector] = entry.n
    flash.left -= flash.cut is not None


@applies("flash", FlashProgrammed)
def programmed(phone: Phone, event: FlashProgrammed, entry: Entry) -> None:
    """Bits are cleared."""
    flash = phone.flash
    flash.chip.program(event.address, event.data)
    flash.writers[event.address // flash.chip.geometry.sector] = entry.n
    flash.left -= flash.cut is not None


# --- Power cuts -----------------------------------------------------------------------------------------------------


@applies("flash", PowerCutPlanned)
def cut_planned(phone: Phone, event: PowerCutPlanned, entry: Entry) -> None:
    """The last plan counts."""
    phone.flash.cut = Tear(event.tear, event.keep, event.sample)  # type: ignore[arg-type]
    phone.flash.left = event.after


@applies("flash", FlashTorn)
def torn(phone: Phone, event: FlashTorn, entry: Entry) -> None:
    """What was done of it is done."""
    flash = phone.flash
    made = Torn(event.sector_erased, event.address, bytes(event.data), event.weak_at, event.weak, event.turn)
    leave(flash.chip, made)
    flash.writers[event.address // flash.chip.geometry.sector] = entry.n
    flash.cut = None


@applies("clock", FlashTorn, FlashFailed)
def took(phone: Phone, event: FlashTorn | FlashFailed, entry: Entry) -> None:
    """What went wrong took its own time."""
    phone.clock += event.took


@reacts(FlashTorn)
def power_goes(phone: Phone, event: FlashTorn, entry: Entry) -> Reaction:
    """With the operation the phone goes down."""
    yield PowerLost()


@applies("flash", PowerOn)
def powered(phone: Phone, event: PowerOn, entry: Entry) -> None:
    """Cells that read both ways may read otherwise, and nothing is known of what was written before."""
    flash = phone.flash
    flash.failed, flash.saved = "", False
    if flash.chip.faults is not None:
        flash.chip.faults.turn += 1


# --- Worn sectors and flipped bits ----------------------------------------------------------------------------------


@applies("flash", FlashFlipped)
def flipped(phone: Phone, event: FlashFlipped, entry: Entry) -> None:
    """They read the other way."""
    phone.flash.chip.flip(event.address, event.mask)


@applies("flash", SectorsWorn)
def worn(phone: Phone, event: SectorsWorn, entry: Entry) -> None:
    """They last only so long."""
    phone.flash.chip.wear_out(Limit(event.erasures, event.behaviour), event.sectors)  # type: ignore[arg-type]


@applies("flash", FlashFailed)
def failed(phone: Phone, event: FlashFailed, entry: Entry) -> None:
    """Nothing was done; whoever ordered it hears of it."""
    flash = phone.flash
    flash.failed = flash.failed or event.reason
    flash.left -= flash.cut is not None


@applies("flash", ConfigurationSaved)
def saved(phone: Phone, event: ConfigurationSaved, entry: Entry) -> None:
    """The page behind the record is one that this power cycle knows."""
    phone.flash.saved = True


@applies("flash", SaveFailed, FirmwareRefused, FirmwareDamaged, LogWritten)
def told(phone: Phone, event: Event, entry: Entry) -> None:
    """Who ordered it has heard of it."""
    phone.flash.failed = ""
