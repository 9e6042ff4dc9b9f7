"""Firmware update: what may be fetched, and that nothing is started that was not verified (PROV-260 to PROV-266)."""

from __future__ import annotations

from hashlib import sha256

from emulator.events import (
    Entry,
    FirmwareAccepted,
    FirmwareBooted,
    FirmwareInstalled,
    FlashErased,
    FlashProgrammed,
    PowerOn,
    UpdateAnswered,
    UpdateBegun,
    UpdateOffered,
)
from flash_image import TRIAL, FirmwareError, FirmwareImage, decode_firmware, partitions, read_environment, read_slot
from tools.fuzz.strict.marks import on
from tools.fuzz.strict.watching import Verdict


class BootChoice(Verdict):
    """The boot environment names a new slot only when a sound image is in it (PROV-265)."""

    name = "boot-choice"

    def begin(self) -> None:
        """Where the boot environment is, is not known before it is written."""
        self.range: range | None = None
        self.waiting = False
        self.hurt = False

    @on(PowerOn)
    def powered(self, entry: Entry, event: PowerOn) -> None:
        """The chip may be another."""
        self.range = None

    def boot_bytes(self) -> range:
        """The addresses of the boot environment."""
        chip = self.facts.phone.flash.chip
        if self.range is None:
            found = next((each for each in partitions(chip).partitions if each.name == "boot"), None)
            sector = chip.geometry.sector
            first, last = (0, 0) if found is None else (found.first, found.first + found.count)
            self.range = range(first * sector, last * sector)
        return self.range

    @on(FlashProgrammed)
    def programmed(self, entry: Entry, event: FlashProgrammed) -> None:
        """It may be in the boot environment."""
        if event.address in (self.range or self.boot_bytes()):
            self.written(entry)

    @on(FlashErased)
    def erased(self, entry: Entry, event: FlashErased) -> None:
        """So may this."""
        if event.sector * self.facts.phone.flash.chip.geometry.sector in (self.range or self.boot_bytes()):
            self.written(entry)

    def written(self, entry: Entry) -> None:
        """The boot environment is read when the phone has settled."""
        if not self.waiting:
            self.waiting, self.entry = True, entry
            self.facts.afterward(self.judge)

    def judge(self) -> None:
        """What would be started now."""
        self.waiting = False
        chip = self.facts.phone.flash.chip
        choice = read_environment(chip).choice
        if choice is None or choice.state != TRIAL or not choice.slot:
            return
        if self.image(choice.slot) is None:
            text = f"slot {choice.slot} would be started next, and there is no sound firmware in it"
            self.fault("PROV-265", text, self.entry, "unverified")

    def image(self, slot: str) -> FirmwareImage | None:
        """What is in a slot, if it is sound."""
        try:
            return read_slot(self.facts.phone.flash.chip, slot)
        except FirmwareError:
            return None

    @on(FirmwareInstalled)
    def installed(self, entry: Entry, event: FirmwareInstalled) -> None:
        """Read back."""
        self.installing, self.entry = event, entry
        self.facts.afterward(self.read_back)

    def read_back(self) -> None:
        """The slot holds the version that was installed."""
        event = self.installing
        found = self.image(event.slot)
        if found is None or found.version != event.version:
            text = f"firmware {event.version} counts as installed, and slot {event.slot} does not hold it"
            self.fault("PROV-265", text, self.entry, "not there")


class UpdateWanted(Verdict):
    """An update is fetched only if it is enabled, ordered, newer, and agreed to where the user is asked (PROV-262)."""

    name = "update-wanted"

    def begin(self) -> None:
        """Nobody was asked."""
        self.agreed = False

    @on(UpdateAnswered)
    def answered(self, entry: Entry, event: UpdateAnswered) -> None:
        """Yes or no."""
        self.agreed = event.yes

    @on(UpdateOffered)
    def offered(self, entry: Entry, event: UpdateOffered) -> None:
        """The question."""
        self.agreed = False
        self.ordered(entry, event.version)

    @on(UpdateBegun)
    def begun(self, entry: Entry, event: UpdateBegun) -> None:
        """The fetching."""
        self.ordered(entry, event.version)
        if not self.facts.enabled("FIRM_UPGRADE_AUTO") and not self.agreed:
            self.fault("PROV-262", "an update began without the user's yes", entry, "not asked")

    def ordered(self, entry: Entry, version: str) -> None:
        """The settings want it."""
        facts = self.facts
        if not facts.enabled("FIRM_UPGRADE_ENABLE") or not facts.value("FIRM_FILE_PATH"):
            self.fault("PROV-262", "an update began that the settings do not want", entry, "not wanted")
        if version <= facts.version:
            text = f"an update from {facts.version} to {version} began"
            self.fault("PROV-262", text, entry, "not newer")

    @on(FirmwareAccepted)
    def accepted(self, entry: Entry, event: FirmwareAccepted) -> None:
        """The image that arrived is sound, and for this phone."""
        body = self.facts.bodies.body
        if self.facts.bodies.doubtful or self.facts.bodies.file != "firmware":
            return
        try:
            image = decode_firmware(body)
        except FirmwareError as error:
            self.fault("PROV-265", f"a firmware that is no sound image was accepted: {error.reason}", entry, "image")
            return
        if image.model != self.facts.model or image.version != event.version:
            text = f"firmware {image.version} for {image.model} was accepted as {event.version}"
            self.fault("PROV-265", text, entry, "another")
        elif sha256(body).hexdigest() != event.digest:
            self.fault("PROV-265", "the firmware that was accepted is not the one that arrived", entry, "digest")

    @on(FirmwareBooted)
    def booted(self, entry: Entry, event: FirmwareBooted) -> None:
        """A firmware on trial starts three times at most."""
        if event.attempt > 3:
            self.fault("PROV-265", f"a firmware started on trial {event.attempt} times", entry, "trials")
