"""A campaign: cases made from a corpus, tried round by round, and what came of them.

All cases of a round are made from the corpus as it was before the round, each from dice of its own, and their outcomes
are taken in the order of their numbers. So what a campaign finds depends on its seed and on how many cases it tried,
and neither on how many processes did that nor on when it was interrupted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from heapq import heapify, heappop, heappush
from typing import Protocol, TypeVar

from attrs import Factory, define, evolve, frozen

from emulator.world.packing import pack
from emulator.world.scenario import Scenario
from tools.fuzz.dice import Dice
from tools.fuzz.executing import Execution, Make, execute
from tools.fuzz.features import Feature
from tools.fuzz.lines import Lines
from tools.fuzz.model import Case, MakeChecks, Outcome, Violation

T = TypeVar("T")
ROUND = 256
"""Cases of a round."""
FROM_BASE = 250_000
"""Parts per million of cases that are made from the base and not from the corpus."""
SPLICED = 200_000
"""Parts per million of the others that are made from two."""
CANARY = 16
"""One case in so many is tried on the canary, a phone with a planted fault."""


class Doing(Protocol):
    """Does tasks, here or somewhere else: :class:`tools.workers.Workers` or :class:`tools.fuzz.cluster.Cluster`."""

    def each(self, tasks: Sequence[Task], /) -> Iterator[tuple[int, Outcome]]:
        """(number of the task, its outcome), as they are done."""


class Vary(Protocol):
    """Makes a case out of the base, a case of the corpus and another one, with dice of its own."""

    def __call__(
        self, base: Scenario, parent: Case | None, other: Case | None, dice: Dice, kinds: frozenset[str] | None, /
    ) -> Case:
        """kinds: of faults that it may have, None for all."""


@frozen
class Task:
    """A case to be made and tried. parent, other: what of the corpus it is made from."""

    number: int
    parent: Case | None
    other: Case | None


@frozen
class Finding:
    """A verdict that did not hold. number: of the case that showed it first; times: how many have by now."""

    violation: Violation
    case: Case
    number: int
    times: int = 1

    @property
    def signature(self) -> str:
        """What makes it the same as another."""
        return self.violation.signature


@frozen
class Plan:
    """What a campaign is about. base: the story that is varied; make: the firmware that is tried; canary: that with the
    planted fault; checks: the verdicts; vary: makes the cases; kinds: of faults, None for all; after: all cases are the
    base until then (ns); lines: whether lines of code are features too."""

    base: Scenario
    seed: int
    make: Make
    canary: Make
    checks: MakeChecks
    vary: Vary
    kinds: frozenset[str] | None = None
    after: int = 0
    lines: bool = False


@define
class Campaign:
    """How far a campaign is. done: cases tried; events: of all their runs; corpus: the cases that showed something new;
    seen: every feature; findings: by signature; canary: number of the case that found the planted fault, -1 for none;
    growth: (cases, features, corpus, findings) after each round; known: size of the corpus when this round began."""

    plan: Plan
    done: int = 0
    events: int = 0
    corpus: list[Case] = Factory(list)
    seen: set[Feature] = Factory(set)
    findings: dict[str, Finding] = Factory(dict)
    sometimes: Counter[str] = Factory(Counter)
    growth: list[tuple[int, int, int, int]] = Factory(list)
    canary: int = -1
    known: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 over the corpus, in hex."""
        total = sha256()
        for case in self.corpus:
            total.update(sha256(pack(case.scenario)).digest())
        return total.hexdigest()

    def happened(self) -> list[tuple[str, int]]:
        """How often each kind of fault really happened, the most frequent first."""
        return sorted(self.sometimes.items(), key=lambda each: (-each[1], each[0]))

    def round(self, workers: Doing, size: int = ROUND) -> list[Finding]:
        """Try ``size`` cases, up to the end of the round; the new findings."""
        if self.done % ROUND == 0:
            self.known = len(self.corpus)
        size = min(size, ROUND - self.done % ROUND)
        tasks = [self.task(number) for number in range(self.done, self.done + size)]
        outcomes = dict(workers.each(tasks))
        new = [finding for place, task in enumerate(tasks) for finding in self.take(task, outcomes[place])]
        self.done += size
        self.growth.append((self.done, len(self.seen), len(self.corpus), len(self.findings)))
        return new

    def task(self, number: int) -> Task:
        """The case of a number, as far as it is made from the corpus."""
        dice = Dice(self.plan.seed, number).fork("parents")
        if not self.known or dice.chance(FROM_BASE):
            return Task(number, None, None)
        parent = self.pick(dice)
        return Task(number, parent, self.pick(dice) if dice.chance(SPLICED) else None)

    def pick(self, dice: Dice) -> Case:
        """A case of the corpus; the later half of it is as likely as the rest, for it is less known."""
        size = self.known
        low = size // 2 if dice.chance(500_000) else 0
        return self.corpus[low + dice.below(size - low)]

    def take(self, task: Task, outcome: Outcome) -> Iterator[Finding]:
        """Take what came of a case; the findings that are new."""
        self.events += outcome.events
        if is_canary(task.number):
            if outcome.violations and self.canary < 0:
                self.canary = task.number
            return
        self.sometimes.update(outcome.sometimes)
        new = outcome.features - self.seen
        case = None
        if new:
            self.seen |= new
            case = made(self.plan, task)
            self.corpus.append(case)
        for violation in outcome.violations:
            known = self.findings.get(violation.signature)
            if known is not None:
                self.findings[violation.signature] = Finding(known.violation, known.case, known.number, known.times + 1)
                continue
            found = Finding(violation, case or made(self.plan, task), task.number)
            self.findings[violation.signature] = found
            yield found


