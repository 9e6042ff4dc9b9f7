"""The boot loader: which firmware is started, and when the other one is gone back to (PROV-265).

A new firmware starts on trial. It is confirmed when it brings a provisioning run to its end, whatever the outcome:
then network, storage and display of the phone work as far as this place lets them, and it could fetch a better one. If
no run ends, for want of a network, it is confirmed after :data:`TRIAL_TIME`. After :data:`TRIALS` starts without that,
the boot loader goes back to the other slot. If no slot is sound the phone runs what it came with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from emulator.events import (
    SECOND,
    Because,
    DisplayShown,
    Entry,
    Event,
    FirmwareBooted,
    FirmwareConfirmed,
    FirmwareDamaged,
    FirmwareRolledBack,
    FlashSettled,
    PowerOn,
    RestartOrdered,
    RunEnded,
    TimerCancelled,
    TimerDue,
    TimerSet,
)
from emulator.phone.firmware import Reaction, applies, becomes, reacts
from emulator.phone.flash import flash_event
from emulator.phone.parts import PartState, part
from flash_image import (
    CONFIRMED,
    ROLLED_BACK,
    TRIAL,
    Chip,
    Choice,
    Environment,
    FirmwareError,
    FirmwareImage,
    first_sector,
    read_slot,
)

if TYPE_CHECKING:
    from emulator.phone.state import Phone

TRIALS = 3
"""Starts on trial; whoever has to switch the phone off and on again so often would want the old firmware back."""
TRIAL_TIME = 300 * SECOND
"""After so long a firmware that never ends a run is confirmed: longer than any search for a URL takes."""
WATCHDOG = 60 * SECOND
"""A firmware that runs feeds the watchdog, so it is set here only for one that does not."""
WATCHDOG_TIMER, TRIAL_TIMER = "watchdog", "firmware-trial"
UNDONE, DAMAGED = "F2 update undone", "F3 firmware damaged"
"""On the display; texts of our own."""


@part
class Bootloader(PartState):
    """The firmware that runs. slot, version: "" for the one the phone came with; attempt: of its trial, 0 if on none.

    hangs: it takes nothing but power and watchdog; n: entry that says so, 0 if none had to.
    """

    slot: str = ""
    version: str = ""
    attempt: int = 0
    hangs: bool = False
    n: int = 0


class Start(NamedTuple):
    """What the boot loader makes of a choice: the one that counts from now on, its image, what there is to say.

    image: None for the firmware that the phone came with.
    """

    choice: Choice
    image: FirmwareImage | None
    said: tuple[Event, ...] = ()


@applies("bootloader", FirmwareBooted)
def booted(phone: Phone, event: FirmwareBooted, entry: Entry) -> None:
    """This firmware runs."""
    phone.bootloader = Bootloader(event.slot, event.version, event.attempt, event.hangs, entry.n)


@applies("bootloader", FirmwareConfirmed)
def confirmed(phone: Phone, event: FirmwareConfirmed, entry: Entry) -> None:
    """The trial is over."""
    phone.bootloader.attempt = 0


@reacts(PowerOn)
def boot(phone: Phone, event: PowerOn, entry: Entry) -> Reaction:
    """Start what the boot environment says; as long as it was never written there is nothing to say."""
    chip = phone.flash.chip
    found = phone.format.read_environment(chip)
    grounds = phone.flash.grounds(found.sectors)
    if work := phone.format.settle_environment(chip, found):
        yield from (Because(flash_event(op), grounds) for op in work)
        yield FlashSettled(unsettled(found))
    if found.choice is None and not found.damaged:
        return
    if found.damaged:
        yield Because(FirmwareDamaged("", "checksum"), grounds)
    start = started(chip, found.choice or likely(chip))
    for said in start.said:
        yield Because(said, grounds)
    if start.choice != found.choice:
        yield from keep(phone, start.choice)
    slot, image = start.choice.slot, start.image
    if slot:
        grounds = phone.flash.grounds((*found.sectors, first_sector(chip, slot)))
    version, hangs = (phone.came_with, False) if image is None else (image.version, image.hangs)
    yield Because(FirmwareBooted(slot, version, start.choice.tries, hangs), grounds)


def unsettled(found: Environment) -> tuple[str, ...]:
    """What was in doubt, as fixed codes."""
    return (*(("boot-choice",) if found.firm is not None else ()), *(("boot-copy",) if found.torn else ()))


def started(chip: Chip, choice: Choice) -> Start:
    """The firmware of ``choice`` or, if that has used up its trials or is damaged, what is gone back to."""
    if not choice.slot:
        return Start(choice, None)
    image = sound(chip, choice.slot)
    if isinstance(image, FirmwareImage) and choice.state != TRIAL:
        return Start(choice, image)
    if isinstance(image, FirmwareImage) and choice.tries < TRIALS:
        return Start(Choice(choice.slot, TRIAL, choice.tries + 1, choice.order), image)
    said: list[Event] = [FirmwareDamaged(choice.slot, image)] if isinstance(image, str) else []
    if choice.state == TRIAL:
        said.append(FirmwareRolledBack(choice.slot, "damaged" if said else "not-confirmed"))
    if choice.state == ROLLED_BACK:  # the other slot holds what was given up
        return Start(Choice("", ROLLED_BACK, 0, choice.order), None, tuple(said))
    other = spare(choice.slot)
    fallback = sound(chip, other)
    if isinstance(fallback, str) and fallback != "blank":
        said.append(FirmwareDamaged(other, fallback))
    # An image that rotted away may come again; one that failed its trial may not, so its order is kept.
    state = ROLLED_BACK if choice.state == TRIAL else CONFIRMED
    if isinstance(fallback, str):
        return Start(Choice("", state, 0, choice.order), None, tuple(said))
    return Start(Choice(other, state, 0, choice.order), fallback, tuple(said))


def likely(chip: Chip) -> Choice:
    """What to try when the boot environment is lost: the latest image that is sound, on trial."""
    images = [(image.version, slot) for slot in ("A", "B") if isinstance(image := sound(chip, slot), FirmwareImage)]
    return Choice(max(images)[1], TRIAL) if images else Choice("")


def sound(chip: Chip, slot: str) -> FirmwareImage | str:
    """The image in ``slot``, or the reason code why there is none."""
    try:
        return read_slot(chip, slot)
    except FirmwareError as error:
        return error.reason


def is_watchdog(event: Event) -> bool:
    """Whether ``event`` is what ends a firmware that hangs."""
    return isinstance(event, TimerDue) and event.name == WATCHDOG_TIMER


def spare(slot: str) -> str:
    """The slot that an update is written to: B while the phone runs what it came with, which a blank A stands for."""
    return "A" if slot == "B" else "B"


def keep(phone: Phone, choice: Choice) -> Iterator[Event]:
    """The flash work that makes ``choice`` count."""
    return (flash_event(op) for op in phone.format.plan_choice(phone.flash.chip, choice))


@becomes(FirmwareConfirmed)
def confirmation(phone: Phone, event: FirmwareConfirmed, busy: int) -> Event:
    """In a worn sector no choice can be written down."""
    return FirmwareDamaged("", phone.flash.failed) if phone.flash.failed else event


@reacts(FirmwareBooted)
def watch(phone: Phone, event: FirmwareBooted, entry: Entry) -> Reaction:
    """Wait for it to come up."""
    if event.hangs:
        yield TimerSet(WATCHDOG_TIMER, WATCHDOG)
    elif event.attempt:
        yield TimerSet(TRIAL_TIMER, TRIAL_TIME)


@reacts(FirmwareDamaged, FirmwareRolledBack)
def tell(phone: Phone, event: FirmwareDamaged | FirmwareRolledBack, entry: Entry) -> Reaction:
    """Say so on the display, until a run ends."""
    yield DisplayShown(UNDONE if isinstance(event, FirmwareRolledBack) else DAMAGED)


@reacts(TimerDue)
def time_up(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """The watchdog was not fed, or the trial has lasted long enough."""
    if event.name == WATCHDOG_TIMER:
        yield RestartOrdered(WATCHDOG_TIMER)
    elif event.name == TRIAL_TIMER:
        yield from confirm(phone)


@reacts(RunEnded)
def came_up(phone: Phone, event: RunEnded, entry: Entry) -> Reaction:
    """A run ended, whatever its outcome: the firmware works."""
    if phone.bootloader.attempt:
        yield TimerCancelled(TRIAL_TIMER)
        yield from confirm(phone)


def confirm(phone: Phone) -> Iterator[Event | Because]:
    """The running firmware is the one to start from now on."""
    running = phone.bootloader
    yield from keep(phone, Choice(running.slot))
    yield Because(FirmwareConfirmed(running.slot, running.version), (running.n,))
