"""What a campaign is about, with all that it names loaded: the same here and on a worker of a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from emulator.log.store import LogError
from emulator.world.scenario import Scenario
from tools.fuzz.campaign import Plan
from tools.fuzz.firmwares import canary, loaded
from tools.fuzz.keeping import About
from tools.fuzz.model import Case, Check, MakeChecks
from tools.fuzz.mutators import KINDS, late, vary
from tools.fuzz.own import own_checks
from tools.fuzz.verdicts import make_checks


def plan_of(base: Scenario, about: About) -> Plan:
    """What a campaign is about, with what it names loaded. Raises LogError."""
    make = loaded(about.firmware)
    known = late.KINDS if about.after else KINDS
    unknown = [kind for kind in about.kinds if kind not in known]
    if unknown:
        raise LogError(f"--kind {unknown[0]}: there is no such kind of fault; there are {', '.join(known)}")
    stories = late.Late(about.after) if about.after else vary
    kinds, checks = frozenset(about.kinds) or None, checks_of(about.checks)
    return Plan(base, about.seed, make, canary(make), checks, stories, kinds, about.after, about.lines)


def checks_of(names: Sequence[str]) -> MakeChecks:
    """The verdicts, and those that a user names. Raises LogError."""
    more = [own_checks(name) for name in names]

    def made(case: Case) -> list[Check]:
        return [*make_checks(case), *(check for make in more for check in make(case))]

    return made
