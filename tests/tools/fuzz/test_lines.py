"""Lines of code as features: those that a case runs, whatever was run before it in the process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from hashlib import sha256

from attrs import evolve

from emulator.phone.kx_utg200 import kx_utg200
from emulator.world.toml import read_scenario
from tests.tools.fuzz.mutators.making import DEMO, SCENARIOS, cases
from tests.tools.fuzz.small import plan
from tools.fuzz.campaign import Campaign, trying
from tools.fuzz.executing import execute
from tools.fuzz.features import Feature
from tools.fuzz.lines import ROOT, Lines
from tools.fuzz.model import Case
from tools.fuzz.verdicts import make_checks
from tools.workers import Workers


def lines_of(case: Case) -> frozenset[Feature]:
    """What a case runs."""
    with Lines() as lines:
        execute(case, kx_utg200, make_checks)
    return lines.features()


def test_they_do_not_depend_on_what_was_run_before() -> None:
    """Another process runs the cases the other way round, with nothing kept."""
    code = (
        "from tests.tools.fuzz.test_lines import *\n"
        "found = [sorted(lines_of(case)) for case in reversed(cases(40))]\n"
        "print(hash_of(reversed(found)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hash_of(sorted(lines_of(case)) for case in cases(40))


def hash_of(found: Iterable[list[Feature]]) -> str:
    """The same in any process."""
    return sha256(repr(list(found)).encode()).hexdigest()


def test_they_are_lines_of_the_phone_and_differ() -> None:
    """None of the world's or the verdicts'; other stories run others."""
    demo = lines_of(Case(read_scenario(SCENARIOS / f"{DEMO}.toml"), 0))
    other = lines_of(Case(read_scenario(SCENARIOS / "tftp-source.toml"), 0))
    assert all(place.startswith(("emulator/phone/", "emulator/wire/", "flash_image/")) for _, place in demo | other)
    assert any("tftp.py" in place for _, place in other - demo)
    assert demo - other


def test_a_campaign_counts_them() -> None:
    """And is the same with two processes."""
    found = []
    for jobs in (1, 2):
        campaign = Campaign(evolve(plan(), lines=True))
        with Workers(trying(campaign.plan), jobs) as workers:
            campaign.round(workers)
        found.append((campaign.digest, campaign.seen))
    assert found[0] == found[1]
    assert any(feature[0] == "line" for feature in found[0][1])
