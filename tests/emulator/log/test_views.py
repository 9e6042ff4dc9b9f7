"""The views of a database are those of today's code, and cost what they are about; test_sql has what they say."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from emulator.log import store as store_module
from emulator.log.store import Store
from emulator.log.views import VIEWS


@pytest.fixture
def old(small_database: Path, tmp_path: Path) -> Path:
    """A database of an earlier release: one view is missing, one is of another form, and one is of its owner."""
    path = tmp_path / "old.db"
    shutil.copy(small_database, path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP VIEW refusals")
        db.execute("DROP VIEW packets")
        db.execute("CREATE VIEW packets AS SELECT run, n FROM run_events")
        db.execute("CREATE VIEW mine AS SELECT run, n FROM packets")
        db.commit()
    return path


def shapes(path: Path) -> dict[str, str]:
    """The views of a database, with their texts."""
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'"))


def test_opening_a_database_brings_its_views_up_to_date(old: Path, small_database: Path) -> None:
    """All of ours, and nothing of others; which still work."""
    with Store(old) as store:
        assert store.ask("SELECT count(*) FROM mine") == store.ask("SELECT count(*) FROM packets")
        assert store.ask("SELECT DISTINCT protocol FROM packets WHERE protocol = 'DHCP'") == [("DHCP",)]
    found = shapes(old)
    assert found.pop("mine") == "CREATE VIEW mine AS SELECT run, n FROM packets"
    assert found == shapes(small_database)
    assert {*found} == {*VIEWS}


def test_nothing_is_written_where_all_is_as_it_should_be(small_database: Path, tmp_path: Path) -> None:
    """So that looking at a database does not change it."""
    path = tmp_path / "new.db"
    shutil.copy(small_database, path)
    Store(path).close()
    before = path.read_bytes()
    Store(path).close()
    assert path.read_bytes() == before


def test_a_database_that_somebody_writes_to_opens_as_it_is(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And gets its views the next time."""
    monkeypatch.setattr(store_module, "BUSY_MS", 1)
    with closing(sqlite3.connect(old)) as other:
        other.execute("BEGIN IMMEDIATE")
        with Store(old) as store:
            assert store.ask("SELECT count(*) FROM mine") != [(0,)]
        other.rollback()
    assert "refusals" not in shapes(old)
    Store(old).close()
    assert "refusals" in shapes(old)


def test_a_database_that_cannot_be_written_opens_as_it_is(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a folder of somebody else."""
    monkeypatch.setattr(store_module.os, "access", lambda *_: False)
    old.with_name("old.db-wal").unlink(missing_ok=True)
    before = old.read_bytes()
    with Store(old) as store:
        assert store.ask("SELECT count(*) FROM mine") != [(0,)]
    assert old.read_bytes() == before
