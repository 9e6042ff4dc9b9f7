"""The stories that campaigns make: valid, the same from the same dice, and calm in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.phone.kx_utg200 import kx_utg200
from emulator.world.packing import pack, unpack
from emulator.world.scenario import Scenario
from emulator.world.toml import read_scenario
from tools.fuzz.campaign import Campaign, Plan, trying
from tools.fuzz.dice import Dice
from tools.fuzz.executing import execute
from tools.fuzz.firmwares import canary
from tools.fuzz.model import Case
from tools.fuzz.mutators import AFTER, KINDS, vary
from tools.fuzz.verdicts import make_checks
from tools.workers import Workers

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"
BASES = ("first-boot-option-160", "first-boot-sip-pnp", "first-boot-option-66-bare-address")


def base(name: str = BASES[0]) -> Scenario:
    """A story that ships."""
    return read_scenario(SCENARIOS / f"{name}.toml")


def cases(count: int, name: str = BASES[0]) -> list[Case]:
    """Cases as a campaign makes them, each from one before it."""
    story, made = base(name), list[Case]()
    for number in range(count):
        dice = Dice(7, number)
        parent = made[dice.fork("p").below(len(made))] if made and number % 3 else None
        other = made[dice.fork("o").below(len(made))] if made and number % 5 == 0 else None
        made.append(vary(story, parent, other, dice))
    return made


@pytest.mark.parametrize("name", [*BASES, "server-gone-saved-files-kept"])
def test_every_case_is_a_scenario(name: str) -> None:
    """It can be written down, read, checked, and is the same."""
    for case in cases(120, name):
        assert unpack(pack(case.scenario), "a case") == case.scenario


def test_the_same_dice_make_the_same_case() -> None:
    """And other dice others."""
    first, again = cases(60), cases(60)
    assert first == again
    assert len({pack(case.scenario) for case in first}) > 50


@pytest.mark.parametrize("name", BASES)
def test_faults_stop_at_the_calm(name: str) -> None:
    """What misbehaves is gone, what is good is back, the power is on and the cable in."""
    story = base(name)
    for case in cases(200, name):
        made = case.scenario
        for table in ("dhcp", "pnp", "files"):
            late = [spec for spec in getattr(made, table) if spec.end > case.calm]
            own = getattr(story, table)
            assert getattr(made, table) == own or len(late) == len(own)
        assert [action.do for action in made.action if action.at >= case.calm - 10][-2:] == ["power-on", "link-up"]
        assert all(outage.end <= case.calm for outage in made.link.outage)
        assert made.until == case.calm + AFTER


def test_kinds_can_be_chosen() -> None:
    """Only what is named is done; together all of them are."""
    story = base()
    for kind in KINDS:
        case = vary(story, None, None, Dice(1, 1), frozenset((kind,)))
        assert case.kinds == (kind,)
    assert {kind for case in cases(200) for kind in case.kinds} == set(KINDS)


@pytest.mark.parametrize("name", BASES)
def test_the_phone_as_it_is_breaks_nothing(name: str) -> None:
    """And faults really happen to it."""
    campaign = ran(name, 512)
    assert [finding.violation for finding in campaign.findings.values()] == []
    assert campaign.sometimes["PowerLost"] > 0
    assert campaign.sometimes["DownloadEnded cut-off"] > 0


def test_the_planted_fault_is_found() -> None:
    """By the campaign that the README speaks of."""
    assert 0 <= ran(BASES[0], 768, seed=1).canary < 768


def ran(name: str, count: int, seed: int = 3) -> Campaign:
    """A campaign of so many cases."""
    campaign = Campaign(Plan(base(name), seed, kx_utg200, canary(kx_utg200), make_checks, vary))
    with Workers(trying(campaign.plan), 1) as workers:
        while campaign.done < count:
            campaign.round(workers, count - campaign.done)
    return campaign


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml"))[::3], ids=lambda path: path.stem)
def test_the_shipped_stories_break_nothing(path: Path) -> None:
    """Not even those whose servers stay bad: no verdict claims what only good servers can give."""
    story = read_scenario(path)
    assert execute(Case(story, story.until), kx_utg200, make_checks).violations == ()
