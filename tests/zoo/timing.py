"""Faults in when a run begins, and in the time of day."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from emulator.events import (
    Because,
    ClockSet,
    DatagramReceived,
    Entry,
    Event,
    LinkDown,
    Payload,
    RunEnded,
    TimerCancelled,
)
from emulator.phone import hardware, triggers
from emulator.phone.catalogue import catalogue
from emulator.phone.firmware import Firmware, Reaction
from emulator.wire import sntp
from tests.zoo.variant import altered, bare, sets, variant

if TYPE_CHECKING:
    from emulator.phone.state import Phone

Made = list[Event | Because]
_SCHEDULING = (*(triggers.loaded, triggers.settings_saved, triggers.clock_set, triggers.run_ended, triggers.timer_due),)
"""The handlers that arm the timers of runs to come."""


def _scheduling(phone: Firmware, change: Callable[[Phone, Made], Reaction]) -> Firmware:
    """The phone in which ``change`` has the last word on the timers of runs to come."""

    def changed(original: Callable[..., Reaction]) -> Callable[..., Reaction]:
        @functools.wraps(original)
        def handler(phone: Phone, event: Event, entry: Entry) -> Reaction:
            return change(phone, list(original(phone, event, entry)))

        return handler

    for original in _SCHEDULING:
        phone = phone.replacing(original, changed(original))
    return phone


def _forgets_after_decryption(phone: Phone, event: RunEnded, entry: Entry) -> Reaction:
    made = list(triggers.run_ended(phone, event, entry))
    failed = any(reason.startswith("decrypt-") for reason in phone.provisioning.reasons.values())
    retries = sets("retry")
    return altered(made, lambda each: None if failed and retries(each) else each)


@variant("PROV-194")
def no_retry_after_decryption(phone: Firmware) -> Firmware:
    """After a run in which a file could not be decrypted the retry timer is not armed."""
    return phone.replacing(triggers.run_ended, _forgets_after_decryption)


def _waits_for_the_clock(phone: Phone, made: Made) -> Reaction:
    text = phone.settings.value(triggers.RESYNC_TIME)
    daily = bool(text) and not catalogue().by_tag[triggers.RESYNC_TIME].check(text)
    if not daily or phone.wallclock.offset is not None:
        return made
    return [each for each in made if not sets("retry")(bare(each)) and not sets("cyclic")(bare(each))]


@variant("PROV-235")
def resync_time_without_a_clock(phone: Firmware) -> Firmware:
    """CFG_RESYNC_TIME switches the other timers off although no clock is set that could show it."""
    return _scheduling(phone, _waits_for_the_clock)


def _one_slot(phone: Phone, made: Made) -> Reaction:
    cyclic = phone.orders.armed("cyclic") or any(sets("cyclic")(bare(each)) for each in made)
    return [each for each in made if not (cyclic and sets("retry")(bare(each)))]


@variant("PROV-194")
def one_slot_for_two_timers(phone: Firmware) -> Firmware:
    """Interval and retry share one timer, so that while the interval runs nothing is tried again before its end."""
    return _scheduling(phone, _one_slot)


def _stops_with_the_link(phone: Phone, event: LinkDown, entry: Entry) -> Reaction:
    yield from triggers.no_network(phone, event, entry)
    if phone.orders.armed("retry"):
        yield TimerCancelled("retry")


@variant("PROV-009")
def cable_out_ends_the_retry(phone: Firmware) -> Firmware:
    """Taking the cable out stops the retry timer, and nothing arms it again."""
    return phone.replacing(triggers.no_network, _stops_with_the_link)


def _believes_any_stratum(phone: Phone, event: DatagramReceived, entry: Entry) -> Reaction:
    if event.port == phone.wallclock.port != 0 and sntp.SIZE <= len(event.payload) <= sntp.SIZE_LIMIT:
        packet = sntp.parse(event.payload)
        if packet.stratum == sntp.WORST_STRATUM + 1:
            packet = attrs.evolve(packet, stratum=sntp.WORST_STRATUM)
        event = attrs.evolve(event, payload=Payload(packet.encode()))
    return hardware.packet_came(phone, event, entry)


@variant("RFC 4330 s.5")
def stratum_off_by_one(phone: Firmware) -> Firmware:
    """A time server of stratum 16, which has no time to give, sets the clock."""
    return phone.replacing(hardware.packet_came, _believes_any_stratum)


def _schedules_once(phone: Phone, event: ClockSet, entry: Entry) -> Reaction:
    return triggers.clock_set(phone, event, entry) if event.correction is None else ()


@variant("PROV-233")
def clock_step_unnoticed(phone: Firmware) -> Firmware:
    """A clock that is set right does not move the timer of CFG_RESYNC_TIME, which was made with the wrong one."""
    return phone.replacing(triggers.clock_set, _schedules_once)
