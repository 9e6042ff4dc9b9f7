"""The addresses of a phone and how long it has them, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.events.masking import duration
from emulator.phone.state import Phone


def addresses_text(phone: Phone) -> Iterator[str]:
    """A line for IPv4, and one for IPv6 where its client has begun."""
    dhcp, dhcpv6 = phone.dhcp, phone.dhcpv6
    if dhcp.address:
        yield f"address  {dhcp.address} from {dhcp.server}, {remaining(dhcp.expiry, phone.clock)}"
    else:
        yield f"address  none ({dhcp.state})"
    if dhcpv6.address:
        yield f"IPv6     {dhcpv6.address}, {remaining(dhcpv6.expiry, phone.clock)}"
    elif dhcpv6.state != "init":
        yield f"IPv6     none ({dhcpv6.state})"


def remaining(expiry: int | None, now: int) -> str:
    """How long a lease still lasts. expiry, now: ns."""
    return "for ever" if expiry is None else f"for another {duration(max(0, expiry - now))}"


def addresses_json(phone: Phone) -> dict[str, Any]:
    """Addresses ("" for none), states of the clients, and when the leases end (ns, None for never)."""
    return {
        "address": phone.dhcp.address,
        "dhcp_state": phone.dhcp.state,
        "lease_ends": phone.dhcp.expiry,
        "ipv6_address": phone.dhcpv6.address,
        "dhcpv6_state": phone.dhcpv6.state,
        "ipv6_lease_ends": phone.dhcpv6.expiry,
    }
