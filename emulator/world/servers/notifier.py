"""Whoever sends a NOTIFY outside any dialog, in the form that the guide prints (PROV-251), until it is answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from emulator.phone.transactions import Transaction, begin
from emulator.wire import sip
from emulator.world.servers.base import Datagram, Send, Wake

PORT = 5060


class Pending(NamedTuple):
    """A NOTIFY that is not answered yet."""

    datagram: Datagram
    transaction: Transaction


class Notifier:
    """pending: Call-ID to the NOTIFY; sent: how many so far."""

    vlan = None

    def __init__(self, address: str) -> None:
        self.address = address
        self.pending: dict[str, Pending] = {}
        self.sent = 0

    def fork(self) -> Notifier:
        """A notifier that goes on from here."""
        twin = Notifier(self.address)
        twin.pending, twin.sent = dict(self.pending), self.sent
        return twin

    def listens(self, destination: str, port: int, now: int) -> bool:
        """Its own address."""
        return (destination, port) == (self.address, PORT)

    def receive(self, datagram: Datagram, now: int) -> Iterable[Send | Wake]:
        """A final response ends the repetition; nothing else concerns it."""
        try:
            message = sip.parse(datagram.payload)
        except sip.SipError:
            return ()
        if message.status is not None and message.status >= 200:
            self.pending.pop(message.get("Call-ID") or "", None)
        return ()

    def wake(self, token: str, now: int) -> Iterator[Send | Wake]:
        """Send a NOTIFY that nobody has answered again."""
        pending = self.pending.get(token)
        if pending is None:
            return
        datagram, transaction = pending
        if transaction.timed_out(now):
            del self.pending[token]
            return
        yield Send(0, datagram)
        yield Wake(transaction.wait(now), token)
        self.pending[token] = Pending(datagram, transaction.retransmitted())

    def notify(self, phone: int, destination: str, event: str, now: int) -> Iterator[Send | Wake]:
        """A new NOTIFY with this Event header, to a phone at ``destination``."""
        self.sent += 1
        call_id = f"{self.sent:06d}-12345678912345678"
        headers = (
            ("Via", f"SIP/2.0/UDP {self.address}:{PORT};branch=notify-{self.sent:06d}"),
            ("From", "sip:prov@sip.example.com"),
            ("To", "sip:1234567890@sip.example.com"),
            ("Date", "Thu, 1 Jan 2014 01:01:01 GMT"),
            ("Call-ID", call_id),
            ("CSeq", "1 NOTIFY"),
            ("Contact", f"sip:{self.address}:{PORT}"),
            ("Event", event),
        )
        payload = sip.request("NOTIFY", "sip:1234567890@sip.example.com", headers)
        datagram = Datagram(phone, self.address, PORT, destination, PORT, payload)
        self.pending[call_id] = Pending(datagram, begin(call_id, now))
        return self.wake(call_id, now)
