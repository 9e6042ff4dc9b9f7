"""One story against the verdicts: for scenarios that expect them to hold, and for findings that are looked at again."""

from __future__ import annotations

from emulator.phone.firmware import Firmware
from emulator.phone.kx_utg200 import kx_utg200
from emulator.world.scenario import Scenario
from tools.fuzz.executing import execute
from tools.fuzz.model import Case, MakeChecks, Violation
from tools.fuzz.verdicts import make_checks


def violations(
    scenario: Scenario, firmware: Firmware | None = None, checks: MakeChecks = make_checks
) -> tuple[Violation, ...]:
    """The verdicts that do not hold in a story; none if all do."""
    case = Case(scenario, scenario.expect.calm)
    return execute(case, kx_utg200 if firmware is None else lambda version: firmware, checks).violations
