"""Whole campaigns with all kinds of faults and all verdicts: quiet about the phone as it is, and not blind."""

from __future__ import annotations

import pytest

from emulator.phone.kx_utg200 import kx_utg200
from tests.tools.fuzz.mutators.making import BASES, DEMO, base
from tests.zoo.merging import first_of_two_groups
from tools.fuzz.campaign import Campaign, Plan, trying
from tools.fuzz.executing import Make
from tools.fuzz.firmwares import canary
from tools.fuzz.mutators import vary
from tools.fuzz.verdicts import make_checks
from tools.workers import Workers


def ran(count: int, name: str = DEMO, seed: int = 3, make: Make = kx_utg200) -> Campaign:
    """A campaign of so many cases."""
    campaign = Campaign(Plan(base(name), seed, make, canary(make), make_checks, vary))
    with Workers(trying(campaign.plan), 1) as workers:
        while campaign.done < count:
            campaign.round(workers, count - campaign.done)
    return campaign


@pytest.mark.parametrize(("name", "count"), [(DEMO, 768), *((name, 96) for name in BASES[1:])])
def test_the_phone_as_it_is_breaks_nothing(name: str, count: int) -> None:
    """Whatever the story is that is varied."""
    campaign = ran(count, name)
    assert [(finding.signature, finding.number) for finding in campaign.findings.values()] == []


@pytest.mark.parametrize("seed", [1, 2])
def test_faults_happen_and_the_planted_one_is_found(seed: int) -> None:
    """In much less than the minute after which a campaign without it counts as blind."""
    campaign = ran(1_024, seed=seed)
    assert campaign.canary >= 0
    for what in ("link down", "restart", "user: setting", "server: status 401"):
        assert campaign.sometimes[what] > 0, what


def test_a_fault_of_the_zoo_is_found() -> None:
    """By the rule that it breaks."""
    campaign = ran(256, seed=1, make=first_of_two_groups.firmware)
    assert "PROV-138" in {rule for finding in campaign.findings.values() for rule in finding.violation.rules}
