"""Orders that are still open, timers among them, and the gate that refuses what nobody waits for.

An input names its order by a stable key: family, name, and the ordinal of this name within the power cycle. So a
cancelled or re-armed timer, and an answer to a request of an earlier power cycle, are refused at the gate; the world
never has to take anything back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from emulator.events import ANSWERS, ORDERS, AddressLost, Entry, Ipv6AddressLost, StreamShut, TimerCancelled, TimerSet
from emulator.phone.firmware import applies
from emulator.phone.network import IPV4, IPV6, family_of, own_address
from emulator.phone.parts import PartState, part

if TYPE_CHECKING:
    from emulator.phone.state import Phone


class Order(NamedTuple):
    """An open order. n: its entry; due: for a timer, when it runs out (ns), else None; address: asked, "" if none."""

    ordinal: int
    n: int
    due: int | None
    address: str = ""


@part
class Orders(PartState):
    """open: order key to the order; counts: order key to how many there were in this power cycle."""

    open: dict[str, Order] = attrs.Factory(dict)
    counts: dict[str, int] = attrs.Factory(dict)

    def streaming(self, name: str) -> bool:
        """Whether the stream ``name`` is open, or on its way to be."""
        return f"stream:{name}" in self.open

    def armed(self, name: str) -> bool:
        """Whether the timer ``name`` is running."""
        return f"timer:{name}" in self.open


@applies("orders", *ORDERS)
def opened(phone: Phone, event: Any, entry: Entry) -> None:
    """An order is open until it is answered; a new one of the same name takes its place."""
    key = f"{event.orders}:{event.name}"
    orders = phone.orders
    ordinal = orders.counts.get(key, 0) + 1
    orders.counts[key] = ordinal
    if type(event) is TimerSet:
        orders.open[key] = Order(ordinal, entry.n, entry.time + event.after)
    else:
        orders.open[key] = Order(ordinal, entry.n, None, getattr(event, "address", ""))


@applies("orders", *(cls for cls in ANSWERS if cls.ends))
def closed(phone: Phone, event: Any, entry: Entry) -> None:
    """The answer closes its order; of a stream, only the last one does."""
    phone.orders.open.pop(f"{event.answers}:{event.name}", None)


@applies("orders", StreamShut)
def shut(phone: Phone, event: StreamShut, entry: Entry) -> None:
    """What the phone closed brings nothing more."""
    phone.orders.open.pop(f"stream:{event.name}", None)


@applies("orders", AddressLost, Ipv6AddressLost)
def connections_gone(phone: Phone, event: AddressLost | Ipv6AddressLost, entry: Entry) -> None:
    """An address takes its connections along; timers run on, and what the other family has open or can look up."""
    other = IPV6 if isinstance(event, AddressLost) else IPV4
    orders, left = phone.orders, own_address(phone, other)
    orders.open = {
        key: order
        for key, order in orders.open.items()
        if key.startswith("timer:") or (left and (not order.address or family_of(order.address) == other))
    }


@applies("orders", TimerCancelled)
def cancelled(phone: Phone, event: TimerCancelled, entry: Entry) -> None:
    """A cancelled timer is not armed."""
    phone.orders.open.pop(f"timer:{event.name}", None)
