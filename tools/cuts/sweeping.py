"""``offhook cuts`` as a function: a sweep from beginning to end, kept part by part, and its certificate."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import attrs
import msgspec

from emulator.log.header import code_digest
from emulator.log.store import Store
from emulator.phone.firmware import Firmware
from emulator.world.fence import fence
from emulator.world.run import scenario_firmware
from emulator.world.scenario import Scenario
from emulator.world.toml import ScenarioError
from tools.cuts.cases import Cut
from tools.cuts.certificate import Certificate, Covered
from tools.cuts.ids import checked
from tools.cuts.judge import Depth
from tools.cuts.parts import KeptParts
from tools.cuts.sweep import Aim, Level, Second, Sweep, Tally, judged_parts
from tools.workers import Workers

Report = Callable[[str, int, int], None]
"""Called with (what is being done, how much of it is, of how much)."""
CHECKED = 50
"""Findings whose ids get their checks; a code that fails everywhere would make them for hours."""


@attrs.frozen
class Means:
    """How a sweep is done, which its certificate says nothing of. budget: seconds; db: where parts are kept, None
    nowhere; fresh: judge again what was judged before; report: for progress."""

    jobs: int = 1
    budget: float | None = None
    db: str | Path | None = None
    fresh: bool = False
    report: Report = lambda what, done, of: None


def cuts(
    scenario: Scenario,
    name: str = "scenario",
    *,
    depth: int = 1,
    samples: int = 1,
    follow: Depth = "full",
    seed: int | None = None,
    phone: int = 0,
    firmware: Firmware | None = None,
    means: Means | None = None,
) -> Certificate:
    """Cut the power in every flash operation of a run, and judge what becomes of the phone.

    depth: 2 cuts once more in what follows; samples: of each word and erasure; follow: each case to the end of the
    start (``mount``) or of the next provisioning run (``full``). Raises ScenarioError, LogError and WorkerLost; a
    KeyboardInterrupt ends it with a certificate that says so.
    """
    if scenario.cut:
        raise ScenarioError(f"{name}: leave out its own cuts ([[cut]]); a sweep makes them all")
    if not 0 <= phone < scenario.phone.count:
        raise ScenarioError(f"{name}: there are phones 0 to {scenario.phone.count - 1}")
    aim = Aim(scenario, name, scenario.seed if seed is None else seed, firmware, depth, samples, follow, phone)
    how = means or Means()
    with fence():
        sweep = Sweep(aim)
    if not sweep.base.operations:
        raise ScenarioError(f"{name}: phone {phone} does no flash operation in this run, so there is nothing to cut")
    if how.db is None:
        return _swept(sweep, how, None)
    with Store(how.db, create=True) as store:
        return _swept(sweep, how, KeptParts(store, key_of(aim), how.fresh))


def _swept(sweep: Sweep, means: Means, kept: KeptParts | None) -> Certificate:
    course = Course(sweep, means, kept, None if means.budget is None else time.monotonic() + means.budget)
    course.total.findings += sweep.base_findings()
    try:
        course.depth_one()
        if sweep.aim.depth > 1:
            course.depth_two()
    except KeyboardInterrupt:
        course.stopped = "it was interrupted"
    return certified(course)


@attrs.define
class Course:
    """A sweep while it goes on. deadline: monotonic s, None without a budget; stopped: why it ended early."""

    sweep: Sweep
    means: Means
    kept: KeptParts | None
    deadline: float | None
    covered: list[Covered] = attrs.Factory(list)
    total: Tally = attrs.Factory(Tally)
    stopped: str = ""

    def depth_one(self) -> None:
        """Every operation, torn in every way."""
        self.judge(1, self.sweep.first_level())

    def depth_two(self) -> None:
        """What follows first cuts, unless the time is up."""
        firsts = self.sweep.firsts()
        found: dict[int, Second] = {}
        with Workers(self.sweep.second, self.means.jobs) as workers:
            for number, second in workers.each(firsts):
                found[number] = second
                self.means.report("looking for what can be cut after a first cut", len(found), len(firsts))
                if self.late():
                    break
        seconds: dict[Cut, Second] = {firsts[number]: found[number] for number in sorted(found)}
        for second in seconds.values():
            if second.finding is not None:
                self.total.findings.append(second.finding)
        if len(seconds) < len(firsts):
            self.covered.append(Covered(2, 0, len(seconds), {}, 0, 0, (0, len(firsts))))
        else:
            self.judge(2, self.sweep.second_level(seconds))

    def judge(self, depth: int, level: Level) -> None:
        """The parts of a level; what was judged before is taken from the database."""
        known = {} if self.kept is None else self.kept.known([part.name for part in level.parts])
        tally, done = Tally(), 0
        for part in level.parts:
            if not part.cuts or part.name in known:
                tally.add(known.get(part.name, Tally()))
                done += 1
        try:
            for part, made in (
                () if self.late() else judged_parts(self.sweep, level, self.means.jobs, known, self.deadline)
            ):
                if self.kept is not None:
                    self.kept.keep(part.name, made)
                tally.add(made)
                done += 1
                self.means.report(f"depth {depth}", tally.judged, level.images)
        finally:
            self.total.add(tally)
            parts = (done, len(level.parts))
            numbers = (level.operations, level.firsts, dict(level.cases), level.images, tally.judged)
            self.covered.append(Covered(depth, *numbers, parts))
        self.late()

    def late(self) -> bool:
        """Whether the time is up."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            self.stopped = f"the budget of {self.means.budget:g} s was used up"
        return bool(self.stopped)


def certified(course: Course) -> Certificate:
    """The certificate of a sweep that has ended, one way or another."""
    sweep = course.sweep
    aim, total = sweep.aim, course.total
    run = aim.run()
    with fence():
        run.run_until(aim.scenario.until)
    findings = sorted(total.findings, key=lambda found: natural(found.case))
    named = tuple(
        attrs.evolve(found, case=checked(aim.scenario, found.case, aim.seed, aim.firmware, aim.phone))
        for found in findings[:CHECKED]
    )
    complete = all(covered.complete for covered in course.covered) and len(course.covered) == aim.depth
    return Certificate(
        scenario=aim.name,
        seed=aim.seed,
        phone=aim.phone,
        firmware=run.firmware.name,
        run=run.digest,
        story=story_digest(aim.scenario),
        code=code_digest(),
        outcome=sweep.base.outcome,
        follow=aim.follow,
        samples=aim.samples,
        depths=tuple(course.covered),
        held=dict(Counter(total.held)),
        outcomes=dict(Counter(total.outcomes)),
        findings=(*named, *findings[CHECKED:]),
        stopped="" if complete else course.stopped or "not everything was judged",
    )


def natural(case: str) -> tuple[object, ...]:
    """To sort ids by their numbers."""
    parts = case.split("/")
    return tuple((int("".join(c for c in part.partition("-")[0] if c.isdigit()) or 0), part) for part in parts)


def story_digest(scenario: Scenario) -> str:
    """SHA-256, in hex, over a scenario and the files that it names."""
    total = sha256(repr(attrs.evolve(scenario, content={})).encode())
    for name in sorted(scenario.content):
        total.update(f"{name} {len(scenario.content[name])}\n".encode())
        total.update(scenario.content[name])
    return total.hexdigest()


def key_of(aim: Aim) -> str:
    """What kept parts belong to: the same story, seed, code and way of judging."""
    firmware = aim.firmware or scenario_firmware(aim.scenario)
    said = (story_digest(aim.scenario), aim.seed, aim.phone, aim.samples, aim.follow, firmware.name, code_digest())
    return sha256(msgspec.json.encode(said)).hexdigest()
