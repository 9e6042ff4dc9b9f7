"""One story against the verdicts: for scenarios that expect them to hold, and for findings that are looked at again."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from emulator.phone.firmware import Firmware
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.machine import Settled
from emulator.world.run import Run
from emulator.world.scenario import Scenario
from tools.fuzz.executing import execute, one_of_each
from tools.fuzz.model import Case, Check, MakeChecks, Violation
from tools.fuzz.verdicts import make_checks


def violations(
    scenario: Scenario, firmware: Firmware | None = None, checks: MakeChecks = make_checks
) -> tuple[Violation, ...]:
    """The verdicts that do not hold in a story; none if all do."""
    case = Case(scenario, scenario.expect.calm)
    return execute(case, kx_utg200 if firmware is None else lambda version: firmware, checks).violations


@frozen
class Judge:
    """The verdicts on a run that somebody else drives: its observer, asked when the story is over."""

    run: Run
    case: Case
    checks: Sequence[Check]

    def __call__(self, settled: Settled) -> None:
        """Called after each settled input."""
        phone = self.run.machines[settled.entries[0].phone].phone
        for check in self.checks:
            check.see(settled, phone)

    def violations(self) -> tuple[Violation, ...]:
        """The verdicts that did not hold; none if all did."""
        for check in self.checks:
            check.finish(self.run, self.case)
        return one_of_each(violation for check in self.checks for violation in check.violations)


def judge_of(run: Run) -> Judge:
    """The verdicts on a run that is about to begin."""
    case = Case(run.scenario, run.scenario.expect.calm)
    return Judge(run, case, make_checks(case))
