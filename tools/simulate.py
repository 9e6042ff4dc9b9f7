"""``run``, ``check``, ``scenarios``: from a scenario to a stored, judged run."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import Factory, define, field, frozen

from emulator.events import STEPS, VOCABULARY, Entry, Event, StepEntered, step_name
from emulator.log.chain import NoSink
from emulator.log.store import RunWriter, Store
from emulator.phone import snapshot
from emulator.phone.firmware import Firmware
from emulator.phone.machine import Settled
from emulator.phone.state import Phone
from emulator.world.drivers import drive, drive_paced
from emulator.world.expect import Verdict, Witness
from emulator.world.fence import fence
from emulator.world.packing import kept
from emulator.world.run import Run
from emulator.world.scenario import Scenario
from emulator.world.toml import ScenarioError, duration, read_scenario

if TYPE_CHECKING:
    from tools.fuzz.judging import Judge

SNAPSHOT_EVERY = 2_000
"""Events of one phone between two snapshots of its state in the database."""
PROGRESS_EVERY = 5_000
"""Events between two calls of a progress function."""

Progress = Callable[[Run], None]
Observer = Callable[[Settled], None]


@define
class RunResult:
    """One simulated run.

    run: its id in the database, None if it was not stored; virtual_ns: how far virtual time went; outcome: of the
    (first) phone's last provisioning run; entries: the log, empty unless it was asked for; phones: final states.
    """

    name: str
    seed: int
    digest: str
    outcome: str
    events: int
    virtual_ns: int
    expectations: list[Verdict]
    phones: list[Phone]
    run: int | None = None
    entries: list[Entry] = Factory(list)
    stopped: bool = False

    @property
    def ok(self) -> bool:
        """Whether every expectation holds."""
        return all(verdict.holds for verdict in self.expectations)

    def of(self, kind: type[Event]) -> list[Entry]:
        """The entries of the log whose event is a ``kind``."""
        return [entry for entry in self.entries if isinstance(entry.event, kind)]


@define
class RunResults:
    """The runs of one scenario, one a seed."""

    runs: list[RunResult]

    @property
    def ok(self) -> bool:
        """Whether every expectation of every seed holds."""
        return all(result.ok for result in self.runs)

    @property
    def digest(self) -> str:
        """The digest of the one run, or of all the digests."""
        if len(self.runs) == 1:
            return self.runs[0].digest
        return sha256("".join(result.digest for result in self.runs).encode()).hexdigest()


@frozen
class Plan:
    """How to run: what ``run`` takes besides the scenario, in one value."""

    firmware: Firmware | None = None
    pace: float = 0.0
    stop: Callable[[Settled], bool] | None = None
    until: int | None = None
    keep_entries: bool = True
    created: str = ""
    progress: Progress | None = None
    observer: Observer | None = None


def run(
    scenario: Scenario | str | Path,
    *,
    db: str | Path | None = None,
    seed: int | None = None,
    firmware: Firmware | None = None,
    until: str | None = None,
    pace: float = 0.0,
    created: str = "",
    keep_entries: bool = True,
    progress: Progress | None = None,
    observer: Observer | None = None,
) -> RunResult:
    """Simulate ``scenario`` (a value or a file) once, store it in ``db`` if given, and judge it.

    seed: instead of the scenario's; until: a step (``"8"``), an event kind or a time (``"30s"``) to stop at; pace:
    virtual seconds per second of trio's clock, 0 for as fast as it goes; created: text that the database keeps.
    Raises ScenarioError or LogError.
    """
    story, name = (scenario, "scenario") if isinstance(scenario, Scenario) else loaded(scenario)
    stop, end = until_what(until)
    plan = Plan(firmware, pace, stop, end, keep_entries, created, progress, observer)
    if db is None:
        return simulate(story, name, seed, plan, None)
    with Store(db, create=True) as store:
        return simulate(story, name, seed, plan, store)


def run_seeds(
    scenario: Scenario, name: str, seeds: range, plan: Plan, store: Store | None, done: Callable[[RunResult], None]
) -> RunResults:
    """:func:`run` for every seed of ``seeds``; ``done`` is called after each."""
    results = RunResults([])
    for seed in seeds:
        result = simulate(scenario, name, seed, plan, store)
        results.runs.append(result)
        done(result)
    return results


def loaded(path: str | Path) -> tuple[Scenario, str]:
    """(scenario, name) of a scenario file. Raises ScenarioError."""
    return read_scenario(path), Path(path).stem


def simulate(scenario: Scenario, name: str, seed: int | None, plan: Plan, store: Store | None) -> RunResult:
    """One run, judged, and sealed if it is stored. Interrupted, it leaves what happened so far, marked as cut off."""
    witness = Witness(scenario)
    entries: list[Entry] = []
    run = Run(scenario, seed=seed, firmware=plan.firmware)
    writer = None
    if store is not None:
        writer = store.begin(run.header(name), created=plan.created, scenario=kept(scenario))
    run.recorder.sink = writer or NoSink()
    watch = Watch(plan, witness, entries, writer, run, judge(run) if scenario.expect.invariants else None)
    run.observer = watch
    end = scenario.until if plan.until is None else plan.until
    try:
        with fence():
            if plan.pace > 0:
                import trio

                trio.run(drive_paced, run, end, plan.pace, watch.stops)
            else:
                drive(run, end, watch.stops if plan.stop or plan.progress else None)
    except BaseException:
        if writer is not None:
            writer.leave()
        raise
    early = watch.stopped or end < scenario.until
    first = witness.runs.get(0, [])
    outcome = first[-1][1].outcome if first else "unfinished"
    verdicts = [v for machine in run.machines for v in witness.verdicts(machine.index, machine.phone)]
    if len(run.machines) > 1:
        size = len(verdicts) // len(run.machines)
        verdicts = [v._replace(text=f"phone {index // size}: {v.text}") for index, v in enumerate(verdicts)]
    verdicts += cut_verdicts(scenario, run, plan) if scenario.cut and not early else []
    verdicts += invariant_verdicts(watch.judge) if watch.judge is not None and not early else []
    result = RunResult(
        name=name,
        seed=run.seed,
        digest=run.digest,
        outcome=outcome,
        events=run.recorder.count,
        virtual_ns=max(run.now if watch.stopped else end, *(machine.phone.clock for machine in run.machines)),
        expectations=[] if early else verdicts,
        phones=[machine.phone for machine in run.machines],
        entries=entries,
        stopped=early,
    )
    if writer is not None:
        result.run = writer.finish(outcome).id
    return result


def cut_verdicts(scenario: Scenario, run: Run, plan: Plan) -> list[Verdict]:
    """Whether the power cuts of a scenario did no harm, which is expected of every phone."""
    from tools.cuts.stories import judged_cuts

    with fence():
        return judged_cuts(scenario, run.seed, plan.firmware)


def judge(run: Run) -> Judge:
    """What watches a run for what has to hold in every story."""
    from tools.fuzz.judging import judge_of

    return judge_of(run)


def invariant_verdicts(judge: Judge) -> list[Verdict]:
    """Whether what has to hold in every story held in this one."""
    found = judge.violations()
    return [Verdict("the invariants hold", not found, "; ".join(each.text for each in found) or "they do")]


@define
class Watch:
    """The observer of a run: witness, invariants, entries, snapshots, progress, and the end that the user asked for."""

    plan: Plan
    witness: Witness
    entries: list[Entry]
    writer: RunWriter | None
    run: Run
    judge: Judge | None = None
    stopped: bool = False
    _since: dict[int, int] = field(factory=dict)
    _shown: int = 0

    def __call__(self, settled: Settled) -> None:
        """Called after each settled input."""
        self.witness(settled)
        if self.judge is not None:
            self.judge(settled)
        if self.plan.keep_entries:
            self.entries += settled.entries
        if self.plan.observer is not None:
            self.plan.observer(settled)
        if self.writer is not None:
            self._snapshot(settled)

    def _snapshot(self, settled: Settled) -> None:
        last = settled.entries[-1]
        since = self._since.get(last.phone, 0) + len(settled.entries)
        if since >= SNAPSHOT_EVERY and self.writer is not None:
            phone = self.run.machines[last.phone].phone
            self.writer.keep(last.phone, last.n, snapshot_key(), snapshot.encode(phone))
            since = 0
        self._since[last.phone] = since
        if self.plan.pace > 0 and self.writer is not None:
            self.writer.flush()

    def stops(self, settled: Settled) -> bool:
        """Whether the run is to stop here."""
        if self.plan.progress is not None and self.run.recorder.count - self._shown >= PROGRESS_EVERY:
            self._shown = self.run.recorder.count
            self.plan.progress(self.run)
        self.stopped = self.plan.stop is not None and self.plan.stop(settled)
        return self.stopped


def snapshot_key() -> str:
    """What a snapshot is good for: this code."""
    from emulator.log.header import code_digest

    return code_digest()


def until_what(text: str | None) -> tuple[Callable[[Settled], bool] | None, int | None]:
    """(stop function, end in ns) for ``--until``: a step (``6a``), an event kind, or a time. Raises ScenarioError."""
    if text is None:
        return None, None
    step = {step_name(number): number for number in STEPS}.get(text)
    if step is not None:
        return (lambda s: any(isinstance(e.event, StepEntered) and e.event.step == step for e in s.entries)), None
    if text in VOCABULARY:
        return (lambda s: any(e.event.kind == text for e in s.entries)), None
    try:
        return None, duration(text)
    except ValueError:
        raise ScenarioError(
            f'--until {text}: give a step from 1 to 9 or 6a, an event kind (`offhook events`) or a time such as "30s"'
        ) from None


def check(path: str | Path) -> Scenario:
    """The scenario in a file, if it is valid; nothing is simulated. Raises ScenarioError."""
    return read_scenario(path)


@frozen
class ScenarioLine:
    """A scenario file. error: "" if it is valid; seeds: how many it runs with; expectations: how many it has."""

    path: Path
    title: str
    seeds: int
    until: int
    error: str


def scenarios(folder: str | Path = "scenarios") -> list[ScenarioLine]:
    """The scenario files in a folder, by name. Raises ScenarioError if there is no such folder."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ScenarioError(f"{folder}: there is no such folder of scenarios")
    return [_line(path) for path in sorted(folder.glob("*.toml"))]


def _line(path: Path) -> ScenarioLine:
    try:
        found = read_scenario(path)
    except ScenarioError as error:
        return ScenarioLine(path, "", 0, 0, str(error))
    return ScenarioLine(path, found.title, found.seeds, found.until, "")
