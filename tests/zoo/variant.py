"""What a variant of the phone is: a firmware with one realistic fault, and the rule that the fault breaks.

``tests.zoo.MODULE:NAME`` names one; ``NAME.firmware(version)`` is its firmware. Faults are made of changed handlers:
each calls the handler that it stands for and alters what that decided, so that whatever else the phone learns to do,
the variant does too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import attrs

from emulator.events import Because, Event, TimerSet
from emulator.phone.firmware import Firmware
from emulator.phone.kx_utg200 import kx_utg200

Made = Event | Because
E = TypeVar("E", bound=Event)


@attrs.frozen
class Variant:
    """rule: the PROV number or RFC section that it breaks; fault: how, in a sentence; change: makes it of the phone."""

    name: str
    rule: str
    fault: str
    change: Callable[[Firmware], Firmware]

    def firmware(self, version: str = "03.210") -> Firmware:
        """The phone with the fault. version: as in the User-Agent, form ``03.210``."""
        return self.change(kx_utg200(version))


def variant(rule: str) -> Callable[[Callable[[Firmware], Firmware]], Variant]:
    """Make a variant of a function that changes the phone's firmware; its docstring tells the fault."""

    def made(change: Callable[[Firmware], Firmware]) -> Variant:
        return Variant(change.__name__, rule, (change.__doc__ or "").strip(), change)

    return made


def bare(made: Made) -> Event:
    """The event that a handler returned."""
    return made.event if isinstance(made, Because) else made


def of(cls: type[E], made: Iterable[Made]) -> list[E]:
    """Those of a kind among what a handler returned."""
    return [event for event in map(bare, made) if isinstance(event, cls)]


def altered(made: Iterable[Made], change: Callable[[Event], Event | None]) -> Iterator[Made]:
    """What a handler returned, each event as ``change`` wants it, or without it; the grounds stay."""
    for each in made:
        event = change(bare(each))
        if event is not None:
            yield Because(event, each.grounds) if isinstance(each, Because) else event


def sets(timer: str) -> Callable[[Event], bool]:
    """Whether an event sets the timer of that name."""
    return lambda event: isinstance(event, TimerSet) and event.name == timer
