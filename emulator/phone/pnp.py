"""SIP plug and play: ask a multicast group for the provisioning URL (PROV-050 to PROV-066).

One SUBSCRIBE, retransmitted on the non-INVITE schedule of RFC 3261 s.17.1.2.2; the first acceptable NOTIFY within five
seconds wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.events import (
    SECOND,
    AddressLost,
    DatagramSent,
    Entry,
    Event,
    NotifyReceived,
    PacketRefused,
    Payload,
    PnpAnswered,
    PnpEnded,
    PnpSettled,
    PnpSubscribed,
    SipAnswered,
    TimerCancelled,
    TimerDue,
    TimerSet,
)
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.identity import macros, model_file, user_agent
from emulator.phone.network import source_for
from emulator.phone.parts import PartState, part
from emulator.phone.sip import PORT, answer
from emulator.phone.transactions import T1, following
from emulator.phone.urls import UrlError, candidates, expand, parse_url
from emulator.wire import sip

if TYPE_CHECKING:
    from emulator.phone.state import Phone

GROUP = "224.0.1.75"
"""The multicast group (PROV-050)."""
WINDOW = 5 * SECOND
"""How long the phone waits, from the first SUBSCRIBE (PROV-052, PROV-059)."""
PACKAGE = "ua-profile"
CONTENT_TYPE = "application/url"
TTL = 1
"""Multicast stays on the provisioning network (O-3)."""


@part
class Pnp(PartState):
    """The subscription of this run.

    open: waiting for a NOTIFY; settled: no more retransmissions; interval: next wait, ns; sent: datagrams so far;
    runs: subscriptions in this power cycle.
    """

    open: bool = False
    settled: bool = False
    answered: bool = False
    call_id: str = ""
    from_tag: str = ""
    branch: str = ""
    interval: int = 0
    runs: int = 0


@applies("pnp", PnpSubscribed)
def subscribed(phone: Phone, event: PnpSubscribed, entry: Entry) -> None:
    """A new subscription; an earlier one is forgotten."""
    phone.pnp = Pnp(True, False, False, event.call_id, event.from_tag, event.branch, T1, phone.pnp.runs + 1)


@applies("pnp", PnpSettled)
def settled(phone: Phone, event: PnpSettled, entry: Entry) -> None:
    """No more retransmissions."""
    phone.pnp.settled = True


@applies("pnp", TimerDue)
def interval_doubled(phone: Phone, event: TimerDue, entry: Entry) -> None:
    """The wait doubles with each retransmission (PROV-058)."""
    if event.name == "pnp-retransmit":
        phone.pnp.interval = following(phone.pnp.interval)


@applies("pnp", PnpAnswered, PnpEnded)
def over(phone: Phone, event: PnpAnswered | PnpEnded, entry: Entry) -> None:
    """An accepted NOTIFY keeps the subscription known for the rest of the window (PROV-063); the time-out ends it."""
    phone.pnp.answered = phone.pnp.open = isinstance(event, PnpAnswered)


def subscribe(phone: Phone) -> Event:
    """The event that begins a subscription, with fresh identities."""
    run = phone.pnp.runs + 1
    call_id, tag, branch = (f"{phone.draw(f'pnp-{what}', run):016x}" for what in ("call-id", "tag", "branch"))
    return PnpSubscribed(f"{call_id}@{source_for(phone, GROUP)}", tag, f"z9hG4bK{branch}")


@reacts(PnpSubscribed)
def begin(phone: Phone, event: PnpSubscribed, entry: Entry) -> Reaction:
    """Send the SUBSCRIBE and wait."""
    yield request(phone)
    yield TimerSet("pnp-retransmit", phone.pnp.interval)
    yield TimerSet("pnp-window", WINDOW)


@reacts(TimerDue)
def timer_due(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """Retransmit, or give up (PROV-052)."""
    if event.name == "pnp-retransmit":
        yield request(phone)
        yield TimerSet("pnp-retransmit", phone.pnp.interval)
    elif event.name == "pnp-window":
        if phone.orders.armed("pnp-retransmit"):
            yield TimerCancelled("pnp-retransmit")
        silent = "no-notify" if phone.pnp.settled else "no-answer"
        yield PnpEnded("answered" if phone.pnp.answered else silent)


@reacts(AddressLost)
def address_lost(phone: Phone, event: AddressLost, entry: Entry) -> Reaction:
    """The group is an IPv4 one: without an IPv4 address there is nothing to wait for."""
    if phone.orders.armed("pnp-window"):
        yield TimerCancelled("pnp-window")
        if phone.orders.armed("pnp-retransmit"):
            yield TimerCancelled("pnp-retransmit")
        yield PnpEnded("no-address")


def request(phone: Phone) -> Event:
    """The SUBSCRIBE of PROV-056, its lines in the order that deployed responders rely on (PROV-057a)."""
    pnp, own = phone.pnp, source_for(phone, GROUP)
    identity = f"sip:MAC%3a{phone.settings.mac}@{GROUP}"
    where = f";maddr={GROUP};ttl={TTL}" if phone.options.pnp_via_maddr else ""
    vendor = phone.options.pnp_vendor_parameter
    package = (
        f'{PACKAGE};profile-type="device";{vendor}="Panasonic";model="{phone.settings.model}";version="{phone.version}"'
    )
    headers = (
        ("Via", f"SIP/2.0/UDP {own}:{PORT}{where};branch={pnp.branch};rport"),
        ("From", f"<{identity}>;tag={pnp.from_tag}"),
        ("To", f"<{identity}>"),
        ("Call-ID", pnp.call_id),
        ("CSeq", "1 SUBSCRIBE"),
        ("Event", package),
        ("Contact", f"<sip:{own}:{PORT}>"),
        ("Max-Forwards", "70"),
        ("Expires", "0"),
        ("Accept", CONTENT_TYPE),
        ("User-Agent", user_agent(phone)),
    )
    return DatagramSent(own, PORT, GROUP, PORT, Payload(sip.request("SUBSCRIBE", identity, headers)), TTL)


@reacts(SipAnswered)
def response_came(phone: Phone, event: SipAnswered, entry: Entry) -> Reaction:
    """A final response stops retransmission and nothing else: another server may still notify (PROV-059, PROV-065)."""
    pnp = phone.pnp
    if pnp.open and not pnp.settled and event.call_id == pnp.call_id and event.status >= 200:
        yield PnpSettled()
        yield TimerCancelled("pnp-retransmit")


@reacts(NotifyReceived)
def notify_came(phone: Phone, event: NotifyReceived, entry: Entry) -> Reaction:
    """Answer every NOTIFY (PROV-062); the first acceptable one brings the URL (PROV-061, PROV-063)."""
    status, phrase, url = judge(phone, event)
    yield answer(phone, event, status, phrase)
    if status != 200:
        yield PacketRefused("SIP", f"notify-{status}")
        return
    if phone.pnp.answered:
        return
    if not phone.pnp.settled:
        yield PnpSettled()
        yield TimerCancelled("pnp-retransmit")
    yield PnpAnswered(url)


def judge(phone: Phone, event: NotifyReceived) -> tuple[int, str, str]:
    """(status, phrase, URL) for a NOTIFY, by the rules of PROV-061 and PROV-062.

    One that claims no dialog and has an event that nobody here knows gets 489 (PROV-254).
    """
    pnp = phone.pnp
    ours = pnp.open and (event.call_id == pnp.call_id or (event.to_tag != "" and event.to_tag == pnp.from_tag))
    if not ours and (event.package == PACKAGE or event.to_tag):
        return 481, "Subscription Does Not Exist", ""
    if event.package != PACKAGE:
        return 489, "Bad Event", ""
    if event.content_type != CONTENT_TYPE:
        return 415, "Unsupported Media Type", ""
    url = event.body.decode("utf-8", "replace").strip()
    try:
        for candidate in candidates(expand(url, macros(phone)), model_file(phone)):
            parse_url(candidate)
    except UrlError:
        return 400, "Bad Request", ""
    return 200, "OK", url
