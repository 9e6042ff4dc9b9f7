"""Firmware: what is started, and how another one is fetched and installed."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from emulator.events.base import Event, Role


@frozen
class FirmwareBooted(Event):
    """The boot loader started a firmware. Nothing is said while the boot environment was never written.

    slot: ``A``, ``B``, or "" for the firmware that the phone came with; attempt: which start on trial this is, 0 for a
    firmware that is confirmed; hangs: it does not come up.
    """

    slot: str
    version: str
    attempt: int
    hangs: bool

    def _line(self) -> str:
        trial = f", start {self.attempt} on trial" if self.attempt else ""
        return f"firmware {self.version} started from {place(self.slot)}{trial}" + (", hangs" if self.hangs else "")


@frozen
class FirmwareDamaged(Event):
    """A slot, or the boot environment, is not as it was written. slot: "" for the environment; reason: fixed code."""

    slot: str
    reason: str

    def _line(self) -> str:
        return f"{f'firmware slot {self.slot}' if self.slot else 'boot environment'} is damaged: {self.reason}"


@frozen
class FirmwareRolledBack(Event):
    """The firmware on trial in ``slot`` is given up. reason: ``not-confirmed`` or ``damaged``."""

    slot: str
    reason: str

    def _line(self) -> str:
        return f"firmware in slot {self.slot} is given up: {self.reason}"


@frozen
class FirmwareConfirmed(Event):
    """The firmware on trial came up well."""

    slot: str
    version: str

    def _line(self) -> str:
        return f"firmware {self.version} in slot {self.slot} is confirmed"


@frozen
class UpdateOffered(Event):
    """The user is asked whether to install a version (PROV-262)."""

    version: str

    def _line(self) -> str:
        return f"firmware {self.version} is offered"


@frozen
class UpdateAnswered(Event):
    """The user presses yes or no."""

    role: ClassVar[Role] = Role.INPUT
    yes: bool

    def _line(self) -> str:
        return f"firmware update: the user says {'yes' if self.yes else 'no'}"


@frozen
class UpdateBegun(Event):
    """A version is to be fetched and installed. order: SHA-256 that names what ordered it, in hex."""

    version: str
    order: str

    def _line(self) -> str:
        return f"firmware update to {self.version} begins"


@frozen
class FirmwareAccepted(Event):
    """The image that arrived is sound and the one wanted. digest: SHA-256 of all of it, in hex; size: bytes."""

    version: str
    slot: str
    size: int
    digest: str

    def _line(self) -> str:
        return f"firmware {self.version} verified, {self.size:,} bytes for slot {self.slot}"


@frozen
class FirmwareRefused(Event):
    """A version is not installed; what runs goes on (PROV-265).

    reason: fixed code: why the download failed, what is wrong with the image, ``another-model``, ``another-version``,
    ``too-large``, ``write-failed``, ``bad-version``, ``no-slots``, ``rolled-back``, ``declined`` or ``run-began``.
    """

    version: str
    reason: str

    def _line(self) -> str:
        return f"firmware {self.version} not installed: {self.reason}"


@frozen
class FirmwareWritten(Event):
    """``done`` of ``size`` bytes of the image are in the slot."""

    slot: str
    done: int
    size: int

    def _line(self) -> str:
        return f"firmware slot {self.slot}: {self.done:,} of {self.size:,} bytes written"


@frozen
class FirmwareInstalled(Event):
    """The slot was read back, and the next start is from it."""

    slot: str
    version: str

    def _line(self) -> str:
        return f"firmware {self.version} installed in slot {self.slot}"


def place(slot: str) -> str:
    """A slot in words."""
    return f"slot {slot}" if slot else "what the phone came with"
