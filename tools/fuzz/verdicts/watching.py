"""How a run is watched: events go by their type to the verdicts that ask for them, one set of verdicts for each phone.

A verdict is a class with methods marked by :func:`on`; ``self.facts`` says what else is known of its phone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from types import MethodType
from typing import Any, ClassVar, TypeVar

from emulator.events import Entry, Event
from emulator.phone.machine import Settled
from emulator.phone.state import Phone
from emulator.world.run import Run
from tools.fuzz.model import Case, Violation
from tools.fuzz.verdicts.bodies import Bodies
from tools.fuzz.verdicts.copying import Memory, memory
from tools.fuzz.verdicts.facts import Facts
from tools.fuzz.verdicts.marks import handlers_of

MOST_OF_A_KIND = 3
"""Violations of one signature that are kept of a run; more say nothing new."""
V = TypeVar("V", bound="Verdict")


class Verdict:
    """Watches one phone for one thing. name: of the verdict, as findings have it."""

    name: ClassVar[str] = ""

    def __init__(self, facts: Facts, found: list[Violation]) -> None:
        self.facts = facts
        self.found = found
        self.begin()

    def begin(self) -> None:
        """Set up what is remembered."""

    def memory(self) -> Memory:
        """What it remembers at this settled point."""
        return memory(self.__dict__, "facts", "found")

    @classmethod
    def remembering(cls: type[V], kept: Memory, facts: Facts, found: list[Violation]) -> V:
        """Another that remembers the same."""
        twin = cls.__new__(cls)
        twin.__dict__ = kept.copy()
        twin.facts, twin.found = facts, found
        return twin

    def seen(self) -> None:
        """An input has been seen with all that it led to; only verdicts that override it pay for it."""

    def finish(self) -> None:
        """The story is over; ``self.facts.phone`` is the phone at its end."""

    def fault(self, rule: str, text: str, entry: Entry | None = None, key: str = "") -> None:
        """It does not hold. text: one sentence without secrets; key: what two of a kind have in common."""
        n = 0 if entry is None else entry.n
        made = Violation(self.name, rule, text, n, self.facts.index, key)
        if sum(each.signature == made.signature for each in self.found) < MOST_OF_A_KIND:
            self.found.append(made)


Look = Callable[[Entry, Any], None]


class Plan(dict[type[Event], tuple[tuple[int, Callable[..., None]], ...]]):
    """(place among the owners, marked method) by event type, for owners of these types."""

    def __init__(self, types: tuple[type[Any], ...]) -> None:
        super().__init__()
        for place, owner in enumerate(types):
            for kind, functions in handlers_of(owner).items():
                self[kind] = (*self.get(kind, ()), *((place, function) for function in functions))


class Table(dict[type[Event], tuple[Look, ...]]):
    """What each event type is for; made for a type when the first event of it comes, as most types never do."""

    def __init__(self, plan: Plan, owners: Sequence[Any]) -> None:
        super().__init__()
        self.plan, self.owners = plan, owners

    def __missing__(self, kind: type[Event]) -> tuple[Look, ...]:
        owners = self.owners
        made = tuple([MethodType(function, owners[place]) for place, function in self.plan.get(kind, ())])
        self[kind] = made
        return made


PLANS: dict[tuple[type[Verdict], ...], Plan] = {}
"""Plans that were made, by the verdicts they are for; a pure function of them."""


def plan_of(kinds: tuple[type[Verdict], ...]) -> Plan:
    """The plan for a set of verdicts, with what they share."""
    found = PLANS.get(kinds)
    if found is None:
        found = PLANS[kinds] = Plan((Facts, Bodies, *kinds))
    return found


class Board:
    """The facts and the verdicts of one phone, and what each event type is for among them."""

    def __init__(self, case: Case, index: int, kinds: Sequence[type[Verdict]], found: list[Violation]) -> None:
        self.facts = Facts(case, index)
        self.verdicts = [kind(self.facts, found) for kind in kinds]
        self.each = [verdict.seen for verdict in self.verdicts if type(verdict).seen is not Verdict.seen]
        self.memories: tuple[Memory, list[Memory]] | None = None
        self.table = Table(plan_of(tuple(kinds)), (self.facts, self.facts.bodies, *self.verdicts))

    def fork(self, case: Case, found: list[Violation]) -> Board:
        """Another that goes on from this settled point."""
        twin = Board.__new__(Board)
        if self.memories is None:
            self.memories = self.facts.memory(), [verdict.memory() for verdict in self.verdicts]
        fact, memories = self.memories
        twin.facts = facts = self.facts.remembering(fact, case)
        known = zip(self.verdicts, memories, strict=True)
        twin.verdicts = [verdict.remembering(kept, facts, found) for verdict, kept in known]
        twin.each = [verdict.seen for verdict in twin.verdicts if type(verdict).seen is not Verdict.seen]
        twin.memories = None
        twin.table = Table(self.table.plan, (facts, facts.bodies, *twin.verdicts))
        return twin

    def see(self, settled: Settled, phone: Phone) -> None:
        """Show the verdicts what one input led to, and then what they wanted to look at when it was over."""
        self.memories = None
        facts, table = self.facts, self.table
        facts.opened(settled, phone)
        for entry in settled.entries:
            event = entry.event
            for look in table[type(event)]:
                look(entry, event)
        if facts.afterwards:
            facts.look()
        for seen in self.each:
            seen()


def summed(counts: Iterable[Counter[str]]) -> Counter[str]:
    """Counters of several phones, or runs, as one."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total


class Watch:
    """All verdicts about a run: one :class:`~tools.fuzz.model.Check`, so that each event is looked up once.

    counts: how often each kind of fault really happened (:mod:`tools.fuzz.verdicts.sometimes`).
    """

    def __init__(self, case: Case, kinds: Sequence[type[Verdict]]) -> None:
        self.case = case
        self.kinds = kinds
        self.violations: list[Violation] = []
        self.boards: dict[int, Board] = {}

    @property
    def counts(self) -> Counter[str]:
        """The counters of every phone, summed."""
        return summed(board.facts.counts for board in self.boards.values())

    def fork(self, case: Case) -> Watch:
        """Another that goes on from this settled point."""
        twin = Watch(case, self.kinds)
        twin.violations = list(self.violations)
        twin.boards = {index: board.fork(case, twin.violations) for index, board in self.boards.items()}
        return twin

    def board(self, index: int) -> Board:
        """The verdicts about a phone."""
        found = self.boards.get(index)
        if found is None:
            found = self.boards[index] = Board(self.case, index, self.kinds, self.violations)
        return found

    def see(self, settled: Settled, phone: Phone) -> None:
        """An input has been taken, and the phone has settled."""
        self.board(settled.entries[0].phone).see(settled, phone)

    def finish(self, run: Run, case: Case) -> None:
        """The story is over."""
        for machine in run.machines:
            board = self.board(machine.index)
            board.facts.over(run, machine.phone)
            for verdict in board.verdicts:
                verdict.finish()
