"""The DHCP client (RFC 2131 figure 5, PROV-070 to PROV-081).

States: ``init``, ``selecting``, ``requesting``, ``bound``, ``renewing``, ``rebinding``. One timer, ``dhcp``, drives
retransmission and ends the waits in ``init`` (:mod:`~emulator.phone.attachment`). ``dhcp-t1``, ``dhcp-t2``
and ``dhcp-expiry`` belong to the lease.
"""

from __future__ import annotations

from collections.abc import Iterator
from string import whitespace
from typing import TYPE_CHECKING

from emulator.events import (
    SECOND,
    AddressBound,
    AddressLost,
    ConflictFound,
    DatagramReceived,
    DatagramSent,
    DhcpReceived,
    DhcpStateEntered,
    DisplayShown,
    Entry,
    Event,
    LinkDown,
    PacketRefused,
    Payload,
    TimerCancelled,
    TimerDue,
    TimerSet,
    ToleranceUsed,
)
from emulator.phone.display import NO_ANSWER
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.network import online
from emulator.phone.parts import PartState, part
from emulator.wire import dhcp as wire

if TYPE_CHECKING:
    from emulator.phone.state import Phone

CLIENT_PORT, SERVER_PORT = 68, 67
BROADCAST, NO_ADDRESS = "255.255.255.255", "0.0.0.0"
REQUESTED = bytes((1, 3, 6, 15, 42, 51, 54, 58, 59, 66, 159, 160))
"""The parameter request list, in DISCOVER and REQUEST (PROV-070, PROV-071, PROV-079)."""
REQUESTS_BEFORE_RESTART = 4
"""Unanswered REQUESTs after which the client starts over with DISCOVER (RFC 2131 s.3.1.5)."""
INFINITE = 0xFFFFFFFF
SHORTEST_RETRANSMISSION = 60 * SECOND
"""Least wait between REQUESTs while renewing and rebinding (RFC 2131 s.4.4.5)."""
DISPLAY_AFTER = 3
"""DISCOVERs without an offer after which the display says so."""
DECLINE_WAIT = 10 * SECOND
"""Wait after a DECLINE (RFC 2131 s.3.1.5)."""


@part
class Dhcp(PartState):
    """State of the client; addresses dotted, "" for none; times in ns.

    acked: entry of the ACK that brought the options used in this power cycle (0: none); option66/159/160: from it.
    since: when the transaction began; bound, t1, t2, expiry: lease times as instants, expiry None for ever.
    """

    state: str = "init"
    xid: int = 0
    transactions: int = 0
    attempt: int = 0
    refusals: int = 0
    since: int = 0
    offered: str = ""
    server: str = ""
    address: str = ""
    mask: str = ""
    t2: int = 0
    expiry: int | None = None
    acked: int = 0
    option66: str | None = None
    option159: str | None = None
    option160: str | None = None


def back_off(phone: Phone, attempt: int) -> int:
    """Wait before retransmission ``attempt`` + 1: 4, 8, 16, 32, 64 s, plus or minus up to 1 s (RFC 2131 s.4.1)."""
    base = (4 << min(attempt - 1, 4)) * SECOND
    return base - SECOND + phone.draw(f"dhcp-back-off-{phone.dhcp.state}", phone.dhcp.xid + attempt) % (2 * SECOND + 1)


def enter(phone: Phone, state: str, attempt: int, fresh: bool = False) -> DhcpStateEntered:
    """The event that moves the client; a fresh transaction gets a new xid."""
    dhcp = phone.dhcp
    xid = phone.draw("dhcp-xid", dhcp.transactions + 1) & 0xFFFFFFFF if fresh else dhcp.xid
    return DhcpStateEntered(state, xid, attempt)


