"""The loop of the phone: take one input, let everything that follows from it happen, and settle.

An input is appended and applied, the handlers react, what they return is appended and applied in turn, first in,
first out, until nothing is left. Handlers return bare events; number, time and cause are stamped here.
"""

from __future__ import annotations

from typing import NamedTuple

from emulator.events import (
    Because,
    DatagramReceived,
    Entry,
    Event,
    FlashErased,
    FlashFailed,
    FlashFitted,
    FlashFlipped,
    FlashProgrammed,
    FlashTorn,
    FrameReceived,
    LinkDown,
    LinkUp,
    PowerCutPlanned,
    PowerOff,
    PowerOn,
    Role,
    SectorsWorn,
)
from emulator.phone.bootloader import is_watchdog
from emulator.phone.firmware import Firmware
from emulator.phone.state import Phone, initial

AT_ANY_TIME = (PowerCutPlanned, FlashFlipped, SectorsWorn)
"""What happens to the chip, whether the phone has power or not."""
LONGEST_SETTLE = 100_000
"""Events that one input may lead to; more is a loop in the firmware."""


class Runaway(Exception):
    """One input led to more events than any firmware needs: its handlers react to each other without end."""


class Ordered(NamedTuple):
    """An order for the world. ordinal: of its name within the power cycle; 0 for orders that nobody answers."""

    entry: Entry
    ordinal: int


class Settled(NamedTuple):
    """What one input led to: every entry, the input first, and the orders among them."""

    entries: list[Entry]
    orders: list[Ordered]


class Machine:
    """One phone: its firmware, its state, and its place in the run (``index``)."""

    __slots__ = ("firmware", "index", "phone", "table")

    def __init__(self, firmware: Firmware, index: int = 0, phone: Phone | None = None) -> None:
        self.firmware = firmware
        self.index = index
        self.phone = initial(firmware) if phone is None else phone
        self.table = firmware.table

    def fork(self) -> Machine:
        """A phone that goes on from here by itself."""
        return Machine(self.firmware, self.index, self.phone.copy())

    def accepts(self, event: Event, boot: int | None = None) -> bool:
        """The gate: whether the phone can take ``event`` now.

        boot: power cycle of the order that the event answers (None: the current one). Answers need an open order of
        the same name and ordinal; everything but power and flash needs power, and packets need a link. A link goes down
        only once, and may be down from the start. A phone that restarts can lose its power meanwhile, and then does not
        come up by itself. A firmware that hangs takes nothing. What is done to the chip is done at any time.
        """
        power = self.phone.power
        if type(event) in AT_ANY_TIME:
            return True
        if self.phone.bootloader.hangs and not isinstance(event, PowerOff) and not is_watchdog(event):
            return False
        if event.answers:
            if not power.on or (boot is not None and boot != power.boots):
                return False
            if not power.link and event.answers != "timer":
                return False
            order = self.phone.orders.open.get(f"{event.answers}:{event.name}")  # type: ignore[attr-defined]
            return order is not None and order.ordinal == event.ordinal  # type: ignore[attr-defined]
        if type(event) in (PowerOn, FlashFitted):
            return not power.on and (boot is None or (power.restarting and boot == power.boots))
        if type(event) is PowerOff:
            return power.on or power.restarting
        if event.role is not Role.INPUT or not power.on:
            return False
        if type(event) is LinkUp:
            return not power.link
        if type(event) is LinkDown:
            return power.link or not power.link_known
        return power.link or type(event) not in (DatagramReceived, FrameReceived)

    def order_of(self, event: Event) -> int | None:
        """The entry of the open order that ``event`` answers; None if it answers none."""
        if not event.answers:
            return None
        order = self.phone.orders.open.get(f"{event.answers}:{event.name}")  # type: ignore[attr-defined]
        return None if order is None else order.n

    def take(self, event: Event, due: int, cause: int | None, n: int) -> Settled:
        """Take an input that :meth:`accepts` let through and settle. ``n`` is the number of its entry.

        A phone that is busy with its flash takes the input when it is done; ``due`` is kept beside that time.
        """
        phone, table, index = self.phone, self.table, self.index
        clock = max(due, phone.clock)
        entries = [Entry(n, clock, due, index, cause, (), event)]
        orders: list[Ordered] = []
        last, limit = n, n + LONGEST_SETTLE
        for entry in entries:  # the list grows while it is walked: first in, first out
            event = entry.event
            applies, reacts, busy, ordered, family, becomes = table[type(event)]
            if becomes is not None:
                instead = becomes(phone, event, busy)
                if instead is not event:
                    last = overtaken(entries, entry, instead)
                    event = instead
                    applies, reacts, busy, ordered, family, _ = table[type(event)]
            entry.time = clock
            clock += busy
            phone.clock = clock
            for apply in applies:
                apply(phone, event, entry)
            if becomes is not None:
                clock = phone.clock  # what went wrong took its own time
            number = entry.n
            if ordered:
                key = f"{family}:{event.name}" if family else ""  # type: ignore[attr-defined]
                orders.append(Ordered(entry, phone.orders.open[key].ordinal if family else 0))
                if not phone.power.on:  # the phone has ordered its own restart: what was still to come never happens
                    del entries[number - n + 1 :]
                    break
            for react in reacts:
                for made in react(phone, event, entry):
                    last += 1
                    if type(made) is Because:
                        entries.append(Entry(last, 0, None, index, number, made.grounds, made.event))
                    else:
                        entries.append(Entry(last, 0, None, index, number, (), made))  # type: ignore[arg-type]
                    if last > limit:
                        raise Runaway(f"entry {n} led to more than {LONGEST_SETTLE} events")
        return Settled(entries, orders)


def overtaken(entries: list[Entry], entry: Entry, made: Event) -> int:
    """Put ``made`` in the place of what ``entry`` ordered, and take out what can no longer happen; the last number.

    When the power goes nothing more happens; when an operation of the flash fails, the others of the same decision are
    not carried out. What is still to come has been numbered, but nobody has read its numbers.
    """
    entry.event = made
    first = entries[0].n
    coming = entries[entry.n - first + 1 :]
    if isinstance(made, FlashTorn):
        coming = []
    elif isinstance(made, FlashFailed):
        coming = [e for e in coming if e.cause != entry.cause or not isinstance(e.event, FlashErased | FlashProgrammed)]
    entries[entry.n - first + 1 :] = coming
    for number, each in enumerate(coming, entry.n + 1):
        each.n = number
    return entries[-1].n
