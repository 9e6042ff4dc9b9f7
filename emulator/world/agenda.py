"""What is going to happen, in order: a heap keyed by (time, sequence).

The agenda belongs to the run. A world decides what to put on it, a driver decides when to take from it.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any, NamedTuple

WORLD = -1
"""The target of an item that is for the world itself (a packet on its way to a server)."""


class Item(NamedTuple):
    """One thing that falls due. time: ns; target: index of a phone, or WORLD; boot: power cycle it belongs to."""

    time: int
    sequence: int
    target: int
    what: Any
    cause: int | None
    boot: int | None


class Agenda:
    """The items, soonest first; equal times in the order in which they were put in."""

    __slots__ = ("_heap", "_sequence")

    def __init__(self) -> None:
        self._heap: list[Item] = []
        self._sequence = 0

    def later(self, time: int, target: int, what: Any, cause: int | None = None, boot: int | None = None) -> None:
        """Put ``what`` on the agenda for ``time`` (ns). cause: number of the entry that led to it."""
        self._sequence += 1
        heappush(self._heap, Item(time, self._sequence, target, what, cause, boot))

    def next_due(self) -> int | None:
        """When the next item falls due (ns), or None if there is none."""
        return self._heap[0].time if self._heap else None

    def pop(self) -> Item:
        """Take the next item. Raises IndexError if there is none."""
        return heappop(self._heap)

    def fork(self) -> Agenda:
        """An agenda with the same items."""
        twin = Agenda()
        twin._heap = self._heap.copy()
        twin._sequence = self._sequence
        return twin
