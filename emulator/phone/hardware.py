"""Power, the network cable, and the port through which packets come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.events import DatagramReceived, Entry, HandsetLifted, HandsetReplaced, LinkDown, LinkUp, PacketRefused
from emulator.phone import dhcp, sip, tftp
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.parts import PartState, part

if TYPE_CHECKING:
    from emulator.phone.state import Phone


@part
class Power(PartState):
    """on: whether the phone is powered; boots: power cycles so far; since: entry of the last PowerOn, started: its
    time, ns.

    restarting: the phone is off because it restarts; link: whether the network cable carries a signal; display: its
    text; handset: whether it is lifted.
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


@applies("power", LinkUp, LinkDown)
def link_changed(phone: Phone, event: LinkUp | LinkDown, entry: Entry) -> None:
    """The cable carries a signal, or does not."""
    phone.power.link = isinstance(event, LinkUp)


@applies("power", HandsetLifted, HandsetReplaced)
def handset_moved(phone: Phone, event: HandsetLifted | HandsetReplaced, entry: Entry) -> None:
    """A call is on while the handset is lifted."""
    phone.power.handset = isinstance(event, HandsetLifted)


@reacts(DatagramReceived)
def packet_came(phone: Phone, event: DatagramReceived, entry: Entry) -> Reaction:
    """Hand the packet to the one reader of its port; the other parts react to facts, not to bytes."""
    if event.port == dhcp.CLIENT_PORT:
        return dhcp.read(phone, event)
    if event.port == sip.PORT:
        return sip.read(phone, event)
    if phone.tftp.open and event.port == phone.tftp.local_port:
        return tftp.read(phone, event)
    return (PacketRefused("UDP", "closed-port"),)
