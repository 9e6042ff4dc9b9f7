"""Host names and the addresses they were last found at, for who has to recognise a peer by its address (PROV-257)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from emulator.events import Entry, LookupAnswered
from emulator.phone.firmware import applies
from emulator.phone.parts import PartState, part

if TYPE_CHECKING:
    from emulator.phone.state import Phone

KEPT = 64
"""Names that are remembered; the oldest goes first."""


@part
class Names(PartState):
    """addresses: name to what the last look-up in this power cycle found."""

    addresses: dict[str, tuple[str, ...]] = attrs.Factory(dict)

    def at(self, host: str) -> tuple[str, ...]:
        """The addresses of ``host``, which may be one itself; () if none is known."""
        return self.addresses.get(host, (host,))


@applies("names", LookupAnswered)
def found(phone: Phone, event: LookupAnswered, entry: Entry) -> None:
    """A look-up that found something takes the place of the one before."""
    known = phone.names.addresses
    if event.addresses:
        known.pop(event.name, None)
        known[event.name] = event.addresses
        if len(known) > KEPT:
            del known[next(iter(known))]
