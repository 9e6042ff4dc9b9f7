"""The DHCPv6 client: one address, and the provisioning URL of option 17 (RFC 8415 s.18.2, PROV-090 to PROV-094).

States: ``init``, ``soliciting``, ``requesting``, ``bound``, ``renewing``, ``rebinding``. One timer, ``dhcpv6``, drives
retransmission; ``dhcpv6-t1``, ``dhcpv6-t2`` and ``dhcpv6-expiry`` belong to the lease. It runs only where IPv6 is in
use (``IP_ADDR_MODE``), speaks from the link-local address, and neither probes an address nor lets one go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from emulator.events import (
    SECOND,
    DatagramReceived,
    DatagramSent,
    Dhcpv6Received,
    Dhcpv6StateEntered,
    DisplayShown,
    Entry,
    Event,
    Ipv6AddressBound,
    Ipv6AddressLost,
    LinkDown,
    PacketRefused,
    Payload,
    TimerCancelled,
    TimerDue,
    TimerSet,
)
from emulator.phone.dhcpv6_reading import IAID
from emulator.phone.dhcpv6_reading import read as read_message
from emulator.phone.display import NO_ANSWER
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.network import IPV6, link_local, online
from emulator.phone.parts import PartState, part
from emulator.wire import dhcpv6 as wire

if TYPE_CHECKING:
    from emulator.phone.state import Phone

CLIENT_PORT, SERVER_PORT = 546, 547
SERVERS = "ff02::1:2"
"""All_DHCP_Relay_Agents_and_Servers (RFC 8415 s.7.1)."""
REQUESTED = (wire.VENDOR_OPTIONS, wire.DNS, wire.SOL_MAX_RT)
"""The option request, in every message (PROV-090; s.18.2.1 wants SOL_MAX_RT in it)."""
INFINITE = 0xFFFFFFFF
BEST_PREFERENCE = 255
"""An ADVERTISE of this preference is taken at once (s.18.2.1)."""
REQUESTS_BEFORE_RESTART = 10
"""REQ_MAX_RC (s.7.6)."""
SOLICIT_DELAY = SECOND
"""SOL_MAX_DELAY: the first SOLICIT waits for up to so long, so that phones do not all ask at once (s.18.2.1)."""
RANDOM_PART = SECOND // 10
"""RAND is a fraction from -0.1 to 0.1 (s.15); here it is counted in billionths."""
DISPLAY_AFTER = 3
"""SOLICITs without an answer after which the display says so."""


class Pace(NamedTuple):
    """How a message is repeated (s.7.6). first, longest: IRT and MRT, ns; kind: what is sent."""

    kind: int
    first: int
    longest: int


PACES = {
    "soliciting": Pace(wire.SOLICIT, SECOND, 3600 * SECOND),
    "requesting": Pace(wire.REQUEST, SECOND, 30 * SECOND),
    "renewing": Pace(wire.RENEW, 10 * SECOND, 600 * SECOND),
    "rebinding": Pace(wire.REBIND, 10 * SECOND, 600 * SECOND),
}
"""State to its message. T2 and the end of the lease are the MRD of the last two; they have timers of their own."""
KEEPING = ("renewing", "rebinding")
"""The states in which the client would keep its lease."""


@part
class Dhcpv6(PartState):
    """State of the client; address "" for none; times in ns; server, offering: DUID in hex.

    offered, offering, preference: of the best ADVERTISE so far (-1: none); since: when the exchange began; wait: of the
    last attempt; longest: SOL_MAX_RT as a server set it, 0 for the default; expiry: instant, None for ever.
    acked: entry of the REPLY that brought the address and the URL (0: none yet); url: of option 17 (None: none).
    """

    state: str = "init"
    xid: int = 0
    transactions: int = 0
    attempt: int = 0
    wait: int = 0
    since: int = 0
    longest: int = 0
    offered: str = ""
    offering: str = ""
    preference: int = -1
    server: str = ""
    address: str = ""
    expiry: int | None = None
    acked: int = 0
    url: str | None = None


# --- Time -----------------------------------------------------------------------------------------------------------


def retransmission(phone: Phone, state: str, attempt: int, last: int) -> int:
    """RT: ns to wait after ``attempt`` of ``state``, when the wait before was ``last`` (s.15).

    IRT + RAND * IRT at first, then 2 * RT + RAND * RT; over MRT it is MRT + RAND * MRT. The first wait for an ADVERTISE
    is longer than IRT (s.18.2.1), so that one of every server can come in.
    """
    pace = PACES[state]
    longest = (phone.dhcpv6.longest if state == "soliciting" else 0) or pace.longest
    draw = phone.draw(f"dhcpv6-{state}", phone.dhcpv6.transactions << 32 | attempt)
    if state == "soliciting" and attempt == 1:
        return pace.first + pace.first * (1 + draw % RANDOM_PART) // SECOND
    random = draw % (2 * RANDOM_PART + 1) - RANDOM_PART
    base, wait = (pace.first, pace.first) if attempt == 1 else (last, 2 * last)
    wait += base * random // SECOND
    return wait if wait <= longest else longest + longest * random // SECOND


def enter(phone: Phone, state: str, attempt: int, fresh: bool = False) -> Dhcpv6StateEntered:
    """The event that moves the client; a fresh exchange gets a new transaction id."""
    client = phone.dhcpv6
    xid = phone.draw("dhcpv6-xid", client.transactions + 1) & 0xFFFFFF if fresh else client.xid
    wait = retransmission(phone, state, attempt, client.wait) if state in PACES and attempt else 0
    if state == "soliciting" and not attempt:
        wait = phone.draw("dhcpv6-delay", client.transactions) % (SOLICIT_DELAY + 1)
    return Dhcpv6StateEntered(state, xid, attempt, wait)


def soliciting(phone: Phone) -> Dhcpv6StateEntered:
    """The client begins anew, after a moment of its own."""
    return enter(phone, "soliciting", 0, fresh=True)


# --- What is known --------------------------------------------------------------------------------------------------


@applies("dhcpv6", Dhcpv6StateEntered)
def state_entered(phone: Phone, event: Dhcpv6StateEntered, entry: Entry) -> None:
    """The client is in this state. The exchange begins with its first message."""
    client = phone.dhcpv6
    if event.xid != client.xid:
        client.xid = event.xid
        client.transactions += 1
    if event.attempt <= 1:
        client.since = entry.time
    if event.state == "soliciting" and event.attempt <= 1:
        client.offered, client.offering, client.preference = "", "", -1
    client.state, client.attempt, client.wait = event.state, event.attempt, event.wait


@applies("dhcpv6", Dhcpv6Received)
def message_read(phone: Phone, event: Dhcpv6Received, entry: Entry) -> None:
    """The best ADVERTISE is remembered, the first of equals; the REPLY to a REQUEST brings the URL.

    A renewal changes no URL that is in use, as with DHCPv4: a changed value is used at the next start (PROV-081).
    """
    client = phone.dhcpv6
    if event.sol_max_rt:
        client.longest = event.sol_max_rt * SECOND
    if event.type == wire.ADVERTISE:
        if event.address and event.valid and event.preference > client.preference:
            client.offered, client.offering, client.preference = event.address, event.server, event.preference
    elif event.status == wire.NO_BINDING and client.state in KEEPING:
        client.offered, client.offering = client.address, event.server
    elif client.state == "requesting" and event.address and event.valid:
        client.acked, client.url = entry.n, event.url


@applies("dhcpv6", Ipv6AddressBound)
def address_bound(phone: Phone, event: Ipv6AddressBound, entry: Entry) -> None:
    """The lease is in force."""
    client = phone.dhcpv6
    client.address, client.server = event.address, event.server
    client.expiry = entry.time + event.valid if event.valid else None


@applies("dhcpv6", Ipv6AddressLost)
def address_lost(phone: Phone, event: Ipv6AddressLost, entry: Entry) -> None:
    """No address may be used."""
    phone.dhcpv6.address = ""
    phone.dhcpv6.expiry = None


# --- What is done ---------------------------------------------------------------------------------------------------


@reacts(LinkDown)
def link_lost(phone: Phone, event: LinkDown, entry: Entry) -> Reaction:
    """Without a cable there is no lease to keep."""
    if IPV6 not in phone.network.families:
        return
    yield from cancel_timers(phone)
    if phone.dhcpv6.address:
        yield Ipv6AddressLost("link-down")
    yield enter(phone, "init", 0)


@reacts(Dhcpv6StateEntered)
def send(phone: Phone, event: Dhcpv6StateEntered, entry: Entry) -> Reaction:
    """An attempt is a message and a wait for the answer."""
    if event.attempt:
        yield message(phone, entry)
    if event.wait:
        yield TimerSet("dhcpv6", event.wait)
    elif event.state == "soliciting":
        yield enter(phone, "soliciting", 1)
    if event.state == "soliciting" and event.attempt == DISPLAY_AFTER and not online(phone):
        yield DisplayShown(NO_ANSWER)


@reacts(TimerDue)
def timer_due(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """Send once more, take the best offer, or go on to the next phase of the lease."""
    client = phone.dhcpv6
    if event.name == "dhcpv6":
        if client.state == "soliciting" and client.offered:
            yield enter(phone, "requesting", 1, fresh=True)
        elif client.state == "requesting" and client.attempt >= REQUESTS_BEFORE_RESTART:
            yield soliciting(phone)
        else:
            yield enter(phone, client.state, client.attempt + 1)
    elif event.name == "dhcpv6-t1":
        yield enter(phone, "renewing", 1, fresh=True)
    elif event.name == "dhcpv6-t2":
        yield enter(phone, "rebinding", 1, fresh=True)
    elif event.name == "dhcpv6-expiry":
        yield from lost(phone, "expired")


def lost(phone: Phone, reason: str) -> Iterator[Event]:
    """The address is gone; ask for another."""
    yield from cancel_timers(phone)
    yield Ipv6AddressLost(reason)
    yield soliciting(phone)


def cancel_timers(phone: Phone) -> Iterator[Event]:
    """Cancel whatever timer of the client is armed."""
    for name in ("dhcpv6", "dhcpv6-t1", "dhcpv6-t2", "dhcpv6-expiry"):
        if phone.orders.armed(name):
            yield TimerCancelled(name)


def message(phone: Phone, entry: Entry) -> Event:
    """The message of the current state (s.18.2.1 to s.18.2.5)."""
    client = phone.dhcpv6
    elapsed = min((entry.time - client.since) // (SECOND // 100), 0xFFFF)
    options = [(wire.CLIENT_ID, wire.duid_ll(bytes.fromhex(phone.settings.mac)))]
    server = client.offering if client.state == "requesting" else client.server
    if client.state in ("requesting", "renewing"):
        options.append((wire.SERVER_ID, bytes.fromhex(server)))
    own = client.offered if client.state == "requesting" else client.address
    inside = ((wire.IA_ADDRESS, wire.IaAddress(own, 0, 0).encode()),) if own else ()
    options.append((wire.IA_NA, wire.IaNa(IAID, options=inside).encode()))
    options.append((wire.ELAPSED_TIME, wire.u16(elapsed)))
    options.append((wire.OPTION_REQUEST, b"".join(map(wire.u16, REQUESTED))))
    payload = wire.Message(PACES[client.state].kind, client.xid, tuple(options)).encode()
    return DatagramSent(link_local(phone.settings.mac), CLIENT_PORT, SERVERS, SERVER_PORT, Payload(payload))


def read(phone: Phone, event: DatagramReceived) -> Reaction:
    """Decode once: a datagram to port 546 becomes a fact or a refusal."""
    return read_message(phone, event.payload)


@reacts(Dhcpv6Received)
def message_came(phone: Phone, event: Dhcpv6Received, entry: Entry) -> Reaction:
    """ADVERTISE: ask its server, at once or when others have had their time. REPLY: the address is ours.

    An answer without an address is as none, so what it answered is sent again in its own time. But a server that does
    not know the lease gets a REQUEST, and one that gives it no more life takes it away (s.18.2.10.1).
    """
    client = phone.dhcpv6
    if event.status == wire.NO_BINDING and client.state in KEEPING:
        yield enter(phone, "requesting", 1, fresh=True)
    elif event.address and not event.valid and event.type == wire.REPLY and client.address:
        yield from lost(phone, "withdrawn")
    elif not event.address or not event.valid:
        yield PacketRefused("DHCPv6", "no-address")
    elif event.type == wire.REPLY:
        yield from bound(phone, event)
    elif client.attempt > 1 or event.preference == BEST_PREFERENCE:
        yield enter(phone, "requesting", 1, fresh=True)


def bound(phone: Phone, event: Dhcpv6Received) -> Reaction:
    """The lease and its timers. Where the server leaves T1 and T2 open, or puts them beyond the lease, they are 0.5 and
    0.8 of the preferred lifetime (s.21.4)."""
    valid = 0 if event.valid == INFINITE else event.valid * SECOND
    preferred = (event.preferred or event.valid) * SECOND
    t2 = event.t2 * SECOND if 0 < event.t2 * SECOND < valid else preferred * 4 // 5
    t1 = event.t1 * SECOND if 0 < event.t1 * SECOND <= t2 else min(preferred // 2, t2)
    yield from cancel_timers(phone)
    t1, t2 = (t1, t2) if valid else (0, 0)
    yield Ipv6AddressBound(event.address, event.server, valid, t1, t2, not phone.dhcpv6.address)
    yield enter(phone, "bound", 0)
    if valid:
        yield TimerSet("dhcpv6-t1", t1)
        yield TimerSet("dhcpv6-t2", t2)
        yield TimerSet("dhcpv6-expiry", valid)
