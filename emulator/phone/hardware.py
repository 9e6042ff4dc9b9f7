"""Power, the network cable, and the port through which packets come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.events import (
    DatagramReceived,
    Entry,
    FrameReceived,
    HandsetLifted,
    HandsetReplaced,
    LinkDown,
    LinkUp,
    PacketRefused,
)
from emulator.phone import arp, dhcp, dhcpv6, neighbours, sip, tftp, wallclock
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.network import IPV6, source_for
from emulator.phone.parts import PartState, part
from emulator.wire import ethernet

if TYPE_CHECKING:
    from emulator.phone.state import Phone


@part
class Power(PartState):
    """on: whether the phone is powered; boots: power cycles so far; since: entry of the last PowerOn, started: its
    time, ns.

    restarting: the phone is off because it restarts; link: whether the network cable carries a signal; link_known:
    whether the port has said so yet, either way; display: its text; handset: whether it is lifted.
    """

    on: bool = False
    boots: int = 0
    since: int = 0
    started: int = 0
    entropy: str = ""
    restarting: bool = False
    link: bool = False
    display: str = ""
    handset: bool = False
    link_known: bool = False


@applies("power", LinkUp, LinkDown)
def link_changed(phone: Phone, event: LinkUp | LinkDown, entry: Entry) -> None:
    """The cable carries a signal, or does not."""
    phone.power.link = isinstance(event, LinkUp)
    phone.power.link_known = True


@applies("power", HandsetLifted, HandsetReplaced)
def handset_moved(phone: Phone, event: HandsetLifted | HandsetReplaced, entry: Entry) -> None:
    """A call is on while the handset is lifted."""
    phone.power.handset = isinstance(event, HandsetLifted)


@reacts(DatagramReceived)
def packet_came(phone: Phone, event: DatagramReceived, entry: Entry) -> Reaction:
    """Hand the packet to the one reader of its port; the other parts react to facts, not to bytes.

    Without an address of its family only those that ask for one hear anything (PROV-281, RFC 2131 s.4.1).
    """
    if event.port == dhcp.CLIENT_PORT:
        return dhcp.read(phone, event)
    if event.port == dhcpv6.CLIENT_PORT and IPV6 in phone.network.families:
        return dhcpv6.read(phone, event)
    if not source_for(phone, event.source):
        return (PacketRefused("UDP", "no-address"),)
    if event.port == sip.PORT:
        return sip.read(phone, event)
    if phone.tftp.open and event.port == phone.tftp.local_port:
        return tftp.read(phone, event)
    if event.port == phone.wallclock.port != 0:
        return wallclock.read(phone, event)
    return (PacketRefused("UDP", "closed-port"),)


@reacts(FrameReceived)
def frame_came(phone: Phone, event: FrameReceived, entry: Entry) -> Reaction:
    """Hand the frame to the one reader of its protocol."""
    try:
        frame = ethernet.parse(event.payload)
    except ethernet.FrameError as error:
        return (PacketRefused("Ethernet", error.reason),)
    reader = READERS.get(frame.protocol)
    if reader is None:
        return (PacketRefused("Ethernet", "unknown-type"),)
    return reader(phone, frame)


READERS = {"LLDP": neighbours.read_lldp, "CDP": neighbours.read_cdp, "ARP": arp.read}
"""Protocol of a frame to its reader."""
