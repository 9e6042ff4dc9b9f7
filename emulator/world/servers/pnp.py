"""A virtual SIP PnP responder (PROV-053): 200 OK to the SUBSCRIBE, then a NOTIFY with the URL, until it is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import attrs

from emulator.events import SECOND
from emulator.phone.transactions import Transaction, begin
from emulator.wire import sip
from emulator.world.scenario import PnpSpec
from emulator.world.servers.base import Datagram, Send, Wake, otherwise

GROUP, PORT = "224.0.1.75", 5060


@attrs.frozen
class Dialog:
    """A subscription. transaction: of its NOTIFY, None before the first is sent."""

    subscribe: Datagram
    message: sip.Message
    transaction: Transaction | None = None


class PnpServer:
    """dialogs: Call-ID to the subscription whose NOTIFY is not answered yet; to_lose: NOTIFYs that will get lost."""

    def __init__(self, spec: PnpSpec) -> None:
        self.spec = spec
        self.vlan = spec.vlan
        self.dialogs: dict[str, Dialog] = {}
        self.seen: set[str] = set()
        self.to_lose = spec.lose

    def fork(self) -> PnpServer:
        """A server that goes on from here."""
        twin = PnpServer(self.spec)
        twin.dialogs, twin.seen, twin.to_lose = dict(self.dialogs), set(self.seen), self.to_lose
        return twin

    def listens(self, destination: str, port: int, now: int) -> bool:
        """The multicast group, and its own address."""
        here = destination in (GROUP, self.spec.address)
        return port == PORT and here and self.spec.start <= now < self.spec.end

    def receive(self, datagram: Datagram, now: int) -> Iterable[Send | Wake]:
        """A SUBSCRIBE is answered; a response to a NOTIFY ends its repetition."""
        try:
            message = sip.parse(datagram.payload)
        except sip.SipError:
            return ()
        call_id = message.get("Call-ID") or ""
        if message.status is not None:
            self.dialogs.pop(call_id, None)
            return ()
        if message.method != "SUBSCRIBE":
            return ()
        return BEHAVIOURS[self.spec.behaviour](self, datagram, message, call_id)

    def wake(self, token: str, now: int) -> Iterable[Send | Wake]:
        """Send the NOTIFY of a dialog, and again until it is answered or Timer F has fired."""
        dialog = self.dialogs.get(token)
        if dialog is None:
            return
        transaction = dialog.transaction or begin(token, now)
        if transaction.timed_out(now):
            del self.dialogs[token]
            return
        lost = self.to_lose > 0
        self.to_lose -= lost
        yield Send(0, self.notify(dialog), lost)
        yield Wake(transaction.wait(now), token)
        self.dialogs[token] = attrs.evolve(dialog, transaction=transaction.retransmitted())

    def accept(self, datagram: Datagram, message: sip.Message, call_id: str) -> Iterator[Send | Wake]:
        """200 OK at once, the NOTIFY after the scenario's delay; a repeated SUBSCRIBE gets only the 200."""
        yield Send(0, self.response(datagram, message, 200, "OK"))
        yield from self.subscribe(datagram, message, call_id)

    def subscribe(self, datagram: Datagram, message: sip.Message, call_id: str) -> Iterator[Wake]:
        """Remember the subscription and wake up for its NOTIFY."""
        if call_id not in self.seen:
            self.seen.add(call_id)
            self.dialogs[call_id] = Dialog(datagram, message)
            yield Wake(self.spec.delay, call_id)

    def notify_first(self, datagram: Datagram, message: sip.Message, call_id: str) -> Iterator[Send | Wake]:
        """The NOTIFY overtakes the 200 OK (PROV-060)."""
        yield from self.subscribe(datagram, message, call_id)
        yield Send(self.spec.delay + SECOND // 10, self.response(datagram, message, 200, "OK"))

    def only_response(self, datagram: Datagram, message: sip.Message, call_id: str) -> Iterator[Send | Wake]:
        """200 OK and nothing more (PROV-059)."""
        yield Send(0, self.response(datagram, message, 200, "OK"))

    def reject(self, datagram: Datagram, message: sip.Message, call_id: str) -> Iterator[Send | Wake]:
        """A final response that refuses (PROV-065)."""
        yield Send(0, self.response(datagram, message, 489, "Bad Event"))

    def silent(self, datagram: Datagram, message: sip.Message, call_id: str) -> Iterator[Send | Wake]:
        """Nothing."""
        yield from ()

    def garbage(self, datagram: Datagram, message: sip.Message, call_id: str) -> Iterator[Send | Wake]:
        """Bytes that are no SIP."""
        junk = bytes(range(256))
        yield Send(0, Datagram(datagram.phone, self.spec.address, PORT, datagram.source, datagram.source_port, junk))

    def response(self, datagram: Datagram, message: sip.Message, status: int, phrase: str) -> Datagram:
        """A response to the SUBSCRIBE, back to where it came from."""
        copied = [(name, message.get(name) or "") for name in ("Via", "From", "To", "Call-ID", "CSeq")]
        copied[2] = ("To", f"{copied[2][1]};tag=responder")
        payload = sip.response(status, phrase, copied)
        return Datagram(datagram.phone, self.spec.address, PORT, datagram.source, datagram.source_port, payload)

    def notify(self, dialog: Dialog) -> Datagram:
        """The NOTIFY, with the fault the scenario wants in it."""
        behaviour, message, came = self.spec.behaviour, dialog.message, dialog.subscribe
        wrong = behaviour == "wrong-dialog"
        call_id = "another-call@192.0.2.99" if wrong else message.get("Call-ID") or ""
        to = "<sip:phone@example.com>;tag=unknown" if wrong else message.get("From") or ""
        own = self.spec.address
        headers = (
            ("Via", f"SIP/2.0/UDP {own}:{PORT};branch=z9hG4bKnotify{len(self.seen)}"),
            ("From", f"<sip:pnp@{own}>;tag=responder"),
            ("To", to),
            ("Call-ID", call_id),
            ("CSeq", "1 NOTIFY"),
            ("Max-Forwards", "70"),
            ("Event", "message-summary" if behaviour == "wrong-event" else "ua-profile"),
            ("Subscription-State", "terminated;reason=timeout"),
            ("Contact", f"<sip:{own}:{PORT}>"),
            ("Content-Type", "text/html" if behaviour == "wrong-type" else "application/url"),
        )
        body = b"no url in here" if behaviour == "bad-body" else self.spec.url.encode()
        uri = f"sip:{came.source}:{came.source_port}"
        payload = sip.request("NOTIFY", uri, otherwise(headers, self.spec.headers), body)
        return Datagram(came.phone, own, PORT, came.source, came.source_port, payload)


Behaviour = Callable[[PnpServer, Datagram, sip.Message, str], Iterable[Send | Wake]]
BEHAVIOURS: dict[str, Behaviour] = {
    **dict.fromkeys(("answer", "wrong-event", "wrong-type", "bad-body", "wrong-dialog"), PnpServer.accept),
    "notify-first": PnpServer.notify_first,
    "no-notify": PnpServer.only_response,
    "no-response": PnpServer.subscribe,
    "reject": PnpServer.reject,
    "silent": PnpServer.silent,
    "garbage": PnpServer.garbage,
}
"""Behaviour name to what the server does about a SUBSCRIBE."""
