"""Simpler stories, for the shrinking of a finding: each a table of a TOML in which one thing is not there, or plainer.

What ends the faults stays: the calm of a story is what a verdict may rely on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import evolve

from emulator.events import SECOND
from emulator.world.scenario import Duration, Outage, Scenario
from emulator.world.toml import ScenarioError, checked, duration
from emulator.world.writing import duration_text
from tools.fuzz.model import Case
from tools.fuzz.mutators.draft import SHORT, SOME, TABLES, TAIL

KEPT = ("title", "until", "expect")
"""Tables that a story cannot do without, or that say what it is."""
SPANS = ("start", "end")
"""Keys that say when something is there."""
TIMES = (*SPANS, "at", "off", "delay", "latency", "jitter")
"""Keys whose values are times."""
MENDED = ("link-up", "power-on")
"""Deeds that end a fault."""
SOONER = (SHORT, SOME)
"""When a calm may begin as well."""
ROUND = (60 * SECOND, 10 * SECOND, SECOND, SECOND // 10, SECOND // 1000)
STEPS = ("action", "change", "cut", *TABLES)
"""Tables whose entries are the steps of a story."""
TAG = re.compile(r"<(/?)([A-Za-z][\w.-]*)[^<>]*?(/?)>")
ATTRIBUTE = re.compile(r"\s[a-z]+=(?:\"[^\"<>]*\"|'[^'<>]*')(?=[^<>]*>)")
LONG = 24
"""Characters of a text that is halved."""
Tree = dict[str, Any]


def simpler(tree: Tree, base: Tree, calm: int) -> Iterator[Tree]:
    """Simpler trees: the biggest steps first. calm: ns."""
    yield from without_halves(tree, calm)
    yield from without_entries(tree, base, calm)
    yield from joined(tree, calm)
    yield from with_usual(tree, base)
    yield from with_simpler_values(tree, base)
    yield from with_rounder_times(tree, calm)


# --- Less -------------------------------------------------------------------------------------------------------------


def calms(entry: Tree, calm: int) -> bool:
    """Whether an entry brings back what a fault took away."""
    if "do" in entry and "at" in entry:
        return entry["do"] in MENDED and duration(entry["at"]) >= calm - TAIL
    return "start" in entry and duration(entry["start"]) == calm


def without_halves(tree: Tree, calm: int) -> Iterator[Tree]:
    """Without the first, or the last, half of a table's entries."""
    for table in STEPS:
        entries = tree.get(table, [])
        if isinstance(entries, list) and len(entries) > 3:
            middle = len(entries) // 2
            for gone in (entries[:middle], entries[middle:]):
                left = [each for each in entries if each not in gone or calms(each, calm)]
                if left != entries:
                    yield {**tree, table: left}


def without_entries(tree: Tree, base: Tree, calm: int) -> Iterator[Tree]:
    """Without one entry of a table, or without the whole of one that is not a list."""
    for table, value in tree.items():
        if table in KEPT:
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for place in range(len(value) - 1, -1, -1):
                if calms(value[place], calm):
                    continue
                left = value[:place] + value[place + 1 :]
                yield {**{k: v for k, v in tree.items() if k != table}, **({table: left} if left else {})}
        elif table not in base:
            yield {k: v for k, v in tree.items() if k != table}


def joined(tree: Tree, calm: int) -> Iterator[Tree]:
    """With one server for the time of two that follow each other."""
    for table in TABLES:
        entries = tree.get(table, [])
        for place in range(len(entries) - 1):
            first, second = entries[place], entries[place + 1]
            if calms(second, calm) or "end" not in first or first.get("end") != second.get("start"):
                continue
            span = {key: each[key] for key, each in (("start", first), ("end", second)) if key in each}
            for one in (first, second):
                made = {**{key: value for key, value in one.items() if key not in SPANS}, **span}
                yield {**tree, table: [*entries[:place], made, *entries[place + 2 :]]}


# --- As the base has it -----------------------------------------------------------------------------------------------


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
        if key in SPANS:
            continue
        if key in usual and usual[key] != value:
            yield {**entry, key: usual[key]}
        elif key not in usual:
            yield {k: v for k, v in entry.items() if k != key}
        if isinstance(value, dict):
            inner = usual.get(key) if isinstance(usual.get(key), dict) else {}
            yield from ({**entry, key: each} for each in _without_keys(value, inner or {}))


