"""Every scenario tells a true story: what it expects holds, and would not hold in an empty world."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import attrs
import pytest

from emulator.events import DatagramSent
from emulator.phone.machine import Settled
from emulator.world.expect import Verdict, Witness
from emulator.world.run import Run
from emulator.world.scenario import Duration, Scenario
from emulator.world.toml import read_scenario

FOLDER = Path(__file__).resolve().parents[2] / "scenarios"
FILES = sorted(FOLDER.glob("*.toml"))

every_scenario = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


@lru_cache(maxsize=8)
def scenario_at(path: Path) -> Scenario:
    return read_scenario(path)


def verdicts(scenario: Scenario, seed: int) -> Iterator[Verdict]:
    """What becomes of each expectation of ``scenario`` with one seed, for each phone."""
    witness = Witness(scenario)
    run = Run(scenario, seed=seed, observer=witness)
    run.run_until(scenario.until)
    for machine in run.machines:
        yield from witness.verdicts(machine.index, machine.phone)


def test_there_are_scenarios() -> None:
    assert len(FILES) > 100


@every_scenario
def test_every_expectation_holds(path: Path) -> None:
    scenario = scenario_at(path)
    broken = [
        f"seed {seed}: {verdict.text}; found {verdict.found}"
        for seed in range(scenario.seed, scenario.seed + scenario.seeds)
        for verdict in verdicts(scenario, seed)
        if not verdict.holds
    ]
    assert not broken, "\n".join((f"{path.stem} does not hold:", *broken))


@every_scenario
def test_says_what_it_is_about_and_expects_something(path: Path) -> None:
    scenario = scenario_at(path)
    once = attrs.evolve(scenario, phone=attrs.evolve(scenario.phone, count=1), action=(), until=Duration(0))
    assert scenario.title.strip()
    assert len(scenario.about.strip()) > 40
    assert len(list(verdicts(once, scenario.seed))) >= 2


@every_scenario
def test_an_empty_world_breaks_the_story(path: Path) -> None:
    scenario = scenario_at(path)
    empty = attrs.evolve(scenario, dhcp=(), dhcpv6=(), pnp=(), files=(), redirection=())
    broken = [verdict for verdict in verdicts(empty, scenario.seed) if not verdict.holds]
    assert broken, f"{path.stem} expects nothing that needs its servers"


def test_titles_differ() -> None:
    titles = [scenario_at(path).title for path in FILES]
    assert len(set(titles)) == len(titles)


@pytest.mark.spec("PROV-057")
@pytest.mark.parametrize(
    ("name", "spelling"),
    [("pnp-vender-spelling", b';vender="Panasonic";'), ("first-boot-sip-pnp", b';vendor="Panasonic";')],
)
def test_spelling_of_the_vendor_parameter(name: str, spelling: bytes) -> None:
    """An expectation compares a payload only from its start; this is in the middle."""
    scenario = scenario_at(FOLDER / f"{name}.toml")
    sent: list[bytes] = []

    def watch(settled: Settled) -> None:
        events = (entry.event for entry in settled.entries)
        sent.extend(event.payload for event in events if isinstance(event, DatagramSent) and event.port == 5060)

    Run(scenario, observer=watch).run_until(scenario.until)
    subscribes = [payload for payload in sent if payload.startswith(b"SUBSCRIBE ")]
    assert subscribes
    assert all(spelling in payload for payload in subscribes)
