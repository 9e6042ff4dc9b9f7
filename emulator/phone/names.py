"""Host names: one question at a time for each, whoever wants to know, and the addresses they were last found at."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

import attrs

from emulator.events import Entry, Event, LookupAnswered, LookupRequested, NameAsked
from emulator.phone.firmware import applies
from emulator.phone.network import IPV4
from emulator.phone.parts import PartState, part

if TYPE_CHECKING:
    from emulator.phone.state import Phone

KEPT = 64
"""Names that are remembered; the oldest goes first."""


@part
class Names(PartState):
    """addresses: name to what the last look-up in this power cycle found.

    They tell a peer by its address (PROV-257); whoever wants to reach a host asks again.
    """

    addresses: dict[str, tuple[str, ...]] = attrs.Factory(dict)

    def at(self, host: str) -> tuple[str, ...]:
        """The addresses of ``host`` in any case; what was never looked up may be an address itself."""
        return self.addresses.get(host.lower(), (host,))


@applies("names", LookupAnswered)
def found(phone: Phone, event: LookupAnswered, entry: Entry) -> None:
    """A look-up that found something takes the place of the one before."""
    known = phone.names.addresses
    if event.addresses:
        known.pop(event.name, None)
        known[event.name] = event.addresses
        if len(known) > KEPT:
            del known[next(iter(known))]


def look_up(phone: Phone, name: str) -> Iterable[Event]:
    """Ask for the addresses of ``name`` in the families in use (PROV-120), unless somebody has; the one answer reaches
    everybody who reacts to it.

    Orders are keyed by name: a second question would take the place of the first, whose answer would then be refused.
    """
    if f"lookup:{name}" in phone.orders.open:
        return ()
    families = phone.network.families
    return (LookupRequested(name) if families == (IPV4,) else NameAsked(name, families),)


@lru_cache(maxsize=256)
def is_address(host: str) -> bool:
    """Whether ``host`` is an IP address rather than a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
