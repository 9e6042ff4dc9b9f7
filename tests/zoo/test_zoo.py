"""The zoo is what it says: faults that break the rule they name, in stories, and that no shipped scenario notices."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from emulator.phone import provisioning
from emulator.phone.firmware import Firmware, Reaction
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.state import fold
from emulator.world.scenario import Scenario
from emulator.world.toml import read_scenario
from tests.emulator.phone.test_machine import watched
from tests.zoo import witnesses_network, witnesses_phone
from tests.zoo.variant import Variant, variant
from tests.zoo.witness import Witness
from tests.zoo.zoo import VARIANTS
from tools import spec
from tools.checking import replay
from tools.fuzz.executing import execute
from tools.fuzz.model import Case
from tools.fuzz.verdicts import make_checks
from tools.simulate import run

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.toml"))
EVERY_SEED = bool(os.environ.get("ZOO_EVERY_SEED"))
"""Whether a scenario that wants many seeds gets them all, which takes minutes; otherwise it gets its first."""
WITNESSES: dict[str, Witness] = {**witnesses_network.WITNESSES, **witnesses_phone.WITNESSES}
RULES = {requirement.number: requirement for requirement in spec.requirements(ROOT)}
RFC = re.compile(r"RFC [0-9]{4} s\.[0-9]+(\.[0-9]+)*")

every_variant = pytest.mark.parametrize("animal", VARIANTS.values(), ids=[each.name for each in VARIANTS.values()])


@lru_cache(maxsize=512)
def scenario_at(path: Path) -> Scenario:
    """A shipped scenario."""
    return read_scenario(path)


def firmware(scenario: Scenario, animal: Variant) -> Firmware:
    """The variant as the phone of a scenario."""
    return animal.firmware(scenario.phone.version).with_options(**scenario.phone.options)


def not_as_expected(animal: Variant, path: Path) -> Iterator[str]:
    """What a shipped scenario expects and the variant does not do."""
    scenario = scenario_at(path)
    made = firmware(scenario, animal)
    for seed in range(scenario.seed, scenario.seed + (scenario.seeds if EVERY_SEED else 1)):
        result = run(scenario, seed=seed, firmware=made, keep_entries=False)
        broken = (verdict for verdict in result.expectations if not verdict.holds)
        yield from (f"{path.stem}, seed {seed}: {verdict.text}; found {verdict.found}" for verdict in broken)


# --- The list ---------------------------------------------------------------------------------------------------------


def test_there_are_enough_of_enough_kinds() -> None:
    rules = {animal.rule for animal in VARIANTS.values()}
    sections = {RULES[rule].section for rule in rules if rule in RULES}
    assert len(VARIANTS) >= 24
    assert len(rules) >= 24
    assert len(sections) >= 8, sections


def test_each_is_found_under_its_name() -> None:
    for name, animal in VARIANTS.items():
        module, _, attribute = name.partition(":")
        assert getattr(import_module(module), attribute) == animal
    assert len({animal.name for animal in VARIANTS.values()}) == len(VARIANTS)
    assert set(WITNESSES) == {animal.name for animal in VARIANTS.values()}


@every_variant
def test_it_names_a_rule_and_tells_its_fault(animal: Variant) -> None:
    if animal.rule.startswith("PROV-"):
        assert RULES[animal.rule].kind == "rule"
    else:
        sources = (path.read_text() for path in (ROOT / "emulator" / "phone").glob("*.py"))
        assert RFC.fullmatch(animal.rule)
        assert any(re.search(rf"{re.escape(animal.rule)}\b", source) for source in sources), "no rule of this phone"
    assert animal.fault.endswith(".")
    assert "\n" not in animal.fault


# --- Shipped scenarios do not notice ----------------------------------------------------------------------------------


@every_variant
def test_every_shipped_scenario_passes(animal: Variant) -> None:
    assert len(SCENARIOS) > 100
    broken = [line for path in SCENARIOS for line in not_as_expected(animal, path)]
    assert not broken, "\n".join((f"{animal.name} is noticed:", *broken))


def test_a_fault_that_they_do_notice() -> None:
    def deaf(phone: Any, event: Any, entry: Any) -> Reaction:
        yield provisioning.tried(4, "DHCP option 160", "OPTION160_ENABLE", "Y", None, "not-populated")

    @variant("PROV-004")
    def ignoring_option_160(phone: Firmware) -> Firmware:
        """Option 160 is never read."""
        return phone.replacing(provisioning.dhcp_option_160, deaf)

    assert list(not_as_expected(ignoring_option_160, ROOT / "scenarios" / "first-boot-option-160.toml"))


# --- Witnesses do -----------------------------------------------------------------------------------------------------


@every_variant
def test_it_breaks_its_rule_and_the_phone_does_not(animal: Variant) -> None:
    witness = WITNESSES[animal.name]
    assert not witness.broken(run(witness.scenario))
    assert witness.broken(run(witness.scenario, firmware=firmware(witness.scenario, animal)))


@every_variant
def test_a_verdict_of_campaigns_names_the_rule(animal: Variant) -> None:
    """And none of them says anything of the phone in the same story."""
    scenario = WITNESSES[animal.name].scenario
    case = Case(scenario, scenario.until)
    found = execute(case, animal.firmware, make_checks).violations
    assert animal.rule in {rule for each in found for rule in each.rules}
    assert [each.signature for each in execute(case, kx_utg200, make_checks).violations] == []


# --- It is a phone all the same ---------------------------------------------------------------------------------------


@every_variant
def test_it_is_an_automaton(animal: Variant) -> None:
    """Reactions change nothing, applies only their part, and the state is a fold of the log."""
    scenario = WITNESSES[animal.name].scenario
    made = firmware(scenario, animal)
    result = run(scenario, firmware=made)
    assert run(scenario, firmware=watched(made), keep_entries=False).digest == result.digest
    assert fold(made, result.entries) == result.phones[0]


@every_variant
def test_a_run_replays_under_it_and_not_under_the_phone(animal: Variant, tmp_path: Path) -> None:
    scenario = WITNESSES[animal.name].scenario
    run(scenario, firmware=firmware(scenario, animal), db=tmp_path / "runs.db")
    assert replay("1", db=tmp_path / "runs.db", firmware=firmware(scenario, animal)).identical
    plain = kx_utg200(scenario.phone.version).with_options(**scenario.phone.options)
    assert not replay("1", db=tmp_path / "runs.db", firmware=plain).identical


@every_variant
def test_it_takes_over_version_and_options_and_leaves_the_phone_alone(animal: Variant) -> None:
    before = kx_utg200("03.215")
    made = animal.firmware("03.215").with_options(fallback="2014-05")
    assert (made.version, made.options.fallback) == ("03.215", "2014-05")
    assert made != before.with_options(fallback="2014-05")
    assert kx_utg200("03.215") is before
    assert before == kx_utg200.__wrapped__("03.215")