def made(plan: Plan, task: Task) -> Case:
    """The case of a task."""
    return plan.vary(plan.base, task.parent, task.other, Dice(plan.seed, task.number), plan.kinds)


def is_canary(number: int) -> bool:
    """Whether a case is tried on the canary."""
    return number % CANARY == CANARY - 1


def trying(plan: Plan) -> Callable[[Task], Outcome]:
    """What a worker does. What all cases have in common is run once, before there are workers."""
    makes = {False: plan.make, True: plan.canary}
    shared = {planted: begun(plan, make) for planted, make in makes.items()} if plan.after else {}

    def work(task: Task) -> Outcome:
        planted, case = is_canary(task.number), made(plan, task)
        start = shared.get(planted)
        if start is not None:
            return start.fork(case).concluded()
        return execute(case, makes[planted], plan.checks)

    return with_lines(work) if plan.lines else work


def looking(plan: Plan) -> Callable[[Case], frozenset[Feature]]:
    """What a case of a campaign's corpus shows."""

    def work(case: Case) -> Outcome:
        return execute(case, plan.make, plan.checks)

    look = with_lines(work) if plan.lines else work
    return lambda case: look(case).features


def with_lines(work: Callable[[T], Outcome]) -> Callable[[T], Outcome]:
    """The same work, with the lines that are run among the features."""

    def traced(task: T) -> Outcome:
        with Lines() as lines:
            outcome = work(task)
        return evolve(outcome, features=outcome.features | lines.features())

    return traced


def begun(plan: Plan, make: Make) -> Execution | None:
    """The base up to the moment after which cases differ; None if its firmware does not come that far."""
    case = Case(plan.base, plan.after, ("late",))
    start = Execution(case, make, plan.checks(case))
    try:
        run = start.begun()
        while (due := run.next_due()) is not None and due <= plan.after:
            run.step()
    except Exception:
        return None
    return start


def minimised(outcomes: Sequence[frozenset[Feature]]) -> list[int]:
    """Which cases, the fewest that greed finds, have all of these features together; in their order.

    A case never has more that is missing than it had before, so that most need not be looked at again.
    """
    left = set[Feature]().union(*outcomes)
    heap = [(-len(features), index) for index, features in enumerate(outcomes)]
    heapify(heap)
    kept = []
    while left:
        _, index = heappop(heap)
        missing = len(outcomes[index] & left)
        if heap and (-missing, index) > heap[0]:
            heappush(heap, (-missing, index))
        elif missing:
            kept.append(index)
            left -= outcomes[index]
    return sorted(kept)
