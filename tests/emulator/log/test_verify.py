"""``verify`` finds what was done to a database behind the program's back."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlite_utils import Database

from emulator.log import schema
from emulator.log.chain import ORIGIN, Row
from emulator.log.store import LogError, Store
from emulator.log.verify import Verified, verify
from emulator.log.views import VIEWS

LAST = 75
Change = Callable[[sqlite3.Connection], None]


def unguarded(db: sqlite3.Connection, change: Change) -> None:
    """Change a database without its triggers, and put these back so that they cannot betray the change."""
    for name in schema.TRIGGERS:
        db.execute(f"DROP TRIGGER {name}")
    change(db)
    for name, body in schema.TRIGGERS.items():
        db.execute(f"CREATE TRIGGER {name} {body}")


@pytest.fixture
def tampered(small_database: Path, tmp_path: Path) -> Callable[[Change], Verified]:
    """What verify says after a change."""

    def tamper(change: Change) -> Verified:
        path = tmp_path / "tampered.db"
        shutil.copy(small_database, path)
        db = sqlite3.connect(path, isolation_level=None)
        unguarded(db, change)
        db.close()
        with Store(path) as store:
            found, alone = verify(store), verify(store, 1)
        assert found.faults == alone.faults
        assert all(fault.text().isprintable() for fault in found.faults)
        return found

    return tamper


def sql(*statements: str) -> Change:
    return lambda db: [db.execute(statement) for statement in statements] and None


def test_an_untouched_database_is_intact(small_database: Path, tampered: Callable[[Change], Verified]) -> None:
    found = tampered(lambda db: None)
    assert (found.runs, found.events, found.open, found.faults) == (1, LAST, (), ())
    assert found.blobs > 0


@pytest.mark.parametrize("n", [1, 2, 30, LAST - 1, LAST])
@pytest.mark.parametrize(
    "change",
    [
        *("n = n + 1000", "time = time + 1", "due = coalesce(due, 0) + 1", "phone = phone + 1", "kind = kind || ' '"),
        *("cause = coalesce(cause, 0) + 1", "because = '[1,2,3]'", "because = '{' || substr(because, 2)"),
        *("because = '['", "because = ''", "because = 7", "data = data || ' '", "data = replace(data, ':', ': ')"),
        *("link = randomblob(32)", "link = ''", "link = 'text'", "time = 'soon'", "data = x'00'", "kind = 'PowerOn/2'"),
        *("phone = 0.5", "because = '[x]'", "due = 'x'", "cause = x'00'"),
    ],
)
def test_a_changed_field_is_found(tampered: Callable[[Change], Verified], n: int, change: str) -> None:
    assert tampered(sql(f"UPDATE events SET {change} WHERE n = {n}")).faults


def test_text_that_is_not_utf8_is_told(tampered: Callable[[Change], Verified]) -> None:
    with pytest.raises(LogError, match="UTF-8"):
        tampered(sql("UPDATE events SET data = CAST(x'ff' AS TEXT) WHERE n = 30"))


def test_a_changed_field_is_one_fault_at_its_event(tampered: Callable[[Change], Verified]) -> None:
    found = tampered(sql("UPDATE events SET time = time + 1 WHERE n = 30"))
    assert [(fault.run, fault.n) for fault in found.faults] == [(1, 30)]


@pytest.mark.parametrize("n", [1, 2, 40, LAST - 1])
def test_a_missing_event_is_found(tampered: Callable[[Change], Verified], n: int) -> None:
    found = tampered(sql(f"DELETE FROM events WHERE n = {n}"))
    assert (1, n + 1) in [(fault.run, fault.n) for fault in found.faults]
    assert "missing" in found.faults[0].what


@pytest.mark.parametrize("n", [0, 1, 40, LAST - 1])
def test_a_missing_tail_is_found(tampered: Callable[[Change], Verified], n: int) -> None:
    found = tampered(sql(f"DELETE FROM events WHERE n > {n}"))
    assert any(f"events {n + 1} to {LAST} are missing at its end" in fault.what for fault in found.faults)


def test_a_missing_event_is_found_although_the_rest_was_renumbered(tampered: Callable[[Change], Verified]) -> None:
    assert tampered(
        sql(
            "DELETE FROM events WHERE n = 20",
            "UPDATE events SET n = -(n - 1) WHERE n > 20",
            "UPDATE events SET n = abs(n)",
        )
    ).faults


@pytest.mark.parametrize(("one", "other"), [(2, 3), (5, 50), (74, 75)])
def test_swapped_events_are_found(tampered: Callable[[Change], Verified], one: int, other: int) -> None:
    swap = (
        f"UPDATE events SET n = -1 WHERE n = {one}",
        f"UPDATE events SET n = {one} WHERE n = {other}",
        f"UPDATE events SET n = {other} WHERE n = -1",
    )
    found = tampered(sql(*swap))
    assert {one, other} <= {fault.n for fault in found.faults} | {LAST} | ({other} if other == LAST else set())
    assert found.faults


def test_an_event_added_after_the_end_is_found(tampered: Callable[[Change], Verified]) -> None:
    def add(db: sqlite3.Connection) -> None:
        last = Row._make(
            db.execute(
                "SELECT n, time, due, phone, kind, cause, because, data, link FROM events WHERE n = 75"
            ).fetchone()
        )
        new = last._replace(n=76)
        new = new._replace(link=new.link_after(last.link))
        db.execute("INSERT INTO events VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)", new)

    found = tampered(add)
    assert any("after its end" in fault.what for fault in found.faults)


def rechained(db: sqlite3.Connection) -> str:
    """Give every event the link that its content asks for; the new digest."""
    link = ORIGIN
    query = "SELECT n, time, due, phone, kind, cause, because, data, link FROM events ORDER BY n"
    for row in map(Row._make, db.execute(query).fetchall()):
        link = row.link_after(link)
        db.execute("UPDATE events SET link = ? WHERE n = ?", (link, row.n))
    return link.hex()


@pytest.mark.parametrize("chained", [False, True])
def test_an_event_put_in_the_middle_is_found(tampered: Callable[[Change], Verified], chained: bool) -> None:
    def put_in(db: sqlite3.Connection) -> None:
        db.execute("UPDATE events SET n = -(n + 1) WHERE n > 20")
        db.execute("UPDATE events SET n = abs(n)")
        columns = "time, due, phone, kind, cause, because, data, link"
        db.execute(f"INSERT INTO events SELECT run, 21, {columns} FROM events WHERE n = 20")
        if chained:
            rechained(db)

    assert tampered(put_in).faults


def test_a_chain_made_anew_does_not_fit_the_digest_and_a_digest_made_anew_does_not_fit_the_seal(
    tampered: Callable[[Change], Verified],
) -> None:
    def forge(db: sqlite3.Connection) -> None:
        db.execute("UPDATE events SET time = time + 1 WHERE n = 30")
        rechained(db)

    def forge_more(db: sqlite3.Connection) -> None:
        db.execute("UPDATE events SET time = time + 1 WHERE n = 30")
        db.execute("UPDATE runs SET digest = ?", (rechained(db),))

    assert [fault.what for fault in tampered(forge).faults] == ["its last event is not the one it was sealed with"]
    assert [fault.n for fault in tampered(forge_more).faults] == [0]


@pytest.mark.parametrize(
    "change",
    [
        *(
            "header = replace(header, '\"seed\":1', '\"seed\":2')",
            "header = replace(header, 'small world', 'big world')",
        ),
        *(
            "seal = printf('%064d', 0)",
            "seal = ''",
            "digest = printf('%064d', 0)",
            "digest = NULL",
            "events = events - 1",
        ),
        *("outcome = 'failed'", "created = 'yesterday'", "events = events + 1"),
    ],
)
def test_a_changed_description_of_a_run_is_found(tampered: Callable[[Change], Verified], change: str) -> None:
    found = tampered(sql(f"UPDATE runs SET {change}"))
    assert found.faults or found.open == (1,)
    assert found.open == () or change == "seal = ''", "an empty seal is none"


def test_a_run_without_its_seal_is_told_to_be_open(tampered: Callable[[Change], Verified]) -> None:
    assert tampered(sql("UPDATE runs SET seal = NULL")).open == (1,)


@pytest.mark.parametrize("change", ["x'00'", "data || x'00'", "'text'", "5", "zeroblob(0)"])
def test_a_changed_blob_is_found(tampered: Callable[[Change], Verified], change: str) -> None:
    found = tampered(sql(f"UPDATE blobs SET data = {change} WHERE digest = (SELECT max(digest) FROM blobs)"))
    assert any("changed" in fault.what for fault in found.faults)


def test_a_missing_blob_is_found(tampered: Callable[[Change], Verified]) -> None:
    found = tampered(sql("DELETE FROM blobs WHERE digest = (SELECT max(digest) FROM blobs)"))
    assert {"missing" in fault.what for fault in found.faults} == {True}


def test_a_missing_blob_is_found_although_its_reference_is_gone_too(tampered: Callable[[Change], Verified]) -> None:
    assert tampered(sql("DELETE FROM blobs", "DELETE FROM run_blobs")).faults


@pytest.mark.parametrize("name", sorted(schema.TRIGGERS))
def test_a_missing_guard_is_found(small_database: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "bare.db"
    shutil.copy(small_database, path)
    with Store(path) as store:
        store.db.execute(f"DROP TRIGGER {name}")
        assert [fault.what for fault in verify(store).faults] == [f"the guard {name!r} is missing from the database"]
        table = "blobs" if name.startswith("blobs") else "events"
        store.db.execute(f"CREATE TRIGGER {name} AFTER INSERT ON {table} BEGIN SELECT 1; END")
        assert schema.missing_triggers(store.db) == [name], "a guard of that name that does nothing is none"


@pytest.mark.parametrize("table", ["events", "blobs", "runs"])
def test_a_transformed_table_is_told_honestly(small_database: Path, tmp_path: Path, table: str) -> None:
    path = tmp_path / "transformed.db"
    shutil.copy(small_database, path)
    database = Database(sqlite3.connect(path))
    for view in VIEWS:
        database[view].drop()
    with suppress(sqlite3.Error):  # It may refuse such a table, and then nothing may have changed.
        database[table].transform(column_order=["data"] if table != "runs" else ["seal"])
    database.conn.commit()
    database.conn.close()
    with Store(path) as store:
        lost = schema.missing_triggers(store.db)
        told = [fault.what for fault in verify(store).faults]
        assert [f"the guard {name!r} is missing from the database" for name in lost] == told
        for guard, statement in (
            ("events_never_change", "UPDATE events SET time = 0 WHERE n = 5"),
            ("blobs_never_change", "UPDATE blobs SET data = x''"),
            ("runs_are_sealed_once", "UPDATE runs SET digest = ''"),
        ):
            try:
                store.db.execute(statement)
                refused = False
            except sqlite3.IntegrityError:
                refused = True
            assert refused is (guard not in lost)
