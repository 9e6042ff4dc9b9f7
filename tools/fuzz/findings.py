"""A finding as files that somebody can use: a scenario, its ladder, a test, and the command that shows it."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import Factory, define, evolve, frozen

from emulator.events import Entry
from emulator.events.masking import printable
from emulator.log.store import LogError
from emulator.phone.machine import Settled
from emulator.phone.state import Phone
from emulator.world.run import Run
from emulator.world.scenario import Duration, Expectations, Scenario
from emulator.world.writing import write_scenario
from tools.exports.ladder import Ladder
from tools.exports.mermaid import diagram
from tools.fuzz.executing import Make, execute, firmware_for
from tools.fuzz.keeping import About
from tools.fuzz.model import Case, Violation

TEST = '''"""A finding of a campaign: its story, with what must hold in it."""

from pathlib import Path

from tools.fuzz import tried

ABOUT = {text!r}
FIRMWARE, CHECKS = {firmware!r}, {checks!r}


def test_{name}() -> None:
    found = tried(Path(__file__).with_name("case.toml"), firmware=FIRMWARE, checks=CHECKS)
    assert [each.text for each in found] == []
'''


@define
class Told:
    """What happens in a story, as far as it comes; one that the code does not survive has a ladder too."""

    violations: list[Violation] = Factory(list)
    entries: list[Entry] = Factory(list)

    def see(self, settled: Settled, phone: Phone) -> None:
        """All of it."""
        self.entries += settled.entries

    def finish(self, run: Run, case: Case) -> None:
        """Nothing is judged."""


@frozen
class Written:
    """A finding that was written. folder: where; command: that shows it."""

    folder: Path
    command: str


def story_of(case: Case, violation: Violation) -> Scenario:
    """The story of a finding: what must hold in it is what does not."""
    title = f"{violation.verdict}: {violation.text}"
    return evolve(
        case.scenario,
        title=printable(title[:200]),
        about=f"Found by fuzzing; it is about {violation.rule}." if violation.rule else "Found by fuzzing.",
        seeds=1,
        expect=Expectations(invariants=True, calm=Duration(case.calm), forbidden=case.scenario.expect.forbidden),
    )


def write(case: Case, violation: Violation, folder: Path, make: Make, about: About) -> Written:
    """Write a finding of a campaign into ``folder``, over what was written of it before. Raises LogError."""
    name = name_of(violation)
    place = folder / name
    story = story_of(case, violation)
    options = [
        *([f"--firmware {about.firmware}"] * bool(about.firmware)),
        *(f"--check {each}" for each in about.checks),
    ]
    try:
        write_scenario(story, place / "case.toml")
        (place / "ladder.mmd").write_text(ladder(story, make), encoding="utf-8")
        text = f"{violation.rule or 'no exception'}: {violation.text}"
        test = TEST.format(name=name, text=text, firmware=about.firmware, checks=about.checks)
        (place / "test_case.py").write_text(test, encoding="utf-8")
    except OSError as error:
        raise LogError(f"{place}: cannot be written ({(error.strerror or 'error').lower()})") from None
    return Written(place, " ".join((f"offhook fuzz try {place / 'case.toml'}", *options)))


def name_of(violation: Violation) -> str:
    """What its files are called: by its verdict, the first of its rules, and what two of a kind have in common."""
    words = f"{violation.verdict} {violation.rules[0]} {violation.key}".lower()
    return re.sub(r"[^a-z0-9]+", "_", words).strip("_")[:80]


def keep_fixed(case: Case, violation: Violation, folder: Path) -> Path:
    """Write the story of a finding that holds now: a scenario that expects all verdicts to hold. Raises LogError."""
    place = folder / f"{name_of(violation)}.toml"
    try:
        write_scenario(story_of(case, violation), place)
    except OSError as error:
        raise LogError(f"{place}: cannot be written ({(error.strerror or 'error').lower()})") from None
    return place


def ladder(story: Scenario, make: Make) -> str:
    """What happens in the story, as a Mermaid diagram."""
    titles = {number: step.title for number, step in firmware_for(story, make).steps.items()}
    told = Told()
    execute(Case(story, story.expect.calm), make, lambda case: [told])
    found = Ladder(titles)
    return diagram(story.title, found.items(told.entries), found.phones).text
