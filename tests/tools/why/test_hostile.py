"""Logs from elsewhere: references that lead nowhere, damaged rows. An answer or one line, and always an end."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from emulator.events import Entry
from emulator.log.chain import MemorySink, Recorder
from emulator.log.store import LogError, Store
from emulator.world.drivers import drive
from emulator.world.run import Run
from tests.conftest import small_scenario
from tests.tools.why.asking import offhook_why
from tools.why import ancestors, why


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    """A small run."""
    sink = MemorySink()
    run = Run(small_scenario())
    run.recorder.sink = sink
    drive(run, small_scenario().until)
    return list(sink.entries())


def keep(entries: list[Entry], path: Path) -> Path:
    """A database that holds ``entries`` as a run."""
    with Store(path, create=True) as store:
        writer = store.begin(Run(small_scenario()).header("hostile"))
        Recorder(writer).record(entries)
        writer.finish("provisioned")
    return path


def changed(entries: list[Entry], n: int, **changes: object) -> list[Entry]:
    """``entries`` with something else in entry ``n``."""
    return [attrs.evolve(entry, **changes) if entry.n == n else entry for entry in entries]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("n", "changes", "names"),
    [
        (20, {"cause": 20}, "event 20 refers to event 20"),
        (20, {"cause": 25}, "event 20 refers to event 25"),
        (20, {"cause": 0}, "event 20 refers to event 0"),
        (20, {"because": (20,)}, "event 20 refers to event 20"),
        (20, {"because": (30, 9999, 19)}, "event 20 refers to event 9999"),
        (20, {"cause": 10**17}, f"event 20 refers to event {10**17}"),
    ],
)
def test_a_reference_that_does_not_lie_before(
    entries: list[Entry], tmp_path: Path, n: int, changes: dict[str, object], names: str
) -> None:
    """It is marked, and every event has its answer all the same."""
    odd = changed(entries, n, **changes)
    path = keep(odd, tmp_path / "odd.db")
    assert any(node.link == "broken" and names in node.sentence for node in why(f"1@{n}", db=path).nodes)
    for number in (n, *range(1, len(odd) + 1, 3)):
        assert why(f"1@{number}", db=path).nodes
        assert max(ancestors(odd, number)) == number


def test_two_events_that_name_each_other(entries: list[Entry], tmp_path: Path) -> None:
    """No circle: only the reference back counts."""
    odd = changed(changed(entries, 20, cause=30, because=(30,)), 30, cause=20, because=(20,))
    path = keep(odd, tmp_path / "odd.db")
    found = why("1@30", db=path, whole=True)
    assert [each.entry.n for each in found.graph] == [30, 20]
    assert list(ancestors(odd, 30)) == [30, 20]


def test_a_chain_of_causes_through_every_event(entries: list[Entry], tmp_path: Path) -> None:
    """The longest there can be, of entries that are all alike, is one gap."""
    alike = [attrs.evolve(entries[-1], n=n, cause=n - 1 or None, because=()) for n in range(1, 3_001)]
    path = keep(alike, tmp_path / "odd.db")
    found = why("1@3000", db=path)
    assert [node.link for node in found.nodes] == ["", "gap", "cause"]
    assert len(why("1@3000", db=path, whole=True).graph) == 3_000


def test_a_row_that_is_gone(entries: list[Entry], tmp_path: Path) -> None:
    """What refers to it says so, and what is behind it is not guessed."""
    path = keep(entries, tmp_path / "odd.db")
    cause = entries[20].cause
    assert cause is not None
    with Store(path) as store:
        store.change("DROP TRIGGER events_go_with_their_run")
        store.change("DELETE FROM events WHERE n = ?", (cause,))
    found = why("1@21", db=path)
    assert [node.link for node in found.nodes if not node.link or node.link == "broken"] == ["", "broken"]
    assert f"event {cause}, which is not there" in next(n.sentence for n in found.nodes if n.link == "broken")
    with pytest.raises(LogError, match="has no event"):
        why(f"1@{cause}", db=path)


@pytest.mark.parametrize("column", ["cause", "because", "data", "kind", "phone"])
def test_rows_of_another_kind(entries: list[Entry], tmp_path: Path, column: str) -> None:
    """One line names the row."""
    path = keep(entries, tmp_path / "odd.db")
    with Store(path) as store:
        store.change("DROP TRIGGER events_never_change")
        store.change(f"UPDATE events SET {column} = 'nonsense' WHERE n > 1 AND n <= ?", (len(entries),))
    for target in ("1", "1@12", "1 setting:SYSLOG_ADDR", "1 flash:0x10100", "1 display"):
        result = offhook_why(*target.split(), "--db", str(path))
        assert result.exception is None or isinstance(result.exception, LogError)
        assert "\n" not in str(result.exception)
        assert target != "1@12" or result.exception


def test_flash_work_that_no_chip_can_do(entries: list[Entry], tmp_path: Path) -> None:
    """One line names the event."""
    from emulator.events import FlashErased, FlashProgrammed

    odd = [
        attrs.evolve(entry, event=FlashErased(10**6)) if isinstance(entry.event, FlashProgrammed) else entry
        for entry in entries
    ]
    path = keep(odd, tmp_path / "odd.db")
    with pytest.raises(LogError, match=r"event \d+: the flash chip cannot follow it"):
        why("1", "flash:0x10100", db=path)


def test_a_run_without_events(tmp_path: Path) -> None:
    """There is nothing to ask about."""
    with pytest.raises(LogError, match="holds no events"):
        why("1", db=keep([], tmp_path / "odd.db"))
