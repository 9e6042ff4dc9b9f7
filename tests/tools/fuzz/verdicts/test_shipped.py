"""The unchanged phone breaks no verdict in any story that comes with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from emulator.events import SECOND
from emulator.world.scenario import Duration
from tests.tools.fuzz.verdicts.retelling import SCENARIOS, judged, story


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml")), ids=lambda path: path.stem)
def test_a_shipped_story(path: Path) -> None:
    watch = judged(path.stem)
    assert [(each.verdict, each.rule, each.text) for each in watch.violations] == []


@pytest.mark.parametrize("name", ["first-boot-option-160", "http-error-500", "dhcp-server-late", "name-service-silent"])
def test_a_story_with_an_hour_of_calm_behind_it(name: str) -> None:
    scenario = story(name)
    longer = evolve(scenario, until=Duration(scenario.until + 4_200 * SECOND))
    watch = judged(longer, calm=scenario.until)
    assert [(each.verdict, each.text) for each in watch.violations] == []
