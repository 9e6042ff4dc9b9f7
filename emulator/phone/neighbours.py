"""LLDP-MED and CDP: what the switch says, and the VLAN that follows from it (PROV-280 to PROV-282, O-20).

At link up the phone sends one LLDPDU and one CDP message, as far as LLDP_ENABLE and CDP_ENABLE allow, and the DHCP
client waits for what comes back, for at most ``lldp_wait`` seconds:

| set by hand | LLDP | CDP | the wait ends | the VLAN |
| --- | --- | --- | --- | --- |
| a VLAN | any | any | at once, nothing is sent | set by hand |
| - | off | off | at once | none |
| - | on | off | with the first LLDPDU, or in time | of LLDP, or none |
| - | off | on | with the first CDP message, or in time | of CDP, or none |
| - | on | on | with the first LLDPDU, or in time | of LLDP; if it names none, of CDP if heard by then; or none |

What is heard later is noted and not used before the next link up. Neither message is repeated.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import attrs

from emulator.events import (
    SECOND,
    Because,
    DhcpStateEntered,
    Dhcpv6StateEntered,
    Entry,
    FrameSent,
    LinkUp,
    NeighbourHeard,
    PacketRefused,
    Payload,
    VlanChosen,
)
from emulator.phone.firmware import Reaction, applies, reacts
from emulator.phone.parts import PartState, part
from emulator.wire import cdp, ethernet, lldp

if TYPE_CHECKING:
    from emulator.phone.state import Phone

HOLD = 180
"""Seconds for which a neighbour is to remember this phone."""
PORT = "Port 1"
ANY_ADDRESS = bytes((lldp.ADDRESS_CHASSIS, 1, 0, 0, 0, 0))
"""Chassis ID of an endpoint that has no IPv4 address yet (TIA-1057 s.9.2.3)."""
UNKNOWN_POLICY = lldp.Policy(lldp.VOICE, unknown=True, tagged=False, vlan=0, priority=0, dscp=0)
"""Asks the switch for its policy (TIA-1057 s.10.2.3.2)."""


class Heard(NamedTuple):
    """What a protocol said before the VLAN was chosen. n: the entry that says so."""

    vlan: int
    n: int


@part
class Neighbours(PartState):
    """Since the link is up. vlan: in use, 0 for untagged; chosen: the choice is made; heard: protocol to what it said
    before that."""

    vlan: int = 0
    chosen: bool = False
    heard: dict[str, Heard] = attrs.Factory(dict)


@applies("neighbours", LinkUp)
def link_up(phone: Phone, event: LinkUp, entry: Entry) -> None:
    """Every link begins untagged, with a neighbour that has said nothing."""
    phone.neighbours = Neighbours()


@applies("neighbours", NeighbourHeard)
def heard(phone: Phone, event: NeighbourHeard, entry: Entry) -> None:
    """The last word of each protocol before the choice counts."""
    if not phone.neighbours.chosen:
        phone.neighbours.heard[event.protocol] = Heard(event.vlan, entry.n)


@applies("neighbours", VlanChosen)
def vlan_chosen(phone: Phone, event: VlanChosen, entry: Entry) -> None:
    """Everything is sent in this VLAN."""
    phone.neighbours.vlan = event.vlan


@applies("neighbours", DhcpStateEntered)
def dhcp_began(phone: Phone, event: DhcpStateEntered, entry: Entry) -> None:
    """A DHCP client that has begun is where it belongs."""
    if event.state == "selecting":
        phone.neighbours.chosen = True


@applies("neighbours", Dhcpv6StateEntered)
def dhcpv6_began(phone: Phone, event: Dhcpv6StateEntered, entry: Entry) -> None:
    """So is one for IPv6, which may be the only one."""
    if event.state == "soliciting":
        phone.neighbours.chosen = True


# --- The choice -----------------------------------------------------------------------------------------------------


def spoken(phone: Phone) -> tuple[str, ...]:
    """The protocols that the phone speaks and listens to, in order of preference (PROV-280, PROV-282)."""
    if phone.options.vlan or not phone.options.lldp_wait:
        return ()
    return tuple(name for name in ("LLDP", "CDP") if phone.settings.enabled(f"{name}_ENABLE"))


def wait(phone: Phone) -> int:
    """ns that the DHCP client waits for the neighbour at most."""
    return phone.options.lldp_wait * SECOND if spoken(phone) else 0


def settled(phone: Phone) -> bool:
    """Whether nothing better can come: the first protocol that is spoken was heard."""
    first = spoken(phone)[:1]
    return not first or first[0] in phone.neighbours.heard


def choice(phone: Phone) -> tuple[int, str, tuple[int, ...]]:
    """(VLAN, source, grounds): by hand before LLDP, LLDP before CDP (PROV-282); VLAN 0 if nobody names one."""
    if phone.options.vlan:
        return phone.options.vlan, "manual", ()
    grounds = []
    for protocol in spoken(phone):
        said = phone.neighbours.heard.get(protocol)
        grounds.append(phone.settings.grounds(f"{protocol}_ENABLE") if said is None else said.n)
        if said is not None and said.vlan:
            return said.vlan, protocol, tuple(grounds)
    return 0, "", tuple(grounds)


# --- What is sent ---------------------------------------------------------------------------------------------------


@reacts(LinkUp)
def introduce(phone: Phone, event: LinkUp, entry: Entry) -> Reaction:
    """One message of each protocol (PROV-281)."""
    for protocol in spoken(phone):
        message = lldp_message if protocol == "LLDP" else cdp_message
        frame = message(phone.settings.mac, phone.settings.model)
        yield Because(FrameSent(Payload(frame)), (phone.settings.grounds(f"{protocol}_ENABLE"),))


@lru_cache(maxsize=256)
def lldp_message(address: str, model: str) -> bytes:
    """The LLDPDU of an endpoint of class III that asks for its voice policy. address: MAC, 12 hex digits."""
    mac = bytes.fromhex(address)
    tlvs = (
        lldp.Tlv(lldp.SYSTEM_NAME, model.encode()),
        lldp.capabilities(lldp.TELEPHONE),
        lldp.med_capabilities(lldp.ENDPOINT),
        UNKNOWN_POLICY.encode(),
    )
    return ethernet.lldp_frame(mac, lldp.build(ANY_ADDRESS, bytes((lldp.MAC_PORT,)) + mac, HOLD, tlvs))


@lru_cache(maxsize=256)
def cdp_message(mac: str, model: str) -> bytes:
    """The CDP message of a phone that asks for its voice VLAN. mac: 12 hex digits."""
    tlvs = (
        cdp.Tlv(cdp.DEVICE_ID, f"{model}-{mac}".encode()),
        cdp.Tlv(cdp.PORT_ID, PORT.encode()),
        cdp.Tlv(cdp.CAPABILITIES, (cdp.HOST | cdp.PHONE).to_bytes(4, "big")),
        cdp.Tlv(cdp.PLATFORM, model.encode()),
        # A kind of appliance and a VLAN, as in the answer; readers of captures expect both, and no VLAN is known yet.
        cdp.Tlv(cdp.VOICE_VLAN_QUERY, b"\1\0\0"),
    )
    return ethernet.cdp_frame(bytes.fromhex(mac), cdp.build(HOLD, tlvs))


# --- What is heard --------------------------------------------------------------------------------------------------


def read_lldp(phone: Phone, frame: ethernet.Frame) -> Reaction:
    """An LLDPDU becomes a fact or a refusal. An unknown or untagged voice policy names no VLAN (TIA-1057 s.10.2.3)."""
    if "LLDP" not in spoken(phone):
        return (PacketRefused("LLDP", "disabled"),)
    try:
        message = lldp.parse(frame.data)
    except lldp.LldpError as error:
        return (PacketRefused("LLDP", error.reason),)
    if not message.ttl:
        return (PacketRefused("LLDP", "withdrawn"),)
    policy = message.policy(lldp.VOICE)
    if policy is None or policy.unknown or not policy.tagged:
        return (NeighbourHeard("LLDP", message.name, message.port, 0, 0),)
    return heard_of("LLDP", message.name, message.port, policy.vlan, policy.priority)


def read_cdp(phone: Phone, frame: ethernet.Frame) -> Reaction:
    """A CDP message becomes a fact or a refusal."""
    if "CDP" not in spoken(phone):
        return (PacketRefused("CDP", "disabled"),)
    try:
        message = cdp.parse(frame.data[len(ethernet.CDP_SNAP) :])
    except cdp.CdpError as error:
        return (PacketRefused("CDP", error.reason),)
    return heard_of("CDP", message.text(cdp.DEVICE_ID), message.text(cdp.PORT_ID), message.voice_vlan, 0)


def heard_of(protocol: str, name: str, port: str, vlan: int, priority: int) -> Reaction:
    """The fact, unless the VLAN is one that no port can be in (IEEE 802.1Q table 9-2)."""
    if vlan > ethernet.LARGEST_VLAN:
        return (PacketRefused(protocol, "bad-vlan"),)
    return (NeighbourHeard(protocol, name, port, vlan, priority),)
