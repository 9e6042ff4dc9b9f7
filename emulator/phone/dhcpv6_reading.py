"""What a DHCPv6 message from a server says to this phone: the checks of RFC 8415 s.16 and the facts it brings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from emulator.events import Dhcpv6Received, Event, PacketRefused, ToleranceUsed
from emulator.phone.dhcp import option_text
from emulator.wire import dhcpv6 as wire

if TYPE_CHECKING:
    from emulator.phone.state import Phone

IAID = 1
"""The phone has one interface, and one identity association on it."""
URL_SUBOPTION = 1
"""The sub-option of option 17 that is the provisioning URL (PROV-091)."""
SHORTEST_SOL_MAX_RT, LONGEST_SOL_MAX_RT = 60, 86_400
"""Seconds; a SOL_MAX_RT outside is ignored (RFC 8415 s.21.24)."""
EXPECTED = {
    "soliciting": wire.ADVERTISE,
    "requesting": wire.REPLY,
    "renewing": wire.REPLY,
    "rebinding": wire.REPLY,
}
"""State of the client to the message it waits for."""


def read(phone: Phone, payload: bytes) -> Iterator[Event]:
    """The fact that a datagram to port 546 is, with the tolerance it needed, or its refusal."""
    try:
        message = wire.parse(payload)
        refusal = unwanted(phone, message)
        if refusal:
            yield PacketRefused("DHCPv6", refusal)
            return
        enterprise, url, broken = url_in(phone, message)
        found = fact(phone, message, enterprise, url)
    except wire.Dhcpv6Error as error:
        yield PacketRefused("DHCPv6", error.reason)
        return
    if broken:
        yield ToleranceUsed("DHCPv6", "bad-vendor-options")
    yield found


def unwanted(phone: Phone, message: wire.Message) -> str:
    """Why ``message`` is not for this client now (s.16.3, s.16.10); "" if it is."""
    client = phone.dhcpv6
    if message.transaction != client.xid:
        return "another-transaction"
    if message.type != EXPECTED.get(client.state):
        return "unexpected-type"
    if message.option(wire.CLIENT_ID) != wire.duid_ll(bytes.fromhex(phone.settings.mac)):
        return "for-another-client"
    return "" if message.option(wire.SERVER_ID) else "no-server"


def fact(phone: Phone, message: wire.Message, enterprise: int, url: str | None) -> Dhcpv6Received:
    """The facts of an ADVERTISE or REPLY. Raises Dhcpv6Error for an option that cannot be read."""
    association = association_in(message)
    address = address_in(association, phone.dhcpv6.address)
    statuses = (wire.status_in(part) for part in (message.options, association.options, address.options))
    status = next((code for code in statuses if code), wire.SUCCESS)
    preference = message.option(wire.PREFERENCE) or b""
    dns = message.option(wire.DNS) or b""
    sol_max_rt = int.from_bytes(message.option(wire.SOL_MAX_RT) or b"", "big")
    return Dhcpv6Received(
        type=message.type,
        server=(message.option(wire.SERVER_ID) or b"").hex(),
        preference=preference[0] if len(preference) == 1 else 0,
        status=status,
        address="" if status else address.address,
        preferred=address.preferred,
        valid=address.valid,
        t1=association.t1,
        t2=association.t2,
        dns=wire.bytes_to_ip(dns[:16]) if len(dns) >= 16 else "",
        sol_max_rt=sol_max_rt if SHORTEST_SOL_MAX_RT <= sol_max_rt <= LONGEST_SOL_MAX_RT else 0,
        enterprise=enterprise,
        url=url,
    )


def association_in(message: wire.Message) -> wire.IaNa:
    """The phone's identity association; an empty one if there is none, or its times contradict each other (s.21.4)."""
    for code, value in message.options:
        if code == wire.IA_NA:
            found = wire.IaNa.read(value)
            if found.iaid == IAID and not found.t1 > found.t2 > 0:
                return found
    return wire.IaNa(IAID)


def address_in(association: wire.IaNa, own: str) -> wire.IaAddress:
    """The address that is given: the one the phone has, else the first that may be used; its ``address`` is "" if none.

    One whose preferred lifetime is the longer does not count (s.21.6). A lifetime of 0 takes the phone's own away.
    """
    given = [wire.IaAddress.read(value) for code, value in association.options if code == wire.IA_ADDRESS]
    sound = [each for each in given if each.preferred <= each.valid]
    usable = [each for each in sound if each.valid]
    mine = [each for each in sound if each.address == own]
    return next(iter([*(each for each in mine if each.valid), *usable, *mine]), wire.IaAddress("", 0, 0))


def url_in(phone: Phone, message: wire.Message) -> tuple[int, str | None, bool]:
    """(enterprise number, URL, whether an option could not be read) of option 17; (-1, None, ...) if there is no URL.

    Of several the first counts that has one, of whatever enterprise, unless the firmware option names one (O-4).
    """
    wanted = phone.options.dhcpv6_enterprise
    broken = False
    for code, value in message.options:
        if code != wire.VENDOR_OPTIONS:
            continue
        try:
            vendor = wire.Vendor.read(value)
        except wire.Dhcpv6Error:
            broken = True
            continue
        text = wire.first(vendor.options, URL_SUBOPTION)
        if text is not None and wanted in ("", str(vendor.enterprise)):
            return vendor.enterprise, option_text(text), broken
    return -1, None, broken
