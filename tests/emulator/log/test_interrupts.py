"""Ctrl-C at any point of a commit: nothing is lost, nothing is written twice."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.log.store import Store
from emulator.log.verify import verify
from emulator.world.run import Run
from emulator.world.scenario import Scenario


class Interrupting:
    """A database connection that raises KeyboardInterrupt at one of its calls, before or after it is carried out."""

    def __init__(self, db: Any, at: int, after: bool) -> None:
        self.db = db
        self.at = at
        self.after = after
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        """Whatever is not interrupted."""
        return getattr(self.db, name)

    def execute(self, *arguments: Any) -> Any:
        """One statement."""
        return self._call(self.db.execute, arguments)

    def executemany(self, *arguments: Any) -> Any:
        """One statement, many rows."""
        return self._call(self.db.executemany, arguments)

    def _call(self, method: Any, arguments: Any) -> Any:
        self.calls += 1
        if self.calls == self.at and not self.after:
            raise KeyboardInterrupt
        done = method(*arguments)
        if self.calls == self.at and self.after:
            raise KeyboardInterrupt
        return done


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 6))
def test_an_interrupted_commit(store: Store, scenario: Scenario, at: int, after: bool) -> None:
    """Each of the five statements of a flush; leaving the run then writes every event exactly once."""
    run = Run(scenario)
    writer = store.begin(run.header("interrupted"))
    run.recorder.sink = writer
    run.run_until(scenario.until)
    connection = store.db
    store.db = Interrupting(connection, at, after)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        writer.flush()
    store.db = connection
    assert not connection.in_transaction
    writer.leave()
    assert [row.n for row in store.rows(writer.run)] == list(range(1, run.recorder.count + 1))
    checked = verify(store)
    assert not checked.faults
    assert checked.open == (writer.run,)
    assert store.link(writer.run, run.recorder.count) == run.recorder.head
