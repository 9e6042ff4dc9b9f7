"""A stored run as a scenario that stands alone: what came of it is what is expected."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from attrs import evolve

from emulator.events.masking import printable
from emulator.log import jsonl
from emulator.log.store import LogError
from emulator.world.scenario import OUTCOMES, Duration, Expectations, PhoneSpec, Scenario
from emulator.world.writing import write_scenario
from tools.fork.restoring import simulated_again, story_of, told_story
from tools.locate import Located


def as_scenario(found: Located, path: Path, *, force: bool = False) -> Scenario:
    """Write the run that was found to ``path``, with the files that it needs beside it.

    A simulated run is its own story with its seed; any other becomes its record, played again. force: write over what
    is there. Raises LogError.
    """
    if found.at is not None:
        raise LogError("a run is written as a scenario whole; leave out @N")
    scenario = story(found, path.stem)
    taken = [path, *(path.parent / name for name, body in scenario.content.items() if other(path.parent / name, body))]
    for each in taken:
        if each.exists() and not force:
            raise LogError(f"{each} is there already; --force writes over it")
    try:
        write_scenario(scenario, path)
    except OSError as error:
        raise LogError(f"{path}: cannot be written ({(error.strerror or 'error').lower()})") from None
    return scenario


def other(path: Path, body: bytes) -> bool:
    """Whether something else is in the place of a file."""
    try:
        return path.exists() and path.read_bytes() != body
    except OSError:
        return True


def story(found: Located, name: str) -> Scenario:
    """The scenario of a run. name: of the record that it may need."""
    info = found.info
    own = story_of(found) if simulated_again(found, info.events) is not None else None
    if own is None:
        own = recorded(found, name)
    outcome = info.outcome if info.outcome in OUTCOMES else None
    several = own.phone.count > 1
    about = f"Run {info.id}" + (f", a fork of run {info.parent} at event {info.upto}" if info.parent else "")
    return evolve(
        own,
        seed=info.header.seed,
        seeds=1,
        about=printable(f"{about}: {info.header.title or info.header.name}."),
        expect=Expectations(outcome=None if several else outcome),
    )


def recorded(found: Located, name: str) -> Scenario:
    """A scenario that plays the record of a run again."""
    told = told_story(found)
    file = f"{name}.jsonl"
    out = BytesIO()
    jsonl.write(found.store, found.info, out)
    phone = PhoneSpec(count=told.phone.count, version=told.phone.version, options=told.phone.options)
    until = Duration(max(1, told.until))
    return evolve(told, until=until, phone=phone, record=file, content={file: out.getvalue()})
