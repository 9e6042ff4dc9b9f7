"""A chain of causes as groups: the events that matter, each with what only carried the chain on to it."""

from __future__ import annotations

from attrs import Factory, define, frozen

from emulator.events import Entry, RunStarted
from tools.why.graph import has_cause, is_outside, main_link
from tools.why.plumbing import arrival, carries, topic
from tools.why.reader import Kind, Reader

LONGEST_BRANCH = 40
"""Events of a chain of causes that are looked at for a ground."""


@define
class Group:
    """An event that matters, and the carriers on the way to its cause, the latest first."""

    entry: Entry
    carried: list[Entry] = Factory(list)

    @property
    def arrival(self) -> Entry | None:
        """What came in by the network and led to the event at once."""
        return arrival(self.entry, self.carried)

    @property
    def size(self) -> int:
        """How many events it stands for."""
        return 1 + len(self.carried)

    @property
    def runs(self) -> int:
        """How many provisioning runs began in it."""
        return int(isinstance(self.entry.event, RunStarted))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The events that its sentence tells."""
        came = self.arrival
        return (self.entry.n,) if came is None or came.n == self.entry.n else (self.entry.n, came.n)


@frozen
class Gap:
    """What is left out. events: how many; runs: provisioning runs that began among them; first: the earliest; all_same:
    they only repeat what is told, and are not only of the same kinds."""

    events: int
    runs: int
    first: Entry
    all_same: bool = True

    def joined(self, other: Gap) -> Gap:
        """One gap for this and an earlier one beside it."""
        same = self.all_same and other.all_same
        return Gap(self.events + other.events, self.runs + other.runs, other.first, same)


def steps(reader: Reader, target: int, via: int = 0) -> list[Group | Gap]:
    """The chain of causes of an event, without what only repeats; its last event always stays.

    via: an event to go on with instead of the cause of the target.
    """
    causes = reader.causes(via or target)
    head = grouped(reader, (target, *causes.head) if via else causes.head, starts=True)
    made: list[Group | Gap] = []
    seen: set[tuple[object, ...]] = set()
    last = head[-1] if head and not causes.rest else None
    for group in head:
        if is_new(group, seen) or group is last:
            made.append(group)
        else:
            add(made, Gap(group.size, group.runs, group.entry))
    if causes.rest:
        samples = sampled(reader, causes.rest)
        shown = [group for group in samples if is_new(group, seen) or group is samples[-1]]
        events = sum(kind.count for kind in causes.rest) - sum(group.size for group in shown)
        runs = sum(kind.count for kind in causes.rest if kind.name == RunStarted.kind)
        runs -= sum(group.runs for group in shown)
        earliest = min(samples, key=lambda group: group.entry.n)
        add(made, Gap(events, runs, earliest.entry, all_same=False))
        made += shown
    return made


def is_new(group: Group, seen: set[tuple[object, ...]]) -> bool:
    """Whether a group tells what was not ``seen`` yet, which it is from now on."""
    subject = topic(group.entry.event)
    if subject in seen:
        return False
    seen.add(subject)
    return True


def sampled(reader: Reader, rest: tuple[Kind, ...]) -> list[Group]:
    """Of a part of a chain that is too long to be read: the newest and the earliest event of each kind that matters.

    The earliest of all is among them, whatever it is.
    """
    groups: list[Group] = []
    lowest = min(kind.earliest for kind in rest)
    for n in sorted({n for kind in rest for n in (kind.newest, kind.earliest)}, reverse=True):
        entry = reader.get(n)
        if entry is not None and (n == lowest or not carries(entry.event) or not has_cause(entry)):
            groups += branch(reader, n, set())[:1]
    return groups


def add(made: list[Group | Gap], gap: Gap) -> None:
    """Put a gap behind what was made, one with a gap that stands there."""
    if made and isinstance(before := made[-1], Gap):
        made[-1] = before.joined(gap)
    else:
        made.append(gap)


def branch(reader: Reader, n: int, told: set[int]) -> list[Group]:
    """A ground and its causes, as far back as the nearest outside input, grounds of its own, or what is told."""
    numbers: list[int] = []
    at: int | None = n
    while at is not None and at not in told and len(numbers) < LONGEST_BRANCH:
        entry = reader.get(at)
        if entry is None:
            break
        numbers.append(at)
        back = main_link(entry, reader.get)
        at = None if back is None else back.n
    groups: list[Group] = []
    for group in grouped(reader, tuple(numbers), starts=True):
        groups.append(group)
        if is_outside(group.entry) or group.arrival is not None or group.entry.because:
            break
    return groups


def grouped(reader: Reader, numbers: tuple[int, ...], *, starts: bool = False) -> list[Group]:
    """Events of a chain of causes as groups. starts: whether the first is one although it only carries on."""
    groups: list[Group] = []
    for index, n in enumerate(numbers):
        entry = reader.get(n)
        if entry is None:
            break
        if (starts and index == 0) or not carries(entry.event) or not has_cause(entry):
            groups.append(Group(entry))
        elif groups:
            groups[-1].carried.append(entry)
    return groups
