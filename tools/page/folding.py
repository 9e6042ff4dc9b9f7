"""What the phones held after each event: settings and flash, as the changes from one event to the next.

The phone's own fold makes them, so that a page cannot say anything else than ``offhook state`` does.
"""

from __future__ import annotations

from typing import Any

from attrs import Factory, define, field

from emulator.events import (
    Entry,
    Event,
    FlashErased,
    FlashFailed,
    FlashFitted,
    FlashFlipped,
    FlashProgrammed,
    FlashTorn,
)
from emulator.events.masking import HIDDEN, hide_passwords, is_secret
from emulator.phone.firmware import Firmware, marks
from emulator.phone.state import Phone, fold_entry, initial
from flash_image.layout import partitions
from tools.browse import UNREADABLE

SOUND, TORN, FAILED, FLIPPED = range(4)
"""What happened to a sector since it was last erased."""
TROUBLE: dict[type[Event], int] = {FlashTorn: TORN, FlashFailed: FAILED, FlashFlipped: FLIPPED}
FLASH = (FlashErased, FlashProgrammed, *TROUBLE)


@define
class Fold:
    """One phone, folded along. broken: why its state is not known any more; "" while it is.

    settings: (n, key, value or None, since); sectors: (n, sector, bytes that are not 0xFF, erasures, trouble).
    """

    firmware: Firmware
    secrets: bool
    phone: Phone = field(init=False)
    touching: frozenset[type[Event]] = field(init=False)
    broken: str = ""
    settings: list[tuple[int, str, str | None, int]] = Factory(list)
    sectors: list[tuple[int, int, int, int, int]] = Factory(list)
    chip: dict[str, Any] = Factory(dict)
    _held: dict[str, tuple[str, int]] = Factory(dict)
    _trouble: dict[int, int] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        self.phone = initial(self.firmware)
        self.touching = touching_settings(self.firmware)

    def take(self, entry: Entry) -> None:
        """Apply an entry and note what it changed; what cannot be applied ends it."""
        if self.broken:
            return
        event = entry.event
        try:
            fold_entry(self.firmware, self.phone, entry)
        except UNREADABLE as error:
            self.broken = f"event {entry.n} cannot be applied: {error}"
            return
        if type(event) in self.touching:
            self._note_settings(entry.n)
        if isinstance(event, FlashFitted):
            self._fitted(entry.n)
        elif isinstance(event, FLASH):
            self._note_sectors(entry.n, event)

    def _note_settings(self, n: int) -> None:
        own = self.phone.settings
        now = {key: (self.shown(key, value), own.grounds(key)) for key, value in own.differing().items()}
        for key in sorted(self._held.keys() - now.keys()):
            self.settings.append((n, key, None, 0))
        for key, held in now.items():
            if self._held.get(key) != held:
                self.settings.append((n, key, *held))
        self._held = now

    def shown(self, key: str, value: str) -> str:
        """A value as ``offhook state`` shows it."""
        if self.secrets:
            return value
        return HIDDEN if value and is_secret(key) else hide_passwords(value)

    def _fitted(self, n: int) -> None:
        chip = self.phone.flash.chip
        table = partitions(chip).partitions
        self.chip = {
            "sector": chip.geometry.sector,
            "count": chip.geometry.sector_count,
            "parts": [(part.name, part.first, part.count) for part in table],
        }
        self._trouble = {}
        for sector in sorted({*chip.sectors, *chip.wear}):
            self._note(n, sector)

    def _note_sectors(self, n: int, event: Event) -> None:
        size = self.phone.flash.chip.geometry.sector
        trouble = TROUBLE.get(type(event), SOUND)
        for sector in sectors_of(event, size):
            if isinstance(event, FlashErased):
                self._trouble.pop(sector, None)
            elif trouble:
                self._trouble[sector] = trouble
            self._note(n, sector)

    def _note(self, n: int, sector: int) -> None:
        chip = self.phone.flash.chip
        held = chip.sectors.get(sector)
        used = 0 if held is None else len(held) - held.count(0xFF)
        self.sectors.append((n, sector, used, chip.wear.get(sector, 0), self._trouble.get(sector, SOUND)))


def touching_settings(firmware: Firmware) -> frozenset[type[Event]]:
    """The kinds of events that change the settings of a phone, or all of it."""
    own = {"settings", "*"}
    return frozenset(
        kind
        for kind, handlers in firmware.table.items()
        if any(mark.part in own for apply in handlers.applies for mark in marks(apply) if kind in mark.types)
    )


def sectors_of(event: Event, size: int) -> range:
    """The sectors that a flash event is about. size: bytes of a sector."""
    if isinstance(event, FlashErased):
        return range(event.sector, event.sector + 1)
    first: int = event.address  # type: ignore[attr-defined]
    length = 1
    if isinstance(event, FlashProgrammed):
        length = len(event.data)
    elif isinstance(event, FlashTorn):
        length = max(1, len(event.data))
    elif isinstance(event, FlashFlipped):
        length = max(1, len(event.mask))
    return range(first // size, (first + length - 1) // size + 1)
