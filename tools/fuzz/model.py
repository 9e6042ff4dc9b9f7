"""Values of a fuzzing campaign: what is tried, what watches it, and what it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from emulator.phone.machine import Settled
from emulator.phone.state import Phone
from emulator.world.run import Run
from emulator.world.scenario import Scenario


@frozen
class Case:
    """One story to be tried. scenario: complete, with its seed; calm: when its faults have stopped (ns), from which on
    the phone has to come up; kinds: the kinds of faults in it; parents: cases of the corpus that it was made from."""

    scenario: Scenario
    calm: int
    kinds: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


@frozen
class Violation:
    """A verdict that does not hold.

    verdict: its name, ``retry-armed``; rule: what it is about, ``PROV-184`` or ``RFC 2131 s.4.4.5``, or several that
    say it together, with commas between; text: what happened, for a person, without secrets; n: the event that shows
    it, 0 for none; key: what makes two of a kind, without numbers, addresses and times.
    """

    verdict: str
    rule: str
    text: str
    n: int = 0
    phone: int = 0
    key: str = ""

    @property
    def rules(self) -> tuple[str, ...]:
        """What it is about, one by one."""
        return tuple(self.rule.split(", "))

    @property
    def signature(self) -> str:
        """What is the same in two findings of one fault."""
        return f"{self.verdict} {self.rule} {self.key}".strip()


@frozen
class Outcome:
    """What came of a case. features: what the run had; violations: verdicts that do not hold, the first of each
    signature; sometimes: how often each kind of fault really happened; events: of the run."""

    features: frozenset[tuple[str, ...]]
    violations: tuple[Violation, ...]
    sometimes: Mapping[str, int]
    events: int


class Check(Protocol):
    """Watches one run for one verdict; made anew for every run. violations: what it has found so far."""

    violations: list[Violation]

    def see(self, settled: Settled, phone: Phone) -> None:
        """An input has been taken, and the phone has settled. phone: its state just after, not to be changed."""

    def finish(self, run: Run, case: Case) -> None:
        """The story is over: its faults have stopped at ``case.calm``, and the phone has had its time to come up."""


class MakeChecks(Protocol):
    """Makes the checks of a run. The entry point that a user's own invariants have too."""

    def __call__(self, case: Case) -> Sequence[Check]:
        """New checks for a run of ``case``."""
