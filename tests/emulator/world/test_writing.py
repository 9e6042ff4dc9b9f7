"""A scenario that is written is read as an equal one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.world.scenario import Chance, CutSpec, Duration, Instant, PathSpec, Scenario
from emulator.world.toml import chance, duration, instant, parse_scenario, read_scenario
from emulator.world.writing import duration_text, scenario_text, write_scenario
from tests.emulator.phone.bench import served
from tests.emulator.phone.worlds import WORLDS

SCENARIOS = sorted((Path(__file__).resolve().parents[3] / "scenarios").glob("*.toml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=[path.stem for path in SCENARIOS])
def test_every_scenario_comes_back(path: Path, tmp_path: Path) -> None:
    scenario = read_scenario(path)
    write_scenario(scenario, tmp_path / "again" / "x.toml")
    assert read_scenario(tmp_path / "again" / "x.toml") == scenario


@pytest.mark.parametrize("name", [name for name in WORLDS if name != "nothing"])
def test_every_world_of_the_tests_comes_back(name: str, tmp_path: Path) -> None:
    world = WORLDS[name]
    write_scenario(world, tmp_path / "x.toml")
    assert read_scenario(tmp_path / "x.toml") == world


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.integers(0, 10**12))
def test_any_text_and_any_time(text: str, ns: int) -> None:
    files = served({"/a b": PathSpec(text=text)}, delay=Duration(ns))
    world = Scenario(title=text, about=text, files=(files,), names={text.lower(): "192.0.2.1"} if text else {})
    assert parse_scenario(scenario_text(world), "x", Path()) == world


@given(st.integers(0, 10**9 * 86_400 * 300))
def test_a_time_is_written_to_the_nanosecond_or_as_near_as_can_be_read(ns: int) -> None:
    assert abs(duration(duration_text(ns)) - ns) <= (0 if ns < 10**18 else 86_400)


@given(st.integers(0, 1_000_000), st.integers(0, 4_000_000_000 * 10**9))
def test_chances_and_times_of_day(ppm: int, ns: int) -> None:
    from emulator.world.writing import _chance_text, _instant_text

    assert chance(_chance_text(ppm)) == Chance(ppm)
    assert instant(_instant_text(ns)) == Instant(ns)


def test_what_is_usual_is_left_out() -> None:
    text = scenario_text(Scenario("x", cut=(CutSpec(17, "bytes", 37),)))
    assert text == 'title = "x"\n\n[[cut]]\nafter = 17\ntear = "bytes"\nkeep = 37\n'
