"""The phone's SIP port: datagrams become facts, and requests get their answers.

What a fact means is for the parts to decide: plug and play (:mod:`~emulator.phone.pnp`), the NOTIFY that asks for
provisioning (:mod:`~emulator.phone.resync`) and the registration of the lines (:mod:`~emulator.phone.registration`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from emulator.events import (
    Because,
    CheckSyncReceived,
    DatagramReceived,
    DatagramSent,
    Event,
    NotifyReceived,
    PacketRefused,
    Payload,
    RegisterAnswered,
    SipAnswered,
    ToleranceUsed,
)
from emulator.phone.firmware import Reaction
from emulator.phone.network import source_for
from emulator.wire import sip

if TYPE_CHECKING:
    from emulator.phone.state import Phone

PORT = 5060
COOKIE = "z9hG4bK"
"""What a branch begins with that identifies its transaction alone (RFC 3261 s.8.1.1.7)."""
CHALLENGING = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}
"""The status of a response that asks for credentials, to the header field that says how (RFC 3261 s.22)."""
READ_AT_MOST = 16
"""Bindings, and challenges, that are read of one response."""
RESYNC_EVENT = "CFG_RESYNC_FROM_SIP"


def read(phone: Phone, event: DatagramReceived) -> Reaction:
    """Decode once: a datagram to port 5060 becomes a fact or a refusal."""
    try:
        message = sip.parse(event.payload)
        for code in message.tolerances():
            yield ToleranceUsed("SIP", code)
        yield fact(phone, event, message)
    except sip.SipError as error:
        yield PacketRefused("SIP", error.reason)


def fact(phone: Phone, event: DatagramReceived, message: sip.Message) -> Event | Because:
    """The facts of a response or a NOTIFY. Raises SipError."""
    call_id = message.get("Call-ID") or ""
    _, method = sip.cseq(message.get("CSeq") or "")
    if message.status is not None and method == "REGISTER":
        return register_answered(message, message.status)
    if message.status is not None:
        return SipAnswered(message.status, message.phrase or "", call_id, method)
    if message.method != "NOTIFY":
        return PacketRefused("SIP", "method-not-supported")
    package = sip.token(message.get("Event") or "")
    resync = sip.token(phone.settings.value(RESYNC_EVENT))
    if package == resync != "":
        return Because(check_sync(event, message), (phone.settings.grounds(RESYNC_EVENT),))
    return NotifyReceived(
        source=event.source,
        source_port=answer_port(event, message),
        call_id=call_id,
        to_tag=sip.tag(message.get("To") or "") or "",
        package=package,
        content_type=sip.token(message.get("Content-Type") or ""),
        body=Payload(message.content()),
        copied=copied(message),
    )


def register_answered(message: sip.Message, status: int) -> RegisterAnswered:
    """The facts of a response to a REGISTER (RFC 3261 s.10.2.4). Raises SipError ``no-via`` or ``bad-via``."""
    challenges = message.all(CHALLENGING[status]) if status in CHALLENGING else ()
    return RegisterAnswered(
        status=status,
        phrase=message.phrase or "",
        branch=sip.top_via(message).param("branch") or "",
        challenges=challenges[:READ_AT_MOST],
        contacts=tuple(bindings(message)),
        expires=delta(message.get("Expires")),
        min_expires=delta(message.get("Min-Expires")),
    )


def bindings(message: sip.Message) -> Iterator[tuple[str, int]]:
    """URI and seconds of the bindings that a response lists; one that cannot be read is passed over."""
    listed = (each for value in message.all("Contact")[:READ_AT_MOST] for each in sip.split_list(value))
    for contact in islice(listed, READ_AT_MOST):
        try:
            address = sip.parse_name_addr(contact)
        except sip.SipError:
            continue
        yield address.uri, delta(next((value for name, value in address.params if name.lower() == "expires"), None))


def delta(value: str | None) -> int:
    """Seconds, -1 where there are none."""
    found = None if value is None else sip.seconds(value)
    return -1 if found is None else found


def check_sync(event: DatagramReceived, message: sip.Message) -> CheckSyncReceived:
    """The facts of a NOTIFY that asks for provisioning; read as liberally as the printed one needs (PROV-252)."""
    return CheckSyncReceived(
        source=event.source,
        source_port=answer_port(event, message),
        restart=(sip.param(message.get("Event") or "", "reboot") or "").lower() == "true",
        transaction=transaction(message),
        copied=copied(message),
    )


def transaction(message: sip.Message) -> str:
    """What a repetition of a request has in common with it, and no other request (RFC 3261 s.17.2.3)."""
    via = message.get("Via") or ""
    branch = sip.param(sip.first_value(via), "branch") or ""
    if branch.startswith(COOKIE):
        return f"{branch} {via.partition(';')[0]}"
    return " ".join((via, *(message.get(name) or "" for name in ("From", "Call-ID", "CSeq"))))


def copied(message: sip.Message) -> tuple[tuple[str, str], ...]:
    """The header lines that the answer to a request repeats (RFC 3261 s.8.2.6.2)."""
    lines = [("Via", via) for via in message.all("Via")]
    lines += [(name, value) for name in ("From", "To", "Call-ID", "CSeq") if (value := message.get(name))]
    return tuple(lines)


def answer_port(event: DatagramReceived, message: sip.Message) -> int:
    """Where the answer to a request goes: with ``rport`` to where it came from (RFC 3581 s.4), else to the port of its
    Via (RFC 3261 s.18.2.2)."""
    try:
        via = sip.top_via(message)
    except sip.SipError:
        return event.source_port
    return event.source_port if via.param("rport") is not None else via.port or PORT


def answer(phone: Phone, event: NotifyReceived | CheckSyncReceived, status: int, phrase: str) -> Event:
    """The response to a NOTIFY, back to where it came from."""
    payload = sip.response(status, phrase, event.copied)
    own = source_for(phone, event.source)
    return DatagramSent(own, PORT, event.source, event.source_port, Payload(payload))
