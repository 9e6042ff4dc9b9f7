"""The address families of the phone, and the addresses it has in them: the one place that knows both."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING

from emulator.events import Entry, SettingsLoaded
from emulator.phone.firmware import applies
from emulator.phone.parts import PartState, part
from emulator.wire.dhcpv6 import bytes_to_ip

if TYPE_CHECKING:
    from emulator.phone.state import Phone

IPV4, IPV6 = 4, 6
Families = tuple[int, ...]
"""``IPV4``, ``IPV6`` or both, IPv4 first: it is preferred (PROV-020)."""
MODES = MappingProxyType({"0": (IPV4,), "1": (IPV6,), "2": (IPV4, IPV6)})
"""``IP_ADDR_MODE`` (PROV-023). No page at hand says what its values mean; this is our reading (O-14)."""


@part
class Network(PartState):
    """families: in use in this power cycle; since: entry that the mode comes from.

    The mode counts from the start on; a change of it waits for the next one (PROV-277).
    """

    families: tuple[int, ...] = (IPV4,)
    since: int = 0


@applies("network", SettingsLoaded)
def mode_set(phone: Phone, event: SettingsLoaded, entry: Entry) -> None:
    """The families that ``IP_ADDR_MODE`` names; a value that is none of its own counts as 0."""
    phone.network.families = MODES.get(phone.settings.value("IP_ADDR_MODE"), (IPV4,))
    phone.network.since = phone.settings.grounds("IP_ADDR_MODE")


def own_address(phone: Phone, family: int) -> str:
    """The phone's address in ``family``, "" for none. A link-local address does not count."""
    return phone.dhcp.address if family == IPV4 else phone.dhcpv6.address


def online(phone: Phone) -> bool:
    """Whether the phone has an address of any family."""
    return phone.dhcp.address != "" or phone.dhcpv6.address != ""


def source_for(phone: Phone, destination: str) -> str:
    """The phone's own address for datagrams and connections to ``destination``; "" if it has none of that family, or
    the destination is ""."""
    return own_address(phone, family_of(destination)) if destination else ""


def reachable(phone: Phone, addresses: Iterable[str]) -> str:
    """Of the addresses of a host the first that the phone can reach, IPv4 before IPv6 (PROV-020); "" for none."""
    return min((each for each in addresses if source_for(phone, each)), key=family_of, default="")


def families(phone: Phone) -> Families:
    """What the interface is: IPv4 only, IPv6 only or both (PROV-020).

    With both in use, it is what the mode says, but IPv6 only while IPv6 has an address and IPv4 has none.
    """
    used = phone.network.families
    if IPV4 in used and phone.dhcpv6.address and not phone.dhcp.address:
        return (IPV6,)
    return used


def family_of(address: str) -> int:
    """The family of an address in digits."""
    return IPV6 if ":" in address else IPV4


def link_local(mac: str) -> str:
    """The link-local address of an interface: fe80::/64 and the modified EUI-64 of its MAC (RFC 4291 appendix A)."""
    data = bytes.fromhex(mac)
    return bytes_to_ip(b"\xfe\x80" + bytes(6) + bytes((data[0] ^ 2,)) + data[1:3] + b"\xff\xfe" + data[3:])
