"""A long run: a short answer, for which little is read; and a run that goes on from another."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from emulator.events import SECOND, RunEnded
from emulator.log.store import Store
from emulator.world.scenario import Duration, Scenario
from emulator.world.toml import read_scenario
from tools.simulate import RunResult, run
from tools.why import is_outside, why
from tools.why.chain import Chain
from tools.why.reader import Reader


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    """A phone that finds nothing and tries again, for two days and a half."""
    demo = read_scenario("scenarios/first-boot-option-160.toml")
    nobody = attrs.evolve(demo.dhcp[0], option160=None)
    story = Scenario("long", until=Duration(220_000 * SECOND), dhcp=(nobody,))
    path = tmp_path_factory.mktemp("long") / "run.db"
    return path, run(story, db=path)


def test_many_runs_that_are_alike_are_one_line(long: tuple[Path, RunResult]) -> None:
    """The last run, what it repeats, and how it began: some fifteen lines, down to the cable."""
    path, result = long
    assert result.events > 5_000
    ends = result.of(RunEnded)
    found = why(f"1@{ends[-1].n}", db=path)
    assert len(found.nodes) <= 20
    gap = next(node for node in found.nodes if node.link == "gap")
    assert f"with {len(ends) - 2:,} provisioning runs among them" in gap.sentence
    last = found.nodes[-1].entry
    assert last is not None
    assert is_outside(last)
    assert last.cause is None


def test_little_is_read(long: tuple[Path, RunResult]) -> None:
    """A fraction of the run, however long it is."""
    path, result = long
    with Store(path) as store:
        reader = Reader(store, store.find("1"))
        list(Chain(reader, result.events).lines(result.of(RunEnded)[-1].n))
        assert len(reader._rows) < 2_500 < result.events / 2


def test_a_fork_is_read_like_any_run(long: tuple[Path, RunResult], tmp_path: Path) -> None:
    """Events before the fork are those of its parent, wherever the fork is."""
    path, result = long
    last = result.of(RunEnded)[-1].n
    for upto in (30, result.events // 2, last - 3):
        with Store(path) as store, Store(tmp_path / f"fork{upto}.db", create=True) as other:
            rows, blobs = list(store.rows(1)), dict(store.ask("SELECT digest, data FROM blobs"))
            header = store.info(1).header
            parent = other.begin(header)
            parent.append(rows[:upto], blobs)
            parent.finish()
            fork = other.begin(header, parent=1, upto=upto)
            fork.append(rows[upto:], {})
            fork.finish()
        for target in (None, "setting:SYSLOG_ADDR", "flash:0x10100", "display"):
            name = f"@{last}"
            forked = why(f"2{name}", target, db=tmp_path / f"fork{upto}.db")
            assert forked.nodes == why(f"1{name}", target, db=path).nodes
            assert forked.answer == why(f"1{name}", target, db=path).answer
