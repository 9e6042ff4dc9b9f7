"""Faults in what is written to the flash: settings, files, firmware."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

import attrs

from emulator.events import (
    Because,
    DownloadEnded,
    Entry,
    FirmwareAccepted,
    FirmwareInstalled,
    FirmwareRefused,
    RestartNeeded,
    RestartOrdered,
    RunEnded,
    TimerDue,
)
from emulator.phone import restart, update
from emulator.phone.bootloader import keep, sound, spare
from emulator.phone.firmware import Firmware, Reaction
from flash_image import (
    TRIAL,
    Chip,
    Choice,
    Erase,
    FirmwareImage,
    Mounted,
    Op,
    is_version,
    mount,
    partitions,
    plan,
    plan_block,
    plan_choice,
    wipe,
)
from flash_image.layout import BANK_SECTORS
from tests.zoo.variant import of, variant

if TYPE_CHECKING:
    from emulator.phone.state import Phone

Bodies = Mapping[str, bytes | None]
Ops = tuple[Op, ...]


def _in(chip: Chip, name: str, op: Op) -> bool:
    """Whether an operation is one in the partition of that name."""
    area = partitions(chip).partition(name)
    sector = op.sector if isinstance(op, Erase) else op.address // chip.geometry.sector
    return area.first <= sector < area.first + area.count


# --- Settings and files -----------------------------------------------------------------------------------------------


def loses_a_key(chip: Chip, mounted: Mounted, values: Bodies, files: Bodies, first: bool) -> Ops:
    """The snapshot of a new bank lacks the last of the keys that the transaction does not touch.

    A bank is full after one sector, so that it takes a few transactions to see it and not hundreds.
    """
    bank = partitions(chip).partition("journal").first + (mounted.bank or 0) * BANK_SECTORS
    if mounted.tail is not None and mounted.tail >= (bank + 1) * chip.geometry.sector:
        mounted = attrs.evolve(mounted, tail=None)
    others = sorted(mounted.values.keys() - values.keys())
    if mounted.tail is None and others:
        left = {key: value for key, value in mounted.values.items() if key != others[-1]}
        mounted = attrs.evolve(mounted, values=left)
    return plan(chip, mounted, values, files, first)


@variant("PROV-273")
def compaction_loses_a_key(phone: Firmware) -> Firmware:
    """When the journal moves on to another bank, one value that the transaction does not touch stays behind."""
    return phone.with_format(plan=loses_a_key)


def record_before_files(chip: Chip, mounted: Mounted, values: Bodies, files: Bodies, first: bool) -> Ops:
    """The record that makes files count comes before their bodies, if there was a file of the same name before."""
    ops = plan(chip, mounted, values, files, first)
    if not mounted.files.keys() & files.keys():
        return ops
    bodies = tuple(op for op in ops if _in(chip, "files", op))
    return (*(op for op in ops if not _in(chip, "files", op)), *bodies)


@variant("PROV-193")
def files_after_their_record(phone: Firmware) -> Firmware:
    """The record of a saved file is replaced before its body, so that a power cut leaves a copy that is none."""
    return phone.with_format(plan=record_before_files)


def forgetting_less(chip: Chip, mounted: Mounted) -> Ops:
    """Everything goes, and then the last good URL is written again."""
    ops = wipe(chip, mounted)
    url = mounted.values.get("m/url")
    if url is None:
        return ops
    empty = chip.copy()
    for op in ops:
        empty.apply(op)
    return (*ops, *plan(empty, mount(empty), {"m/url": url}, {}, False))


@variant("PROV-272")
def reset_keeps_the_url(phone: Firmware) -> Firmware:
    """A factory reset leaves the URL of the last good run."""
    return phone.with_format(wipe=forgetting_less)


# --- Firmware ---------------------------------------------------------------------------------------------------------


def choice_before_the_last_block(chip: Chip, slot: str, image: bytes, done: int) -> tuple[Ops, int]:
    """The boot loader is told of an image when all but its last block is written."""
    ops, following = plan_block(chip, slot, image, done)
    return ((*plan_choice(chip, Choice(slot, TRIAL)), *ops), following) if following == len(image) else (ops, following)


@variant("PROV-265")
def boot_switch_before_verify(phone: Firmware) -> Firmware:
    """The boot choice is made before the image is whole and verified."""
    return phone.with_format(plan_block=choice_before_the_last_block)


def _compares_the_last_part(phone: Phone, event: RunEnded, entry: Entry) -> Reaction:
    settings, made = phone.settings, list(update.after_run(phone, event, entry))
    version, path = settings.value("FIRM_VERSION"), settings.value("FIRM_FILE_PATH")
    wanted = event.outcome != "disabled" and settings.enabled("FIRM_UPGRADE_ENABLE") and path
    if not wanted or not is_version(version) or phone.update.stage == "installed":
        return made
    if version[3:] <= phone.version[3:]:
        return ()
    return made or (Because(update.verdict(phone, version, path), (settings.grounds("FIRM_VERSION"),)),)


@variant("PROV-262")
def version_compared_behind_the_dot(phone: Firmware) -> Firmware:
    """Only what stands behind the dot of a version is compared, so 02.900 counts as newer than 03.210."""
    return phone.replacing(update.after_run, _compares_the_last_part)


def _accepts_any_version(phone: Phone, event: DownloadEnded, entry: Entry) -> Reaction:
    made = list(update.fetched(phone, event, entry))
    if not any(each.reason == "another-version" for each in of(FirmwareRefused, made)):
        return made
    done, body = phone.download, phone.download.body
    slot, digest = spare(phone.bootloader.slot), sha256(body).hexdigest()
    return [Because(FirmwareAccepted(phone.update.version, slot, len(body), digest), (done.answered,))]


def _switches_to_any_version(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    made = list(update.next_block(phone, event, entry))
    going = phone.update
    if not of(FirmwareRefused, made) or not isinstance(sound(phone.flash.chip, going.slot), FirmwareImage):
        return made
    choice = Choice(going.slot, TRIAL, 0, bytes.fromhex(going.order))
    return [*keep(phone, choice), Because(FirmwareInstalled(going.slot, going.version), (going.n,))]


@variant("PROV-265")
def image_of_another_version(phone: Firmware) -> Firmware:
    """An image is installed although its version is not the one ordered, and then ordered again and again."""
    changed = phone.replacing(update.fetched, _accepts_any_version)
    return changed.replacing(update.next_block, _switches_to_any_version)


def _restarts_for_firmware(phone: Phone, event: RestartNeeded, entry: Entry) -> Reaction:
    if event.reason == "firmware":
        return [RestartOrdered(event.reason)]
    return restart.at_once_or_later(phone, event, entry)


@variant("PROV-240")
def update_ends_the_call(phone: Firmware) -> Firmware:
    """A firmware that is installed during a call restarts the phone at once."""
    return phone.replacing(restart.at_once_or_later, _restarts_for_firmware)
