"""Making a finding small: whatever can be left out of its story, or be as it was, is; the verdict still does not hold.

The story is taken as the tables of its TOML, so that inputs, faults, times and flash are all shrunk alike: an entry is
taken away, put back as the base has it, or made simpler. What ends the faults stays: the calm of a story is what a
verdict may rely on.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from emulator.world.scenario import Scenario
from emulator.world.toml import ScenarioError, checked, structured
from emulator.world.writing import scenario_text, toml_text
from tools.fuzz.model import Case

TRIES = 600
"""Stories that are tried for one finding, unless its reader wants more."""
KEPT = ("title", "until", "expect")
"""Tables that a story cannot do without, or that say what it is."""
CALMING = ("start", "end")
"""Keys that say when a fault ends, and when what is good comes back."""
MENDED = ("link-up", "power-on")
"""Deeds that end a fault."""
STEPS = (
    *("action", "change", "cut", "host", "dhcp", "dhcpv6", "pnp", "redirection", "proxy", "sip", "files", "sntp"),
    "syslog",
)
"""Tables whose entries are the steps of a story."""
Tree = dict[str, Any]
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
    usual = tree_of(base)
    best, used, cost = case, 0, cost_of(tree_of(case.scenario), usual)
    improved = True
    while improved and used < tries:
        improved = False
        for tree in simpler(tree_of(best.scenario), usual):
            made = case_of(tree, best) if cost_of(tree, usual) < cost else None
            if made is None:
                continue
            used += 1
            if fails(made):
                best, improved, cost = made, True, cost_of(tree, usual)
                break
            if used >= tries:
                break
    return bare(best), used


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


def simpler(tree: Tree, base: Tree) -> Iterator[Tree]:
    """Simpler trees: the biggest steps first."""
    yield from without_halves(tree)
    yield from without_entries(tree, base)
    yield from with_usual(tree, base)
    yield from with_simpler_values(tree)


def calms(entry: Tree) -> bool:
    """Whether an entry brings back what a fault took away."""
    return "start" in entry or entry.get("do") in MENDED


def without_halves(tree: Tree) -> Iterator[Tree]:
    """Without the first, or the last, half of a table's entries."""
    for table in STEPS:
        entries = tree.get(table, [])
        if isinstance(entries, list) and len(entries) > 3:
            middle = len(entries) // 2
            for gone in (entries[:middle], entries[middle:]):
                left = [each for each in entries if each not in gone or calms(each)]
                if left != entries:
                    yield {**tree, table: left}


def without_entries(tree: Tree, base: Tree) -> Iterator[Tree]:
    """Without one entry of a table, or without the whole of one that is not a list."""
    for table, value in tree.items():
        if table in KEPT:
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for place in range(len(value) - 1, -1, -1):
                if calms(value[place]):
                    continue
                left = value[:place] + value[place + 1 :]
                yield {**{k: v for k, v in tree.items() if k != table}, **({table: left} if left else {})}
        elif table not in base:
            yield {k: v for k, v in tree.items() if k != table}


def with_usual(tree: Tree, base: Tree) -> Iterator[Tree]:
    """With a table, an entry, or a value of an entry, as the base has it, or not there at all."""
    for table, value in tree.items():
        if table in KEPT or value == base.get(table):
            continue
        if table in base:
            yield {**tree, table: base[table]}
        if isinstance(value, dict):
            yield from ({**tree, table: inner} for inner in _without_keys(value, base.get(table, {})))
        elif isinstance(value, list):
            for place, entry in enumerate(value):
                if isinstance(entry, dict):
                    usual = (base.get(table) or [{}])[min(place, len(base.get(table) or [{}]) - 1)]
                    for inner in _without_keys(entry, usual):
                        yield {**tree, table: [*value[:place], inner, *value[place + 1 :]]}


def _without_keys(entry: Tree, usual: Tree) -> Iterator[Tree]:
    for key, value in entry.items():
        if key in CALMING:
            continue
        if key in usual and usual[key] != value:
            yield {**entry, key: usual[key]}
        elif key not in usual:
            yield {k: v for k, v in entry.items() if k != key}
        if isinstance(value, dict):
            inner = usual.get(key) if isinstance(usual.get(key), dict) else {}
            yield from ({**entry, key: each} for each in _without_keys(value, inner or {}))


def with_simpler_values(tree: Tree) -> Iterator[Tree]:
    """With shorter texts."""
    for table, value in tree.items():
        if table in KEPT or not isinstance(value, list):
            continue
        for place, entry in enumerate(value):
            if isinstance(entry, dict):
                for inner in _shorter(entry):
                    yield {**tree, table: [*value[:place], inner, *value[place + 1 :]]}


def _shorter(entry: Tree) -> Iterator[Tree]:
    for key, value in entry.items():
        if isinstance(value, str) and len(value) > 24:
            half = len(value) // 2
            yield {**entry, key: value[:half]}
            yield {**entry, key: value[half:]}
        elif isinstance(value, dict):
            yield from ({**entry, key: inner} for inner in _shorter(value))
