"""A campaign on a cluster: the same cases and findings as here, whoever dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import pytest

from emulator.log.store import LogError
from emulator.world.packing import pack
from emulator.world.toml import read_scenario
from tools import fuzz
from tools.fuzz import cluster as clusters
from tools.fuzz.cluster import Cluster
from tools.fuzz.keeping import About

STORY = Path(__file__).resolve().parents[3] / "scenarios" / "first-boot-option-160.toml"
ABOUT = About("one", "first-boot-option-160", 1, "tests.zoo.address:keeps_the_nul", (), ("options", "files"))
RUNS = 300


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two worker processes."""
    with distributed.LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as found:
        yield found.scheduler_address


def ran(folder: Path, name: str, cluster: str = "") -> tuple[object, ...]:
    """What may not depend on where a campaign was run."""
    about = About(name, ABOUT.scenario, ABOUT.seed, ABOUT.firmware, ABOUT.checks, ABOUT.kinds)
    done = fuzz.fuzz(read_scenario(STORY), about, fuzz.Limits(RUNS), db=folder / "runs.db", cluster=cluster)
    campaign = done.campaign
    found = [(each.signature, each.number, each.times) for each in campaign.findings.values()]
    assert found
    return campaign.digest, campaign.seen, found, campaign.canary, campaign.sometimes, campaign.events


def test_it_finds_what_is_found_here(scheduler: str, tmp_path: Path) -> None:
    """Corpus, features, findings, counts."""
    assert ran(tmp_path, "there", scheduler) == ran(tmp_path, "here")


def test_a_worker_that_dies_loses_nothing(scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was doing is done again."""
    killed: list[int] = []
    each = Cluster.each

    def killing(self: Cluster, tasks: Any) -> Iterator[Any]:
        for result in each(self, tasks):
            if not killed:
                killed.append(next(iter(self.client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGKILL)
            yield result

    monkeypatch.setattr(Cluster, "each", killing)
    there = ran(tmp_path, "there", scheduler)
    assert killed
    monkeypatch.undo()
    assert there == ran(tmp_path, "here")


def test_other_code_is_refused(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding of other code would be none of this."""
    digests = iter(("one", "another", "third"))
    monkeypatch.setattr(clusters, "code_digest", lambda: next(digests, "more"))
    with (
        pytest.raises(LogError, match="has other code; install this version there"),
        Cluster(scheduler, pack(read_scenario(STORY)), ABOUT),
    ):
        pass


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that says where."""
    monkeypatch.setattr(clusters, "PATIENCE", "100ms")
    with pytest.raises(LogError, match=r"--cluster tcp://127\.0\.0\.1:9: "), Cluster("tcp://127.0.0.1:9", b"", ABOUT):
        pass


def test_a_campaign_that_cannot_be_there(scheduler: str, tmp_path: Path) -> None:
    """What is not installed there is told, and nothing hangs."""
    task = [fuzz.campaign.Task(0, None, None)]
    about = About("x", "x", 1, "no_such_module:x")
    with (
        Cluster(scheduler, pack(read_scenario(STORY)), about) as found,
        pytest.raises(LogError, match="no_such_module"),
    ):
        list(found.each(task))
