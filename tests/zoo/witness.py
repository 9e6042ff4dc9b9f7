"""What a witness of a fault is: a story in which the variant breaks its rule and the phone does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs

from emulator.events import Entry, Event
from emulator.world.scenario import ActionSpec, Scenario
from tests.emulator.phone.bench import seconds
from tools.simulate import RunResult

E = TypeVar("E", bound=Event)


@attrs.frozen
class Witness:
    """broken: whether a run of the scenario breaks the rule."""

    scenario: Scenario
    broken: Callable[[RunResult], bool]


def events(result: RunResult, kind: type[E]) -> list[E]:
    """The events of a kind, in order."""
    return [entry.event for entry in result.entries if isinstance(entry.event, kind)]


def has(result: RunResult, kind: type[Event], **fields: Any) -> bool:
    """Whether there was an event of a kind with these fields."""
    return first(result.entries, kind, **fields) is not None


def first(entries: Sequence[Entry], kind: type[Event], **fields: Any) -> Entry | None:
    """The first entry whose event is of a kind and has these fields."""
    found = (entry for entry in entries if isinstance(entry.event, kind))
    return next((e for e in found if all(getattr(e.event, name) == value for name, value in fields.items())), None)


def act(at: float, do: str, **what: Any) -> ActionSpec:
    """Somebody does something. at: seconds."""
    return ActionSpec(seconds(at), do, **what)
