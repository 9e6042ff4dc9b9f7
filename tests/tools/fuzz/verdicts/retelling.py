"""Stories told to the verdicts: as they happen, by another firmware, or with one event told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import evolve

from emulator.events import Entry, Event
from emulator.phone.firmware import Firmware
from emulator.phone.machine import Settled
from emulator.world.run import Run
from emulator.world.scenario import Scenario
from emulator.world.toml import read_scenario
from tools.fuzz.model import Case, Violation
from tools.fuzz.verdicts import VERDICTS
from tools.fuzz.verdicts.watching import Watch

SCENARIOS = Path(__file__).resolve().parents[4] / "scenarios"
Told = Callable[[Entry], Event | list[Event] | None]
"""What is told in place of an event: another, several, or nothing."""


def story(name: str) -> Scenario:
    """A scenario that comes with Offhook."""
    return read_scenario(SCENARIOS / f"{name}.toml")


def judged(
    scenario: Scenario | str,
    told: Told | None = None,
    *,
    firmware: Firmware | None = None,
    calm: int = 0,
    seed: int | None = None,
    meanwhile: Callable[[Watch, Settled], None] = lambda watch, settled: None,
) -> Watch:
    """The verdicts about a story, of which each event is told as ``told`` says. meanwhile: called before each input."""
    scenario = story(scenario) if isinstance(scenario, str) else scenario
    case = Case(scenario, calm)
    watch = Watch(case, VERDICTS)
    run = Run(scenario, firmware=firmware, seed=seed)

    def observe(settled: Settled) -> None:
        phone = run.machines[settled.entries[0].phone].phone
        meanwhile(watch, settled)
        watch.see(settled if told is None else retold(settled, told), phone)

    run.observer = observe
    run.run_until(scenario.until)
    watch.finish(run, case)
    return watch


def retold(settled: Settled, told: Told) -> Settled:
    """One input and what it led to, told otherwise."""
    entries: list[Entry] = []
    for entry in settled.entries:
        found = told(entry)
        events = [] if found is None else found if isinstance(found, list) else [found]
        entries += [Entry(entry.n, entry.time, entry.due, entry.phone, entry.cause, (), event) for event in events]
    return Settled(entries or settled.entries[:1], settled.orders)


def found(*args: Any, **kwargs: Any) -> set[tuple[str, str]]:
    """(verdict, rule) of everything that does not hold; see :func:`judged`."""
    return {(each.verdict, rule) for each in judged(*args, **kwargs).violations for rule in each.rules}


def violations(*args: Any, **kwargs: Any) -> list[Violation]:
    """Everything that does not hold; see :func:`judged`."""
    return judged(*args, **kwargs).violations


def swapped(kind: type[Event], where: Callable[[Any], bool] = lambda event: True, **fields: Any) -> Told:
    """Events of a kind have other fields; a function is given the event."""

    def told(entry: Entry) -> Event:
        event: Any = entry.event
        if type(event) is not kind or not where(event):
            return entry.event
        made: Event = evolve(event, **{k: v(event) if callable(v) else v for k, v in fields.items()})
        return made

    return told


def dropped(kind: type[Event], where: Callable[[Any], bool] = lambda event: True) -> Told:
    """Events of a kind are not told."""
    return lambda entry: None if type(entry.event) is kind and where(entry.event) else entry.event


def added(kind: type[Event], more: Event, where: Callable[[Any], bool] = lambda event: True) -> Told:
    """Behind events of a kind another one is told."""
    return lambda entry: [entry.event, more] if type(entry.event) is kind and where(entry.event) else entry.event
