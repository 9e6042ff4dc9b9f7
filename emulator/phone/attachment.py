"""When the DHCP clients begin: after link up, once it is known which VLAN the phone is in (PROV-281, O-20).

The timer ``dhcp`` is also that of the wait for the neighbour, and of the waits after a NAK and a DECLINE, which end
here too. IPv4 and IPv6 begin at one moment; IPv6 begins once for each link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.events import Because, Entry, LinkUp, NeighbourHeard, TimerCancelled, TimerDue, TimerSet, VlanChosen
from emulator.phone import dhcp, dhcpv6, neighbours, triggers
from emulator.phone.firmware import Reaction, reacts
from emulator.phone.network import IPV4, IPV6

if TYPE_CHECKING:
    from emulator.phone.state import Phone


@reacts(LinkUp)
def link_came(phone: Phone, event: LinkUp, entry: Entry) -> Reaction:
    """A cable that carries a signal starts the clients, after the wait for the neighbour (PROV-281, O-20)."""
    wait = neighbours.wait(phone)
    if wait:
        yield TimerSet("dhcp", wait)
    else:
        yield from begin(phone)


@reacts(NeighbourHeard)
def neighbour_heard(phone: Phone, event: NeighbourHeard, entry: Entry) -> Reaction:
    """The wait is over as soon as nothing better can come."""
    if not phone.neighbours.chosen and neighbours.settled(phone):
        yield from begin(phone)


@reacts(TimerDue)
def waited(phone: Phone, event: TimerDue, entry: Entry) -> Reaction:
    """The wait is over."""
    if event.name == "dhcp" and phone.dhcp.state == "init":
        yield from begin(phone)


def begin(phone: Phone) -> Reaction:
    """Out of ``init``, in the VLAN that is to be used (PROV-281)."""
    vlan, source, grounds = neighbours.choice(phone)
    if vlan != phone.neighbours.vlan:
        yield Because(VlanChosen(vlan, source), grounds)
    else:
        yield from clients(phone, grounds)


@reacts(VlanChosen)
def vlan_chosen(phone: Phone, event: VlanChosen, entry: Entry) -> Reaction:
    """The VLAN is decided: look for a server in it (PROV-281)."""
    return clients(phone, ())


def clients(phone: Phone, grounds: tuple[int, ...]) -> Reaction:
    """The clients of the families in use. That of IPv4 sets the timer of the wait anew on its way."""
    families = phone.network.families
    if IPV4 in families:
        yield Because(dhcp.enter(phone, "selecting", 1, fresh=True), grounds)
    elif phone.orders.armed("dhcp"):
        yield TimerCancelled("dhcp")
    if IPV6 in families and not phone.neighbours.chosen:
        yield Because(dhcpv6.soliciting(phone), (*grounds, phone.network.since))
        yield from triggers.wait_for_ipv4(phone)
