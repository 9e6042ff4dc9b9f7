"""The factory reset: everything stored goes but the factory data and the firmware, and the phone restarts (PROV-272).

During a call nothing is cleared: the reset waits for its end as any restart does, so that the settings in force and
those in flash never part. A reset that waits is forgotten if the power goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from emulator.events import (
    AccessRefused,
    Because,
    DisplayShown,
    Entry,
    Event,
    FactoryResetAccepted,
    FactoryResetDone,
    FactoryResetRequested,
    HandsetReplaced,
    RestartNeeded,
    SaveFailed,
)
from emulator.phone.access import refusal
from emulator.phone.firmware import Reaction, applies, becomes, reacts
from emulator.phone.flash import flash_event
from emulator.phone.parts import PartState, part
from flash_image import JournalError

if TYPE_CHECKING:
    from emulator.phone.state import Phone

HIDDEN_ENTRY = "HIDE_RESET_OPTION_IN_SETTINGS"
WAITING = "Reset after the call"


@part
class FactoryReset(PartState):
    """accepted: entry of the reset that was accepted, 0 for none."""

    accepted: int = 0


@applies("factory_reset", FactoryResetAccepted)
def accepted(phone: Phone, event: FactoryResetAccepted, entry: Entry) -> None:
    """It happens now, or at the end of the call."""
    phone.factory_reset.accepted = entry.n


@reacts(FactoryResetRequested)
def requested(phone: Phone, event: FactoryResetRequested, entry: Entry) -> Reaction:
    """The menu has the entry unless it is hidden (PROV-270); on the web it is the administrator's."""
    reason, grounds = refusal(phone, event.via, event.level, event.password)
    if event.via == "phone":
        grounds = tuple(sorted({*grounds, phone.settings.grounds(HIDDEN_ENTRY)}))
        if phone.settings.enabled(HIDDEN_ENTRY):
            reason = "hidden"
    elif not reason and event.level != "A":
        reason = "not-for-this-level"
    if reason:
        yield Because(AccessRefused("factory-reset", event.via, event.level, reason), grounds)
    else:
        yield Because(FactoryResetAccepted(event.via), grounds)


@reacts(FactoryResetAccepted)
def at_once_or_later(phone: Phone, event: FactoryResetAccepted, entry: Entry) -> Reaction:
    """Clear, unless a call is on."""
    return [DisplayShown(WAITING)] if phone.power.handset else cleared(phone)


@reacts(HandsetReplaced)
def call_over(phone: Phone, event: HandsetReplaced, entry: Entry) -> Reaction:
    """The reset that was put off; it comes before any restart that was (:mod:`emulator.phone.restart`)."""
    return cleared(phone) if phone.factory_reset.accepted else ()


def cleared(phone: Phone) -> Iterator[Event | Because]:
    """One transaction that leaves nothing stored, and no old secret to be read from the chip."""
    chip = phone.flash.chip
    mounted = phone.format.mount(chip)
    try:
        work = phone.format.wipe(chip, mounted)
    except JournalError as error:
        yield SaveFailed(error.reason)
        return
    yield from map(flash_event, work)
    done = FactoryResetDone(mounted.sequence + 1, len(mounted.values), tuple(sorted(mounted.files)))
    grounds = phone.flash.grounds(mounted.sectors_read)
    yield Because(done, tuple(sorted({phone.factory_reset.accepted, *grounds})))


@becomes(FactoryResetDone)
def not_cleared(phone: Phone, event: FactoryResetDone, busy: int) -> Event:
    """In a worn sector something is left."""
    return SaveFailed(phone.flash.failed) if phone.flash.failed else event


@reacts(FactoryResetDone)
def start_anew(phone: Phone, event: FactoryResetDone, entry: Entry) -> Reaction:
    """What is in force goes with the restart."""
    yield RestartNeeded("factory-reset")
