"""Which difference made which: every difference of two runs under the one that it follows from.

The phone does the same when the same happens to it. So what it does otherwise follows from something that happened to
it otherwise, or from other firmware; and what a server answers otherwise follows from what it was asked otherwise, if
that differs. What is left has no cause in the runs: it *is* a cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import Factory, define

from emulator.events import (
    DatagramLost,
    DatagramReceived,
    Entry,
    LinkDown,
    LinkUp,
    PowerLost,
    PowerOff,
    PowerOn,
    Role,
    TimerDue,
)
from tools.diff.comparing import Comparison
from tools.diff.model import Difference

FIRMWARE = -1
"""The cause that lies before both runs: their phones differ in firmware, options or code."""
OUTAGES = (PowerOff, PowerLost, LinkDown)
VERDICT = ("status", "end", "code")
"""If these differ, what else differs in an answer follows from it."""


@define
class Tracing:
    """Finds the cause of each difference. firmware: whether the two phones are not of the same make.

    roots: for each difference the index of the one that caused it, its own if it is a cause, or FIRMWARE.
    """

    comparison: Comparison
    firmware: bool
    of_a: dict[int, int] = Factory(dict)
    of_b: dict[int, int] = Factory(dict)
    lost: dict[tuple[str, int], int] = Factory(dict)
    outages: list[int] = Factory(list)
    before: list[int | None] = Factory(list)
    roots: list[int | None] = Factory(list)

    def run(self) -> list[int]:
        """The causes, an index a difference."""
        latest: dict[int, int] = {}
        found = self.comparison.found
        for index, difference in enumerate(found):
            self._note(index, difference)
            phone = entry_of(difference).phone
            self.before.append(latest.get(phone))
            latest[phone] = index
        self.roots = [None] * len(found)
        for index in range(len(found)):
            self._root(index, ())
        roots = [FIRMWARE if root is None else root for root in self.roots]
        return merged(self.comparison, self._explained(roots))

    def _note(self, index: int, difference: Difference) -> None:
        for side, entry, where in (("a", difference.a, self.of_a), ("b", difference.b, self.of_b)):
            if entry is not None:
                where[entry.n] = index
                if isinstance(entry.event, DatagramLost) and entry.cause is not None:
                    self.lost[side, entry.cause] = index
        if isinstance(entry_of(difference).event, OUTAGES) and difference.what in ("missing", "extra"):
            self.outages.append(index)

    def _root(self, index: int, asked: tuple[int, ...]) -> int:
        """The cause of a difference. asked: those that wait for this answer, which cannot be its cause."""
        known = self.roots[index]
        if known is not None:
            return known
        difference = self.comparison.found[index]
        root = next(
            (self._root(p, (*asked, index)) for p in self._parents(difference) if p not in (*asked, index)), None
        )
        if root is None:
            outside = happened(difference) and not self._after_the_end(difference)
            root = index if outside else self._from_state(index, asked)
        self.roots[index] = root
        return root

    def _after_the_end(self, difference: Difference) -> bool:
        """Whether only one run has an event because the log of the other ends before it."""
        rows = self.comparison.b.rows if difference.b is None else self.comparison.a.rows
        one_only = difference.a is None or difference.b is None
        return one_only and bool(rows) and entry_of(difference).time >= rows[-1].time

    def _from_state(self, index: int, asked: tuple[int, ...]) -> int:
        """What a phone does otherwise without any reason in sight: its state differs since the difference before."""
        before = self.before[index]
        if before is not None and before not in asked:
            return self._root(before, (*asked, index))
        return FIRMWARE if self.firmware else index

    def _parents(self, difference: Difference) -> Iterator[int]:
        """The differences that this one follows from, by the links of both logs, the nearest first."""
        for entry, where in ((difference.b, self.of_b), (difference.a, self.of_a)):
            if entry is not None:
                links = (entry.cause, *entry.because) if entry.cause is not None else entry.because
                yield from (where[n] for n in links if n in where)
        yield from self._lost(difference)
        yield from self._unheard(difference)

    def _unheard(self, difference: Difference) -> Iterator[int]:
        """What only one run has may have come when the phone of the other was off, or its cable out; and what comes up
        again had gone before."""
        entry, other = entry_of(difference), {"missing": "extra", "extra": "missing"}.get(difference.what)
        if not happened(difference):
            return
        again = isinstance(entry.event, PowerOn | LinkUp)
        for index in reversed(self.outages):
            outage = self.comparison.found[index]
            off = entry_of(outage)
            before = off.time < entry.time or (off.time == entry.time and not again)
            if before and off.phone == entry.phone and outage.what == (difference.what if again else other):
                yield index

    def _lost(self, difference: Difference) -> Iterator[int]:
        """A packet that only one run has, or has late, may be one that the other lost: both are about one order."""
        for entry, side, other, names in (
            (difference.a, "b", self.comparison.pairs, ("missing", "later")),
            (difference.b, "a", self.comparison.back, ("extra", "earlier")),
        ):
            if difference.what in names and entry is not None and isinstance(entry.event, DatagramReceived):
                order = other.get(entry.cause or 0, entry.cause)
                if order is not None and (side, order) in self.lost:
                    yield self.lost[side, order]

    def _explained(self, roots: list[int]) -> list[int]:
        """A phone that did something first because it still waited: its cause is what came later, and then differs."""
        found = self.comparison.found
        outside = [index for index in sorted(set(roots)) if index >= 0 and happened(found[index])]
        instead: dict[int, int] = {}
        for index in set(roots):
            if index >= 0 and not happened(found[index]):
                late = (each for each in outside if begun(found[each]) <= entry_of(found[index]).time)
                instead[index] = next((each for each in late if each > index), index)
        return [instead.get(root, root) for root in roots]


def happened(difference: Difference) -> bool:
    """Whether a difference is in what happened to the phone, and not of its own making."""
    event = entry_of(difference).event
    return event.role is Role.INPUT and not isinstance(event, TimerDue)


def begun(difference: Difference) -> int:
    """When the first of the two events of a difference was (ns)."""
    return min(entry.time for entry in (difference.a, difference.b) if entry is not None)


def merged(comparison: Comparison, roots: list[int]) -> list[int]:
    """Causes that are the same thing twice become one: the one that made the most."""
    count = Counter(roots)
    groups: dict[object, list[int]] = {}
    for root in count:
        groups.setdefault(FIRMWARE if root == FIRMWARE else signature(comparison, root), []).append(root)
    chosen = {root: chief(comparison, group, count) for group in groups.values() for root in group}
    return [chosen[root] for root in roots]


def chief(comparison: Comparison, group: list[int], count: Counter[int]) -> int:
    """The one that stands for causes of a kind: the first that came late, else the one that made the most."""
    if group[0] >= 0 and comparison.found[group[0]].shift:
        return min(group)
    return max(group, key=lambda root: (count[root], -root))


def entry_of(difference: Difference) -> Entry:
    """The event of a difference, in B if it is there."""
    found = difference.b or difference.a
    assert found is not None
    return found


def signature(comparison: Comparison, index: int) -> object:
    """What makes two causes the same thing: equal changes, or the same peer that does, or does not, say something."""
    difference = comparison.found[index]
    entry = entry_of(difference)
    peer = peer_of(entry) or peer_of(comparison.b.order(difference.b) or comparison.a.order(difference.a))
    head = (difference.what, entry.event.kind, peer, 0 if peer else entry.phone)
    if difference.what in ("later", "earlier"):
        return head
    if difference.what != "changed":
        return (*head, getattr(entry.event, "reason", ""), "" if peer else getattr(entry.event, "name", ""))
    told = [change for change in difference.changes if change.name in VERDICT] or list(difference.changes)
    return (*head, tuple((change.name, change.a, change.b) for change in told))


def peer_of(entry: Entry | None) -> str:
    """The address at the other end; "" if there is none."""
    event = None if entry is None else entry.event
    if isinstance(event, DatagramReceived):
        return event.source
    return str(getattr(event, "peer", getattr(event, "address", "")))
