"""One case, run and judged. Nothing is stored, and nothing of the run is kept but what came of it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from functools import lru_cache
from pathlib import PurePath

from attrs import Factory, define

from emulator.log.chain import Silence
from emulator.phone.firmware import Firmware
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.machine import Settled
from emulator.phone.state import Phone
from emulator.world.run import Run
from emulator.world.scenario import Scenario
from tools.fuzz.features import Features
from tools.fuzz.model import Case, Check, MakeChecks, Outcome, Violation

MOST_EVENTS = 60_000
"""Events of a phone, on the mean, after which a run is stopped; no story of a campaign needs so many."""
Make = Callable[[str], Firmware]
"""A firmware of a version."""


def firmware_for(scenario: Scenario, make: Make = kx_utg200) -> Firmware:
    """The firmware that ``make`` gives for a scenario, with the scenario's options."""
    return _firmware(make, scenario.phone.version, tuple(sorted(scenario.phone.options.items())))


@lru_cache(maxsize=256)
def _firmware(make: Make, version: str, options: tuple[tuple[str, str | bool | int], ...]) -> Firmware:
    """Equal ones are shared, and so are their dispatch tables."""
    return make(version).with_options(**dict(options))


def execute(case: Case, make: Make, make_checks: MakeChecks) -> Outcome:
    """Run a case to its end, or until every phone is up after its faults have stopped; and judge it."""
    return Execution(case, make, make_checks(case)).concluded()


@define
class Execution:
    """A case that is being run and judged. make: its firmware; run: None until it has begun; found: exceptions."""

    case: Case
    make: Make
    checks: Sequence[Check]
    features: Features = Factory(Features)
    run: Run | None = None
    found: list[Violation] = Factory(list)

    def begun(self) -> Run:
        """The run, observed."""
        if self.run is None:
            self.run = Run(self.case.scenario, firmware=firmware_for(self.case.scenario, self.make))
            self.run.recorder = Silence()
            self.run.observer = self.see
        return self.run

    def see(self, settled: Settled) -> None:
        """An input was taken."""
        assert self.run is not None
        phone = self.run.machines[settled.entries[0].phone].phone
        self.features.see(settled, phone)
        for check in self.checks:
            check.see(settled, phone)

    def concluded(self) -> Outcome:
        """Run to the end, and judge."""
        case, events = self.case, 0
        try:
            run = self.begun()
            drive(run, case)
            events = run.recorder.count
            for check in self.checks:
                check.finish(run, case)
        except Exception as error:
            self.found.append(crash(error))
        if events >= most_events(case):
            self.found.append(Violation("bounded-events", "", f"more than {most_events(case):,} events", key="run"))
        found = [*self.found, *(violation for check in self.checks for violation in check.violations)]
        return Outcome(frozenset(self.features.found), one_of_each(found), counted(self.checks), events)

    def fork(self, case: Case) -> Execution:
        """Another that goes on from this settled point as ``case`` says, whose story is this one but for more deeds and
        changes, all of them yet to come."""
        run, checks = self.begun().fork(), [forked(check, case) for check in self.checks]
        twin = Execution(case, self.make, checks, self.features.fork(), run)
        run.turn(case.scenario)
        run.observer = twin.see
        return twin


def forked(check: Check, case: Case) -> Check:
    """A check that knows what this one knows; those of users need not know how to fork."""
    fork = getattr(check, "fork", None)
    made: Check = fork(case) if fork is not None else deepcopy(check)
    return made


def one_of_each(found: Iterable[Violation]) -> tuple[Violation, ...]:
    """The first violation of each signature."""
    first: dict[str, Violation] = {}
    for violation in found:
        first.setdefault(violation.signature, violation)
    return tuple(first[signature] for signature in sorted(first))


def most_events(case: Case) -> int:
    """After how many a run is stopped."""
    return MOST_EVENTS * case.scenario.phone.count


def drive(run: Run, case: Case) -> None:
    """Step through the story; in its calm, only until there is nothing left to wait for."""
    until, count, most = case.scenario.until, run.recorder, most_events(case)
    due = run.next_due()
    while due is not None and due <= until and count.count < most:
        if due > case.calm and all(is_up(machine.phone) for machine in run.machines):
            return
        run.step()
        due = run.next_due()


def is_up(phone: Phone) -> bool:
    """Whether a phone has been provisioned and is not about to change that."""
    power, run = phone.power, phone.provisioning
    return power.on and power.link and not run.step and run.outcome == "provisioned"


def crash(error: Exception) -> Violation:
    """An exception of the phone's code, by where it was raised."""
    place = next(
        (frame for frame in reversed(traceback.extract_tb(error.__traceback__)) if "emulator" in frame.filename), None
    )
    where = f"{PurePath(place.filename).stem}.{place.name}" if place is not None else "somewhere"
    name = type(error).__name__
    return Violation("no-exception", "", f"{name} in {where}", key=f"{name} {where}")


def counted(checks: Sequence[Check]) -> dict[str, int]:
    """What the checks that count have counted."""
    total: dict[str, int] = {}
    for check in checks:
        for name, count in getattr(check, "counts", {}).items():
            total[name] = total.get(name, 0) + count
    return total
