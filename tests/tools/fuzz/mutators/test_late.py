"""Stories that share their first part: the same, whether that is run each time or once for all of them."""

from __future__ import annotations

import pytest

from emulator.events import SECOND
from emulator.phone.kx_utg200 import kx_utg200
from emulator.world.packing import pack, unpack
from tests.tools.fuzz.mutators.making import base
from tests.tools.fuzz.small import breaking
from tools.fuzz.campaign import Campaign, Plan, begun, made, trying
from tools.fuzz.dice import Dice
from tools.fuzz.executing import Make, execute
from tools.fuzz.firmwares import canary
from tools.fuzz.model import Case
from tools.fuzz.mutators.late import KINDS, Late
from tools.fuzz.verdicts import make_checks
from tools.workers import Workers

MOMENTS = {
    "first-boot-option-160": 6 * SECOND,
    "tftp-source": 2_600_000_000,
    "first-boot-sip-pnp": 200_000_000,
    "check-sync-from-the-sip-server": 60 * SECOND - 1,
    "sntp-sets-the-clock": 4 * SECOND,
    "ftp-source-with-a-login": 5 * SECOND + 50_000_000,
}


def plan(name: str, make: Make = kx_utg200, seed: int = 1) -> Plan:
    """What a campaign over the later part of a story is about."""
    return Plan(base(name), seed, make, canary(make), make_checks, Late(MOMENTS[name]), None, MOMENTS[name])


def cases(name: str, count: int) -> list[Case]:
    """Some of them made from others."""
    found: list[Case] = []
    for number in range(count):
        parent = found[number // 2] if number % 3 == 2 else None
        found.append(Late(MOMENTS[name])(base(name), parent, None, Dice(3, number)))
    return found


@pytest.mark.parametrize("name", MOMENTS)
def test_what_comes_of_a_case_is_the_same_from_the_shared_state(name: str) -> None:
    """Features, violations, counts and events."""
    start = begun(plan(name), kx_utg200)
    assert start is not None
    for case in cases(name, 60):
        assert start.fork(case).concluded() == execute(case, kx_utg200, make_checks), case.kinds


@pytest.mark.parametrize("name", MOMENTS)
def test_the_first_part_is_the_base(name: str) -> None:
    """Nothing but deeds and changes, and none of them before the moment; and each is a scenario."""
    story = base(name)
    for case in cases(name, 80):
        made_ = case.scenario
        assert made_.action[: len(story.action)] == story.action
        assert all(action.at > MOMENTS[name] for action in made_.action[len(story.action) :])
        assert (made_.dhcp, made_.files, made_.phone, made_.names) == (
            story.dhcp,
            story.files,
            story.phone,
            story.names,
        )
        assert unpack(pack(made_), "a case") == made_


def test_every_kind_can_come_late() -> None:
    """And does."""
    found = {kind for number in range(300) for kind in Late(1)(base(), None, None, Dice(1, number)).kinds}
    assert found == set(KINDS)


def test_a_campaign_over_the_later_part() -> None:
    """It finds nothing on the phone as it is, and is the same with two processes."""
    found = []
    for jobs in (1, 2):
        campaign = Campaign(plan("first-boot-option-160"))
        with Workers(trying(campaign.plan), jobs) as workers:
            while campaign.done < 768:
                campaign.round(workers)
        assert campaign.findings == {}
        found.append((campaign.digest, campaign.seen, campaign.canary, campaign.sometimes, campaign.events))
    assert found[0] == found[1]


def test_a_firmware_that_does_not_come_that_far() -> None:
    """Then every case is run from the start, and tells where it ends."""
    name = "first-boot-option-160"
    story = plan(name, breaking)
    assert begun(story, kx_utg200) is not None

    def stillborn(version: str = "03.210") -> object:
        raise ZeroDivisionError

    assert begun(story, stillborn) is None  # type: ignore[arg-type]
    campaign = Campaign(story)
    with Workers(trying(story), 1) as workers:
        campaign.round(workers)
    assert {finding.violation.verdict for finding in campaign.findings.values()} >= {"no-exception"}
    assert made(story, campaign.task(0)).calm > MOMENTS[name]
