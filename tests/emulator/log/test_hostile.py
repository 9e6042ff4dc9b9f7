"""Databases that are none, are damaged, or were made to hurt: one clear line each, in every function that opens one."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.log import schema
from emulator.log.store import LogError, Store
from tools import browse, checking

USES: dict[str, Callable[[Path], object]] = {
    "runs": browse.runs,
    "show": lambda path: browse.show("1", db=path),
    "state": lambda path: browse.state("1", db=path),
    "replay": lambda path: checking.replay("1", db=path),
    "verify": checking.verify,
    "verify one": lambda path: checking.verify("1", db=path),
}
every_use = pytest.mark.parametrize("use", list(USES.values()), ids=list(USES))


def refused(use: Callable[[Path], object], path: Path) -> str:
    with pytest.raises(LogError) as caught:
        use(path)
    text = str(caught.value)
    assert text.isprintable()
    return text


@every_use
@pytest.mark.parametrize(
    "content", [b"", b"\0", b"junk", b"SQLite format 3\0", b"SQLite format 3\0" + b"\xff" * 4096, b"\xff" * 9000]
)
def test_a_file_that_is_no_database(tmp_path: Path, use: Callable[[Path], object], content: bytes) -> None:
    path = tmp_path / "junk.db"
    path.write_bytes(content)
    refused(use, path)
    assert path.read_bytes() == content
    if content:
        with pytest.raises(LogError):
            Store(path, create=True)
        assert path.read_bytes() == content


@every_use
def test_a_path_that_is_no_file(tmp_path: Path, use: Callable[[Path], object]) -> None:
    (tmp_path / "folder.db").mkdir()
    for name in ("folder.db", "none.db", "none/none.db", "a" * 300 + ".db"):
        refused(use, tmp_path / name)


def test_creating_where_none_can_be(tmp_path: Path) -> None:
    for name in ("none/none.db", "a" * 300, "a\0b"):
        with pytest.raises(LogError):
            Store(tmp_path / name, create=True)


@every_use
def test_a_database_of_another_program(tmp_path: Path, use: Callable[[Path], object]) -> None:
    path = tmp_path / "other.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE runs (id)")
    db.commit()
    assert "not an Offhook run database" in refused(use, path)
    db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    db.execute("PRAGMA user_version = 99")
    db.commit()
    assert "format 99" in refused(use, path)
    db.execute(f"PRAGMA user_version = {schema.VERSION}")
    db.commit()
    db.close()
    refused(use, path)


@every_use
@settings(deadline=None, max_examples=25)
@given(part=st.floats(0, 0.999))
def test_a_truncated_database(
    small_database: Path, tmp_path_factory: pytest.TempPathFactory, use: Callable[[Path], object], part: float
) -> None:
    path = tmp_path_factory.mktemp("truncated") / "cut.db"
    whole = small_database.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    try:
        use(path)
    except LogError:
        return
    assert part > 0, "an empty file is no database"


@every_use
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_damaged_database(
    small_database: Path, tmp_path_factory: pytest.TempPathFactory, use: Callable[[Path], object], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "bad.db"
    whole = bytearray(small_database.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        piece = data.draw(st.binary(min_size=1, max_size=60))
        whole[at : at + len(piece)] = piece
    path.write_bytes(whole)
    try:
        use(path)
    except LogError as error:
        text = str(error)
        assert "\n" not in text


def changed(source: Path, target: Path, *statements: str) -> Path:
    shutil.copy(source, target)
    db = sqlite3.connect(target)
    for name in schema.TRIGGERS:
        db.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()
    return target


@every_use
@pytest.mark.parametrize(
    "change",
    [
        *("header = '{'", "header = ''", "header = x'ff'", "header = 5", "header = '{}'", "parent = 1", "parent = 77"),
        *(
            "header = '{\"x\":' || replace(hex(zeroblob(50000)), '0', '[')",
            "upto = 'x'",
            "parent = 'x'",
            "events = 'many'",
        ),
        *(
            "header = replace(header, '\"phones\":1', '\"phones\":1000000000')",
            "outcome = x'00'",
            "digest = x'07'",
            "seal = x'07'",
        ),
        "writer = x'07'",
    ],
)
def test_a_run_whose_description_is_junk(
    small_database: Path, tmp_path: Path, use: Callable[[Path], object], change: str
) -> None:
    path = changed(small_database, tmp_path / "bad.db", f"UPDATE runs SET {change}")
    if change.startswith("parent = ") and use is USES["runs"] and change[-1] != "'":
        use(path)
        return
    refused(use, path)


@every_use
def test_runs_that_are_each_others_parents(small_database: Path, tmp_path: Path, use: Callable[[Path], object]) -> None:
    insert = "INSERT INTO runs (parent, upto, name, header) SELECT 1, 5, name, header FROM runs"
    path = changed(small_database, tmp_path / "loop.db", insert, "UPDATE runs SET parent = 2 WHERE id = 1")
    if use is not USES["runs"]:
        assert "ancestor" in refused(use, path)
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(*) FROM lineage").fetchone()[0] < 20, "the view ends"
    db.close()


@pytest.mark.parametrize("name", ["show", "state", "replay"])
@pytest.mark.parametrize("n", [1, 30])
@pytest.mark.parametrize(
    "change",
    [
        *("because = 7", "because = '[x]'", "because = ''", "time = 'x'", "kind = 7", "data = x'00'", "link = 'x'"),
        *("data = '{'", "data = '{\"x\":' || replace(hex(zeroblob(50000)), '0', '[')", "kind = 'Nothing'", "data = 5"),
        *("data = CAST(x'7bff7d' AS TEXT)", "cause = 'x'", "due = 0.5"),
    ],
)
def test_an_event_that_is_junk(small_database: Path, tmp_path: Path, name: str, n: int, change: str) -> None:
    path = changed(small_database, tmp_path / "bad.db", f"UPDATE events SET {change} WHERE n = {n}")
    try:
        result = USES[name](path)
    except LogError as error:
        text = str(error)
        assert "\n" not in text
    else:
        assert name == "replay"
        assert isinstance(result, checking.ReplayResult)
        assert not result.identical


@pytest.mark.parametrize("name", ["show", "state", "replay"])
@pytest.mark.parametrize("change", ["data = 5", "data = 10000000000000", "data = 'x'"])
def test_a_blob_that_is_none(small_database: Path, tmp_path: Path, name: str, change: str) -> None:
    path = changed(small_database, tmp_path / "bad.db", f"UPDATE blobs SET {change}")
    try:
        result = USES[name](path)
    except LogError as error:
        text = str(error)
        assert "missing" in text
    else:
        assert isinstance(result, checking.ReplayResult)
        assert not result.identical


def test_a_refused_database_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE t (a)")
    db.close()
    for _ in range(3):
        with pytest.raises(LogError):
            Store(path)
    held = [
        os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if os.path.islink(f"/proc/self/fd/{fd}")
    ]
    assert str(path) not in held


@pytest.mark.parametrize("text", ["²", "1@²", "1@٣", "a" * 5000, "\0", "1@", "@1", "1@0", "1@76", "", "1@1@1"])
def test_names_of_runs_that_are_none(small_database: Path, text: str) -> None:
    for use in (browse.show, browse.state, checking.replay):
        if use is checking.replay and "@" in text and text.partition("@")[2] in ("0", "76"):
            continue
        with pytest.raises(LogError):
            use(text, db=small_database)
