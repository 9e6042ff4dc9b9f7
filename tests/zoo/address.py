"""Faults around the address and what comes with it: DHCP."""

from __future__ import annotations

from string import whitespace
from typing import TYPE_CHECKING

import attrs

from emulator.events import (
    AddressBound,
    DatagramReceived,
    DhcpReceived,
    Entry,
    Event,
    Ipv6AddressBound,
    RunStarted,
    TimerCancelled,
)
from emulator.phone import dhcp, hardware, triggers
from emulator.phone.firmware import Firmware, Reaction
from emulator.wire import dhcp as wire
from tests.zoo.variant import altered, of, sets, variant

if TYPE_CHECKING:
    from emulator.phone.state import Phone


def _reads_with_nul(phone: Phone, event: DatagramReceived, entry: Entry) -> Reaction:
    def read(made: Event) -> Event:
        if not isinstance(made, DhcpReceived) or made.option160 is None:
            return made
        data = wire.parse(event.payload).option(wire.PROVISIONING_160) or b""
        text = data.decode("utf-8", "replace").strip(whitespace)
        return attrs.evolve(made, option160=text if text.strip("\0") else "")

    return altered(hardware.packet_came(phone, event, entry), read)


@variant("PROV-077")
def keeps_the_nul(phone: Firmware) -> Firmware:
    """The NUL at the end of a URL in option 160 counts as part of it."""
    return phone.replacing(hardware.packet_came, _reads_with_nul)


def _never_ends_again(phone: Phone, event: DhcpReceived, entry: Entry) -> Reaction:
    made = list(dhcp.message_came(phone, event, entry))
    if all(bound.fresh for bound in of(AddressBound, made)):
        return made
    ends = sets("dhcp-expiry")
    return altered(made, lambda each: TimerCancelled("dhcp-expiry") if ends(each) else each)


@variant("RFC 2131 s.4.4.5")
def lease_without_end(phone: Firmware) -> Firmware:
    """A renewal stops the timer of the lease's end and does not start it again, so a stale lease stays in use."""
    return phone.replacing(dhcp.message_came, _never_ends_again)


def _remembers_option(phone: Phone, event: DhcpReceived, entry: Entry) -> None:
    before = phone.dhcp.option160
    dhcp.message_read(phone, event, entry)
    if phone.dhcp.acked == entry.n and phone.dhcp.option160 is None:
        phone.dhcp.option160 = before


@variant("PROV-072")
def option_of_an_earlier_lease(phone: Firmware) -> Firmware:
    """An ACK without option 160 leaves that of the lease before in force."""
    return phone.replacing(dhcp.message_read, _remembers_option)


def _starts_at_a_renewal(phone: Phone, event: AddressBound | Ipv6AddressBound, entry: Entry) -> Reaction:
    made = list(triggers.network_ready(phone, event, entry))
    if made or event.fresh or phone.provisioning.step or not phone.orders.armed("retry"):
        return made
    return [TimerCancelled("retry"), RunStarted("address")]


@variant("PROV-081")
def renewal_provisions(phone: Firmware) -> Firmware:
    """While a retry is waited for, the renewal of the lease starts a provisioning run, as a new address would."""
    return phone.replacing(triggers.network_ready, _starts_at_a_renewal)
