"""A finding is a story, and so it outlives changes of the code that have nothing to do with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from emulator.events import VOCABULARY, Entry, Event, RunStarted, SettingsLoaded
from emulator.phone.firmware import Firmware, reacts
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.state import Phone
from emulator.world.toml import read_scenario
from tests.tools.fuzz.small import checks, faulty, plan
from tools.fuzz import findings
from tools.fuzz.campaign import Campaign, trying
from tools.fuzz.executing import execute
from tools.fuzz.features import TOLD
from tools.fuzz.keeping import About
from tools.fuzz.model import Case
from tools.fuzz.shrinking import shrunk
from tools.simulate import run
from tools.workers import Workers

ABOUT = About("small", "first-boot-option-160", 1)


@frozen
class Remarked(Event):
    """A kind of event that there was not when the finding was made."""

    what: str


@reacts(SettingsLoaded, RunStarted)
def remark(phone: Phone, event: SettingsLoaded | RunStarted, entry: Entry) -> Any:
    """So that all that follows has other numbers."""
    yield Remarked(event.kind)
    yield Remarked(event.kind)


def refactored(version: str = "03.210") -> Firmware:
    """The phone with the fault, written otherwise."""
    return faulty(version).adding(remark)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(a finding as its file, its signature)."""
    campaign = Campaign(plan(faulty))
    with Workers(trying(campaign.plan), 1) as workers:
        while not campaign.findings:
            campaign.round(workers)
    found = next(iter(campaign.findings.values()))

    def fails(case: Case) -> bool:
        return any(v.signature == found.signature for v in execute(case, faulty, checks).violations)

    small, _ = shrunk(found.case, campaign.plan.base, fails)
    folder = findings.write(small, found.violation, tmp_path_factory.mktemp("found"), faulty, ABOUT).folder
    return folder / "case.toml", found.signature


def test_the_story_still_fails(written: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With other numbers of events and a kind more, on the phone with the fault; and not on one without it."""
    monkeypatch.setitem(VOCABULARY, Remarked.kind, Remarked)
    monkeypatch.setitem(TOLD, Remarked, lambda event: event.what)
    path, signature = written
    story = read_scenario(path)
    case = Case(story, story.expect.calm)
    before, after = (run(story, firmware=each(), keep_entries=True).entries for each in (faulty, refactored))
    assert len(after) > len(before)
    assert any(isinstance(entry.event, Remarked) for entry in after)
    assert signature in {each.signature for each in execute(case, refactored, checks).violations}
    assert execute(case, lambda version: kx_utg200(version).adding(remark), checks).violations == ()
