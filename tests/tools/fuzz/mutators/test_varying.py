"""The stories that are made: valid, the same from the same dice anywhere, of every kind, no longer than they may be."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from emulator.log.chain import Silence
from emulator.world.packing import pack, unpack
from emulator.world.run import Run
from emulator.world.toml import checked, read_scenario
from emulator.world.writing import write_scenario
from tests.tools.fuzz.mutators.making import BASES, DEMO, base, cases
from tools.fuzz.dice import Dice
from tools.fuzz.executing import MOST_EVENTS, drive, firmware_for
from tools.fuzz.mutators import KINDS, vary
from tools.fuzz.mutators.draft import MOST, MOST_BYTES, MOST_DEEDS, TABLES, TAIL

ROOT = Path(__file__).resolve().parents[4]


def digest(count: int = 150) -> str:
    """Of the first cases of the demo."""
    total = sha256()
    for case in cases(count):
        total.update(pack(case.scenario) + repr((case.calm, case.kinds)).encode())
    return total.hexdigest()


def test_the_same_dice_make_the_same_case_in_any_process() -> None:
    """Whatever the order of its sets."""
    code = "from tests.tools.fuzz.mutators.test_varying import digest; print(digest())"
    found = set()
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
        )
        found.add(done.stdout.strip())
    assert found == {digest()}


def test_a_case_depends_on_its_dice_and_parents_alone() -> None:
    """Not on what was made before it."""
    known = cases(60)
    again = vary(base(), known[10], known[20], Dice(1, 5))
    assert again == vary(base(), known[10], known[20], Dice(1, 5))
    assert again != vary(base(), known[10], known[20], Dice(1, 6))
    assert again != vary(base(), known[11], known[20], Dice(1, 5))


def test_most_cases_are_different() -> None:
    """Also from the base."""
    packed = {pack(case.scenario) for case in cases(400)}
    assert len(packed) > 390


def test_every_case_of_the_demo_is_valid() -> None:
    """Some thousands of them."""
    for case in cases(2500):
        checked(case.scenario, "a case")


@pytest.mark.parametrize("name", BASES)
def test_every_case_can_be_packed_and_read(name: str) -> None:
    """And is the same then."""
    for case in cases(150, name):
        assert unpack(pack(case.scenario), "a case") == case.scenario


def test_every_case_can_be_written_beside_its_files(tmp_path: Path) -> None:
    """It names every file that it comes with."""
    for number, case in enumerate(cases(120)):
        path = tmp_path / str(number) / "case.toml"
        write_scenario(case.scenario, path)
        assert read_scenario(path) == case.scenario


@pytest.mark.parametrize("name", BASES)
def test_cases_stay_small(name: str) -> None:
    """However many went before them."""
    story = base(name)
    for case in cases(300, name):
        made = case.scenario
        assert all(len(getattr(made, table)) <= 2 * MOST + len(getattr(story, table)) for table in TABLES)
        assert len(made.action) <= MOST_DEEDS + len(story.action) + 30
        assert len(made.change) <= MOST
        texts = sum(len(path.text or "") for spec in made.files for path in spec.paths.values())
        own = sum(len(body) for name, body in made.content.items() if name not in story.content)
        assert texts + own <= 4 * MOST_BYTES


def test_every_kind_comes_up() -> None:
    """In a campaign without a choice of kinds."""
    assert {kind for case in cases(600) for kind in case.kinds} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_can_be_chosen(kind: str) -> None:
    """Then no other is used, and it does something to the demo."""
    made = [vary(base(), None, None, Dice(1, number), frozenset((kind,))) for number in range(12)]
    assert {each for case in made for each in case.kinds} == {kind}
    assert len({pack(case.scenario) for case in made}) > 6


def test_what_is_switched_off_is_not_used() -> None:
    """A story without trouble on the chip, the line and the power."""
    kinds = frozenset(KINDS) - {"power", "cuts", "flash", "outages", "link", "cable"}
    for number in range(300):
        made = vary(base(), None, None, Dice(2, number), kinds)
        assert set(made.kinds) <= kinds
        assert not made.scenario.cut
        assert not made.scenario.phone.worn
        assert made.scenario.link == base().link
        assert made.scenario.phone.flash is None
        deeds = [action for action in made.scenario.action if action.at < made.calm - TAIL]
        assert all(not action.do.startswith(("power-", "link-")) for action in deeds)


@pytest.mark.parametrize(("name", "count"), [(DEMO, 300), *((name, 25) for name in BASES[1:])])
def test_the_phone_runs_every_case(name: str, count: int) -> None:
    """No exception of its code, or of the world's, and no end of events; nearly always it comes up in the calm."""
    up = 0
    for case in cases(count, name, 11):
        run = Run(case.scenario, firmware=firmware_for(case.scenario))
        run.recorder = Silence()
        drive(run, case)
        assert run.recorder.count < MOST_EVENTS
        up += all(machine.phone.provisioning.outcome == "provisioned" for machine in run.machines)
    if name == DEMO:
        assert up >= count - 2
