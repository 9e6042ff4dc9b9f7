"""The NOTIFY by which a SIP server asks for provisioning, ``check-sync`` (PROV-250 to PROV-257).

A repetition of a NOTIFY gets the answer that it got before, and nothing else happens (RFC 3261 s.17.2.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import attrs

from emulator.events import (
    SECOND,
    Because,
    CheckSyncJudged,
    CheckSyncReceived,
    Entry,
    RestartNeeded,
    RunDeferred,
    RunStarted,
)
from emulator.phone.catalogue import LINES, key
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.parts import PartState, part
from emulator.phone.sip import answer

if TYPE_CHECKING:
    from emulator.phone.state import Phone

TIMER_J = 32 * SECOND
"""How long a transaction over UDP is remembered: 64 times T1 (RFC 3261 s.17.2.2)."""
KEPT = 32
"""Transactions that are remembered at once; the oldest goes first."""
PHRASES = {200: "OK", 403: "Forbidden", 489: "Bad Event"}
SERVERS = ("SIP_RGSTR_ADDR", "SIP_OUTPROXY_ADDR", "SIP_PRXY_ADDR")
"""Where a line says which servers it believes (PROV-257)."""


class Transaction(NamedTuple):
    """A NOTIFY that was answered. status: how; until: ns, when it is forgotten."""

    status: int
    until: int


@part
class Resync(PartState):
    """transactions: by what identifies them, oldest first."""

    transactions: dict[str, Transaction] = attrs.Factory(dict)

    def answered(self, transaction: str, now: int) -> int | None:
        """The status of the answer to ``transaction``; None if it is not known (any more)."""
        found = self.transactions.get(transaction)
        return found.status if found is not None and now < found.until else None


@applies("resync", CheckSyncJudged)
def judged(phone: Phone, event: CheckSyncJudged, entry: Entry) -> None:
    """The answer is remembered for repetitions."""
    known = phone.resync.transactions
    known.pop(event.transaction, None)
    known[event.transaction] = Transaction(event.status, entry.time + TIMER_J)
    if len(known) > KEPT:
        del known[next(iter(known))]


@reacts(CheckSyncReceived)
def check_sync(phone: Phone, event: CheckSyncReceived, entry: Entry) -> Reaction:
    """Answer, and then do what is asked (PROV-254)."""
    before = phone.resync.answered(event.transaction, entry.time)
    status, grounds = (before, ()) if before is not None else judge(phone, event.source)
    yield answer(phone, event, status, PHRASES[status])
    if before is None:
        yield Because(CheckSyncJudged(event.transaction, status, event.restart), grounds)


def judge(phone: Phone, source: str) -> tuple[int, tuple[int, ...]]:
    """(status, grounds) for a NOTIFY from ``source``: 489 while provisioning is switched off, 403 for strangers."""
    settings = phone.settings
    if not settings.enabled("PROVISION_ENABLE"):
        return 489, (settings.grounds("PROVISION_ENABLE"),)
    if phone.options.notify_from == "anyone":
        return 200, ()
    for server in servers(phone):
        if source in phone.names.at(settings.value(server)):
            return 200, (settings.grounds(server),)
    return 403, tuple(sorted({settings.grounds(server) for server in servers(phone)}))


def servers(phone: Phone) -> Iterator[str]:
    """The keys that name the servers of the enabled lines (PROV-257)."""
    for line in range(1, LINES + 1):
        if phone.settings.enabled(key("LINE_ENABLE", line)):
            yield from (key(tag, line) for tag in SERVERS)


@reacts(CheckSyncJudged)
def obey(phone: Phone, event: CheckSyncJudged, entry: Entry) -> Reaction:
    """Restart (PROV-255), provision, or provision again after the run that is on (PROV-256)."""
    if event.status != 200:
        return
    run = phone.provisioning
    if event.restart:
        yield RestartNeeded("check-sync")
    elif run.step == 0:
        yield RunStarted("check-sync")
    elif not run.deferred:
        yield RunDeferred("check-sync")
