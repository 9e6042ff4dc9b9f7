"""A run as tracks: each event has its place on one of them, and what has a beginning and an end is a span.

An event takes no time, but a drawing of nothing cannot be pointed at. So an event is 1 ns long here, or as long as its
flash operation, and of two events of a phone that are at the same time the second begins where the first ends.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from attrs import Factory, define

from emulator import events
from emulator.events import (
    Entry,
    Event,
    FlashErased,
    FlashFailed,
    FlashProgrammed,
    FlashTorn,
    FtpStarted,
    LineRefused,
    LineRegistered,
    LineRegistering,
    LineUnregistered,
    LineWaiting,
    PowerLost,
    PowerOff,
    PowerOn,
    RestartOrdered,
    Role,
    RunEnded,
    RunStarted,
    SettingChanged,
    SettingsLoaded,
    StepEntered,
    StreamRequested,
    StreamShut,
    TftpStarted,
    TimerCancelled,
    TimerDue,
    TimerSet,
    TransferEnded,
    step_name,
)
from flash_image import Timing
from tools.peers import PASSING, Peers

END_OF_POWER = (PowerOff, PowerLost, RestartOrdered)
TIMERS = (TimerSet, TimerCancelled, TimerDue)
TRANSFERS = (FtpStarted, TftpStarted, TransferEnded)
LINE_ENDS = (LineRegistered, LineWaiting, LineRefused, LineUnregistered)
INPUTS = "inputs"
PROVISIONING = "provisioning"
FIXED = ("power", PROVISIONING, "settings", "flash", "firmware", "network", "lines", "clock", "people", INPUTS)
"""The tracks of a phone, from top to bottom; below them its timers and the peers that it talks to."""
_GROUPS = (
    (events.POWER, "power"),
    (events.LINK + events.NETWORK + events.DHCP + events.DHCPV6, "network"),
    (events.SIP + events.PNP + events.TRANSFER + events.STREAM + events.PROVISIONING, PROVISIONING),
    (events.LINES, "lines"),
    (events.STORAGE, "flash"),
    (events.TIME, "clock"),
    (events.PEOPLE, "people"),
    (events.FIRMWARE, "firmware"),
    ((SettingChanged, SettingsLoaded), "settings"),
)
_TRACKS: dict[type[Event], str] = {kind: track for kinds, track in _GROUPS for kind in kinds}
SHORTEST = 1
"""ns that an event is drawn with."""


class Place(NamedTuple):
    """Where an entry is drawn. start, end: ns."""

    entry: Entry
    track: str
    start: int
    end: int


@define
class Span:
    """Something that went on for a while. start, end: ns; first, last: the events it is from and to.

    last is 0 for one that had not ended when the run did.
    """

    phone: int
    track: str
    name: str
    start: int
    first: int
    end: int = 0
    last: int = 0


@define
class Tracks:
    """Takes the entries of a run, in order. titles: of the steps; peers: who is who.

    places: of the events, by_n: the same by number; spans: those that are over; open: the others, by (phone, what it
    is); settled: of each phone, what its last input led to; free: when the next event can be drawn (ns); boots: how
    many; names: what each phone is.
    """

    places: list[Place] = Factory(list)
    spans: list[Span] = Factory(list)
    open: dict[tuple[int, Hashable], Span] = Factory(dict)
    settled: dict[int, Span] = Factory(dict)
    by_n: dict[int, Place] = Factory(dict)
    free: dict[int, int] = Factory(dict)
    boots: dict[int, int] = Factory(dict)
    names: dict[int, str] = Factory(dict)
    titles: dict[int, str] = Factory(dict)
    peers: Peers = Factory(Peers)

    def take_all(self, entries: Iterable[Entry]) -> None:
        """Place every entry, and close what is open at the end."""
        following: dict[int, Entry] = {}
        taken = list(entries)
        room: dict[int, int] = {}
        for entry in reversed(taken):
            after = following.get(entry.phone)
            room[entry.n] = after.time - entry.time if after else length(entry.event)
            following[entry.phone] = entry
        for entry in taken:
            self.take(entry, room[entry.n])
        for phone, key in list(self.open):
            self.end(phone, key, self.free[phone], 0)

    def take(self, entry: Entry, room: int) -> None:
        """Place one entry. room: ns until the next one of its phone."""
        event, phone = entry.event, entry.phone
        start = max(entry.time, self.free.get(phone, 0))
        end = start + max(SHORTEST, min(length(event), room))
        self.free[phone] = end
        place = Place(entry, self.track(entry), start, end)
        self.places.append(place)
        self.by_n[entry.n] = place
        if isinstance(event, SettingsLoaded):
            self.names[phone] = f"{event.identity[1]} {event.identity[0]}"
        self.settle(place)
        self.follow(place)

    def track(self, entry: Entry) -> str:
        """The track of an event; what passes is on that of the peer."""
        event = entry.event
        peer = self.peers.of(entry)
        if peer is not None and isinstance(event, PASSING):
            return peer.text()
        if isinstance(event, TIMERS):
            return f"timer {event.name}"
        return _TRACKS.get(type(event), PROVISIONING)

    # --- spans ------------------------------------------------------------------------------------------------------

    def begin(self, place: Place, key: Hashable, name: str, track: str = "") -> None:
        """A span begins with an event."""
        entry = place.entry
        self.open[entry.phone, key] = Span(entry.phone, track or place.track, name, place.start, entry.n)

    def end(self, phone: int, key: Hashable, at: int, n: int, told: str = "") -> None:
        """A span ends, if there is one."""
        span = self.open.pop((phone, key), None)
        if span is not None:
            span.end, span.last = max(at, span.start + SHORTEST), n
            span.name += f": {told}" if told else ""
            self.spans.append(span)

    def settle(self, place: Place) -> None:
        """What one input led to: all events of its phone up to the next input."""
        entry = place.entry
        span = self.settled.get(entry.phone)
        if span is None or entry.event.role is Role.INPUT:
            span = Span(entry.phone, INPUTS, entry.event.text() or entry.event.kind, place.start, entry.n)
            self.settled[entry.phone] = span
            self.spans.append(span)
        span.end, span.last = place.end, entry.n

    def follow(self, place: Place) -> None:
        """What begins or ends with an event."""
        event, phone, n = place.entry.event, place.entry.phone, place.entry.n
        if isinstance(event, PowerOn):
            self.boots[phone] = self.boots.get(phone, 0) + 1
            self.begin(place, "power", f"boot {self.boots[phone]}")
        elif isinstance(event, END_OF_POWER):
            for owner, key in list(self.open):
                if owner == phone:
                    self.end(phone, key, place.end, n, event.text())
        elif isinstance(event, RunStarted):
            self.begin(place, "run", event.text())
        elif isinstance(event, StepEntered):
            self.end(phone, "step", place.start, n)
            self.begin(place, "step", f"step {step_name(event.step)}: {self.titles.get(event.step, '')}")
        elif isinstance(event, RunEnded):
            self.end(phone, "step", place.start, n)
            self.end(phone, "run", place.end, n, event.outcome)
        elif isinstance(event, LineRegistering):
            self.begin(place, ("line", event.line), event.text())
        elif isinstance(event, LINE_ENDS):
            self.end(phone, ("line", event.line), place.end, n)
        else:
            self.order(place)

    def order(self, place: Place) -> None:
        """An order that will be answered, an answer, or a datagram that another one brought about."""
        entry, event, phone, n = place.entry, place.entry.event, place.entry.phone, place.entry.n
        name = getattr(event, "name", "")
        if isinstance(event, TransferEnded):
            self.end(phone, ("transfer", name), place.end, n, event.end)
        elif isinstance(event, TRANSFERS):
            self.end(phone, ("transfer", name), place.start, n)
            self.begin(place, ("transfer", name), event.text())
        elif isinstance(event, TimerCancelled):
            self.end(phone, ("timer", name), place.end, n, "cancelled")
        elif isinstance(event, StreamShut):
            self.end(phone, ("stream", name), place.end, n)
        elif event.orders:
            self.end(phone, (event.orders, name), place.start, n)
            self.begin(place, (event.orders, name), event.text())
        elif event.answers and event.ends:
            self.end(phone, (event.answers, name), place.end, n, "" if isinstance(event, TimerDue) else event.text())
        else:
            self.reply(place, self.by_n.get(entry.cause or 0))

    def reply(self, place: Place, asked: Place | None) -> None:
        """A datagram or frame that came in answer to one that was sent."""
        entry = place.entry
        if (
            asked is None
            or entry.event.mark != "←"
            or asked.entry.event.mark != "→"
            or asked.entry.phone != entry.phone
        ):
            return
        if isinstance(asked.entry.event, StreamRequested) or asked.track != place.track:
            return
        name = f"{words(asked.entry.event)}, {words(entry.event)}"
        self.spans.append(Span(entry.phone, place.track, name, asked.start, asked.entry.n, place.end, entry.n))


def words(event: Event) -> str:
    """A packet without its ends."""
    return event.text().partition("  ")[0]


def length(event: Event) -> int:
    """ns that an event takes: that of flash work is known."""
    if isinstance(event, FlashErased):
        return Timing().erase_ns
    if isinstance(event, FlashProgrammed):
        return Timing().program_ns
    return event.took if isinstance(event, FlashTorn | FlashFailed) else 0


def lanes(spans: Iterable[Span]) -> Iterator[tuple[Span, int]]:
    """The spans of a track, each with a lane: on one lane a span holds another whole or not at all."""
    stacks: list[list[int]] = []
    for span in sorted(spans, key=lambda each: (each.start, -each.end)):
        lane = next((lane for lane, stack in enumerate(stacks) if fits(span, stack)), len(stacks))
        if lane == len(stacks):
            stacks.append([])
        stacks[lane].append(span.end)
        yield span, lane


def fits(span: Span, stack: list[int]) -> bool:
    """Whether a span can go on top of those that a lane holds when it begins. stack: their ends."""
    while stack and stack[-1] <= span.start:
        stack.pop()
    return not stack or stack[-1] >= span.end