# --- Plainer ----------------------------------------------------------------------------------------------------------


def with_simpler_values(tree: Tree, base: Tree) -> Iterator[Tree]:
    """With shorter texts, where they are not the base's."""
    for table, value in tree.items():
        if table in KEPT or not isinstance(value, list):
            continue
        usual = set(texts(base.get(table, [])))
        for place, entry in enumerate(value):
            if isinstance(entry, dict):
                for inner in _shorter(entry, usual):
                    yield {**tree, table: [*value[:place], inner, *value[place + 1 :]]}


def texts(value: Any) -> Iterator[str]:
    """Every text in a part of a tree."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts(each)


def _shorter(entry: Tree, usual: set[str]) -> Iterator[Tree]:
    for key, value in entry.items():
        if isinstance(value, str) and value not in usual:
            yield from ({**entry, key: text} for text in shorter(value))
        elif isinstance(value, dict):
            yield from ({**entry, key: inner} for inner in _shorter(value, usual))


def shorter(text: str) -> Iterator[str]:
    """A text without one of its elements, the biggest first, if it is XML; a long one without a half."""
    for start, end in sorted(elements(text), key=lambda span: span[0] - span[1]):
        yield text[:start] + text[end:]
    for found in ATTRIBUTE.finditer(text):
        yield text[: found.start()] + text[found.end() :]
    if len(text) > LONG:
        yield from (text[: len(text) // 2], text[len(text) // 2 :])


def elements(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each element within another, as far as tags fit together."""
    opened: list[tuple[str, int]] = []
    for found in TAG.finditer(text):
        closing, name, empty = found.groups()
        if not closing and not empty:
            opened.append((name, found.start()))
        elif empty or (opened and opened[-1][0] == name):
            start = found.start() if empty else opened.pop()[1]
            if opened:
                yield start, found.end()


def with_rounder_times(tree: Tree, calm: int) -> Iterator[Tree]:
    """With times that are easier to read, before everything is mended."""
    for table, value in tree.items():
        if table in KEPT or not isinstance(value, list):
            continue
        for place, entry in enumerate(value):
            for key in TIMES if isinstance(entry, dict) else ():
                for text in rounder(entry.get(key), calm):
                    yield {**tree, table: [*value[:place], {**entry, key: text}, *value[place + 1 :]]}


def rounder(text: Any, calm: int) -> Iterator[str]:
    """Shorter texts of a time near by."""
    time = duration(text) if isinstance(text, str) else calm
    if time < calm - TAIL:
        near = dict.fromkeys(duration_text(Duration(time // unit * unit)) for unit in ROUND)
        yield from (each for each in near if len(each) < len(text))


# --- Sooner -----------------------------------------------------------------------------------------------------------


def sooner(case: Case) -> Iterator[Case]:
    """The case with a calm that begins earlier; what would happen after that does not."""
    for calm in SOONER:
        if calm < case.calm < case.scenario.until:
            try:
                yield evolve(case, calm=calm, scenario=checked(_sooner(case.scenario, case.calm, calm), "a finding"))
            except ScenarioError:
                continue


def _sooner(story: Scenario, old: int, calm: int) -> Scenario:
    less = old - calm

    def moved(specs: Iterable[Any]) -> tuple[Any, ...]:
        there = (each for each in specs if each.start < calm or each.start >= old)
        return tuple(evolve(each, start=at(each.start), end=at(each.end)) for each in there)

    def at(time: int) -> Duration:
        return Duration(time - less if old <= time <= story.until else min(time, calm) if time < old else time)

    acts = (each for each in story.action if each.at < calm - TAIL or each.at >= old - TAIL)
    actions = tuple(evolve(a, at=Duration(a.at - less)) if a.at >= old - TAIL else a for a in acts)
    outages = tuple(
        Outage(at(each.start), at(each.end), each.direction) for each in story.link.outage if each.start < calm
    )
    tables = {name: moved(getattr(story, name)) for name in TABLES}
    changed: dict[str, Any] = {"link": evolve(story.link, outage=outages), "action": actions, **tables}
    return evolve(story, until=Duration(story.until - less), **changed)
