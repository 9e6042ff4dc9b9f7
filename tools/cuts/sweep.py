"""The sweep: every cut of a run, each distinct image once, and again in what follows the first cut."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import attrs

from emulator.events import LogWritten, RunEnded
from emulator.phone.firmware import Firmware
from emulator.phone.machine import Settled
from emulator.world.run import Run
from emulator.world.scenario import Scenario
from flash_image import Tear, TearKind
from flash_image.edges import field_edges
from tools.cuts.cases import Cut, chip_key, every_tear, first_tears, second_tears, torn_key
from tools.cuts.judge import Bar, Depth, Fault, Verdict, cut_run, judge, power_goes
from tools.cuts.life import Life, Over, live
from tools.workers import Workers

Key = tuple[int, tuple[tuple[int, int], ...], int]
QUIET = 5 * 10**9
"""Virtual ns after a run in which the phone writes its log, or will not."""


@attrs.frozen
class Aim:
    """What is swept. depth: 1, or 2 to cut once more in what follows; samples: of each word and erasure; follow: how
    far each case is followed; phone: which."""

    scenario: Scenario
    name: str
    seed: int
    firmware: Firmware | None = None
    depth: int = 1
    samples: int = 1
    follow: Depth = "full"
    phone: int = 0

    def run(self) -> Run:
        """The run from its start."""
        return Run(self.scenario, seed=self.seed, firmware=self.firmware)


@attrs.frozen
class Part:
    """Cases that are judged in one go. first: None, or the cut that all of ``cuts`` follow."""

    name: str
    first: Cut | None
    cuts: tuple[Cut, ...]


@attrs.frozen
class Finding:
    """A case that failed. case: its id, without checks."""

    case: str
    fault: Fault


@attrs.define
class Tally:
    """What came of cases. judged: how many; held: old, new, same; outcomes: of the runs that followed."""

    judged: int = 0
    held: Counter[str] = attrs.Factory(Counter)
    outcomes: Counter[str] = attrs.Factory(Counter)
    findings: list[Finding] = attrs.Factory(list)

    def note(self, case: str, verdict: Verdict) -> None:
        """One case more."""
        self.judged += 1
        if verdict.fault is not None:
            self.findings.append(Finding(case, verdict.fault))
            return
        self.held[verdict.held] += 1
        if verdict.outcome:
            self.outcomes[verdict.outcome] += 1

    def add(self, other: Tally) -> None:
        """Those of another part."""
        self.judged += other.judged
        self.held += other.held
        self.outcomes += other.outcomes
        self.findings += other.findings


@attrs.define
class Level:
    """The cases of one depth. operations: that can be cut; cases: by class; images: distinct; parts: to be judged."""

    operations: int = 0
    firsts: int = 0
    cases: Counter[TearKind] = attrs.Factory(Counter)
    images: int = 0
    parts: list[Part] = attrs.Factory(list)


@attrs.frozen
class Second:
    """What may follow a first cut: the keys of what each second cut leaves, in order; or what is wrong without one."""

    operations: int
    found: tuple[tuple[Key, Cut], ...] = ()
    finding: Finding | None = None


class Sweep:
    """A sweep of one run. base: the run without a cut; bar: what is asked of each case."""

    def __init__(self, aim: Aim) -> None:
        self.aim = aim
        self.base = live(aim.run(), aim.phone, aim.scenario.until)
        self.bar = Bar(aim.follow, "provisioned" if self.base.outcome == "provisioned" else "")

    def base_findings(self) -> list[Finding]:
        """What is wrong without any cut."""
        wrong, last = (*self.base.broken, *self.base.astray()), len(self.base.operations)
        at = [(Cut(min(number + 1, last), Tear("nothing")), what) for number, what in wrong]
        return [Finding(cut.name, Fault("not-as-said", what)) for cut, what in at[:10]]

    # --- depth 1 --------------------------------------------------------------------------------------------------

    def first_level(self) -> Level:
        """Every operation of the run, torn in every way; of equal images the first."""
        level, seen = Level(len(self.base.operations)), set[Key]()
        for operation in self.base.operations:
            key, cuts = chip_key(operation.before), []
            for how, count in every_tear(operation.op, operation.before, self.aim.samples):
                level.cases[how.kind] += count
                found = torn_key(operation.before, key, operation.op, how)
                if found not in seen:
                    seen.add(found)
                    cuts.append(Cut(operation.number, how))
            level.parts.append(Part(f"1/{operation.number}", None, tuple(cuts)))
        level.images = len(seen)
        return level

    # --- depth 2 --------------------------------------------------------------------------------------------------

    def firsts(self) -> list[Cut]:
        """Where to cut first; of equal images the first."""
        operations, seen, cuts = self.base.operations, set[Key](), []
        for operation, edges in zip(operations, field_edges([o.op for o in operations]), strict=True):
            key = chip_key(operation.before)
            for how in first_tears(operation.op, operation.before, edges):
                found = torn_key(operation.before, key, operation.op, how)
                if found not in seen:
                    seen.add(found)
                    cuts.append(Cut(operation.number, how))
        return cuts

    def second(self, first: Cut) -> Second:
        """What can be cut after ``first``: in the start that follows, and in the next provisioning run."""
        life = self.second_life(first)
        if isinstance(life, Finding):
            return Second(0, (), life)
        found: list[tuple[Key, Cut]] = []
        for operation in life.operations:
            key = chip_key(operation.before)
            for how in second_tears(operation.op, operation.before):
                found.append((torn_key(operation.before, key, operation.op, how), Cut(operation.number, how)))
        return Second(len(life.operations), tuple(found))

    def second_life(self, first: Cut, base: Life | None = None) -> Life | Finding:
        """The life after a first cut (of ``base``, if it is not the first), or what is wrong with it.

        What is wrong between two operations is found by a cut there.
        """
        base = base or self.base
        run = cut_run(base, first)
        try:
            power_goes(run, self.aim.phone)
            life = live(run, self.aim.phone, run.now + 2 * 3600 * 10**9, run_is_over())
        except Exception as error:  # whatever breaks in a firmware under test is what is looked for
            return Finding(first.name, Fault("crash", f"{type(error).__name__}: {error}"[:200]))
        allowed = {content.configuration for content in base.allowed(first.number)}
        settled = life.marks[0].operations if life.marks else 0
        for number in range(settled + 1):
            if any(found.configuration not in allowed for found in life.contents(number)):
                what = f"after operation {number} of the start the configuration is another one"
                return Finding(between(first, number, life), Fault("mixture", what))
        for number, what in (*life.broken, *life.astray()):
            return Finding(between(first, number, life), Fault("not-as-said", what))
        return life

    def second_level(self, found: dict[Cut, Second]) -> Level:
        """Of equal images that follow first cuts, the first; in the order of :meth:`firsts`."""
        level, seen = Level(firsts=len(found)), set[Key]()
        for first, second in found.items():
            level.operations += second.operations
            cuts = []
            for key, cut in second.found:
                level.cases[cut.tear.kind] += 1
                if key not in seen:
                    seen.add(key)
                    cuts.append(cut)
            if cuts:
                level.parts.append(Part(f"2/{first.name}", first, tuple(cuts)))
        level.images = len(seen)
        return level

    # --- judging --------------------------------------------------------------------------------------------------

    def judged(self, part: Part) -> Tally:
        """What came of the cases of one part."""
        tally = Tally()
        if part.first is None:
            for cut in part.cuts:
                tally.note(cut.name, judge(self.base, cut, self.bar))
            return tally
        life = self.second_life(part.first)
        for cut in part.cuts:
            name = f"{part.first.name}/{cut.name}"
            if isinstance(life, Finding):
                tally.note(life.case, Verdict("", life.fault))
                break
            tally.note(name, judge(life, cut, self.bar))
        return tally


def between(first: Cut, number: int, life: Life) -> str:
    """The case in which the power goes once more after operation ``number`` of the life that follows ``first``."""
    following = Cut(number + 1, Tear("nothing"))
    return f"{first.name}/{following.name}" if number < len(life.operations) else first.name


def run_is_over() -> Over:
    """Whether a provisioning run has ended and its log is written, or will not be."""
    ended: list[int] = []

    def over(run: Run, settled: Settled) -> bool:
        if any(isinstance(entry.event, RunEnded) for entry in settled.entries):
            ended.append(run.now)
        written = any(isinstance(entry.event, LogWritten) for entry in settled.entries)
        return bool(ended) and (written or run.now > ended[0] + QUIET)

    return over


Known = dict[str, Tally]
"""Parts that were judged before, by name."""


def judged_parts(
    sweep: Sweep, level: Level, jobs: int, known: Known, deadline: float | None
) -> Iterator[tuple[Part, Tally]]:
    """Each part of ``level`` that is not ``known``, judged; no new one is begun after ``deadline`` (monotonic s)."""
    todo = [part for part in level.parts if part.name not in known and part.cuts]
    with Workers(sweep.judged, jobs) as workers:
        for number, tally in workers.each(todo):
            yield todo[number], tally
            if deadline is not None and time.monotonic() > deadline:
                return
