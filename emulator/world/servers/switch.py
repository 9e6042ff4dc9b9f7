"""The LAN of a phone: the switch at the other end of its cable, and stations that use an address already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from emulator.wire import arp, cdp, ethernet, lldp
from emulator.world.scenario import HostSpec, SwitchSpec

SWITCH_MAC = bytes.fromhex("02000000aa01")
HOLD = 120
"""Seconds for which a neighbour is to remember the switch."""
EF = 46
"""The DSCP of voice (RFC 3246)."""
JUNK = bytes(range(64))


class Transmission(NamedTuple):
    """A frame for the phone whose frame came in, after ``delay`` ns."""

    delay: int
    frame: bytes


class Lan:
    """A switch and the stations beside the phone. Nothing of it changes while a story goes on."""

    def __init__(self, switch: SwitchSpec, hosts: Iterable[HostSpec]) -> None:
        self.switch = switch
        self.hosts = tuple(hosts)

    def fork(self) -> Lan:
        """A LAN that goes on from here."""
        return Lan(self.switch, self.hosts)

    def receive(self, data: bytes, now: int) -> Iterable[Transmission]:
        """What comes back for a frame of a phone."""
        try:
            frame = ethernet.parse(data)
        except ethernet.FrameError:
            return ()
        if frame.protocol == "ARP":
            return self._hosts_about(frame, now)
        return self._switch_about(frame.protocol)

    def _switch_about(self, protocol: str) -> Iterator[Transmission]:
        """The answer to a message of LLDP or CDP."""
        frame = switch_frame(self.switch, protocol)
        if frame is not None:
            yield Transmission(self.switch.delay, frame)

    def _hosts_about(self, frame: ethernet.Frame, now: int) -> Iterator[Transmission]:
        """The claim of every station in the VLAN that is asked for, or whose address is announced."""
        try:
            packet = arp.parse(frame.data)
        except arp.ArpError:
            return
        if packet.operation != arp.REQUEST:
            return
        for host in self.hosts:
            if host.vlan == frame.vlan and host.address == packet.target and host.start <= now < host.end:
                mac = bytes.fromhex(host.mac)
                answer = arp.reply(packet, mac).encode()
                yield Transmission(host.delay, ethernet.arp_frame(packet.sender_mac, mac, answer, host.vlan))


@lru_cache(maxsize=64)
def switch_frame(spec: SwitchSpec, protocol: str) -> bytes | None:
    """What the switch says in LLDP or CDP; None if it says nothing. The same each time, so it is made once."""
    if protocol == "LLDP" and spec.lldp != "silent":
        return ethernet.lldp_frame(SWITCH_MAC, JUNK if spec.lldp == "garbage" else lldp_message(spec))
    if protocol == "CDP" and spec.cdp != "silent":
        return ethernet.cdp_frame(SWITCH_MAC, JUNK if spec.cdp == "garbage" else cdp_message(spec))
    return None


def lldp_message(spec: SwitchSpec) -> bytes:
    """The LLDPDU of the switch, with a voice policy if it has a voice VLAN."""
    tlvs = [
        lldp.Tlv(lldp.SYSTEM_NAME, spec.name.encode()),
        lldp.capabilities(lldp.BRIDGE),
        lldp.med_capabilities(lldp.NETWORK),
    ]
    if spec.lldp_vlan:
        policy = lldp.Policy(lldp.VOICE, False, tagged=True, vlan=spec.lldp_vlan, priority=spec.priority, dscp=EF)
        tlvs.append(policy.encode())
    chassis = bytes((lldp.MAC_CHASSIS,)) + SWITCH_MAC
    return lldp.build(chassis, bytes((lldp.NAME_PORT,)) + spec.port.encode(), HOLD, tlvs)


def cdp_message(spec: SwitchSpec) -> bytes:
    """The CDP message of the switch, with a VoIP VLAN reply if it has a voice VLAN."""
    tlvs = [
        cdp.Tlv(cdp.DEVICE_ID, spec.name.encode()),
        cdp.Tlv(cdp.PORT_ID, spec.port.encode()),
        cdp.Tlv(cdp.CAPABILITIES, cdp.SWITCH.to_bytes(4, "big")),
        cdp.Tlv(cdp.NATIVE_VLAN, (1).to_bytes(2, "big")),
    ]
    if spec.cdp_vlan:
        tlvs.append(cdp.Tlv(cdp.VOICE_VLAN, b"\1" + spec.cdp_vlan.to_bytes(2, "big")))
    return cdp.build(HOLD, tlvs)


def announcement(host: HostSpec) -> bytes:
    """The frame by which a station that has just come says which address it uses."""
    mac = bytes.fromhex(host.mac)
    return ethernet.arp_frame(ethernet.BROADCAST, mac, arp.announcement(mac, host.address).encode(), host.vlan)
