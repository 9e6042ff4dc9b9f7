"""A small campaign: a few faults, one verdict, and a phone that breaks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import Factory, define, evolve

from emulator.events import SECOND, Entry, Event, LinkDown, RunEnded
from emulator.phone import triggers
from emulator.phone.firmware import Firmware
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.machine import Settled
from emulator.phone.state import Phone
from emulator.world.run import Run
from emulator.world.scenario import ActionSpec, CutSpec, Duration, Scenario
from tests.tools.diff.pairs import demo
from tools.fuzz.campaign import Plan
from tools.fuzz.dice import Dice
from tools.fuzz.firmwares import canary
from tools.fuzz.model import Case, Check, Violation

CALM = Duration(30 * SECOND)
UNTIL = Duration(CALM + 4_200 * SECOND)
MENDED = ActionSpec(Duration(CALM - 1), "link-up")


def vary(
    base: Scenario, parent: Case | None, other: Case | None, dice: Dice, kinds: frozenset[str] | None = None
) -> Case:
    """A case with one fault more, all of which stop at the calm."""
    story = base if parent is None else parent.scenario
    fault = dice.below(5)
    if fault == 0:
        bad = evolve(base.files[0], behaviour=dice.choice(("cut-off", "error", "missing", "garbage")), end=CALM)
        story = evolve(story, files=(bad, evolve(base.files[0], start=CALM)))
    elif fault == 1:
        silent = evolve(base.dhcp[0], behaviour=dice.choice(("silent", "offer-only", "garbage")), end=CALM)
        story = evolve(story, dhcp=(silent, evolve(base.dhcp[0], start=CALM)))
    elif fault == 2:
        deed = ActionSpec(Duration(dice.below(20 * SECOND)), dice.choice(("link-down", "link-up", "restart")))
        story = evolve(story, action=(*[a for a in story.action if a != MENDED][:8], deed))
    elif fault == 3:
        story = evolve(story, cut=(*story.cut[:3], CutSpec(after=dice.below(20))))
    else:
        story = evolve(story, link=evolve(story.link, latency=Duration(dice.below(SECOND // 2))))
    actions = (*(action for action in story.action if action != MENDED), MENDED)
    return Case(evolve(story, until=UNTIL, action=actions), CALM)


@define
class RetryArmed:
    """After a run that failed, the phone tries again (PROV-194)."""

    violations: list[Violation] = Factory(list)
    counts: dict[str, int] = Factory(dict)

    def see(self, settled: Settled, phone: Phone) -> None:
        """Count what happened."""
        for entry in settled.entries:
            if isinstance(entry.event, LinkDown):
                self.counts["link down"] = self.counts.get("link down", 0) + 1

    def finish(self, run: Run, case: Case) -> None:
        """Look at the timer."""
        for machine in run.machines:
            phone = machine.phone
            waits = (
                phone.power.on and not phone.provisioning.step and phone.provisioning.outcome in ("failed", "partly")
            )
            if waits and not phone.orders.armed("retry"):
                text = f"{phone.provisioning.outcome}, and no timer"
                self.violations.append(Violation("retry-armed", "PROV-194", text, key=phone.provisioning.outcome))


def checks(case: Case) -> Sequence[Check]:
    """The one verdict."""
    return [RetryArmed()]


def forgetful(phone: Phone, event: RunEnded, entry: Entry) -> Any:
    """No retry once the link was down in the run."""
    if phone.provisioning.offline:
        return ()
    return triggers.run_ended(phone, event, entry)


def faulty(version: str = "03.210") -> Firmware:
    """The phone that forgets."""
    return kx_utg200(version).replacing(triggers.run_ended, forgetful)


def plan(make: Any = kx_utg200, seed: int = 1) -> Plan:
    """What the small campaign is about."""
    return Plan(demo(), seed, make, canary(make), checks, vary)


def breaking(version: str = "03.210") -> Firmware:
    """A phone whose code raises an exception when its cable is pulled."""

    def raises(phone: Phone, event: Event, entry: Entry) -> Any:
        raise ZeroDivisionError("a secret of somebody")

    return kx_utg200(version).replacing(triggers.no_network, raises)
