"""The run database: one SQLite file, append-only, hash-chained.

It opens in sqlite-utils and Datasette as it is. Rows go in by ``executemany`` in batches; a run that ends is sealed
with its length and digest. A run without a seal whose writer is gone was cut off, and is readable to its last event.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

from attrs import frozen

from emulator.events.codec import EventDecoder
from emulator.events.masking import printable
from emulator.log import header as headers
from emulator.log import schema, writer
from emulator.log.chain import BECAUSE, ORIGIN, Row
from emulator.log.header import Header

if TYPE_CHECKING:
    from sqlite_utils import Database

BATCH = 2_000
"""Rows that a writer gathers before it commits by itself."""
BUSY_MS = 10_000
"""How long one process waits for another that is writing."""
_ROW = "n, time, due, phone, kind, cause, because, data, link"
_TEXT, _NUMBER, _NONE = str, int, type(None)
_SHAPES = frozenset(
    (_NUMBER, _NUMBER, due, _NUMBER, _TEXT, cause, _TEXT, _TEXT, bytes)
    for due in (_NUMBER, _NONE)
    for cause in (_NUMBER, _NONE)
)
"""What a row can hold: a database from elsewhere may hold anything in any column."""


DAMAGE = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises for a damaged database; its messages quote what it read, which need not be UTF-8."""
_MAGIC = b"SQLite format 3\0"


class LogError(ValueError):
    """A database, a run or a log file that cannot be used; the text is one line for a person."""


class RowError(LogError):
    """A row of the table of events that no program of ours wrote. run, n: which."""

    def __init__(self, path: Path, run: int, n: object) -> None:
        self.run, self.n = run, n if isinstance(n, int) else 0
        super().__init__(f"{path}: run {run}, event {self.n}: is not a row of a log")


@frozen
class RunInfo:
    """One run. digest: None while it is open; state: ``finished``, ``running`` or ``cut off``."""

    id: int
    parent: int | None
    upto: int
    header: Header
    created: str
    events: int
    digest: str | None
    outcome: str
    state: str
    seal: str | None


