"""Two logs, event by event: which belong together, and in what they differ. Why they do is in :mod:`causes`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from attrs import Factory, define, field

from emulator.events import INPUT_KINDS, Entry
from emulator.events.codec import EventDecoder, EventError
from emulator.log.chain import Row
from emulator.log.store import LogError
from tools.diff.align import aligned
from tools.diff.keys import fields, token
from tools.diff.model import Change, Difference
from tools.diff.noise import Noise
from tools.diff.parts import changes

Step = tuple[Row | None, Row | None]
"""Events that belong together; None where one of the runs has none."""
NEAR = 200
"""Places within which an event may be and still be the same one, reordered."""
UNTIMED = frozenset(("TimerDue",))
"""Inputs whose time says nothing that the order they answer does not."""


@define
class Side:
    """One of the two logs: its rows from where they part on. decoder: for their events; earlier: finds a row before."""

    rows: Sequence[Row]
    decoder: EventDecoder
    earlier: Callable[[int], Row | None] = field(default=lambda n: None)

    def order(self, entry: Entry | None) -> Entry | None:
        """The entry that caused another, None if nothing did."""
        if entry is None or entry.cause is None:
            return None
        row = self.row(entry.cause) or self.earlier(entry.cause)
        return None if row is None else self.entry(row)

    @property
    def first(self) -> int:
        """The number of the first row."""
        return self.rows[0].n if self.rows else 0

    def entry(self, row: Row) -> Entry:
        """The entry of a row. Raises LogError."""
        try:
            return row.entry(self.decoder)
        except EventError as error:
            raise LogError(f"event {row.n}: {error.reason}") from None

    def row(self, n: int) -> Row | None:
        """The row of a number; None if it is not among those that are compared."""
        index = n - self.first
        return self.rows[index] if self.rows and 0 <= index < len(self.rows) else None


@define
class Comparison:
    """What is the same in two logs. pairs: number in A to number in B, of the rows compared; back: the other way;
    moved: numbers in A of pairs that are in another order; found: the differences in the order of the story; links:
    whether other causes and grounds of the same are a difference."""

    a: Side
    b: Side
    noise: Noise
    tolerance: int
    pairs: dict[int, int] = Factory(dict)
    back: dict[int, int] = Factory(dict)
    found: list[Difference] = Factory(list)
    moved: set[int] = Factory(set)
    links: bool = False

    def run(self) -> None:
        """Align and compare, phone by phone."""
        steps: list[Step] = []
        by_phone_a, by_phone_b = by_phone(self.a.rows), by_phone(self.b.rows)
        for phone in sorted({*by_phone_a, *by_phone_b}):
            steps += self._align(by_phone_a.get(phone, []), by_phone_b.get(phone, []))
        if len({*by_phone_a, *by_phone_b}) > 1:
            steps.sort(key=lambda step: min(row.time for row in step if row is not None))
        self.back = {b: a for a, b in self.pairs.items()}
        last: dict[int, tuple[Row, Row]] = {}
        for a, b in steps:
            difference = self._judged(a, b, last)
            if difference is not None:
                self.found.append(difference)

    def _align(self, a: list[Row], b: list[Row]) -> list[Step]:
        """The events of a phone, those that belong together side by side, in order."""
        head = 0
        end = min(len(a), len(b))
        while head < end and a[head][4:8:3] == b[head][4:8:3]:
            head += 1
        ids: dict[str, int] = {}
        tokens = [[ids.setdefault(token(row), len(ids)) for row in rows[head:]] for rows in (a, b)]
        found = [(i, i) for i in range(head)] + [(i + head, j + head) for i, j in aligned(*tokens)]
        self.pairs.update((a[i].n, b[j].n) for i, j in found)
        steps = merged(a, b, found)
        return self._matched(steps)

    def _matched(self, steps: list[Step]) -> list[Step]:
        """Pair what was left over in both: an input by the order that it answers, anything else by being near."""
        left: dict[str, list[int]] = {}
        for place, (a, b) in enumerate(steps):
            if a is None and b is not None:
                left.setdefault(token(b), []).append(place)
        gone: set[int] = set()
        for place, (a, b) in enumerate(steps):
            if a is None or b is not None:
                continue
            places = left.get(token(a), [])
            other = next((each for each in places if self._belongs(a, steps[each][1], abs(each - place))), None)
            if other is not None:
                places.remove(other)
                steps[place] = self._paired(a, steps[other][1])
                gone.add(other)
        return [step for place, step in enumerate(steps) if place not in gone] if gone else steps

    def _paired(self, a: Row, b: Row | None) -> Step:
        if b is not None:
            self.pairs[a.n] = b.n
            self.moved.add(a.n)
        return a, b

    def _belongs(self, a: Row, b: Row | None, apart: int) -> bool:
        """Whether two events of one token that were left over are the same one. apart: places between them."""
        if b is None:
            return False
        if a.kind in INPUT_KINDS and a.cause is not None and b.cause is not None:
            return self.same_number(a.cause, b.cause)
        return apart <= NEAR and a.kind not in UNTIMED and self.noise.same(a, b)

    def same_number(self, a: int | None, b: int | None) -> bool:
        """Whether a number of A and one of B name the same event."""
        if a is None or b is None:
            return a is b
        if a < self.a.first or b < self.b.first:
            return a == b
        return self.pairs.get(a) == b

    def _judged(self, a: Row | None, b: Row | None, last: dict[int, tuple[Row, Row]]) -> Difference | None:
        """In what two events differ that belong together. last: of each phone, the inputs before."""
        if a is None or b is None:
            return self._difference("extra" if a is None else "missing", a, b)
        if not self.noise.same(a, b):
            return self._changed(a, b)
        if a.kind in INPUT_KINDS:
            before = last.get(a.phone)
            shift = 0 if a.kind in UNTIMED else self._shift(a, b, before)
            if abs(shift) > self.tolerance:
                return self._difference("later" if shift > 0 else "earlier", a, b, shift)
            last[a.phone] = (a, b)
        if a.n in self.moved:
            return self._difference("reordered", a, b)
        if self.links and not self._same_links(a, b):
            return Difference("changed", self.a.entry(a), self.b.entry(b), tell=partial(links_changes, a, b))
        return None

    def _changed(self, a: Row, b: Row) -> Difference:
        first, second = self.a.entry(a), self.b.entry(b)

        def tell() -> tuple[Change, ...]:
            return changes(first, second, fields(self.noise.text(a)), fields(self.noise.text(b)))

        return Difference("changed", first, second, tell=tell)

    def _difference(self, what: str, a: Row | None, b: Row | None, shift: int = 0) -> Difference:
        first, second = None if a is None else self.a.entry(a), None if b is None else self.b.entry(b)
        return Difference(what, first, second, shift=shift)

    def _shift(self, a: Row, b: Row, before: tuple[Row, Row] | None) -> int:
        """By how much B took an input later (ns).

        An answer is timed from the question on; anything else from the start, and from the input before.
        """
        if a.cause is not None and b.cause is not None:
            return waited(b, self.b) - waited(a, self.a)
        shift = b.time - a.time
        if before is not None:
            shift = min(shift, (b.time - before[1].time) - (a.time - before[0].time), key=abs)
        return shift

    def _same_links(self, a: Row, b: Row) -> bool:
        if not self.same_number(a.cause, b.cause) or len(a.grounds) != len(b.grounds):
            return False
        return all(self.same_number(i, j) for i, j in zip(a.grounds, b.grounds, strict=True))


def links_changes(a: Row, b: Row) -> tuple[Change, ...]:
    """Other causes or grounds of events that say the same."""
    return (Change("cause", *(f"caused by {row.cause}, because of {row.because}" for row in (a, b))),)


def waited(row: Row, side: Side) -> int:
    """From the order that an input answers until it was there (ns); its time if its order is not known."""
    order = side.row(row.cause) if row.cause is not None else None
    return (row.time if row.due is None else row.due) - (order.time if order is not None else 0)


def by_phone(rows: Sequence[Row]) -> dict[int, list[Row]]:
    """The rows of each phone."""
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row.phone, []).append(row)
    return found


def merged(a: list[Row], b: list[Row], pairs: list[tuple[int, int]]) -> list[Step]:
    """Both sequences as one, pairs side by side, what only one of them has in between."""
    steps: list[Step] = []
    i = j = 0
    for next_i, next_j in [*pairs, (len(a), len(b))]:
        steps += [(row, None) for row in a[i:next_i]]
        steps += [(None, row) for row in b[j:next_j]]
        if next_i < len(a) and next_j < len(b):
            steps.append((a[next_i], b[next_j]))
        i, j = next_i + 1, next_j + 1
    return steps
