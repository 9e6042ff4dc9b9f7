"""Firmware update: what may be fetched, and that nothing is started that was not verified (PROV-260 to PROV-266)."""

from __future__ import annotations

from hashlib import sha256

from emulator.events import (
    Entry,
    FirmwareAccepted,
    FirmwareBooted,
    FirmwareInstalled,
    FirmwareRefused,
    FlashErased,
    FlashFitted,
    FlashProgrammed,
    PowerOn,
    RunEnded,
    UpdateAnswered,
    UpdateBegun,
    UpdateOffered,
)
from flash_image import (
    TRIAL,
    FirmwareError,
    FirmwareImage,
    decode_firmware,
    is_version,
    partitions,
    read_environment,
    read_slot,
)
from tools.fuzz.verdicts.marks import on
from tools.fuzz.verdicts.watching import Verdict

BOOT, FIRMWARE = "boot", ("boot", "firmware-a", "firmware-b")
"""Partitions (flash_image/README.md)."""


class BootChoice(Verdict):
    """The boot environment names a new slot only when a sound image is in it (PROV-265)."""

    name = "boot-choice"

    def begin(self) -> None:
        """Where things are on the chip is not known before it is there."""
        self.places: dict[str, range] = {}
        self.chosen = ""
        self.touched: list[tuple[str, Entry]] = []

    @on(FlashFitted, PowerOn)
    def powered(self, entry: Entry, event: FlashFitted | PowerOn) -> None:
        """The chip may be another; what was chosen is started now."""
        self.begin()

    def place(self, address: int) -> str:
        """The partition of an address, "" if it has nothing to do with firmware."""
        if not self.places:
            chip = self.facts.phone.flash.chip
            sector = chip.geometry.sector
            self.places = {
                each.name: range(each.first * sector, (each.first + each.count) * sector)
                for each in partitions(chip).partitions
                if each.name in FIRMWARE
            } or {"none": range(0)}
        return next((name for name, area in self.places.items() if address in area), "")

    @on(FlashProgrammed)
    def programmed(self, entry: Entry, event: FlashProgrammed) -> None:
        """It may be in the boot environment, or in a slot."""
        self.written(entry, event.address)

    @on(FlashErased)
    def erased(self, entry: Entry, event: FlashErased) -> None:
        """So may this."""
        self.written(entry, event.sector * self.facts.phone.flash.chip.geometry.sector)

    def written(self, entry: Entry, address: int) -> None:
        """The boot environment is read when the phone has settled."""
        name = self.place(address)
        if not name:
            return
        if name == self.chosen:
            self.early(entry)
        if not self.touched:
            self.facts.afterward(self.judge)
        self.touched.append((name, entry))

    def judge(self) -> None:
        """What would be started now, and whether it was whole when it was chosen."""
        touched, self.touched = self.touched, []
        names = [name for name, _ in touched]
        if BOOT not in names:
            return
        choice = read_environment(self.facts.phone.flash.chip).choice
        self.chosen = ""
        if choice is None or choice.state != TRIAL or not choice.slot:
            return
        self.chosen = f"firmware-{choice.slot.lower()}"
        if self.chosen in names[names.index(BOOT) :]:
            self.early(touched[names.index(BOOT)][1])
        if self.image(choice.slot) is None:
            text = f"slot {choice.slot} would be started next, and there is no sound firmware in it"
            self.fault("PROV-265", text, touched[0][1], "unverified")

    def early(self, entry: Entry) -> None:
        """A slot is written to that would be started next."""
        self.fault("PROV-265", "a slot was chosen for the next start before it was whole", entry, "early")

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
        self.agreed = self.installed = False

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
            self.fault("PROV-260, PROV-262", "an update began that the settings do not want", entry, "not wanted")
        if version <= facts.version:
            text = f"an update from {facts.version} to {version} began"
            self.fault("PROV-261, PROV-262", text, entry, "not newer")

    @on(RunEnded)
    def run_ended(self, entry: Entry, event: RunEnded) -> None:
        """Files may have ordered one, unless provisioning is off."""
        if event.outcome != "disabled":
            self.entry = entry
            self.facts.afterward(self.due)

    def due(self) -> None:
        """One that is enabled and newer is begun or offered, or refused for a reason."""
        facts = self.facts
        version = facts.value("FIRM_VERSION")
        wanted = facts.enabled("FIRM_UPGRADE_ENABLE") and facts.value("FIRM_FILE_PATH") and is_version(version)
        if not facts.on or self.installed or not wanted or version <= facts.version:
            return
        said = (UpdateBegun, UpdateOffered, FirmwareRefused)
        if not any(isinstance(each.event, said) for each in facts.settled.entries):
            text = f"firmware {version} is ordered, {facts.version} runs, and no update began"
            self.fault("PROV-262, PROV-265", text, self.entry, "not begun")

    @on(PowerOn)
    def powered(self, entry: Entry, event: PowerOn) -> None:
        """What was installed runs now, or was undone."""
        self.installed = False

    @on(FirmwareInstalled)
    def done(self, entry: Entry, event: FirmwareInstalled) -> None:
        """A restart follows, and nothing else until then."""
        self.installed = True

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
