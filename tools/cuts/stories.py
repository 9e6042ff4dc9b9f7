"""A case as a scenario that stands alone, and the verdict on a scenario that has cuts in it."""

from __future__ import annotations

from pathlib import Path

import attrs

from emulator.phone.firmware import Firmware
from emulator.world.expect import Verdict as Expected
from emulator.world.scenario import CutSpec, Expectations, Scenario
from emulator.world.writing import write_scenario
from flash_image import Tear
from tools.cuts.cases import Cut, parse
from tools.cuts.ids import with_cuts
from tools.cuts.judge import Bar, Fault, cut_run, follow
from tools.cuts.sweep import Aim, Finding, Sweep


def store_case(scenario: Scenario, name: str, seed: int, phone: int, finding: Finding, folder: Path) -> Path:
    """Write a finding into ``folder`` as a scenario with its cuts, beside the files that it needs. Raises OSError.

    What the story expected of a phone whose power stays on is left out; a run of it judges the cuts.
    """
    cuts = [cut for cut, _ in parse(finding.case)]
    label = "-".join(cut.name.replace(".", "_") for cut in cuts)
    story = with_cuts(scenario, cuts, phone)
    story = attrs.evolve(
        story,
        title=f"{scenario.title}: power cut {finding.case}"[:200],
        about=f"{finding.fault.kind}: {finding.fault.what}",
        seed=seed,
        seeds=1,
        expect=Expectations(),
    )
    path = folder / f"{name}-{label}.toml"
    write_scenario(story, path)
    return path


def judged_cuts(scenario: Scenario, seed: int, firmware: Firmware | None) -> list[Expected]:
    """The verdict on the cuts of ``scenario``, of each phone that has some: an expectation that holds or does not."""
    phones = sorted({cut.phone for cut in scenario.cut})
    return [_judged(scenario, seed, firmware, phone) for phone in phones]


def _judged(scenario: Scenario, seed: int, firmware: Firmware | None, phone: int) -> Expected:
    cuts = [as_cut(cut) for cut in scenario.cut if cut.phone == phone]
    name = "/".join(cut.name for cut in cuts)
    text = f"after power cut {name} the phone holds the old or the new configuration, keeps it, and is provisioned"
    sweep = Sweep(Aim(attrs.evolve(scenario, cut=()), "", seed, firmware, phone=phone))
    fault = _fault_of(sweep, cuts)
    return Expected(text, fault is None, "" if fault is None else f"{fault.kind}: {fault.what}")


def _fault_of(sweep: Sweep, cuts: list[Cut]) -> Fault | None:
    life, bar = sweep.base, Bar("full", sweep.bar.outcome)
    for number, cut in enumerate(cuts):
        if cut.number > len(life.operations):
            return None  # it is never reached
        if number == len(cuts) - 1:
            return follow(cut_run(life, cut), life, cut, bar).fault
        following = sweep.second_life(cut, life)
        if isinstance(following, Finding):
            return following.fault
        life = following
    return None


def as_cut(spec: CutSpec) -> Cut:
    """A cut as a scenario says it."""
    return Cut(spec.after + 1, Tear(spec.tear, spec.keep, spec.sample))  # type: ignore[arg-type]
