"""A virtual SIP registrar (RFC 3261 s.10.3): it asks for a login, keeps bindings, and says how long they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from emulator.events import SECOND
from emulator.phone.httpauth import challenge_digest, check_digest, parse_challenges
from emulator.wire import sip
from emulator.world.scenario import SipSpec
from emulator.world.servers.base import Datagram, Send, Wake, otherwise

PORT = 5060
COPIED = ("Via", "From", "To", "Call-ID", "CSeq")
Headers = tuple[tuple[str, str], ...]


class Reply(NamedTuple):
    """What the registrar says to a REGISTER."""

    status: int
    phrase: str
    headers: Headers = ()


class Binding(NamedTuple):
    """Where an address of record can be reached. until: ns."""

    contact: str
    until: int


class Registrar:
    """bindings: address of record to where it is reached; a phone has one contact."""

    vlan = None

    def __init__(self, spec: SipSpec) -> None:
        self.spec = spec
        self.bindings: dict[str, Binding] = {}

    def fork(self) -> Registrar:
        """A registrar that goes on from here."""
        twin = Registrar(self.spec)
        twin.bindings = dict(self.bindings)
        return twin

    def listens(self, destination: str, port: int, now: int) -> bool:
        """Its own address."""
        return (destination, port) == (self.spec.address, PORT) and self.spec.start <= now < self.spec.end

    def wake(self, token: str, now: int) -> Iterable[Send | Wake]:
        """It never asks to be woken."""
        return ()

    def receive(self, datagram: Datagram, now: int) -> Iterable[Send | Wake]:
        """A REGISTER is answered, each time that it comes; nothing else is for a registrar."""
        try:
            message = sip.parse(datagram.payload)
        except sip.SipError:
            return ()
        if message.method != "REGISTER":
            return ()
        return BEHAVIOURS[self.spec.behaviour](self, datagram, message, now)

    # --- behaviours -------------------------------------------------------------------------------------------------

    def answer(self, datagram: Datagram, message: sip.Message, now: int) -> Iterator[Send]:
        """Challenge or register, after the scenario's delay."""
        yield self.send(datagram, message, self.judge(message, now), self.spec.delay)

    def trying(self, datagram: Datagram, message: sip.Message, now: int) -> Iterator[Send]:
        """100 at once, and then :meth:`answer`."""
        yield self.send(datagram, message, Reply(100, "Trying"), 0)
        yield from self.answer(datagram, message, now)

    def silent(self, datagram: Datagram, message: sip.Message, now: int) -> Iterator[Send]:
        """Nothing."""
        yield from ()

    def busy(self, datagram: Datagram, message: sip.Message, now: int) -> Iterator[Send]:
        """A server that is overloaded."""
        yield self.send(datagram, message, Reply(503, "Service Unavailable"), self.spec.delay)

    def forbidden(self, datagram: Datagram, message: sip.Message, now: int) -> Iterator[Send]:
        """It knows the phone, and does not want it."""
        yield self.send(datagram, message, Reply(403, "Forbidden"), self.spec.delay)

    def too_brief(self, datagram: Datagram, message: sip.Message, now: int) -> Iterator[Send]:
        """423 until enough is asked for (RFC 3261 s.10.2.8)."""
        least = self.spec.expires // SECOND
        if 0 < asked_for(message) < least:
            reply = Reply(423, "Interval Too Brief", (("Min-Expires", str(least)),))
            yield self.send(datagram, message, reply, self.spec.delay)
        else:
            yield from self.answer(datagram, message, now)

    def garbage(self, datagram: Datagram, message: sip.Message, now: int) -> Iterator[Send]:
        """Bytes that are no SIP."""
        yield Send(self.spec.delay, self.back(datagram, bytes(range(256))))

    # --- a REGISTER -------------------------------------------------------------------------------------------------

    def judge(self, message: sip.Message, now: int) -> Reply:
        """401 without the right login; else the binding is kept, or with Expires 0 dropped."""
        if not self.authorized(message):
            return self.challenge(message)
        record, contact = uri_in(message, "To"), uri_in(message, "Contact")
        if not (record and contact):
            return Reply(400, "Bad Request")
        granted = min(asked_for(message), self.spec.expires // SECOND)
        if granted == 0:
            self.bindings.pop(record, None)
            return Reply(200, "OK")
        self.bindings[record] = Binding(contact, now + granted * SECOND)
        return Reply(200, "OK", (("Contact", f"<{contact}>;expires={granted}"),))

    def challenge(self, message: sip.Message) -> Reply:
        """401; with ``wrong-realm`` for a realm that no login of this registrar fits."""
        realm = "elsewhere.example" if self.spec.behaviour == "wrong-realm" else self.spec.domain
        algorithm = "SHA-256" if self.spec.auth == "digest-sha256" else "MD5"
        value = challenge_digest(realm, self.nonce(message), algorithm)
        return Reply(401, "Unauthorized", (("WWW-Authenticate", value),))

    def authorized(self, message: sip.Message) -> bool:
        """Whether it holds the login of one of the users."""
        if self.spec.auth == "none":
            return True
        header = message.get("Authorization") or ""
        values = next((each.values for each in parse_challenges([header])), {})
        user = values.get("username", "")
        if values.get("uri") != message.request_uri or user not in self.spec.users:
            return False
        password, nonce = self.spec.users[user], self.nonce(message)
        return check_digest(
            header, method="REGISTER", user=user, password=password, realm=self.spec.domain, nonce=nonce
        )

    def nonce(self, message: sip.Message) -> str:
        """The nonce of a client: the same for all its requests, so that repeated ones get equal answers."""
        return sha256(f"{self.spec.domain}/{message.get('Call-ID')}".encode()).hexdigest()[:32]

    def send(self, datagram: Datagram, message: sip.Message, reply: Reply, delay: int) -> Send:
        """A response, back to where the request came from."""
        copied = [(name, message.get(name) or "") for name in COPIED]
        if reply.status > 100:
            copied[2] = ("To", f"{copied[2][1]};tag=registrar")
        headers = otherwise((*copied, *reply.headers), self.spec.headers if reply.status > 100 else {})
        payload = sip.response(reply.status, reply.phrase, headers)
        return Send(delay, self.back(datagram, payload))

    def back(self, datagram: Datagram, payload: bytes) -> Datagram:
        """A datagram to where another came from."""
        return Datagram(datagram.phone, self.spec.address, PORT, datagram.source, datagram.source_port, payload)


def uri_in(message: sip.Message, name: str) -> str:
    """The URI in a header field; "" if it cannot be read."""
    try:
        return sip.parse_name_addr(message.get(name) or "").uri
    except sip.SipError:
        return ""


def asked_for(message: sip.Message) -> int:
    """The seconds that a REGISTER asks for."""
    return sip.seconds(message.get("Expires") or "") or 0


Behaviour = Callable[[Registrar, Datagram, sip.Message, int], Iterable[Send | Wake]]
BEHAVIOURS: dict[str, Behaviour] = {
    **dict.fromkeys(("answer", "wrong-realm"), Registrar.answer),
    "trying": Registrar.trying,
    "silent": Registrar.silent,
    "busy": Registrar.busy,
    "forbidden": Registrar.forbidden,
    "too-brief": Registrar.too_brief,
    "garbage": Registrar.garbage,
}
"""Behaviour name to what the registrar does about a REGISTER."""
