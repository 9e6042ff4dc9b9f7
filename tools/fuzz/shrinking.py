"""Making a finding small: whatever can be left out of its story, or be as it was, is; the verdict still does not hold.

The story is taken as the tables of its TOML, so that inputs, faults, times and flash are all shrunk alike: an entry is
taken away, put back as the base has it, or made simpler (:mod:`tools.fuzz.simpler`).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from itertools import islice

import attrs

from emulator.world.scenario import Scenario
from emulator.world.toml import ScenarioError, checked, structured
from emulator.world.writing import scenario_text, toml_text
from tools.fuzz.model import Case
from tools.fuzz.simpler import STEPS, Tree, simpler, sooner

TRIES = 600
"""Stories that are tried for one finding, unless its reader wants more."""
Fails = Callable[[Case], bool]


def steps(scenario: Scenario, base: Scenario) -> int:
    """How many steps a story has that its base has not."""
    return unlike(tree_of(scenario), tree_of(base))


def unlike(tree: Tree, other: Tree) -> int:
    """In how many entries of its tables a story is not as another one."""
    count = 0
    for table in (*STEPS, "link", "phone", "switch", "names"):
        own, usual = tree.get(table) or [], other.get(table) or []
        if isinstance(own, dict) or isinstance(usual, dict):
            first, second = dict(own or {}), dict(usual or {})
            count += sum(first.get(key) != second.get(key) for key in {*first, *second})
        else:
            count += sum(each not in usual for each in own) + sum(each not in own for each in usual)
    return count


def shrunk(case: Case, base: Scenario, fails: Fails, tries: int = TRIES) -> tuple[Case, int]:
    """(the smallest case found that still fails, stories tried)."""
    usual, used = tree_of(base), 0
    for earlier in sooner(case):
        used += 1
        if fails(earlier):
            case = earlier
            break
    best, cost = case, cost_of(tree_of(case.scenario), usual)
    place, improved = 0, True
    while improved and used < tries:
        improved = False
        for number, tree in around(tree_of(best.scenario), usual, best.calm, place):
            made = case_of(tree, best) if cost_of(tree, usual) < cost else None
            if made is None:
                continue
            used += 1
            if fails(made):
                best, improved, cost, place = made, True, cost_of(tree, usual), number
                break
            if used >= tries:
                break
    return bare(best), used


def around(tree: Tree, base: Tree, calm: int, place: int) -> Iterator[tuple[int, Tree]]:
    """Simpler trees with their numbers, from the ``place``-th on and then those before it, which were of no use just
    now."""
    yield from islice(enumerate(simpler(tree, base, calm)), place, None)
    yield from islice(enumerate(simpler(tree, base, calm)), place)


def cost_of(tree: Tree, base: Tree) -> tuple[int, int]:
    """What has to become less: the steps that the base has not, then the text."""
    return unlike(tree, base), len(toml_text(tree))


def tree_of(scenario: Scenario) -> Tree:
    """A story as the tables of its TOML."""
    return tomllib.loads(scenario_text(scenario))


def case_of(tree: Tree, case: Case) -> Case | None:
    """The case with another story; None if that is none."""
    try:
        story = structured(toml_text(tree), "a finding")
        content = case.scenario.content
        made = checked(attrs.evolve(story, content=content), "a finding")
    except (ScenarioError, KeyError):
        return None
    return attrs.evolve(case, scenario=made)


def bare(case: Case) -> Case:
    """The case without the files that its story no longer names."""
    text = scenario_text(case.scenario)
    roots = [spec.root.rstrip("/") for spec in case.scenario.files if spec.root is not None]
    used = {
        name: body
        for name, body in case.scenario.content.items()
        if json.dumps(name)[1:-1] in text or any(name.startswith(f"{root}/") for root in roots)
    }
    return attrs.evolve(case, scenario=attrs.evolve(case.scenario, content=used))