@applies("dhcp", DhcpStateEntered)
def state_entered(phone: Phone, event: DhcpStateEntered, entry: Entry) -> None:
    """The client is in this state, with this transaction."""
    dhcp = phone.dhcp
    if event.xid != dhcp.xid:
        dhcp.xid = event.xid
        dhcp.transactions += 1
        dhcp.since = entry.time
    dhcp.state, dhcp.attempt = event.state, event.attempt


@applies("dhcp", DhcpReceived)
def message_read(phone: Phone, event: DhcpReceived, entry: Entry) -> None:
    """An offer is remembered; an ACK for a fresh lease brings the options of this power cycle.

    A renewal changes no option that is in use: a changed value is used at the next start (PROV-081).
    """
    dhcp = phone.dhcp
    if event.type == wire.OFFER and dhcp.state == "selecting":
        dhcp.offered, dhcp.server = event.address, event.server
    elif event.type == wire.ACK and dhcp.state == "requesting":
        dhcp.acked = entry.n
        dhcp.option66, dhcp.option159, dhcp.option160 = event.option66, event.option159, event.option160
    elif event.type == wire.NAK:
        dhcp.refusals += 1


@applies("dhcp", AddressBound)
def address_bound(phone: Phone, event: AddressBound, entry: Entry) -> None:
    """The lease is in force."""
    dhcp = phone.dhcp
    dhcp.address, dhcp.mask, dhcp.server = event.address, event.mask, event.server
    dhcp.refusals = 0
    dhcp.expiry = entry.time + event.lease if event.lease else None
    dhcp.t2 = entry.time + event.t2


@applies("dhcp", AddressLost)
def address_lost(phone: Phone, event: AddressLost, entry: Entry) -> None:
    """No address may be used."""
    phone.dhcp.address = phone.dhcp.mask = ""
    phone.dhcp.expiry = None


@reacts(LinkDown)
def link_lost(phone: Phone, event: LinkDown, entry: Entry) -> Reaction:
    """Without a cable there is no lease to keep."""
    yield from cancel_timers(phone)
    if phone.dhcp.address:
        yield AddressLost("link-down")
    yield enter(phone, "init", 0)


