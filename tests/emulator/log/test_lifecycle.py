"""Runs that are being written, were cut off, were forked, or are removed; also by real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from emulator.events import PowerOff
from emulator.log import writer
from emulator.log.store import LogError, RunInfo, RunWriter, Store
from emulator.log.verify import verify
from emulator.world.drivers import drive
from emulator.world.run import Run
from emulator.world.scenario import Scenario
from tools.checking import replay

ROOT = Path(__file__).resolve().parents[3]

LONG_RUN = """
import sys
from emulator.events import SECOND
from emulator.log.store import Store
from emulator.world.run import Run
from emulator.world.scenario import DhcpSpec, PhoneSpec, Scenario
story = Scenario(title="long", phone=PhoneSpec(count=200, stagger=SECOND // 10), dhcp=(DhcpSpec(),))
run = Run(story)
writer = Store(sys.argv[1], create=True).begin(run.header("long"))
run.recorder.sink = writer
while run.step() is not None or run.next_due() is not None:
    writer.flush()
    print(run.recorder.count, flush=True)
    if run.recorder.count > 4000:
        sys.stdin.read()
"""

TWO_RUNS = """
import sys
from emulator.events import SECOND
from emulator.world.scenario import DhcpSpec, PhoneSpec, Scenario
from tools.simulate import run
print("ready", flush=True)
sys.stdin.readline()
for seed in (1, 2, 3):
    run(Scenario(title="two", phone=PhoneSpec(count=20), dhcp=(DhcpSpec(),)), db=sys.argv[1], seed=seed)
"""


@contextmanager
def process(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs ``script``; it is gone afterwards."""
    command = [sys.executable, "-c", script, *arguments]
    started = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def lines(stream: IO[str] | None) -> Iterator[int]:
    assert stream is not None
    for line in stream:
        if line.endswith("\n"):
            yield int(line)


def test_a_killed_process_leaves_every_committed_event(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    with process(LONG_RUN, str(path)) as child:
        told = lines(child.stdout)
        assert next(told) > 0
        with Store(path) as store:
            assert [info.state for info in store.runs()] == ["running"]
            with pytest.raises(LogError, match="still being written"):
                store.remove(1)
        seen = [next(told) for _ in range(200)]
        child.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with Store(path) as store:
            assert store.info(1).state == "cut off", "a process that is dead and not yet waited for"
        seen += told
        assert child.wait() == -signal.SIGKILL
    with Store(path) as store:
        info = store.info(1)
        assert (info.state, info.digest, info.seal) == ("cut off", None, None)
        assert info.events >= seen[-1] > 200
        assert [row.n for row in store.rows(1)] == list(range(1, info.events + 1))
        found = verify(store)
        assert (found.faults, found.open, found.events) == ((), (1,), info.events)
    result = replay("1", db=path)
    assert result.identical
    assert result.report.events == info.events
    with Store(path) as store:
        assert store.remove(1)
        assert store.runs() == []


def test_two_processes_write_one_database_that_neither_has_made(tmp_path: Path) -> None:
    path = tmp_path / "both.db"
    with process(TWO_RUNS, str(path)) as one, process(TWO_RUNS, str(path)) as other:
        for child in (one, other):
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in (one, other):
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        assert [one.wait(), other.wait()] == [0, 0]
    with Store(path) as store:
        found = store.runs()
        assert [info.state for info in found] == ["finished"] * 6
        assert sorted(info.header.seed for info in found) == [1, 1, 2, 2, 3, 3]
        assert len({info.digest for info in found}) == 3
        assert verify(store).faults == ()


def test_a_process_is_known_by_more_than_its_number() -> None:
    boot, pid, started = writer.me().split(" ")
    assert writer.is_alive(writer.me())
    for text in (
        None,
        "",
        "x",
        f"{boot} {pid} 1",
        f"{boot} 999999999 {started}",
        f"other {pid} {started}",
        f"{boot} {pid}",
    ):
        assert not writer.is_alive(text)


def test_a_run_left_without_a_seal_is_cut_off(store: Store, scenario: Scenario) -> None:
    run = Run(scenario)
    run.recorder.sink = begun = store.begin(run.header("left"))
    run.run_until(scenario.until // 5)
    assert store.info(begun.run).state == "running"
    assert store.info(begun.run).events == 0, "nothing was committed"
    begun.leave()
    info = store.info(begun.run)
    assert (info.state, info.events, info.digest) == ("cut off", run.recorder.count, None)
    assert store.link(begun.run, info.events) == run.recorder.head
    assert verify(store).open == (begun.run,)
    result = replay("1", db=store.path)
    assert result.identical
    assert result.report.digest == run.digest


def test_every_prefix_of_whole_inputs_replays(store: Store, stored: RunInfo, scenario: Scenario) -> None:
    settled: list[int] = []
    run = Run(scenario, observer=lambda s: settled.append(s.entries[-1].n))
    drive(run, scenario.until)
    rows = list(store.rows(stored.id))
    for upto in settled:
        prefix = RunWriter(store, store.begin(stored.header).run)
        prefix.append(rows[:upto], {})
        prefix.leave()
        assert replay(str(prefix.run), db=store.path).identical


def fork_of(store: Store, scenario: Scenario, parent: RunInfo, at: int) -> RunInfo:
    """A stored fork of ``parent`` in which the power goes at ``at``; so far nothing may set it apart from the first."""
    run = Run(scenario)
    run.run_until(at)
    begun = store.begin(run.header("fork"), parent=parent.id, upto=run.recorder.count)
    twin = run.fork(begun)
    twin.agenda.later(at, 0, PowerOff())
    drive(twin, scenario.until)
    return begun.finish("cut")


@pytest.fixture
def forks(store: Store, stored: RunInfo, scenario: Scenario) -> tuple[RunInfo, RunInfo, RunInfo]:
    """A run, its fork, and a fork of that which goes on from an event of the first."""
    child = fork_of(store, scenario, stored, 4_000_000_000)
    early = fork_of(store, scenario, child, 1_000_000_000)
    return stored, child, early


def test_a_fork_shares_the_events_before_it(store: Store, forks: tuple[RunInfo, RunInfo, RunInfo]) -> None:
    root, child, early = forks
    assert root.events > child.events > child.upto > early.upto > 0
    assert early.parent == child.id
    of_root = list(store.rows(root.id))
    for fork in (child, early):
        rows = list(store.rows(fork.id))
        assert [row.n for row in rows] == list(range(1, fork.events + 1))
        assert rows[: fork.upto] == of_root[: fork.upto]
        assert rows[fork.upto].kind == "PowerOff"
        assert rows[-1].link.hex() == fork.digest
        assert store.ask("SELECT count(*) FROM events WHERE run = ?", (fork.id,)) == [(fork.events - fork.upto,)]
        in_view = store.ask("SELECT n, kind, data FROM run_events WHERE run = ? ORDER BY n", (fork.id,))
        assert in_view == [(row.n, row.kind, row.data) for row in rows]
        assert list(store.rows(fork.id, fork.upto - 1, fork.upto + 1)) == rows[fork.upto - 1 : fork.upto + 1]
    assert [source for source, _, _ in store.segments(early.id)] == [root.id, child.id, early.id]
    assert verify(store).faults == ()
    for fork in (child, early):
        assert replay(str(fork.id), db=store.path).identical


def test_a_parent_stays_until_its_forks_are_gone(store: Store, forks: tuple[RunInfo, RunInfo, RunInfo]) -> None:
    root, child, early = forks
    rows = {run.id: list(store.rows(run.id)) for run in forks}
    assert store.remove(root.id) is False
    assert store.remove(child.id) is False
    assert [info.id for info in store.runs()] == [early.id]
    for name in (str(root.id), str(root.digest)[:12], str(child.id)):
        with pytest.raises(LogError):
            store.find(name)
    assert list(store.rows(early.id)) == rows[early.id]
    assert verify(store).faults == ()
    assert store.remove(early.id) is True
    for table in ("runs", "events", "blobs", "run_blobs", "snapshots"):
        assert store.ask(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_a_removed_run_takes_only_its_own_blobs(
    store: Store, stored: RunInfo, store_run: Callable[[Store, Scenario], RunInfo], scenario: Scenario
) -> None:
    twin = store_run(store, scenario)
    other = store.begin(stored.header)
    row = next(iter(store.rows(stored.id)))
    other.append([row], {"a" * 64: b"only here"})
    other.finish()
    before = store.ask("SELECT count(*) FROM blobs")[0][0]
    assert store.remove(other.run) is True
    assert store.ask("SELECT count(*) FROM blobs") == [(before - 1,)]
    assert store.remove(stored.id) is True
    assert verify(store).faults == ()
    assert [entry.n for entry in (row.entry(store.decoder()) for row in store.rows(twin.id))]
    assert store.remove(twin.id) is True
    assert store.ask("SELECT count(*) FROM blobs") == [(0,)]
    with pytest.raises(LogError, match="there is no run"):
        store.remove(twin.id)


def test_numbers_of_removed_runs_are_not_given_again(store: Store, stored: RunInfo) -> None:
    assert store.remove(stored.id)
    assert store.begin(stored.header).run > stored.id
