"""The one way in: what arrives from the network is stamped and put on the agenda of the run.

Whoever reads from the network waits while too much is waiting already, and what comes faster than a phone has to bear
is dropped and told; so neither memory nor log grows without bound, and due timers keep their turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import trio
from attrs import Factory, define

from emulator.events import SECOND, DatagramLost, Event
from emulator.world.agenda import Agenda

BACKLOG = 2_000
"""Inputs that may wait; then nobody reads on."""
RATE, BURST = 500, 1_000
"""Datagrams that a phone takes a second, and how many at once; no phone of its kind takes more."""

Clock = Callable[[], int]
"""ns since the run began."""


def running_clock() -> Clock:
    """A clock that begins now, at 0, and never goes back."""
    start = time.monotonic_ns()
    return lambda: time.monotonic_ns() - start


@define
class Bucket:
    """How many datagrams a phone still takes. filled: when that was reckoned; told: when it last heard of a flood."""

    left: float = float(BURST)
    filled: int = 0
    told: int = -SECOND

    def takes(self, now: int) -> bool:
        """Whether one more may come in."""
        self.left = min(float(BURST), self.left + (now - self.filled) * RATE / SECOND)
        self.filled = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@define
class Inbox:
    """clock: of the run; wakes the driver whenever something is put in."""

    clock: Clock
    agenda: Agenda
    waiting: int = 0
    _news: trio.Event = Factory(trio.Event)
    _room: trio.Event = Factory(trio.Event)
    _buckets: dict[int, Bucket] = Factory(dict)

    def put(self, phone: int, event: Event, cause: int | None = None, boot: int | None = None) -> None:
        """An input for a phone, now."""
        self.agenda.later(self.clock(), phone, event, cause, boot)
        self.waiting += 1
        self._news.set()

    def offer(self, phone: int, event: Event, peer: str, port: int) -> None:
        """A datagram for a phone; one too many is dropped, and once a second the phone's log says so."""
        now = self.clock()
        bucket = self._buckets.setdefault(phone, Bucket())
        if bucket.takes(now):
            self.put(phone, event)
        elif now - bucket.told >= SECOND:
            bucket.told = now
            self.put(phone, DatagramLost("flood", True, peer, port))

    def taken(self) -> None:
        """The driver has taken everything that was due."""
        self.waiting = 0
        self._room.set()

    async def news(self, until: float) -> None:
        """Wait for something to be put in, at most ``until`` (of trio's clock)."""
        with trio.move_on_at(until):
            await self._news.wait()
        self._news = trio.Event()

    async def room(self) -> None:
        """Wait until not too much is waiting."""
        while self.waiting >= BACKLOG:
            self._room = trio.Event()
            await self._room.wait()
