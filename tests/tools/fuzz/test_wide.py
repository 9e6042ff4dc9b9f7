"""The wider stories and the stricter verdicts: valid, repeatable, and quiet about the stories that ship."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from emulator.phone.kx_utg200 import kx_utg200
from emulator.world.packing import pack, unpack
from emulator.world.toml import read_scenario
from tests.zoo.merging import first_of_two_groups
from tools.cli import main
from tools.fuzz.campaign import Campaign, Plan, trying
from tools.fuzz.dice import Dice
from tools.fuzz.executing import execute
from tools.fuzz.firmwares import canary
from tools.fuzz.model import Case
from tools.fuzz.strict import make_checks
from tools.fuzz.wide import vary
from tools.workers import Workers

SCENARIOS = sorted((Path(__file__).resolve().parents[3] / "scenarios").glob("*.toml"))
DEMO = next(path for path in SCENARIOS if path.stem == "first-boot-option-160")


def test_every_case_is_a_scenario() -> None:
    """It can be written down and read again, and the same dice make it again."""
    base, before = read_scenario(DEMO), None
    for number in range(150):
        case = vary(base, before if number % 3 else None, None, Dice(5, number), None)
        assert unpack(pack(case.scenario), "a case") == case.scenario
        assert vary(base, before if number % 3 else None, None, Dice(5, number), None) == case
        before = case


@pytest.mark.parametrize("path", SCENARIOS[1::4], ids=lambda path: path.stem)
def test_the_shipped_stories_break_nothing(path: Path) -> None:
    """No verdict claims what only good servers can give."""
    story = read_scenario(path)
    assert execute(Case(story, story.until), kx_utg200, make_checks).violations == ()


def test_a_fault_of_the_zoo_is_found() -> None:
    """By the rule that it breaks."""
    plan = Plan(read_scenario(DEMO), 1, first_of_two_groups.firmware, canary(kx_utg200), make_checks, vary)
    campaign = Campaign(plan)
    with Workers(trying(plan), 1) as workers:
        while campaign.done < 256:
            campaign.round(workers)
    assert "PROV-138" in {finding.violation.rule for finding in campaign.findings.values()}


def test_the_command_takes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so does what it tells to be run."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["fuzz", str(DEMO), "--runs", "40", "--wide"])
    assert done.exit_code in (0, 1)
    assert CliRunner().invoke(main, ["fuzz", "try", str(DEMO), "--wide"]).output == "every verdict holds\n"
