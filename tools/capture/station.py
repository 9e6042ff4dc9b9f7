"""What the network knows of a phone: its MAC address, its VLAN, its addresses; and the frames around its packets."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv4Network

from attrs import define

from emulator.events import (
    AddressBound,
    AddressLost,
    DhcpReceived,
    Dhcpv6Received,
    Event,
    Ipv6AddressBound,
    Ipv6AddressLost,
    LinkDown,
    LinkUp,
    PowerOn,
    SettingsLoaded,
    VlanChosen,
)
from emulator.wire.dhcp import ACK
from emulator.wire.ethernet import BROADCAST, Frame
from emulator.wire.ip import ethernet_type, group_mac, packed

NO_ADDRESS = {4: "0.0.0.0", 6: "::"}
"""By family: where a connection comes from if the log does not say which address the phone had."""
NAME_SERVERS = {4: "192.0.2.53", 6: "2001:db8::53"}
"""By family: whom a phone asks for names if no lease named a server."""
NO_MAC = bytes.fromhex("02ff00000000")
"""A phone whose factory data gives no MAC address; its index is added."""


@define
class Station:
    """One phone on the network. addresses, name_servers: by family, 4 or 6; broadcast: of its IPv4 subnet."""

    mac: bytes
    vlan: int
    addresses: dict[int, str]
    name_servers: dict[int, str]
    broadcast: str

    @classmethod
    def new(cls, phone: int) -> Station:
        """A phone that has said nothing yet."""
        return cls((int.from_bytes(NO_MAC, "big") + phone).to_bytes(6, "big"), 0, {}, {}, "")

    def hear(self, event: Event) -> None:
        """Note what an event says of the phone's place in the network."""
        if isinstance(event, SettingsLoaded):
            self.mac = mac_of(event.identity[0]) or self.mac
        elif isinstance(event, PowerOn):
            self.vlan, self.addresses, self.name_servers, self.broadcast = 0, {}, {}, ""
        elif isinstance(event, LinkUp | LinkDown):
            self.vlan = 0
        elif isinstance(event, VlanChosen):
            self.vlan = event.vlan
        elif isinstance(event, DhcpReceived):
            if event.type == ACK:
                self.name_servers[4] = event.dns
        elif isinstance(event, Dhcpv6Received):
            if event.address:
                self.name_servers[6] = event.dns
        elif isinstance(event, AddressBound):
            self.addresses[4], self.broadcast = event.address, broadcast_of(event.address, event.mask)
        elif isinstance(event, Ipv6AddressBound):
            self.addresses[6] = event.address
        elif isinstance(event, AddressLost):
            self.addresses.pop(4, None)
            self.broadcast = ""
        elif isinstance(event, Ipv6AddressLost):
            self.addresses.pop(6, None)

    def address_for(self, destination: str) -> str:
        """The phone's own address in the family of ``destination``. Raises IpError."""
        family = 4 if len(packed(destination)) == 4 else 6
        return self.addresses.get(family) or NO_ADDRESS[family]

    def name_server(self) -> str:
        """Whom the phone asks for names: over IPv4 if it has an address there (PROV-020)."""
        family = 6 if 6 in self.addresses and 4 not in self.addresses else 4
        return self.name_servers.get(family) or NAME_SERVERS[family]

    def outward(self, destination: str, packet: bytes) -> bytes:
        """The frame of an IP packet that the phone sends. Raises IpError, FrameError."""
        to = BROADCAST if destination == self.broadcast else host_mac(destination)
        return Frame(to, self.mac, self.vlan or None, ethernet_type(destination), packet).encode()

    def inward(self, source: str, destination: str, packet: bytes) -> bytes:
        """The frame of an IP packet that the phone gets. Raises IpError, FrameError."""
        to = BROADCAST if destination == self.broadcast else group_mac(destination) or self.mac
        return Frame(to, host_mac(source), self.vlan or None, ethernet_type(source), packet).encode()


def mac_of(text: str) -> bytes | None:
    """A MAC address of twelve hex digits; None for anything else."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return None
    return found if len(found) == 6 else None


def broadcast_of(address: str, mask: str) -> str:
    """The address of all hosts of a subnet, "" if there is none."""
    try:
        network = IPv4Network(f"{address}/{mask}", strict=False)
    except ValueError:
        return ""
    return str(network.broadcast_address) if network.prefixlen < 31 else ""


@lru_cache(maxsize=1024)
def host_mac(address: str) -> bytes:
    """The MAC address that stands for an IP address: of its group, or one that is locally administered and made up:
    02:00 and an IPv4 address, 02:06 and a digest of an IPv6 address. Raises IpError."""
    group = group_mac(address)
    if group is not None:
        return group
    raw = packed(address)
    return b"\x02\x00" + raw if len(raw) == 4 else b"\x02\x06" + sha256(raw).digest()[:4]
