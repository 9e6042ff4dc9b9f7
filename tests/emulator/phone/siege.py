"""A phone besieged: one machine, and a world that may do anything to it that a world can do, at any time.

What a world owes a phone, it keeps: an order is answered or times out, one answer ends it, a restart comes up again.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any, NamedTuple

from emulator.events import (
    SECOND,
    DatagramSent,
    Entry,
    Event,
    FlashFitted,
    HttpAnswered,
    HttpRequested,
    LinkUp,
    LookupAnswered,
    LookupRequested,
    NameAsked,
    Payload,
    PowerOn,
    RestartOrdered,
    RunEnded,
    StreamClosed,
    StreamRequested,
    StreamShut,
    TimerDue,
    TimerSet,
)
from emulator.phone.firmware import Firmware
from emulator.phone.machine import Machine
from emulator.phone.state import Phone
from emulator.phone.storage import read_store
from emulator.world.run import RESTART_TIME

LOOKUP_LIMIT = 10 * SECOND
UNFINISHED = ("failed", "saved", "partly", "disabled")
"""Outcomes after which the phone has to try again by itself."""
SETTLED = 2_000
"""Events that one input may lead to."""
MOVING = ("http:", "lookup:", "stream:", "timer:pnp-window", "timer:tftp", "timer:dhcpv6-wait")
"""Open orders that move a provisioning run on."""
TRIGGERS = ("timer:retry", "timer:cyclic", "timer:time-of-day")


class Asked(NamedTuple):
    """An order that is not answered yet. boot: power cycle it belongs to."""

    event: Any
    ordinal: int
    boot: int


class Siege:
    """asked: open orders by their key; sent: the last datagrams; ended: outcomes of runs so far; log: what was fed."""

    def __init__(self, firmware: Firmware, image: bytes) -> None:
        self.machine = Machine(firmware)
        self.now = 0
        self.count = 0
        self.boots = 0
        self.asked: dict[str, Asked] = {}
        self.sent: list[DatagramSent] = []
        self.ended: list[str] = []
        self._due: list[tuple[int, int, Event, int | None]] = []
        self._pushed = 0
        self.feed(FlashFitted(Payload(image)))
        self.power_on()

    @property
    def phone(self) -> Phone:
        """The state."""
        return self.machine.phone

    def power_on(self) -> None:
        """Power, and the cable is in."""
        self.boots += 1
        if self.feed(PowerOn(f"{self.boots:064x}")):
            self.feed(LinkUp())

    def feed(self, event: Event, boot: int | None = None) -> list[Entry]:
        """Let the phone take ``event`` now, if its gate lets it; what followed."""
        if not self.machine.accepts(event, boot):
            return []
        settled = self.machine.take(event, self.now, None, self.count + 1)
        assert len(settled.entries) <= SETTLED, f"{event} led to {len(settled.entries)} events"
        self.count += len(settled.entries)
        self.now = max(self.now, self.phone.clock)
        for entry in settled.entries:
            if isinstance(entry.event, RunEnded):
                self.ended.append(entry.event.outcome)
        for entry, ordinal in settled.orders:
            self._order(entry, ordinal)
        return settled.entries

    def _order(self, entry: Entry, ordinal: int) -> None:
        event, boot = entry.event, self.phone.power.boots
        if isinstance(event, TimerSet):
            self._later(entry.time + event.after, TimerDue(event.name, ordinal), boot)
        elif isinstance(event, RestartOrdered):
            self._later(entry.time + RESTART_TIME, PowerOn(f"{entry.n:064x}"), boot)
            self._later(entry.time + RESTART_TIME, LinkUp(), None)
        elif isinstance(event, DatagramSent):
            self.sent = [*self.sent[-7:], event]
        elif isinstance(event, LookupRequested | NameAsked):
            self.asked[f"lookup:{event.name}"] = Asked(event, ordinal, boot)
            self._later(entry.time + LOOKUP_LIMIT, LookupAnswered(event.name, ordinal, (), "timeout"), boot)
        elif isinstance(event, HttpRequested):
            self.asked[f"http:{event.name}"] = Asked(event, ordinal, boot)
            limit = event.connect_limit + event.idle_limit
            silence = HttpAnswered(event.name, ordinal, 0, (), Payload(b""), "idle-timeout")
            self._later(entry.time + limit, silence, boot)
        elif isinstance(event, StreamRequested):
            self.asked[f"stream:{event.name}"] = Asked(event, ordinal, boot)
            limit = event.connect_limit + event.idle_limit
            self._later(entry.time + limit, StreamClosed(event.name, ordinal, "idle-timeout"), boot)
        elif isinstance(event, StreamShut):
            self.asked.pop(f"stream:{event.name}", None)

    def _later(self, time: int, event: Event, boot: int | None) -> None:
        self._pushed += 1
        heappush(self._due, (time, self._pushed, event, boot))

    def next_due(self) -> int | None:
        """When something happens by itself."""
        return self._due[0][0] if self._due else None

    def run_to(self, time: int) -> None:
        """Let everything fall due that does so up to ``time``."""
        while self._due and self._due[0][0] <= time:
            due, _, event, boot = heappop(self._due)
            self.now = max(self.now, due)
            self.feed(event, boot)
        self.now = max(self.now, time)

    # --- What has to hold at any time -------------------------------------------------------------------------------

    def stuck(self) -> str:
        """Why nothing would ever happen to the phone again without help; "" if something will."""
        phone = self.phone
        open_orders, run = phone.orders.open, phone.provisioning
        if not phone.power.on or not phone.settings.enabled("PROVISION_ENABLE"):
            return ""
        if run.step:
            moving = any(key.startswith(MOVING) for key in open_orders)
            return "" if moving else f"step {run.step} waits for nothing"
        if run.outcome in UNFINISHED and not any(key in open_orders for key in TRIGGERS):
            return f"after {run.outcome!r} no trigger is armed"
        asking = ("timer:dhcp", "timer:dhcpv6", "timer:ipv4-first")
        if not run.outcome and phone.power.link and not any(key in open_orders for key in asking):
            return "without an address nobody is asked for one"
        return ""

    def settings_held(self) -> list[str]:
        """Every value that the phone has, in force or in its flash."""
        settings, store = self.phone.settings, read_store(self.phone.flash.chip)
        held = [*settings.user.values(), *store.user.values()]
        return held + [stored.value for layer in (settings, store) for stored in layer.provisioned.values()]
