"""Address conflicts (RFC 5227): a new address is announced, and what others say of it is heard.

A claim of another station within ten seconds of the announcement means that the address was taken: it is given up at
once. A later claim is answered by one more announcement, and a second one within ten seconds of that ends it: the
choice (b) of RFC 5227 s.2.4. There is no probe before an address is used; RFC 2131 s.3.1.5 leaves the order open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.events import (
    SECOND,
    AddressBound,
    Because,
    ConflictFound,
    Entry,
    Event,
    FrameSent,
    PacketRefused,
    Payload,
)
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.network import IPV4, own_address
from emulator.phone.parts import PartState, part
from emulator.wire import arp as wire
from emulator.wire import ethernet

if TYPE_CHECKING:
    from emulator.phone.state import Phone

DEFEND_INTERVAL = 10 * SECOND
"""RFC 5227 s.1.1."""


@part
class Arp(PartState):
    """announced: when the address was announced last, ns; conflict: the last address was given up."""

    announced: int = 0
    conflict: bool = False


@applies("arp", AddressBound)
def address_bound(phone: Phone, event: AddressBound, entry: Entry) -> None:
    """A new address is announced, and nobody disputes it yet."""
    if event.fresh:
        phone.arp = Arp(entry.time)


@applies("arp", ConflictFound)
def conflict_found(phone: Phone, event: ConflictFound, entry: Entry) -> None:
    """Defended by another announcement, or given up."""
    phone.arp = Arp(entry.time, not event.defended)


@reacts(AddressBound)
def announce(phone: Phone, event: AddressBound, entry: Entry) -> Reaction:
    """Tell the neighbours of a new address (RFC 2131 s.4.4.1)."""
    if event.fresh and phone.options.arp:
        yield announcement(phone, event.address)


@reacts(ConflictFound)
def defend(phone: Phone, event: ConflictFound, entry: Entry) -> Reaction:
    """Say once more whose address it is (RFC 5227 s.2.4)."""
    if event.defended:
        yield announcement(phone, event.address)


def announcement(phone: Phone, address: str) -> Event:
    """The address is ours: to everybody in the VLAN."""
    packet = wire.announcement(bytes.fromhex(phone.settings.mac), address)
    return sent(phone, ethernet.BROADCAST, packet)


def sent(phone: Phone, to: bytes, packet: wire.Packet) -> Event:
    """The order to send ``packet`` in the VLAN in use."""
    mac = bytes.fromhex(phone.settings.mac)
    return FrameSent(Payload(ethernet.arp_frame(to, mac, packet.encode(), phone.neighbours.vlan)))


def read(phone: Phone, frame: ethernet.Frame) -> Reaction:
    """An ARP packet that is about our address is a claim or a question; no other is of use (RFC 826)."""
    if not phone.options.arp:
        return (PacketRefused("ARP", "disabled"),)
    if frame.vlan != phone.neighbours.vlan:
        return (PacketRefused("ARP", "another-vlan"),)
    try:
        packet = wire.parse(frame.data)
    except wire.ArpError as error:
        return (PacketRefused("ARP", error.reason),)
    address, mac = own_address(phone, IPV4), bytes.fromhex(phone.settings.mac)
    if not address or address not in (packet.sender, packet.target) or packet.sender_mac == mac:
        return (PacketRefused("ARP", "not-for-us"),)
    if packet.sender == address:
        defended = phone.clock - phone.arp.announced >= DEFEND_INTERVAL
        return (Because(ConflictFound(address, ethernet.mac_text(packet.sender_mac), defended), (phone.dhcp.acked,)),)
    if packet.operation != wire.REQUEST:
        return (PacketRefused("ARP", "not-asked-for"),)
    return (sent(phone, packet.sender_mac, wire.reply(packet, mac)),)
