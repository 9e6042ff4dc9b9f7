"""When a provisioning run begins (PROV-230 to PROV-240).

============ ===================================================================== ====================
trigger      when                                                                  first step
============ ===================================================================== ====================
start        the first address of a power cycle                                    1
address      a new address after a run that failed without one                     2
retry        CFG_RTRY_INTVL minutes after a run in which something failed          2
cyclic       each CFG_CYCLIC_INTVL minutes since power-on, if CFG_CYCLIC is Y      2, then last good URL
time-of-day  each day at CFG_RESYNC_TIME                                           2, then last good URL
check-sync   a NOTIFY says so (:mod:`~emulator.phone.resync`)                      2, then last good URL
============ ===================================================================== ====================

CFG_RESYNC_TIME is in force once the clock is set, and then switches off cyclic and retry (PROV-235). While
PROVISION_ENABLE is N there are no triggers at all (PROV-238). A trigger that falls into a run is spent on it; only the
NOTIFY is made up for, once (PROV-256).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from emulator.events import (
    SECOND,
    AddressBound,
    Because,
    ClockSet,
    ConfigurationSaved,
    Entry,
    Event,
    Ipv6AddressBound,
    LinkDown,
    RunEnded,
    RunStarted,
    SaveFailed,
    SettingsLoaded,
    TimerCancelled,
    TimerDue,
    TimerSet,
)
from emulator.phone.calendar import next_occurrence, rules_of
from emulator.phone.catalogue import catalogue
from emulator.phone.firmware import Reaction, reacts
from emulator.phone.network import IPV4, IPV6, online

if TYPE_CHECKING:
    from emulator.phone.state import Phone

MINUTE = 60 * SECOND
IPV4_FIRST = 10 * SECOND
"""How long a phone with both families waits for an IPv4 address before it is content with IPv6 (PROV-020). Ours."""
RESYNC_TIME = "CFG_RESYNC_TIME"
AGAIN = ("cyclic", "time-of-day", "check-sync")
"""Triggers of runs that begin with the URL of the last good discovery (PROV-239)."""
UNFINISHED = ("failed", "saved", "partly", "disabled")
"""Outcomes after which the phone tries again by itself (PROV-194), as long as PROVISION_ENABLE is Y."""


# --- What the timers should be --------------------------------------------------------------------------------------


def cyclic_due(phone: Phone, now: int) -> int | None:
    """When the next interval since power-on is over (ns), if intervals count (PROV-231, PROV-232)."""
    settings = phone.settings
    if not settings.enabled("CFG_CYCLIC"):
        return None
    interval = settings.number("CFG_CYCLIC_INTVL") * MINUTE
    started = phone.power.started
    return started + ((now - started) // interval + 1) * interval


def retry_due(phone: Phone, now: int) -> int | None:
    """When to try again after a run in which something failed (PROV-194); a timer that is armed stays as it is."""
    if phone.provisioning.outcome not in UNFINISHED:
        return None
    armed = phone.orders.open.get("timer:retry")
    return armed.due if armed is not None else now + phone.settings.number("CFG_RTRY_INTVL") * MINUTE


def time_of_day_due(phone: Phone, now: int) -> int | None:
    """When the local clock next shows CFG_RESYNC_TIME, once the clock is set (PROV-233, PROV-234)."""
    utc, text = phone.wallclock.utc(now), phone.settings.value(RESYNC_TIME)
    if utc is None or not text or catalogue().by_tag[RESYNC_TIME].check(text):
        return None
    hour, minute = map(int, text.strip().split(":"))
    return now + next_occurrence(hour, minute, utc, rules_of(phone.settings)) - utc


def schedule(phone: Phone, now: int) -> Iterator[Event | Because]:
    """Arm the timers that the settings want, and cancel the others."""
    on = phone.settings.enabled("PROVISION_ENABLE")
    daily = time_of_day_due(phone, now) if on else None
    other = on and daily is None
    yield from timer(phone, now, "retry", retry_due(phone, now) if other else None, "CFG_RTRY_INTVL")
    yield from timer(phone, now, "cyclic", cyclic_due(phone, now) if other else None, "CFG_CYCLIC_INTVL")
    yield from timer(phone, now, "time-of-day", daily, RESYNC_TIME)


def timer(phone: Phone, now: int, name: str, due: int | None, key: str) -> Iterator[Event | Because]:
    """What makes the timer ``name`` run out at ``due``, because of the setting ``key``; None: not at all."""
    armed = phone.orders.open.get(f"timer:{name}")
    grounds = (phone.settings.grounds(key),)
    if due is None and armed is not None:
        yield Because(TimerCancelled(name), grounds)
    elif due is not None and (armed is None or armed.due != due):
        yield Because(TimerSet(name, due - now), grounds)


@reacts(SettingsLoaded)
def loaded(phone: Phone, event: SettingsLoaded, entry: Entry) -> Reaction:
    """Intervals count from power-on."""
    return schedule(phone, entry.time)


@reacts(ConfigurationSaved, SaveFailed)
def settings_saved(phone: Phone, event: ConfigurationSaved | SaveFailed, entry: Entry) -> Reaction:
    """What somebody types counts at once; what a file says counts at the end of its run."""
    return schedule(phone, entry.time) if phone.provisioning.step == 0 else ()


@reacts(ClockSet)
def clock_set(phone: Phone, event: ClockSet, entry: Entry) -> Reaction:
    """A clock that is set, or set right, tells when the time of day will be (PROV-235)."""
    return schedule(phone, entry.time) if phone.provisioning.step == 0 else ()


@reacts(RunEnded)
def run_ended(phone: Phone, event: RunEnded, entry: Entry) -> Reaction:
    """The run that was put off, or the timers until the next one."""
    if phone.provisioning.deferred:
        return (RunStarted(phone.provisioning.deferred),)
    return schedule(phone, entry.time)


# --- When a run begins ----------------------------------------------------------------------------------------------


def wait_for_ipv4(phone: Phone) -> Iterator[Event]:
    """The clients begin: where both families are in use, IPv4 is given some time to come first (PROV-020)."""
    if phone.network.families == (IPV4, IPV6) and phone.provisioning.runs == 0:
        yield TimerSet("ipv4-first", IPV4_FIRST)


@reacts(LinkDown)
def no_network(phone: Phone, event: LinkDown, entry: Entry) -> Reaction:
    """The wait begins anew with the next link."""
    if phone.orders.armed("ipv4-first"):
        yield TimerCancelled("ipv4-first")


@reacts(AddressBound, Ipv6AddressBound)
def network_ready(phone: Phone, event: AddressBound | Ipv6AddressBound, entry: Entry) -> Reaction:
    """The first address of a power cycle starts provisioning (PROV-230, PROV-281); a renewal never does (PROV-081).

    A run that failed for want of an address is begun again as soon as there is one.
    """
    run = phone.provisioning
    waiting = phone.orders.armed("ipv4-first")
    if event.fresh and run.runs == 0 and not (waiting and isinstance(event, Ipv6AddressBound)):
        if waiting:
            yield TimerCancelled("ipv4-first")
        yield RunStarted("start")
    elif event.fresh and run.offline and run.step == 0 and phone.orders.armed("retry"):
        yield TimerCancelled("retry")
        yield RunStarted("address")


@reacts(TimerDue)
def ipv4_late(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """No IPv4 address in time: if IPv6 has one, the first run starts with that."""
    if event.name == "ipv4-first" and online(phone) and phone.provisioning.runs == 0:
        yield RunStarted("start")


@reacts(TimerDue)
def timer_due(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """A run begins, unless one is on; intervals go on in any case."""
    if event.name in ("retry", "cyclic", "time-of-day"):
        if phone.provisioning.step == 0:
            yield RunStarted(event.name)
        if event.name != "retry":
            yield from schedule(phone, entry.time)


@reacts(RunStarted)
def run_started(phone: Phone, event: RunStarted, entry: Entry) -> Reaction:
    """Whatever began it, nothing is left to try again until it ends."""
    if phone.orders.armed("retry"):
        yield TimerCancelled("retry")