@reacts(DhcpStateEntered)
def send(phone: Phone, event: DhcpStateEntered, entry: Entry) -> Reaction:
    """Each state but ``init`` and ``bound`` begins with a message and a wait for the answer."""
    if event.state == "selecting":
        yield message(phone, wire.DISCOVER, entry)
        yield TimerSet("dhcp", back_off(phone, event.attempt))
        if event.attempt == DISPLAY_AFTER and not online(phone):
            yield DisplayShown(NO_ANSWER)
    elif event.state == "requesting":
        yield message(phone, wire.REQUEST, entry)
        yield TimerSet("dhcp", back_off(phone, event.attempt))
    elif event.state in ("renewing", "rebinding"):
        yield message(phone, wire.REQUEST, entry)
        until = phone.dhcp.t2 if event.state == "renewing" else phone.dhcp.expiry
        left = (until - entry.time) if until is not None else 0
        wait = max(left // 2, SHORTEST_RETRANSMISSION)
        if wait < left:
            yield TimerSet("dhcp", wait)


@reacts(TimerDue)
def timer_due(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """Retransmit, or go on to the next phase of the lease; what ends a wait in ``init`` is for ``attachment``."""
    dhcp = phone.dhcp
    if event.name == "dhcp" and dhcp.state != "init":
        if dhcp.state == "requesting" and dhcp.attempt >= REQUESTS_BEFORE_RESTART:
            yield enter(phone, "selecting", 1, fresh=True)
        else:
            yield enter(phone, dhcp.state, dhcp.attempt + 1)
    elif event.name == "dhcp-t1":
        yield enter(phone, "renewing", 1, fresh=True)
    elif event.name == "dhcp-t2":
        yield enter(phone, "rebinding", 1)
    elif event.name == "dhcp-expiry":
        yield from cancel_timers(phone)
        yield AddressLost("expired")
        yield enter(phone, "selecting", 1, fresh=True)


@reacts(ConflictFound)
def decline(phone: Phone, event: ConflictFound, entry: Entry) -> Reaction:
    """An address that is given up is declined, and after a pause another one asked for (RFC 2131 s.3.1.5)."""
    if event.defended:
        return
    yield from cancel_timers(phone)
    yield declined(phone)
    yield AddressLost("conflict")
    yield enter(phone, "init", 0)
    yield TimerSet("dhcp", DECLINE_WAIT)


def cancel_timers(phone: Phone) -> Iterator[Event]:
    """Cancel whatever timer of the client is armed."""
    for name in ("dhcp", "dhcp-t1", "dhcp-t2", "dhcp-expiry"):
        if phone.orders.armed(name):
            yield TimerCancelled(name)


def message(phone: Phone, kind: int, entry: Entry) -> Event:
    """DISCOVER or REQUEST as RFC 2131 table 5 wants it in the current state."""
    dhcp = phone.dhcp
    mac = bytes.fromhex(phone.settings.mac)
    options = [(wire.CLIENT_ID, b"\x01" + mac), (wire.HOSTNAME, phone.settings.model.encode())]
    if kind == wire.REQUEST and dhcp.state == "requesting":
        options.insert(0, (wire.REQUESTED_ADDRESS, wire.ip_to_bytes(dhcp.offered)))
        if dhcp.server:
            options.insert(1, (wire.SERVER_ID, wire.ip_to_bytes(dhcp.server)))
    options.append((wire.PARAMETERS, REQUESTED))
    own = dhcp.address if dhcp.state in ("renewing", "rebinding") else NO_ADDRESS
    payload = wire.build(
        op=wire.BOOTREQUEST,
        xid=dhcp.xid,
        chaddr=mac,
        type=kind,
        options=options,
        ciaddr=own,
        secs=min((entry.time - dhcp.since) // SECOND, 0xFFFF),
    )
    to = dhcp.server if dhcp.state == "renewing" else BROADCAST
    return DatagramSent(own, CLIENT_PORT, to, SERVER_PORT, Payload(payload))


def declined(phone: Phone) -> Event:
    """The DECLINE of the address in use: nothing in it but who, what and to whom (RFC 2131 table 5)."""
    dhcp, mac = phone.dhcp, bytes.fromhex(phone.settings.mac)
    options = [
        (wire.REQUESTED_ADDRESS, wire.ip_to_bytes(dhcp.address)),
        (wire.SERVER_ID, wire.ip_to_bytes(dhcp.server)),
        (wire.CLIENT_ID, b"\x01" + mac),
    ]
    payload = wire.build(op=wire.BOOTREQUEST, xid=dhcp.xid, chaddr=mac, type=wire.DECLINE, options=options)
    return DatagramSent(NO_ADDRESS, CLIENT_PORT, BROADCAST, SERVER_PORT, Payload(payload))


def read(phone: Phone, event: DatagramReceived) -> Reaction:
    """Decode once: a datagram to port 68 becomes a fact or a refusal."""
    try:
        message = wire.parse(event.payload)
    except wire.DhcpError as error:
        yield PacketRefused("DHCP", error.reason)
        return
    refusal = unwanted(phone, message)
    if refusal:
        yield PacketRefused("DHCP", refusal)
        return
    for code in message.tolerances():
        yield ToleranceUsed("DHCP", code)
    yield fact(message)


def unwanted(phone: Phone, message: wire.Message) -> str:
    """Why ``message`` is not for this client now; "" if it is."""
    if message.op != wire.BOOTREPLY:
        return "not-a-reply"
    if message.chaddr[:6].hex() != phone.settings.mac.lower():
        return "for-another-client"
    if message.xid != phone.dhcp.xid:
        return "another-transaction"
    kind = message.option(wire.MESSAGE_TYPE)
    if kind is None or len(kind) != 1:
        return "no-message-type"
    expected = {
        "selecting": (wire.OFFER,),
        "requesting": (wire.ACK, wire.NAK),
        "renewing": (wire.ACK, wire.NAK),
        "rebinding": (wire.ACK, wire.NAK),
    }.get(phone.dhcp.state, ())
    return "" if kind[0] in expected else "unexpected-type"


def fact(message: wire.Message) -> DhcpReceived:
    """The facts of an OFFER, ACK or NAK."""

    def address(code: int) -> str:
        data = message.option(code)
        return wire.bytes_to_ip(data[:4]) if data is not None and len(data) >= 4 else ""

    def number(code: int) -> int:
        data = message.option(code)
        return int.from_bytes(data, "big") if data is not None and len(data) == 4 else -1

    def text(code: int) -> str | None:
        data = message.option(code)
        return None if data is None else option_text(data)

    kind = message.option(wire.MESSAGE_TYPE) or b"\0"
    return DhcpReceived(
        type=kind[0],
        address=message.yiaddr,
        server=address(wire.SERVER_ID),
        mask=address(wire.SUBNET_MASK),
        router=address(wire.ROUTER),
        dns=address(wire.DNS),
        lease=number(wire.LEASE_TIME),
        t1=number(wire.T1),
        t2=number(wire.T2),
        option66=text(wire.TFTP_SERVER),
        option159=text(wire.PROVISIONING_159),
        option160=text(wire.PROVISIONING_160),
    )


def option_text(data: bytes) -> str:
    """A URL in an option: without trailing NUL and surrounding white space (PROV-077)."""
    return data.decode("utf-8", "replace").lstrip().rstrip(f"\0{whitespace}")


@reacts(DhcpReceived)
def message_came(phone: Phone, event: DhcpReceived, entry: Entry) -> Reaction:
    """Offer: ask for it. ACK: the address is ours. NAK: start over."""
    if event.type == wire.OFFER:
        if event.address == NO_ADDRESS or not event.server:
            yield PacketRefused("DHCP", "empty-offer")
            return
        yield enter(phone, "requesting", 1)
    elif event.type == wire.ACK:
        if event.address == NO_ADDRESS or event.lease < 1:
            yield PacketRefused("DHCP", "empty-acknowledgement")
            return
        yield from bound(phone, event, entry)
    else:
        yield from refused(phone)


def bound(phone: Phone, event: DhcpReceived, entry: Entry) -> Reaction:
    """The lease and its timers; T1 and T2 default to 0.5 and 0.875 of it (RFC 2131 s.4.4.5)."""
    dhcp = phone.dhcp
    lease = 0 if event.lease == INFINITE else event.lease * SECOND
    t2 = event.t2 * SECOND if 0 < event.t2 * SECOND < lease else lease * 7 // 8
    t1 = event.t1 * SECOND if 0 < event.t1 * SECOND < t2 else min(lease // 2, t2)
    if phone.orders.armed("dhcp"):
        yield TimerCancelled("dhcp")
    fresh = dhcp.state == "requesting"
    yield AddressBound(event.address, event.mask, event.server or dhcp.server, lease, t1, t2, fresh)
    yield enter(phone, "bound", 0)
    if lease:
        yield TimerSet("dhcp-t1", t1)
        yield TimerSet("dhcp-t2", t2)
        yield TimerSet("dhcp-expiry", lease)


def refused(phone: Phone) -> Reaction:
    """A NAK ends the lease; the first leads to a new DISCOVER at once, more of them to a back-off."""
    yield from cancel_timers(phone)
    if phone.dhcp.address:
        yield AddressLost("refused")
    if phone.dhcp.refusals <= 1:
        yield enter(phone, "selecting", 1, fresh=True)
    else:
        yield enter(phone, "init", 0)
        yield TimerSet("dhcp", back_off(phone, min(phone.dhcp.refusals - 1, 5)))
