"""Faults in what the phone makes of SIP: plug and play, check-sync, registration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from emulator.events import (
    CheckSyncJudged,
    CheckSyncReceived,
    Entry,
    NotifyReceived,
    RegisterAnswered,
    RunDeferred,
    SipAnswered,
    TimerSet,
)
from emulator.phone import pnp, registration, resync
from emulator.phone.catalogue import LINES, key
from emulator.phone.firmware import Firmware, Reaction
from emulator.phone.sip import answer
from emulator.phone.transactions import T1
from tests.zoo.variant import altered, variant

if TYPE_CHECKING:
    from emulator.phone.state import Phone


def _takes_any_dialog(phone: Phone, event: NotifyReceived, entry: Entry) -> Reaction:
    if phone.pnp.open and not event.to_tag and event.package == pnp.PACKAGE:
        event = attrs.evolve(event, call_id=phone.pnp.call_id)
    return pnp.notify_came(phone, event, entry)


@variant("PROV-061")
def notify_of_no_dialog(phone: Firmware) -> Firmware:
    """While the phone waits, a NOTIFY whose To has no tag is accepted whatever its Call-ID is."""
    return phone.replacing(pnp.notify_came, _takes_any_dialog)


def _waits_anew(phone: Phone, event: SipAnswered, entry: Entry) -> Reaction:
    made = list(pnp.response_came(phone, event, entry))
    return [*made, TimerSet("pnp-window", pnp.WINDOW)] if made and phone.pnp.interval > T1 else made


@variant("PROV-059")
def late_ok_begins_the_wait_anew(phone: Firmware) -> Firmware:
    """A 200 OK that comes after a retransmission starts the five seconds again."""
    return phone.replacing(pnp.response_came, _waits_anew)


def _servers_of_any_line(phone: Phone) -> set[str]:
    names = (phone.settings.value(key(tag, line)) for line in range(1, LINES + 1) for tag in resync.SERVERS)
    return {address for name in names if name for address in phone.names.at(name)}


def _obliges_any_line(phone: Phone, event: CheckSyncReceived, entry: Entry) -> Reaction:
    known = phone.resync.answered(event.transaction, entry.time) is not None
    refused = resync.judge(phone, event.source)[0] == 403
    if known or not refused or event.source not in _servers_of_any_line(phone):
        return resync.check_sync(phone, event, entry)
    return [answer(phone, event, 200, "OK"), CheckSyncJudged(event.transaction, 200, event.restart)]


@variant("PROV-257")
def server_of_a_disabled_line(phone: Firmware) -> Firmware:
    """The server of a line that is not enabled may ask for provisioning too."""
    return phone.replacing(resync.check_sync, _obliges_any_line)


def _obliges_when_disabled(phone: Phone, event: CheckSyncReceived, entry: Entry) -> Reaction:
    known = phone.resync.answered(event.transaction, entry.time) is not None
    believed = {at for server in resync.servers(phone) for at in phone.names.at(phone.settings.value(server))}
    if known or phone.settings.enabled("PROVISION_ENABLE") or event.source not in believed:
        return resync.check_sync(phone, event, entry)
    return [answer(phone, event, 200, "OK"), CheckSyncJudged(event.transaction, 200, event.restart)]


@variant("PROV-238")
def check_sync_although_disabled(phone: Firmware) -> Firmware:
    """PROVISION_ENABLE stops the timers and the run at start, but not the one that a NOTIFY asks for."""
    return phone.replacing(resync.check_sync, _obliges_when_disabled)


def _queues_in_step_8_only(phone: Phone, event: CheckSyncJudged, entry: Entry) -> Reaction:
    downloading = phone.provisioning.step in (8, 9)
    return altered(
        resync.obey(phone, event, entry),
        lambda made: made if downloading or not isinstance(made, RunDeferred) else None,
    )


@variant("PROV-256")
def check_sync_lost_in_the_search(phone: Firmware) -> Firmware:
    """A NOTIFY that comes while the run still looks for its URL is answered and then forgotten."""
    return phone.replacing(resync.obey, _queues_in_step_8_only)


def _reads_contacts_only(phone: Phone, event: RegisterAnswered, entry: Entry) -> Reaction:
    return registration.response_came(phone, attrs.evolve(event, expires=-1), entry)


@variant("RFC 3261 s.10.2.4")
def expires_header_ignored(phone: Firmware) -> Firmware:
    """What the registrar grants is read from its Contact only, and from no Expires header."""
    return phone.replacing(registration.response_came, _reads_contacts_only)
