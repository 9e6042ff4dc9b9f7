"""The firmware of the KX-UTG200 and KX-UTG300 as this project models it."""

from __future__ import annotations

from functools import lru_cache

from emulator.phone import (
    arp,
    attachment,
    bootloader,
    dhcp,
    dhcpv6,
    display,
    download,
    exchange,
    factory_reset,
    flash,
    ftp,
    hardware,
    line_state,
    locallog,
    names,
    neighbours,
    network,
    orders,
    pages,
    pnp,
    programming,
    provisioning,
    registration,
    restart,
    resync,
    run_state,
    settings,
    state,
    storage,
    syslog,
    tftp,
    triggers,
    update,
    wallclock,
)
from emulator.phone.firmware import Firmware, Part

PARTS = (
    state,
    orders,
    hardware,
    flash,
    bootloader,
    storage,
    settings,
    network,
    programming,
    pages,
    exchange,
    neighbours,
    attachment,
    dhcp,
    dhcpv6,
    arp,
    pnp,
    download,
    # After download, which takes the body of a file before these let it go.
    tftp,
    ftp,
    names,
    resync,
    run_state,
    provisioning,
    display,
    locallog,
    syslog,
    wallclock,
    factory_reset,
    triggers,
    line_state,
    registration,
    restart,
    update,
)
"""The modules whose functions make up the phone, in the order in which their functions are called for one event."""


@lru_cache(maxsize=64)
def kx_utg200(version: str = "03.210") -> Firmware:
    """The firmware with the default readings of the guide (``Options``). version: form ``03.210`` (PROV-261)."""
    return Firmware("KX-UTG200", version, tuple(Part.of(module) for module in PARTS))
