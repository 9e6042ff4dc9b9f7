"""What is read from and written to the flash chip, and what goes wrong with it."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from emulator.events.base import Event, Payload, Role


@frozen
class SettingsLoaded(Event):
    """Step 1's material: the settings held in flash (PROV-001).

    values: how many stored values; digest: SHA-256 over them; files: saved files; damage: fixed codes of what was not
    intact; identity: (MAC, model, serial) of the factory data.
    """

    values: int
    digest: str
    files: tuple[str, ...]
    damage: tuple[str, ...]
    identity: tuple[str, str, str]

    def _line(self) -> str:
        what = f"{self.values} stored values" if self.values else "nothing stored, factory defaults"
        files = f", saved files: {', '.join(self.files)}" if self.files else ""
        damage = f", damaged: {', '.join(self.damage)}" if self.damage else ""
        return f"settings loaded on {self.identity[1]} {self.identity[0]}: {what}{files}{damage}"


@frozen
class FlashErased(Event):
    """A sector was set to 0xFF."""

    mark: ClassVar[str] = "#"
    sector: int

    def _line(self) -> str:
        return f"flash erase sector {self.sector}"


@frozen
class FlashProgrammed(Event):
    """Bits were cleared, within one page."""

    mark: ClassVar[str] = "#"
    address: int
    data: bytes

    def _line(self) -> str:
        return f"flash program {len(self.data)} bytes at {self.address:#08x}"


@frozen
class FlashFailed(Event):
    """A worn sector did not do what was asked of it; the phone reads back what it writes, so it notices.

    operation: ``erase`` or ``program``; reason: ``erase-error``, ``program-error``, ``erase-loss``, ``program-loss``;
    took: ns. What the same decision had still ordered of the chip is not carried out.
    """

    mark: ClassVar[str] = "#"
    operation: str
    address: int
    reason: str
    took: int

    def _line(self) -> str:
        return f"flash {self.operation} at {self.address:#08x} failed: {self.reason}"


@frozen
class FlashTorn(Event):
    """The power went in the middle of an operation, and this is what was done of it.

    operation: ``erase`` or ``program``; tear: class of the tear (flash_image.tears); sector_erased: whether its sector
    was set to 0xFF; then ``data`` was programmed from ``address`` on, and the bits of ``weak`` from ``weak_at`` on read
    both ways, from ``turn`` on; took: ns until the power went. What was still to come never happens.
    """

    mark: ClassVar[str] = "#"
    operation: str
    tear: str
    sector_erased: bool
    address: int
    data: Payload
    weak_at: int
    weak: bytes
    turn: int
    took: int

    def _line(self) -> str:
        if self.tear == "nothing":
            return f"flash {self.operation} at {self.address:#08x} not begun: the power goes"
        weak = f", {len(self.weak)} byte{'s' if len(self.weak) > 1 else ''} unstable" if self.weak else ""
        what = "" if self.sector_erased else f" after {len(self.data)} bytes"
        return f"flash {self.operation} at {self.address:#08x} torn{what} (tear: {self.tear}{weak}): the power goes"


@frozen
class PowerLost(Event):
    """The power is gone in the middle of flash work; it ends the power cycle as PowerOff does."""

    def _line(self) -> str:
        return "power lost"


@frozen
class PowerCutPlanned(Event):
    """The power will go in the middle of a flash operation: the one after ``after`` more of them.

    tear, keep, sample: how that one is torn (flash_image.tears): its class, the bytes of it that are done, and the
    number of the random choice of bits.
    """

    role: ClassVar[Role] = Role.INPUT
    after: int
    tear: str
    keep: int
    sample: int

    def _line(self) -> str:
        how = {"nothing": "before it", "bytes": f"after {self.keep} bytes of it"}.get(
            self.tear, f"{self.tear}, after {self.keep} bytes of it, sample {self.sample}"
        )
        return f"the power will go at flash operation {self.after + 1} from here, {how}"


@frozen
class FlashFlipped(Event):
    """Bits of the chip read the other way from now on; flipped once more, they are as they were.

    mask: which of them, from byte ``address`` on.
    """

    role: ClassVar[Role] = Role.INPUT
    address: int
    mask: bytes

    def _line(self) -> str:
        bits = int.from_bytes(self.mask, "big").bit_count()
        return f"flash: {bits} bits flipped within {len(self.mask)} bytes at {self.address:#08x}"


@frozen
class SectorsWorn(Event):
    """Sectors last for ``erasures`` erasures, then show ``behaviour`` (flash_image.faults).

    sectors: which; empty: all that have no limit of their own.
    """

    role: ClassVar[Role] = Role.INPUT
    erasures: int
    behaviour: str
    sectors: tuple[int, ...]

    def _line(self) -> str:
        which = f"sectors {', '.join(map(str, self.sectors))}" if self.sectors else "every sector"
        return f"flash: {which}: {self.behaviour} after {self.erasures:,} erasures"


@frozen
class FlashSettled(Event):
    """What an interrupted write had left in the flash is firm now.

    what: fixed codes: ``commit``, ``torn-record``, ``retired-page``, ``bank``, ``bank-header``, ``clearing``,
    ``boot-choice``, ``boot-copy``.
    """

    what: tuple[str, ...]

    def _line(self) -> str:
        return f"flash settled after an interrupted write: {', '.join(self.what)}"


@frozen
class LogWritten(Event):
    """Lines of the phone's own log went from its memory into the flash.

    address, sequence: where the log goes on; reason: why the lines are not there; "" if they are.
    """

    lines: int
    address: int
    sequence: int
    reason: str

    def _line(self) -> str:
        lines = "1 line" if self.lines == 1 else f"{self.lines} lines"
        return f"local log: {lines} " + (f"not written: {self.reason}" if self.reason else "written")


@frozen
class ConfigurationSaved(Event):
    """The commit record is whole: from now on this is what a restart finds.

    values: how many were written; files: those written anew; url: of the run that this ends, "" for no change.
    """

    transaction: int
    values: int
    files: tuple[str, ...]
    url: str

    def _line(self) -> str:
        files = f", files: {', '.join(self.files)}" if self.files else ""
        return f"configuration saved: transaction {self.transaction}, {self.values} values{files}"


@frozen
class SaveFailed(Event):
    """The configuration could not be written to the flash; the old one stays. reason: fixed code."""

    reason: str

    def _line(self) -> str:
        return f"configuration not saved: {self.reason}"
