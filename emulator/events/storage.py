"""What is read from and written to the flash chip."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from emulator.events.base import Event


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
    """The configuration does not fit into the flash; the old one stays. reason: fixed code."""

    reason: str

    def _line(self) -> str:
        return f"configuration not saved: {self.reason}"
