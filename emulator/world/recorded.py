"""The recorded world: today's code against the inputs of a log. It never opens a socket.

Recorded inputs are fed to the phones and what these do is compared with what was recorded, one by one. A difference
does not end the replay: events are aligned within each settled input, so code that logs one event more still replays
an old log to its end, with exactly that one difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from attrs import Factory, define, frozen

from emulator.events import INPUT_KINDS, VOCABULARY, Entry, Event, Role
from emulator.events.codec import EventDecoder, EventError
from emulator.log.chain import Recorder, Row, Sink
from emulator.log.progress import Progress, counted, no_progress
from emulator.phone.firmware import Firmware
from emulator.phone.machine import Machine
from emulator.phone.storage import FoldMismatch
from flash_image import ChipFault, ImageError, LayoutError

KEPT = 1_000
"""Differences that a report keeps; the rest is only counted."""


@frozen
class Difference:
    """One difference between a log and today's code.

    what: ``missing`` (this code does not do it), ``extra`` (the record has it not), ``changed``, ``refused`` (a
    recorded input that this code did not ask for) or ``unreadable``. detail: which of time, cause or value, or why.
    recorded, replayed: the two sides. settled: all that this code did about the input, for its cause chain.
    """

    what: str
    detail: str
    recorded: Row | None
    replayed: Row | None
    settled: tuple[Row, ...] = ()


@define
class Replayed:
    """What a replay found. events: rows of the record; digest: of what this code made of it; count: differences."""

    events: int = 0
    inputs: int = 0
    digest: str = ""
    count: int = 0
    differences: list[Difference] = Factory(list)

    @property
    def identical(self) -> bool:
        """Whether this code does exactly what was recorded."""
        return self.count == 0


class Replay:
    """One replay. phones: how many; decoder: for the events of the record; sink: takes what this code makes."""

    def __init__(self, firmware: Firmware, phones: int, decoder: EventDecoder, sink: Sink | None = None) -> None:
        self.machines = [Machine(firmware, index) for index in range(phones)]
        self.decoder = decoder
        self.recorder = Recorder(sink)
        self.report = Replayed()
        self._diverged: int | None = None
        self._numbers: dict[int, int] = {}

    def run(self, rows: Iterable[Row], progress: Progress = no_progress, cut: bool = False) -> Replayed:
        """Replay ``rows``.

        cut: the log may end in the middle of what its last input led to; what this code does beyond is no difference.
        """
        groups = settled_groups(counted(rows, progress))
        group = next(groups, None)
        while group is not None:
            following = next(groups, None)
            self.report.events += len(group)
            self._replay_input(group, cut and following is None)
            group = following
        self.report.digest = self.recorder.digest
        return self.report

    def number(self, recorded: int | None) -> int | None:
        """The number in this replay of a recorded event; None if this code did not make it."""
        if recorded is None or self._diverged is None or recorded < self._diverged:
            return recorded
        return self._numbers.get(recorded)

    def _replay_input(self, group: list[Row], cut: bool) -> None:
        first = group[0]
        self.report.inputs += 1
        try:
            event = self.decoder.decode(first.kind, first.data)
        except EventError as error:
            self._differ(Difference("unreadable", error.reason, first, None))
            return
        if event.role is not Role.INPUT or not 0 <= first.phone < len(self.machines):
            self._differ(Difference("unreadable", "it does not begin with an input", first, None))
            return
        machine = self.machines[first.phone]
        if not machine.accepts(event):
            self._differ(Difference("refused", refusal(machine, event), first, None))
            return
        try:
            made = self._take(machine, event, first)
        except (FoldMismatch, ImageError, ChipFault, LayoutError) as error:
            self._differ(Difference("unreadable", f"this code cannot take it: {error}", first, None))
            self.machines[first.phone] = Machine(machine.firmware, first.phone)
            return
        if cut:
            made = made[: len(group)]
        if self._diverged is None and made == group:
            return
        self._align(group, made)

    def _take(self, machine: Machine, event: Event, row: Row) -> list[Row]:
        cause = machine.order_of(event) if event.answers else self.number(row.cause)
        due = row.time if row.due is None else row.due
        entries: list[Entry] = machine.take(event, due, cause, self.recorder.count + 1).entries
        rows = self.recorder.rows(entries)
        self.recorder.hand_over(rows)
        return rows

    def _align(self, recorded: list[Row], made: list[Row]) -> None:
        """Pair what was recorded with what this code made of the same input; what is left over differs."""
        if self._diverged is None:
            self._diverged = recorded[0].n
        settled = tuple(made)
        pairs, missing, extra = paired(recorded, made)
        self._numbers.update((old.n, new.n) for old, new in pairs)
        found = [(old.n - recorded[0].n, Difference("missing", "", old, None, settled)) for old in missing]
        found += [(new.n - made[0].n, Difference("extra", "", None, new, settled)) for new in extra]
        for old, new in pairs:
            detail = self._unlike(old, new)
            if detail:
                found.append((old.n - recorded[0].n, Difference("changed", detail, old, new, settled)))
        for _, difference in sorted(found, key=lambda pair: pair[0]):
            self._differ(difference)

    def _unlike(self, old: Row, new: Row) -> str:
        """In what two paired rows differ, references compared as references; "" if in nothing."""
        unlike = [
            name
            for name, same in (
                ("value", old.data == new.data),
                ("time", (old.time, old.due) == (new.time, new.due)),
                ("cause", self.number(old.cause) == new.cause),
                ("grounds", tuple(map(self.number, old.grounds)) == new.grounds),
            )
            if not same
        ]
        return " and ".join(unlike)

    def _differ(self, difference: Difference) -> None:
        if self._diverged is None:
            row = difference.recorded or difference.replayed
            self._diverged = row.n if row is not None else 0
        self.report.count += 1
        if len(self.report.differences) < KEPT:
            self.report.differences.append(difference)


def paired(recorded: list[Row], made: list[Row]) -> tuple[list[tuple[Row, Row]], list[Row], list[Row]]:
    """(pairs, recorded rows left over, made rows left over): equal rows first, then rows of one kind in order."""
    pairs: list[tuple[Row, Row]] = []
    missing: list[Row] = []
    extra: list[Row] = []
    matcher = SequenceMatcher(None, [r[4::3] for r in recorded], [r[4::3] for r in made], autojunk=False)
    for what, a, b, c, d in matcher.get_opcodes():
        if what == "equal":
            pairs += zip(recorded[a:b], made[c:d], strict=True)
            continue
        left = made[c:d]
        for old in recorded[a:b]:
            new = next((row for row in left if row.kind == old.kind), None)
            if new is None:
                missing.append(old)
            else:
                left.remove(new)
                pairs.append((old, new))
        extra += left
    return pairs, missing, extra


def refusal(machine: Machine, event: Event) -> str:
    """Why the gate refuses a recorded input."""
    if event.answers:
        return "this code had not asked for it"
    return "the phone is off" if not machine.phone.power.on else "the phone cannot take it in its state"


def settled_groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows of each settled input, the input first. Rows of an unknown kind count as inputs, which are refused."""
    group: list[Row] = []
    for row in rows:
        if group and (row.kind in INPUT_KINDS or row.kind not in VOCABULARY):
            yield group
            group = []
        group.append(row)
    if group:
        yield group
