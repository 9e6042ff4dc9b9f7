"""Where a live phone is: an interface of this machine, and the addresses that it may use there."""

from __future__ import annotations

import fcntl
import socket
import struct
from ipaddress import IPv4Address, ip_interface
from pathlib import Path
from typing import Literal

from attrs import frozen

Dhcp = Literal["full", "off"]
"""Who gives the phone its address: ``full``: a server on the wire, whom the phone asks itself; ``off``: nobody is
asked, it is one that the interface has."""

_SIOCGIFFLAGS, _SIOCGIFADDR, _SIOCGIFNETMASK = 0x8913, 0x8915, 0x891B
_UP, _LOOPBACK = 0x1, 0x8


class PlaceError(ValueError):
    """An interface or an address that a phone cannot use; the text is one line for a person."""


@frozen
class Place:
    """interface: its name; mac: its MAC address, 12 hex digits, "" if it has none; addresses: one a phone, dotted,
    none where DHCP gives them; mask: of the addresses, dotted."""

    interface: str
    dhcp: Dhcp
    mac: str = ""
    addresses: tuple[str, ...] = ()
    mask: str = "255.255.255.255"


def place_for(dhcp: Dhcp, interface: str = "", host: str = "", count: int = 1, address: str = "") -> Place:
    """The place of ``count`` phones: at ``interface``, or where the way to ``host`` begins. Raises PlaceError.

    address: of the first phone, one of those that this machine has; "" for the first one of the interface.
    """
    if dhcp == "full":
        if not interface:
            raise PlaceError("with --dhcp full say on which interface the phone is: --interface eth1")
        check_up(interface)
        if is_loopback(interface):
            raise PlaceError(f"there is no DHCP on {interface}, which leads nowhere; name another interface")
        return Place(interface, dhcp, mac_of(interface))
    if address:
        check_own(address)
    else:
        address = address_of(interface) if interface else source_towards(host)
    name = interface or interface_with(address)
    if is_loopback(name):
        # All of 127.0.0.0/8 is this machine, so each phone has an address of its own.
        first = IPv4Address(address)
        return Place(name, dhcp, "", tuple(str(first + index) for index in range(count)), "255.0.0.0")
    return Place(name, dhcp, mac_of(name), (address,) * count, mask_of(name))


def interfaces() -> list[str]:
    """The names of all interfaces."""
    return [name for _, name in socket.if_nameindex()]


def check_up(interface: str) -> None:
    """Raise PlaceError unless there is such an interface, and it is up."""
    if interface not in interfaces():
        raise PlaceError(f"there is no interface {interface!r}; there are {', '.join(interfaces())}")
    if not _flags(interface) & _UP:
        raise PlaceError(f"interface {interface} is down; `ip link set {interface} up` brings it up")


def is_loopback(interface: str) -> bool:
    """Whether it is the loopback interface."""
    return bool(_flags(interface) & _LOOPBACK)


def address_of(interface: str) -> str:
    """The first IPv4 address of an interface. Raises PlaceError if it has none."""
    check_up(interface)
    found = _asked(interface, _SIOCGIFADDR)
    if found is None:
        raise PlaceError(f"interface {interface} has no IPv4 address; --dhcp full has the phone get one")
    return socket.inet_ntoa(found[4:8])


def check_own(address: str) -> None:
    """Raise PlaceError unless this machine has the address."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((str(IPv4Address(address)), 0))
    except (OSError, ValueError):
        raise PlaceError(
            f"this machine does not have the address {address!r}; `ip address` lists those it has"
        ) from None


def mask_of(interface: str) -> str:
    """The mask of that address."""
    found = _asked(interface, _SIOCGIFNETMASK)
    return "255.255.255.255" if found is None else socket.inet_ntoa(found[4:8])


def mac_of(interface: str) -> str:
    """The MAC address of an interface, 12 hex digits; "" if it has none."""
    try:
        text = Path(f"/sys/class/net/{interface}/address").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    return text.replace(":", "").upper() if text.count(":") == 5 else ""


def source_towards(host: str) -> str:
    """The own address that a packet to ``host`` would have. Raises PlaceError."""
    try:
        found = socket.getaddrinfo(host or "127.0.0.1", 9, socket.AF_INET, socket.SOCK_DGRAM)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(found[0][4])  # no packet is sent; only the route is looked up
            return str(probe.getsockname()[0])
    except (OSError, UnicodeError):
        raise PlaceError(f"there is no way to {host!r} from here; name an interface: --interface eth0") from None


def interface_with(address: str) -> str:
    """The interface that has an address. Raises PlaceError."""
    for name in interfaces():
        found = _asked(name, _SIOCGIFADDR)
        if found is not None and socket.inet_ntoa(found[4:8]) == address:
            return name
        if address.startswith("127.") and is_loopback(name):
            return name
    raise PlaceError(f"no interface has the address {address}; name one: --interface eth0")


def prefix_length(mask: str) -> int:
    """``255.255.255.0`` as 24; 24 for a mask that is none."""
    try:
        return ip_interface(f"0.0.0.0/{mask}").network.prefixlen
    except ValueError:
        return 24


def _flags(interface: str) -> int:
    found = _asked(interface, _SIOCGIFFLAGS)
    return 0 if found is None else int(struct.unpack_from("H", found)[0])


def _asked(interface: str, request: int) -> bytes | None:
    """What the kernel answers about an interface, behind the name; None if it has no answer."""
    name = interface.encode()[:15].ljust(16, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            return fcntl.ioctl(asking.fileno(), request, name + bytes(24))[16:]
        except OSError:
            return None
