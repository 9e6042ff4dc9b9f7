"""A life of a phone: the flash operations of a run, where each can be cut, and what the chip holds in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import attrs

from emulator.events import Entry, FlashErased, FlashFailed, FlashProgrammed, FlashTorn, SettingsLoaded
from emulator.log.chain import Silence
from emulator.phone.flash import flash_op
from emulator.phone.machine import Settled
from emulator.world.run import Run
from flash_image import Chip, Format, LogLine, Op
from tools.cuts.content import Boot, Content, Expected, content_of, log_readings, readings

ENOUGH = 200_000
"""Steps of a run after which a life is not looked at any longer."""


@attrs.define
class Operation:
    """One flash operation of a life.

    number: from 1 on; n: its entry; before: the chip before it; fork: of the run before the input that led to it, and
    done: operations that this input leads to before it.
    """

    number: int
    n: int
    op: Op
    before: Chip
    fork: Run
    done: int


@attrs.frozen
class Mark:
    """After so many operations the log says what is on the chip: this configuration. boot: what it says is started."""

    operations: int
    configuration: tuple[object, ...]
    boot: Boot | None


@attrs.define
class Life:
    """What a phone does from a settled point on.

    chip: at its end; outcome: of its last provisioning run, "" if none ended; marks: where the log says what is on the
    chip; broken: where it is something else, as (operations before that, what is wrong).
    """

    index: int
    form: Format
    operations: list[Operation] = attrs.Factory(list)
    chip: Chip = attrs.Factory(Chip)
    outcome: str = ""
    marks: list[Mark] = attrs.Factory(list)
    broken: list[tuple[int, str]] = attrs.Factory(list)
    _contents: dict[int, frozenset[Content]] = attrs.Factory(dict)
    _lines: dict[int, tuple[tuple[LogLine, ...], ...]] = attrs.Factory(dict)

    def chip_at(self, number: int) -> Chip:
        """The chip after so many operations."""
        return self.operations[number].before if number < len(self.operations) else self.chip

    def contents(self, number: int) -> frozenset[Content]:
        """What can be read from the chip after so many operations."""
        if number not in self._contents:
            self._contents[number] = frozenset(readings(self.chip_at(number), self.form))
        return self._contents[number]

    def allowed(self, number: int) -> frozenset[Content]:
        """What may be found if operation ``number`` is cut off: what was there before it, or what it leads to."""
        return self.contents(number - 1) | self.contents(number)

    def astray(self) -> Iterator[tuple[int, str]]:
        """(operations before that, what is wrong) where the chip holds what the log says neither before nor after."""
        ends = [attrs.evolve(mark, operations=len(self.operations)) for mark in self.marks[-1:]]
        for mark, following in pairwise((*self.marks, *ends)):
            configurations = (mark.configuration, following.configuration)
            for number in range(mark.operations, following.operations + 1):
                for found in self.contents(number):
                    if found.configuration not in configurations:
                        yield number, "what is on the chip is neither the old configuration nor the new"
                    elif found.boot not in (mark.boot, following.boot):
                        yield number, f"the boot choice is {found.boot}, neither {mark.boot} nor {following.boot}"

    def lines(self, number: int) -> tuple[tuple[LogLine, ...], ...]:
        """The lines of the phone's log after so many operations, in each of the ways in which they can be read."""
        if number not in self._lines:
            self._lines[number] = log_readings(self.chip_at(number))
        return self._lines[number]


Over = Callable[[Run, Settled], bool]
"""Whether a life is over after a settled input."""


def live(run: Run, index: int, until: int, over: Over | None = None) -> Life:
    """Let phone ``index`` of ``run``, which is at a settled point, live to ``until`` (ns) or to where it is ``over``.

    What it says to have saved is compared with what is on its chip, by what it found there when it first started.
    """
    run.recorder = Silence(count=run.recorder.count)
    life = Life(index, run.firmware.format)
    witness = Witness(life)
    for before, settled in stepped(run, index, until):
        witness.watch(before, settled)
        if over is not None and over(run, settled):
            break
    phone = run.machines[index].phone
    life.chip, life.outcome = phone.flash.chip, phone.provisioning.outcome
    return life


def stepped(run: Run, index: int, until: int) -> Iterator[tuple[Run, Settled]]:
    """(the run before, what happened) for every input that phone ``index`` takes up to ``until`` (ns)."""
    for _ in range(ENOUGH):
        due = run.next_due()
        if due is None or due > until:
            return
        before = run.fork()
        settled = run.step()
        if settled is not None and settled.entries[0].phone == index:
            yield before, settled


@attrs.define
class Witness:
    """Notes the operations of a life, and compares what is said to be saved with what is."""

    life: Life
    expected: Expected | None = None

    def watch(self, before: Run, settled: Settled) -> None:
        """Look at what one input led to; ``before`` is the run before it."""
        life = self.life
        chip = before.machines[life.index].phone.flash.chip.copy()
        done = 0
        for entry in settled.entries:
            event = entry.event
            if isinstance(event, FlashErased | FlashProgrammed):
                op = flash_op(event)
                number = len(life.operations) + 1
                life.operations.append(Operation(number, entry.n, op, chip.copy(), before, done))
                chip.apply(op)
                done += 1
            elif isinstance(event, FlashTorn | FlashFailed):
                self.expected, life.marks = None, []  # what is there then is what the next start finds
            self.compare(entry, chip)

    def compare(self, entry: Entry, chip: Chip) -> None:
        """Hold the chip against what the log says, where it says something of the chip."""
        life = self.life
        starts = isinstance(entry.event, SettingsLoaded)
        if starts and self.expected is None:
            self.expected = Expected.of(content_of(chip, life.form))
        if self.expected is None or not self.expected.take(entry):
            return
        found, operations = content_of(chip, life.form), len(life.operations)
        if found.configuration != self.expected.configuration():
            life.broken.append((operations, "what was saved is not what the phone says it saved"))
        elif not starts and found.boot != self.expected.boot:
            life.broken.append((operations, f"the boot choice is {found.boot}, and has to be {self.expected.boot}"))
        self.expected.boot = found.boot
        life.marks.append(Mark(operations, found.configuration, found.boot))