class Store:
    """A run database that is open. Use it as a context manager, or close it."""

    def __init__(self, path: str | Path, *, create: bool = False) -> None:
        """Open ``path``; with ``create``, make it if it is not there. Raises LogError."""
        self.path = Path(path)
        try:
            if not self.path.exists() and not create:
                raise LogError(f"{path}: there is no such run database; `offhook run SCENARIO` makes one")
            if self.path.is_dir():
                raise LogError(f"{path} is a directory, not a run database")
            if self.path.exists():
                with self.path.open("rb") as file:
                    if file.read(len(_MAGIC)) not in (b"", _MAGIC):
                        raise LogError(f"{path}: is not an Offhook run database")
            self.db = self._connect(create)
        except sqlite3.Error as error:
            raise LogError(explained(path, error)) from None
        except OSError as error:
            raise LogError(f"{path}: {(error.strerror or 'cannot be opened').lower()}") from None
        except LogError:
            raise
        except ValueError:
            raise LogError(f"{printable(str(path))}: no file can have such a name") from None
        try:
            self._prepare(create)
        except BaseException as error:
            self.db.close()
            if isinstance(error, DAMAGE):
                raise LogError(explained(path, error)) from None
            raise

    def _connect(self, create: bool) -> sqlite3.Connection:
        """A connection. A new file is its owner's only, since a log holds secrets; what cannot be written is read."""
        if create and not self.path.exists() and str(self.path) != ":memory:":
            self.path.touch(mode=0o600)
        place = str(self.path)
        if not create and not os.access(self.path.parent, os.W_OK):
            if self.path.with_name(self.path.name + "-wal").exists():
                raise LogError(f"{place}: has a -wal file beside it, so it can only be read where it can be written")
            place = f"{self.path.absolute().as_uri()}?immutable=1"
        return sqlite3.connect(place, isolation_level=None, timeout=BUSY_MS / 1000, uri="://" in place)

    def _prepare(self, create: bool) -> None:
        if create and not self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            try:
                self.db.execute("PRAGMA auto_vacuum = INCREMENTAL")
                self._use_wal()
                schema.create(self.db)
            except sqlite3.OperationalError:
                # Another process made it between our look and now.
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
        found = self.db.execute("PRAGMA application_id").fetchone()[0]
        if found != schema.APPLICATION_ID:
            raise LogError(f"{self.path}: is not an Offhook run database")
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        if version != schema.VERSION:
            raise LogError(f"{self.path}: has format {version}, this program reads format {schema.VERSION}")
        self.db.execute("PRAGMA synchronous = NORMAL")
        try:
            schema.refresh(self.db)
        except sqlite3.OperationalError:
            # It is read where it cannot be written, or another process is writing: it serves as it is.
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")

    def has(self, table: str) -> bool:
        """Whether the database has a table; one of an earlier release that cannot be written lacks some."""
        return bool(self.ask("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)))

    def _use_wal(self) -> None:
        """Switch a new database to write-ahead logging; for this alone SQLite itself does not wait for others."""
        for tries_left in range(100, -1, -1):
            try:
                self.db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:
                if not tries_left:
                    raise
                sleep(BUSY_MS / 1000 / 100)
            else:
                return

    @cached_property
    def tables(self) -> Database:
        """The database as sqlite-utils sees it, which takes its time to be imported."""
        from sqlite_utils import Database

        return Database(self.db, execute_plugins=False)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    # --- writing ----------------------------------------------------------------------------------------------------

    def begin(
        self,
        header: Header,
        *,
        created: str = "",
        parent: int | None = None,
        upto: int = 0,
        scenario: bytes | None = None,
    ) -> RunWriter:
        """Start a run. created: when, as text for people; parent, upto: the run and event it goes on from; scenario:
        what it is made from, in one piece (:mod:`emulator.world.packing`)."""
        cursor = self._execute(
            "INSERT INTO runs (parent, upto, name, header, created, writer) VALUES (?, ?, ?, ?, ?, ?)",
            (parent, upto, header.name, headers.encode(header), created, writer.me()),
        )
        run = int(cursor.lastrowid or 0)
        if scenario is not None:
            self.keep_scenario(run, scenario)
        return RunWriter(self, run, upto)

    def keep_scenario(self, run: int, scenario: bytes) -> None:
        """Note what a run is made from. Raises LogError."""
        digest = sha256(scenario).hexdigest()
        self._execute("INSERT INTO blobs VALUES (?, ?)", (digest, scenario))
        self._execute("INSERT OR IGNORE INTO run_blobs VALUES (?, ?)", (run, digest))
        self._execute("INSERT INTO scenarios VALUES (?, ?)", (run, digest))

    def scenario(self, run: int) -> bytes | None:
        """What a run is made from; None if that was not kept. Raises LogError."""
        if not self.has("scenarios"):
            return None
        for (digest,) in self.ask("SELECT digest FROM scenarios WHERE run = ?", (run,)):
            try:
                return self.blob(digest)
            except KeyError:
                raise LogError(f"{self.path}: run {run}: its scenario is missing") from None
        return None

    def _execute(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        try:
            return self.db.execute(sql, values)
        except DAMAGE as error:
            raise LogError(explained(self.path, error)) from None

    def change(self, sql: str, values: tuple[object, ...] = ()) -> None:
        """Carry out a statement on a table beside the log, such as a cache. Raises LogError."""
        self._execute(sql, values)

    def ask(self, sql: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Every row that a query gives. Raises LogError."""
        return list(self.each(sql, values))

    def each(self, sql: str, values: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """:meth:`ask`, one row at a time."""
        try:
            yield from self.db.execute(sql, values)
        except DAMAGE as error:
            raise LogError(explained(self.path, error)) from None

    def remove(self, run: int) -> bool:
        """Remove a whole run; True if its events are gone, False if a fork still uses them (then it is only hidden).

        The file gives back the room. Raises LogError if it is still being written.
        """
        info = self.info(run)
        if info.state == "running":
            raise LogError(f"run {run} is still being written")
        self._execute("BEGIN IMMEDIATE")
        try:
            self.db.execute("UPDATE runs SET hidden = 1 WHERE id = ?", (run,))
            gone = self._collect()
            self.db.execute("COMMIT")
            self.db.executescript("PRAGMA incremental_vacuum")  # execute would free one page only
        except DAMAGE as error:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise LogError(explained(self.path, error)) from None
        return run in gone

    def _collect(self) -> set[int]:
        """Delete hidden runs that no other run goes on from, and blobs that no run uses."""
        gone: set[int] = set()
        unused = "SELECT id FROM runs r WHERE hidden = 1 AND NOT EXISTS (SELECT 1 FROM runs c WHERE c.parent = r.id)"
        while found := [row[0] for row in self.db.execute(unused)]:
            for run in found:
                self.db.execute("UPDATE runs SET removing = 1 WHERE id = ?", (run,))
                for table in filter(self.has, ("events", "snapshots", "scenarios", "run_blobs")):
                    self.db.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
                self.db.execute("DELETE FROM runs WHERE id = ?", (run,))
                gone.add(run)
        self.db.execute("DELETE FROM blobs WHERE digest NOT IN (SELECT digest FROM run_blobs)")
        return gone

    # --- reading ----------------------------------------------------------------------------------------------------

    def runs(self) -> list[RunInfo]:
        """Every run that was not removed, oldest first."""
        found = self.ask("SELECT id FROM runs WHERE hidden = 0 ORDER BY id")
        return [self.info(run) for (run,) in found]

    def info(self, run: int) -> RunInfo:
        """What is known of a run. Raises LogError if there is none of this id."""
        found = self.ask(
            "SELECT upto, header, created, outcome, parent, events, writer, digest, seal FROM runs WHERE id = ?", (run,)
        )
        if not found:
            raise LogError(f"{self.path}: there is no run {run}; `offhook runs` lists them")
        upto, header, created, outcome, parent, events, writing, digest, seal = found[0]
        numbers, texts = (upto, parent or 0, events or 0), (header, created, outcome, *(writing or "", digest or ""))
        if not all(type(v) is int for v in numbers) or not all(type(v) is str for v in (*texts, seal or "")):
            raise LogError(f"{self.path}: run {run} is not described as a run is")
        state = "finished" if seal else "running" if writer.is_alive(writing) else "cut off"
        if events is None:
            events = self.ask("SELECT max(n) FROM events WHERE run = ? AND typeof(n) = 'integer'", (run,))[0][0] or upto
        try:
            read = headers.decode(header)
        except ValueError as error:
            raise LogError(f"{self.path}: run {run}: {error}") from None
        return RunInfo(run, parent, upto, read, created, events, digest, outcome, state, seal)

    def find(self, text: str) -> RunInfo:
        """The run that ``text`` names: an id, or the start of a digest (the newest of equal runs). Raises LogError."""
        if text.isascii() and text.isdigit() and len(text) < 10:
            run = int(text)
            if self.ask("SELECT 1 FROM runs WHERE id = ? AND hidden", (run,)):
                raise LogError(f"{self.path}: run {run} was removed; only forks still use its events")
            return self.info(run)
        lower = text.lower()
        if len(lower) < 6 or any(c not in "0123456789abcdef" for c in lower):
            raise LogError(f"{text!r} is no run: give its number, or at least six digits of its digest")
        found = self.ask(
            "SELECT id, digest FROM runs WHERE digest GLOB ? AND hidden = 0 ORDER BY id DESC", (lower + "*",)
        )
        if not found:
            raise LogError(f"{self.path}: there is no run whose digest starts with {text}; `offhook runs` lists them")
        if len({digest for _, digest in found}) > 1:
            raise LogError(f"several runs start with {text}: {', '.join(str(run) for run, _ in found)}")
        return self.info(found[0][0])

    def segments(self, run: int) -> list[tuple[int, int, int]]:
        """Where the events of ``run`` lie: (run, after n, up to n), oldest first. A fork shares its parent's prefix."""
        found: list[tuple[int, int, int]] = []
        high = 1 << 62
        seen: set[int] = set()
        at: int | None = run
        while at is not None:
            if at in seen:
                raise LogError(f"{self.path}: run {run} is its own ancestor")
            seen.add(at)
            rows = self.ask("SELECT parent, upto FROM runs WHERE id = ?", (at,))
            if not rows:
                raise LogError(f"{self.path}: run {run} goes on from run {at}, which is missing")
            parent, upto = rows[0]
            if not isinstance(upto, int) or not isinstance(parent, int | None):
                raise LogError(f"{self.path}: run {at} is not described as a run is")
            found.append((at, upto, high))
            at, high = parent, min(high, upto)
        return found[::-1]

    def rows(self, run: int, after: int = 0, upto: int | None = None, phone: int | None = None) -> Iterator[Row]:
        """The rows of ``run`` with after < n <= upto, in order; only those of ``phone`` if given. Raises LogError."""
        last = 1 << 62 if upto is None else upto
        only = "" if phone is None else " AND phone = :phone"
        sql = f"SELECT {_ROW} FROM events WHERE run = :run AND n > :low AND n <= :high{only} ORDER BY n"
        for source, low, high in self.segments(run):
            first, end = max(low, after), min(high, last)
            if first >= end:
                continue
            values = {"run": source, "low": first, "high": end, "phone": phone}
            try:
                for row in map(Row._make, self.db.execute(sql, values)):
                    if tuple(map(type, row)) not in _SHAPES or not BECAUSE(row.because):
                        raise RowError(self.path, run, row.n)
                    yield row
            except DAMAGE as error:
                raise LogError(explained(self.path, error)) from None
            except OverflowError:
                raise LogError(f"{self.path}: such a number is in no run") from None

    def link(self, run: int, n: int) -> bytes:
        """The chain link of event ``n`` of ``run``; the origin for 0. Raises LogError if there is no such event."""
        if n == 0:
            return ORIGIN
        for row in self.rows(run, n - 1, n):
            return row.link
        raise LogError(f"{self.path}: run {run} has no event {n}")

    def blob(self, digest: str) -> bytes:
        """The bytes of a blob. Raises KeyError if it is not there."""
        found = self.ask("SELECT data FROM blobs WHERE digest = ? AND typeof(data) = 'blob'", (digest,))
        if not found or not isinstance(found[0][0], bytes):
            raise KeyError(digest)
        return found[0][0]

    def decoder(self) -> EventDecoder:
        """Decodes events of this database."""
        return EventDecoder(self.blob)

    def snapshot(self, run: int, phone: int, n: int, key: str) -> tuple[int, bytes] | None:
        """The newest snapshot of ``phone`` at or before event ``n``, as (event, state), made by code with this key."""
        best: tuple[int, bytes] | None = None
        sql = """SELECT n, state FROM snapshots WHERE run = ? AND phone = ? AND n <= ? AND key = ?
                 ORDER BY n DESC LIMIT 1"""
        for source, _, high in self.segments(run):
            for at, state in self.ask(sql, (source, phone, min(n, high), key)):
                if best is None or at > best[0]:
                    best = (at, state)
        return best


class RunWriter:
    """Appends to one run; the :class:`~emulator.log.chain.Sink` of a run that is stored."""

    def __init__(self, store: Store, run: int, upto: int = 0) -> None:
        self.store = store
        self.run = run
        self.upto = upto
        self._rows: list[tuple[Any, ...]] = []
        self._blobs: dict[str, bytes] = {}
        self._snapshots: list[tuple[object, ...]] = []

    def append(self, rows: list[Row], blobs: dict[str, bytes]) -> None:
        """Take a batch; it is durable after the next :meth:`flush`."""
        run = (self.run,)
        self._rows += [run + row for row in rows]
        if blobs:
            self._blobs.update(blobs)
        if len(self._rows) >= BATCH:
            self.flush()

    def keep(self, phone: int, n: int, key: str, state: bytes) -> None:
        """Keep a snapshot, a cache that :func:`~emulator.world.recorded.state_at` starts from."""
        self._snapshots.append((self.run, phone, n, key, state))

    def flush(self) -> None:
        """Commit everything taken so far. Raises LogError.

        Interrupted at any point (Ctrl-C), nothing is lost and nothing is written twice: the next flush goes on.
        """
        if not self._rows and not self._snapshots:
            return
        db = self.store.db
        try:
            db.execute("BEGIN IMMEDIATE")
            self._write(db)
            db.execute("COMMIT")
        except BaseException as error:
            self._recover(db)
            if isinstance(error, DAMAGE):
                raise LogError(explained(self.store.path, error)) from None
            raise
        self._rows, self._blobs, self._snapshots = [], {}, []

    def _write(self, db: sqlite3.Connection) -> None:
        if self._blobs:
            db.executemany("INSERT INTO blobs VALUES (?, ?)", self._blobs.items())
            uses = [(self.run, digest) for digest in self._blobs]
            db.executemany("INSERT OR IGNORE INTO run_blobs VALUES (?, ?)", uses)
        db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", self._rows)
        if self._snapshots:
            db.executemany("INSERT OR IGNORE INTO snapshots VALUES (?, ?, ?, ?, ?)", self._snapshots)

    def _recover(self, db: sqlite3.Connection) -> None:
        """After a failed flush: no transaction is open, and what did get committed is not kept for the next one."""
        if db.in_transaction:
            db.execute("ROLLBACK")
        written = self.store.ask("SELECT coalesce(max(n), 0) FROM events WHERE run = ?", (self.run,))[0][0]
        self._rows = [row for row in self._rows if row[1] > written]

    def leave(self) -> None:
        """Commit, and stop writing without a seal: the run was cut off."""
        self.flush()
        self.store._execute("UPDATE runs SET writer = NULL WHERE id = ?", (self.run,))

    def abandon(self) -> None:
        """Take the run back, as if it had never begun."""
        self._rows, self._blobs, self._snapshots = [], {}, []
        self.leave()
        self.store.remove(self.run)

    def finish(self, outcome: str = "") -> RunInfo:
        """Commit, and seal the run with its length and digest."""
        self.flush()
        store = self.store
        info = store.info(self.run)
        digest = store.link(self.run, info.events).hex()
        start = store.link(self.run, self.upto)
        sealed = headers.seal(info.header, start, info.events, digest, outcome, info.created)
        store._execute(
            "UPDATE runs SET events = ?, digest = ?, outcome = ?, seal = ?, writer = NULL WHERE id = ?",
            (info.events, digest, outcome, sealed, self.run),
        )
        return store.info(self.run)


def explained(path: str | Path, error: Exception) -> str:
    """One line about an error of SQLite."""
    text = "malformed text" if isinstance(error, UnicodeError) else printable(str(error))
    if "not a database" in text:
        return f"{path}: is not an Offhook run database"
    if "malformed" in text or "disk I/O" in text:
        return f"{path}: the database is damaged ({text})"
    if "locked" in text or "busy" in text:
        return f"{path}: another process has been writing for {BUSY_MS // 1000} s; try again later"
    if "unable to open" in text:
        return f"{path}: cannot be opened; is the folder there, and may you write to it?"
    return f"{path}: {text}"
