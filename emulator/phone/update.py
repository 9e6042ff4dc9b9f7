"""Firmware update: after a run, fetch, verify and install what the configuration asks for (PROV-260 to PROV-266).

A run that begins ends whatever of an update is going on, since there is one download at a time and the run may bring
other orders; the end of that run decides anew. An order whose firmware failed its trial is not followed again until
``FIRM_VERSION`` or ``FIRM_FILE_PATH`` changes, or a phone that keeps being provisioned would install it for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from emulator.events import (
    Because,
    DisplayShown,
    DownloadEnded,
    DownloadOrdered,
    Entry,
    Event,
    FirmwareAccepted,
    FirmwareInstalled,
    FirmwareRefused,
    FirmwareWritten,
    LinkUp,
    RestartNeeded,
    RunEnded,
    RunStarted,
    TimerCancelled,
    TimerDue,
    TimerSet,
    UpdateAnswered,
    UpdateBegun,
    UpdateOffered,
)
from emulator.phone.bootloader import UNDONE, keep, sound, spare
from emulator.phone.download import FIRMWARE
from emulator.phone.firmware import Reaction, applies, becomes, reacts
from emulator.phone.flash import flash_event
from emulator.phone.identity import macros
from emulator.phone.parts import PartState, part
from emulator.phone.storage import FoldMismatch
from emulator.phone.urls import expand
from flash_image import (
    ROLLED_BACK,
    TRIAL,
    Choice,
    FirmwareError,
    FirmwareImage,
    decode_firmware,
    has_slots,
    is_version,
    slot_size,
)

if TYPE_CHECKING:
    from emulator.phone.state import Phone

SETTINGS = ("FIRM_UPGRADE_ENABLE", "FIRM_VERSION", "FIRM_FILE_PATH", "FIRM_UPGRADE_AUTO")
BLOCK_TIMER = "firmware-block"
"""Due at once: between two blocks of a slot, the phone takes whatever came meanwhile."""


@part
class Update(PartState):
    """An update. stage: "", ``asking``, ``fetching``, ``writing`` or ``installed``, which lasts until the restart.

    n: entry that began the stage; order: what ordered it, in hex; slot: where it goes; image: the file; done: bytes of
    it in the slot.
    """

    stage: str = ""
    version: str = ""
    n: int = 0
    order: str = ""
    slot: str = ""
    image: bytes = b""
    done: int = 0


@applies("update", UpdateOffered)
def offered(phone: Phone, event: UpdateOffered, entry: Entry) -> None:
    """The user is being asked."""
    phone.update = Update("asking", event.version, entry.n)


@applies("update", UpdateBegun)
def begun(phone: Phone, event: UpdateBegun, entry: Entry) -> None:
    """The image is being fetched."""
    phone.update = Update("fetching", event.version, entry.n, event.order)


@applies("update", FirmwareAccepted)
def accepted(phone: Phone, event: FirmwareAccepted, entry: Entry) -> None:
    """The image is taken over from the download, which the next one will replace."""
    image = bytes(phone.download.body)
    if sha256(image).hexdigest() != event.digest:
        raise FoldMismatch(entry.n, "the firmware is not the one that was verified")
    update = phone.update
    update.stage, update.n, update.slot, update.image = "writing", entry.n, event.slot, image


@applies("update", FirmwareWritten)
def written(phone: Phone, event: FirmwareWritten, entry: Entry) -> None:
    """So much of it is in the slot."""
    phone.update.done = event.done


@applies("update", FirmwareInstalled)
def installed(phone: Phone, event: FirmwareInstalled, entry: Entry) -> None:
    """It runs after the restart."""
    phone.update = Update("installed", event.version, entry.n)


@applies("update", FirmwareRefused)
def refused(phone: Phone, event: FirmwareRefused, entry: Entry) -> None:
    """Nothing is going on until the next run."""
    phone.update = Update()


# --- Whether ----------------------------------------------------------------------------------------------------------


@reacts(RunEnded)
def after_run(phone: Phone, event: RunEnded, entry: Entry) -> Reaction:
    """PROV-262. A run that was switched off is none; one that failed leaves the saved orders in force."""
    settings = phone.settings
    version, path = settings.value("FIRM_VERSION"), settings.value("FIRM_FILE_PATH")
    if event.outcome == "disabled" or phone.update.stage == "installed":
        return
    if not (settings.enabled("FIRM_UPGRADE_ENABLE") and version and path):
        return
    if is_version(version) and version <= phone.version:
        return
    grounds = {phone.bootloader.n or settings.loaded, *(settings.grounds(key) for key in SETTINGS)}
    yield Because(verdict(phone, version, path), tuple(sorted(grounds)))


def verdict(phone: Phone, version: str, path: str) -> Event:
    """What becomes of an order for a version that is not older than the running one."""
    order = order_of(version, path)
    if not is_version(version):
        return FirmwareRefused(version, "bad-version")
    if not has_slots(phone.flash.chip):
        return FirmwareRefused(version, "no-slots")
    held = phone.format.read_environment(phone.flash.chip).choice
    if held is not None and held.state == ROLLED_BACK and held.order.hex() == order:
        return FirmwareRefused(version, "rolled-back")
    return UpdateBegun(version, order) if phone.settings.enabled("FIRM_UPGRADE_AUTO") else UpdateOffered(version)


def order_of(version: str, path: str) -> str:
    """SHA-256, in hex, of what the configuration asks for."""
    return sha256(f"{version}\0{path}".encode()).hexdigest()


@reacts(UpdateOffered, LinkUp)
def ask(phone: Phone, event: UpdateOffered | LinkUp, entry: Entry) -> Reaction:
    """The question stands on the display until it is answered or a run begins; a cable that was out had hidden it."""
    if phone.update.stage == "asking":
        yield DisplayShown(question(phone.update.version))


def question(version: str) -> str:
    """A text of our own."""
    return f"F1 update to {version}?"


@reacts(UpdateAnswered)
def answered(phone: Phone, event: UpdateAnswered, entry: Entry) -> Reaction:
    """Yes begins the update, no puts it off to the next run. Without a question there is no answer."""
    if phone.update.stage != "asking":
        return
    version, asked = phone.update.version, (phone.update.n,)
    if event.yes:
        yield Because(UpdateBegun(version, order_of(version, phone.settings.value("FIRM_FILE_PATH"))), asked)
    else:
        yield Because(FirmwareRefused(version, "declined"), asked)


@reacts(UpdateBegun, FirmwareRefused)
def question_over(phone: Phone, event: UpdateBegun | FirmwareRefused, entry: Entry) -> Reaction:
    """The question is not asked any more; that an update was undone is said as long as it is ordered."""
    if phone.power.display == question(event.version):
        yield DisplayShown("")
    elif isinstance(event, FirmwareRefused) and event.reason == "rolled-back" and not phone.power.display:
        yield DisplayShown(UNDONE)


# --- Fetch and verify -------------------------------------------------------------------------------------------------


@reacts(UpdateBegun)
def fetch(phone: Phone, event: UpdateBegun, entry: Entry) -> Reaction:
    """One download; in its URL {fwver} is the version to come (PROV-263). The URL has to name protocol and file."""
    if phone.provisioning.outcome:  # otherwise a run has begun meanwhile, and its end decides
        url = expand(phone.settings.value("FIRM_FILE_PATH"), {**macros(phone), "fwver": event.version})
        yield Because(DownloadOrdered(FIRMWARE, (url,)), (phone.settings.grounds("FIRM_FILE_PATH"),))


@reacts(RunStarted)
def give_way(phone: Phone, event: RunStarted, entry: Entry) -> Reaction:
    """A run that begins ends an update that is not installed yet."""
    if phone.update.stage in ("", "installed"):
        return
    if phone.download.open and phone.download.file == FIRMWARE:
        yield DownloadEnded(FIRMWARE, phone.download.url, "run-began", 0, "")
        return
    if phone.orders.armed(BLOCK_TIMER):
        yield TimerCancelled(BLOCK_TIMER)
    yield Because(FirmwareRefused(phone.update.version, "run-began"), (phone.update.n,))


@reacts(DownloadEnded)
def fetched(phone: Phone, event: DownloadEnded, entry: Entry) -> Reaction:
    """Verify what arrived (PROV-265, PROV-266)."""
    update, download = phone.update, phone.download
    if event.file != FIRMWARE or update.stage != "fetching":
        return
    slot = spare(phone.bootloader.slot)
    reason = event.reason or fault(phone, download.body, slot)
    if reason:
        yield Because(FirmwareRefused(update.version, reason), (download.answered,))
        return
    digest = sha256(download.body).hexdigest()
    yield Because(FirmwareAccepted(update.version, slot, len(download.body), digest), (download.answered,))


def fault(phone: Phone, raw: bytes, slot: str) -> str:
    """Why ``raw`` is not the image that is wanted; "" if it is."""
    if len(raw) > slot_size(phone.flash.chip, slot):
        return "too-large"
    try:
        image = decode_firmware(raw)
    except FirmwareError as error:
        return error.reason
    if image.model != phone.settings.model:
        return "another-model"
    return "" if image.version == phone.update.version else "another-version"


# --- Write and switch -------------------------------------------------------------------------------------------------


@reacts(FirmwareAccepted)
def first_block(phone: Phone, event: FirmwareAccepted, entry: Entry) -> Reaction:
    """The slot that does not run is overwritten."""
    return block(phone)


@reacts(FirmwareWritten)
def pause(phone: Phone, event: FirmwareWritten, entry: Entry) -> Reaction:
    """Let whatever came meanwhile be taken first."""
    yield TimerSet(BLOCK_TIMER, 0)


@reacts(TimerDue)
def next_block(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """Go on writing; after the last block, switch."""
    if event.name != BLOCK_TIMER:
        return ()
    return block(phone) if phone.update.done < len(phone.update.image) else switch(phone)


def block(phone: Phone) -> Iterator[Event]:
    """The next block of the slot."""
    update = phone.update
    work, done = phone.format.plan_block(phone.flash.chip, update.slot, update.image, update.done)
    yield from map(flash_event, work)
    yield FirmwareWritten(update.slot, done, len(update.image))


@becomes(FirmwareWritten, FirmwareInstalled)
def write_failed(phone: Phone, event: FirmwareWritten | FirmwareInstalled, busy: int) -> Event:
    """A worn sector ends the update."""
    return FirmwareRefused(phone.update.version, "write-failed") if phone.flash.failed else event


def switch(phone: Phone) -> Iterator[Event | Because]:
    """Read the slot back, and have the boot loader try it at the next start."""
    update = phone.update
    image = sound(phone.flash.chip, update.slot)
    if not isinstance(image, FirmwareImage) or image.version != update.version:
        yield Because(FirmwareRefused(update.version, "write-failed"), (update.n,))
        return
    yield from keep(phone, Choice(update.slot, TRIAL, 0, bytes.fromhex(update.order)))
    yield Because(FirmwareInstalled(update.slot, update.version), (update.n,))


@reacts(FirmwareInstalled)
def restart(phone: Phone, event: FirmwareInstalled, entry: Entry) -> Reaction:
    """The new firmware runs after a restart (PROV-265)."""
    yield RestartNeeded("firmware")
