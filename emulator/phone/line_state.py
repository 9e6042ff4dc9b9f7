"""What the phone remembers of the registration of its lines: the part that :mod:`emulator.phone.registration` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import attrs

from emulator.events import (
    SECOND,
    AddressLost,
    Entry,
    LineRefused,
    LineRegistered,
    LineRegistering,
    LineUnregistered,
    LineWaiting,
    RegisterAnswered,
    RegisterStarted,
    RunEnded,
    TimerDue,
)
from emulator.phone.accounts import ALL_LINES, Account, account
from emulator.phone.firmware import applies
from emulator.phone.parts import PartState, part
from emulator.phone.transactions import TIMER_K, Transaction, begin

if TYPE_CHECKING:
    from emulator.phone.state import Phone

TIMERS = {f"register/{number}": number for number in ALL_LINES}
"""Timer name to line."""
KEPT = 32
"""Transactions that are over and still absorb responses; the oldest goes first."""


class Proof(NamedTuple):
    """What a registrar, or a proxy, wants a login for. challenges: as in the header of its last 401 or 407.

    uses: requests that answered them (the nonce count); answers: challenges answered since the line was registered.
    """

    challenges: tuple[str, ...] = ()
    uses: int = 0
    answers: int = 0


class Line(NamedTuple):
    """One line. account: what its registration is made of; attempt: how many since it was last registered.

    cseq: of its last request; address: where its requests go; expires: seconds it asks for; until: ns, when what was
    granted ends.
    """

    state: str = "idle"
    account: Account | None = None
    attempt: int = 0
    cseq: int = 0
    address: str = ""
    expires: int = 0
    until: int = 0
    transaction: Transaction | None = None
    registrar: Proof = Proof()
    proxy: Proof = Proof()

    @property
    def looking_up(self) -> str:
        """The name of the server that is being looked up, "" for none; a line without a user asks nobody."""
        if self.state != "trying" or self.transaction is not None or self.account is None:
            return ""
        return self.account.server if self.account.user else ""


NEW = Line()


@part
class Registration(PartState):
    """begun: a run has ended in this power cycle; over: branch of a transaction to when Timer K fires (ns)."""

    begun: bool = False
    lines: dict[int, Line] = attrs.Factory(dict)
    over: dict[str, int] = attrs.Factory(dict)

    def line(self, number: int) -> Line:
        """Line ``number``; a new one if nothing has happened to it."""
        return self.lines.get(number, NEW)

    def waiting_for(self, branch: str) -> int:
        """The line whose transaction this is, 0 for none."""
        found = (n for n, line in self.lines.items() if line.transaction and line.transaction.branch == branch)
        return next(found, 0)

    def registered(self) -> tuple[int, ...]:
        """The lines that are registered, in order."""
        return tuple(sorted(number for number, line in self.lines.items() if line.state == "registered"))

    def conclude(self, number: int, now: int) -> Line:
        """The line without its transaction, whose late responses are absorbed from now on."""
        line = self.line(number)
        if line.transaction is not None and not line.transaction.timed_out(now):
            self.over[line.transaction.branch] = now + TIMER_K
            if len(self.over) > KEPT:
                del self.over[next(iter(self.over))]
        return line._replace(transaction=None)


@applies("registration", RunEnded)
def run_ended(phone: Phone, event: RunEnded, entry: Entry) -> None:
    """From now on, lines may register (PROV-014)."""
    phone.registration.begun = True


@applies("registration", LineRegistering)
def registering(phone: Phone, event: LineRegistering, entry: Entry) -> None:
    """The settings of this moment count until a first attempt comes again; earlier challenges do not."""
    registration = phone.registration
    line = registration.conclude(event.line, entry.time)
    wanted = account(phone.settings, event.line) if event.attempt == 1 else line.account
    registration.lines[event.line] = Line(
        "trying", wanted, event.attempt, line.cseq, expires=wanted.expires if wanted else 0
    )


@applies("registration", RegisterStarted)
def transaction_began(phone: Phone, event: RegisterStarted, entry: Entry) -> None:
    """A transaction takes the place of the one before, and answers the challenges that are known."""
    registration = phone.registration
    line = registration.conclude(event.line, entry.time)
    used = line.account
    timers = (used.t1, used.t2, used.timer_f) if used is not None else ()
    registration.lines[event.line] = line._replace(
        state=line.state if event.expires else "leaving",
        cseq=event.cseq,
        address=event.address,
        expires=event.expires,
        transaction=begin(event.branch, entry.time, *timers),
        registrar=used_once_more(line.registrar),
        proxy=used_once_more(line.proxy),
    )


def used_once_more(proof: Proof) -> Proof:
    """Another request answers the challenge; the first one that does so counts as an answer."""
    if not proof.challenges:
        return proof
    return Proof(proof.challenges, proof.uses + 1, proof.answers + (proof.uses == 0))


@applies("registration", TimerDue)
def timer_e(phone: Phone, event: TimerDue, entry: Entry) -> None:
    """Timer E fired; its next interval."""
    lines, number = phone.registration.lines, TIMERS.get(event.name, 0)
    transaction = lines[number].transaction if number in lines else None
    if transaction is not None and not transaction.timed_out(entry.time):
        lines[number] = lines[number]._replace(transaction=transaction.retransmitted())


@applies("registration", RegisterAnswered)
def answer_noted(phone: Phone, event: RegisterAnswered, entry: Entry) -> None:
    """A provisional response slows Timer E down; a challenge is kept for the requests to come."""
    registration = phone.registration
    number = registration.waiting_for(event.branch)
    line = registration.line(number)
    if line.transaction is None:
        return
    if event.status < 200:
        registration.lines[number] = line._replace(transaction=line.transaction.provisional())
    elif event.status == 401:
        registration.lines[number] = line._replace(registrar=Proof(event.challenges, 0, line.registrar.answers))
    elif event.status == 407:
        registration.lines[number] = line._replace(proxy=Proof(event.challenges, 0, line.proxy.answers))


@applies("registration", LineRegistered)
def line_registered(phone: Phone, event: LineRegistered, entry: Entry) -> None:
    """The registration holds for so long; nothing has failed since."""
    line = phone.registration.conclude(event.line, entry.time)
    phone.registration.lines[event.line] = line._replace(
        state="registered",
        attempt=0,
        until=entry.time + event.expires * SECOND,
        registrar=line.registrar._replace(answers=0),
        proxy=line.proxy._replace(answers=0),
    )


@applies("registration", LineWaiting, LineRefused)
def line_failed(phone: Phone, event: LineWaiting | LineRefused, entry: Entry) -> None:
    """The line is not registered."""
    state = "waiting" if isinstance(event, LineWaiting) else "refused"
    line = phone.registration.conclude(event.line, entry.time)
    phone.registration.lines[event.line] = line._replace(state=state, attempt=max(1, line.attempt), until=0)


@applies("registration", LineUnregistered)
def line_left(phone: Phone, event: LineUnregistered, entry: Entry) -> None:
    """Of the line, only its CSeq is kept."""
    line = phone.registration.conclude(event.line, entry.time)
    phone.registration.lines[event.line] = Line(cseq=line.cseq)


@applies("registration", AddressLost)
def address_lost(phone: Phone, event: AddressLost, entry: Entry) -> None:
    """Nobody can reach the phone at its contacts any more."""
    lines = phone.registration.lines
    phone.registration.lines = {number: Line(cseq=line.cseq) for number, line in lines.items()}
