"""The graph of a log: what every event comes from, and all that lies behind it.

An event comes from its ``cause`` and from what it was decided on, ``because``. In any log that a phone wrote both name
earlier events; a reference that does not (a log from elsewhere may hold anything) is no link, and so nothing here can
run in a circle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from emulator.events import (
    ConfigurationRead,
    DownloadOrdered,
    Entry,
    FlashErased,
    FlashFitted,
    FlashProgrammed,
    FlashTorn,
    Role,
    SettingChanged,
    TimerDue,
)

CAUSE, BECAUSE, FLASH, IMPLIED = "cause", "because", "flash", "implied"
"""Kinds of links: it triggered the event; it was decided on this; this wrote what the event read from the flash; it
rests on this and does not say so."""

WRITES = (FlashFitted, FlashErased, FlashProgrammed, FlashTorn)
"""What changes the flash: as a ground, what was read there."""

Get = Callable[[int], Entry | None]
"""The entry of a number; None if there is none."""


class Link(NamedTuple):
    """What an event comes from: the number of the other event, and how."""

    n: int
    kind: str


def links(entry: Entry) -> tuple[Link, ...]:
    """The links of an entry, its cause first. A ground that is the cause too is one link, ``because``."""
    grounds = dict.fromkeys(n for n in entry.because if 0 < n < entry.n)
    caused = () if not has_cause(entry) or entry.cause in grounds else (Link(entry.cause or 0, CAUSE),)
    return (*caused, *(Link(n, BECAUSE) for n in grounds))


def main_link(entry: Entry, get: Get) -> Link | None:
    """The link by which the story goes back: the cause, but from what a file says to the file that says it.

    A run takes its files in turn and puts all of their values in force after the last, so that by its cause every value
    comes from the last file, and every file from the one before.
    """
    if isinstance(entry.event, SettingChanged | DownloadOrdered):
        for n in entry.because:
            ground = get(n) if 0 < n < entry.n else None
            if ground is not None and isinstance(ground.event, ConfigurationRead):
                return Link(n, BECAUSE)
    return Link(entry.cause or 0, CAUSE) if has_cause(entry) else None


def has_cause(entry: Entry) -> bool:
    """Whether an event is named as the cause that can be it."""
    return entry.cause is not None and 0 < entry.cause < entry.n


def broken(entry: Entry, get: Get) -> tuple[int, ...]:
    """The numbers that an entry refers to although nothing lies there before it. 0 as a ground says that nothing is."""
    named = (*(() if entry.cause is None else (entry.cause,)), *(n for n in entry.because if n))
    return tuple(dict.fromkeys(n for n in named if not 0 < n < entry.n or get(n) is None))


def ancestors(
    entries: Mapping[int, Entry] | Sequence[Entry], n: int, distance: int | None = None
) -> dict[int, list[Link]]:
    """Everything that event ``n`` comes from, itself first, the newest first: number to its links.

    entries: by number, or all of a run in their order. distance: the most links back. What is not there is left out.
    """
    return ancestors_of(getter(entries), n, distance)


def ancestors_of(get: Get, n: int, distance: int | None = None) -> dict[int, list[Link]]:
    """:func:`ancestors` of entries that are read one by one."""
    found: dict[int, list[Link]] = {}
    away = {n: 0}
    queue = [-n]
    while queue:
        number = -heappop(queue)
        entry = get(number)
        if entry is None:
            continue
        near = links(entry) if distance is None or away[number] < distance else ()
        found[number] = [classed(link, other) for link in near if (other := get(link.n)) is not None]
        for link in found[number]:
            if link.n not in away:
                heappush(queue, -link.n)
            away[link.n] = min(away.get(link.n, away[number] + 1), away[number] + 1)
    return found


def classed(link: Link, other: Entry) -> Link:
    """A link to ``other``, as one through the flash if that is what wrote there."""
    return Link(link.n, FLASH) if link.kind == BECAUSE and isinstance(other.event, WRITES) else link


def getter(entries: Mapping[int, Entry] | Sequence[Entry]) -> Get:
    """How an entry of ``entries`` is found by its number."""
    if isinstance(entries, Mapping):
        return entries.get
    return {entry.n: entry for entry in entries}.get


def is_outside(entry: Entry) -> bool:
    """Whether an event came from outside the phone: an input, and no alarm that the phone had set itself."""
    return entry.event.role is Role.INPUT and not isinstance(entry.event, TimerDue)


def outside(entries: Mapping[int, Entry] | Sequence[Entry], n: int) -> tuple[int, ...]:
    """The outside inputs that event ``n`` comes from, the oldest first."""
    get = getter(entries)
    return tuple(sorted(m for m in ancestors(entries, n) if (entry := get(m)) is not None and is_outside(entry)))
