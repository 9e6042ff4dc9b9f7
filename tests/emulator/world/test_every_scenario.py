"""What has to hold for every scenario: one log under each driver, replay equals run, fold equals live state."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import trio
import trio.testing

from emulator.events.codec import EventDecoder
from emulator.log.chain import MemorySink
from emulator.phone import snapshot
from emulator.phone.machine import Settled
from emulator.phone.state import fold_entry, initial
from emulator.world.drivers import drive_paced
from emulator.world.recorded import Replay
from emulator.world.run import Run
from emulator.world.scenario import Scenario
from emulator.world.toml import read_scenario

SCENARIOS = sorted((Path(__file__).resolve().parents[3] / "scenarios").glob("*.toml"))
every_scenario = pytest.mark.parametrize("path", SCENARIOS, ids=[path.stem for path in SCENARIOS])


@cache
def scenario(path: Path) -> Scenario:
    """The scenario of a file."""
    return read_scenario(path)


@cache
def recorded(path: Path) -> tuple[str, MemorySink]:
    """(digest, rows and blobs) of the scenario's first seed under the bare driver."""
    sink = MemorySink()
    run = Run(scenario(path), sink=sink)
    run.run_until(run.scenario.until)
    return run.digest, sink


def test_there_are_scenarios() -> None:
    """The parametrisation below is not empty."""
    assert len(SCENARIOS) >= 30


@every_scenario
def test_trio_gives_the_same_log(path: Path) -> None:
    """Paced by trio's mock clock, a run has the digest of the bare loop."""
    run = Run(scenario(path))
    clock = trio.testing.MockClock(autojump_threshold=0)
    trio.run(drive_paced, run, run.scenario.until, 1.0, clock=clock)
    assert run.digest == recorded(path)[0]


@every_scenario
def test_replay_equals_run(path: Path) -> None:
    """Today's code does with the recorded inputs exactly what was recorded."""
    digest, sink = recorded(path)
    report = Replay(Run(scenario(path)).firmware, scenario(path).phone.count, decoder(sink)).run(sink.rows)
    assert report.identical, report.differences[:1]
    assert report.digest == digest
    assert report.events == len(sink.rows)


@every_scenario
def test_folding_any_prefix_equals_the_live_state(path: Path) -> None:
    """At each settled point the state folded from the stored log is the state of the running phone.

    The fold goes on entry by entry, so this holds for every prefix that ends there.
    """
    sink = MemorySink()
    run = Run(scenario(path), sink=sink)
    folded = [initial(run.firmware) for _ in run.machines]
    read = decoder(sink)

    def compare(settled: Settled) -> None:
        for row in sink.rows[-len(settled.entries) :]:
            fold_entry(run.firmware, folded[row.phone], row.entry(read))
        index = settled.entries[0].phone
        live = run.machines[index].phone
        assert snapshot.encode(folded[index]) == snapshot.encode(live), f"after event {settled.entries[-1].n}"

    run.observer = compare
    run.run_until(run.scenario.until)
    assert len(sink.rows) == len(recorded(path)[1].rows)


@every_scenario
def test_an_unchanged_fork_has_the_parents_log(path: Path) -> None:
    """From a settled point in the middle, parent and fork go on alike, and neither disturbs the other."""
    digest, sink = recorded(path)
    run = Run(scenario(path))
    while run.recorder.count < len(sink.rows) // 2:
        run.step()
    fork = run.fork()
    fork.run_until(run.scenario.until)
    assert fork.digest == digest
    run.run_until(run.scenario.until)
    assert run.digest == digest


@every_scenario
def test_every_event_has_a_cause_before_it(path: Path) -> None:
    """Only inputs have no cause; following causes from any event ends at one of them."""
    for row in recorded(path)[1].rows:
        assert row.due is not None or row.cause is not None, row
        assert row.cause is None or row.cause < row.n
        assert all(0 < n <= row.n for n in row.grounds), row


@every_scenario
def test_time_never_goes_back(path: Path) -> None:
    """For each phone; and no input is taken before it is due."""
    clocks: dict[int, int] = {}
    for row in recorded(path)[1].rows:
        assert row.time >= clocks.get(row.phone, 0)
        assert row.due is None or row.time >= row.due
        clocks[row.phone] = row.time


def decoder(sink: MemorySink) -> EventDecoder:
    """A decoder for the rows of ``sink``."""
    return EventDecoder(sink.blobs.__getitem__)


def test_another_seed_gives_another_log() -> None:
    """The digest does see the seed."""
    path = SCENARIOS[0]
    other = Run(scenario(path), seed=4711)
    other.run_until(other.scenario.until)
    assert other.digest != recorded(path)[0]
