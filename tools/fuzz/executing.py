"""One case, run and judged. Nothing is stored, and nothing of the run is kept but what came of it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import PurePath

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
"""Events of a run after which it is stopped; no story of a campaign needs so many."""
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
    checks = make_checks(case)
    features = Features()
    found: list[Violation] = []
    events = 0
    try:
        run = Run(case.scenario, firmware=firmware_for(case.scenario, make))
        run.recorder = Silence()
        run.observer = watching(run, features, checks)
        drive(run, case)
        events = run.recorder.count
        for check in checks:
            check.finish(run, case)
    except Exception as error:
        found.append(crash(error))
    if events >= MOST_EVENTS:
        found.append(Violation("bounded-events", "", f"more than {MOST_EVENTS:,} events", key="run"))
    for check in checks:
        found += check.violations
    return Outcome(frozenset(features.found), one_of_each(found), counted(checks), events)


def one_of_each(found: Iterable[Violation]) -> tuple[Violation, ...]:
    """The first violation of each signature."""
    first: dict[str, Violation] = {}
    for violation in found:
        first.setdefault(violation.signature, violation)
    return tuple(first[signature] for signature in sorted(first))


def watching(run: Run, features: Features, checks: Sequence[Check]) -> Callable[[Settled], None]:
    """The observer of a run."""

    def observe(settled: Settled) -> None:
        phone = run.machines[settled.entries[0].phone].phone
        features.see(settled, phone)
        for check in checks:
            check.see(settled, phone)

    return observe


def drive(run: Run, case: Case) -> None:
    """Step through the story; in its calm, only until there is nothing left to wait for."""
    until, count = case.scenario.until, run.recorder
    due = run.next_due()
    while due is not None and due <= until and count.count < MOST_EVENTS:
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
