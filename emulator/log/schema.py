"""The tables and triggers of a run database; its views are in :mod:`emulator.log.views`.

Append-only is enforced here: triggers refuse UPDATE, DELETE and any INSERT that is not the next event of an unsealed
run, however it is spelled. Only whole runs can go, by way of ``runs.removing``.
"""

from __future__ import annotations

import sqlite3

from emulator.log.views import VIEWS

APPLICATION_ID = 0x0FF4_00C1
"""Stands in the database header, so that the file names its maker."""
VERSION = 1

TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    parent INTEGER REFERENCES runs(id),
    upto INTEGER NOT NULL DEFAULT 0,
    name TEXT NOT NULL,
    header TEXT NOT NULL,
    created TEXT NOT NULL DEFAULT '',
    writer TEXT,
    events INTEGER,
    digest TEXT,
    seal TEXT,
    outcome TEXT NOT NULL DEFAULT '',
    hidden INTEGER NOT NULL DEFAULT 0,
    removing INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE events (
    run INTEGER NOT NULL REFERENCES runs(id),
    n INTEGER NOT NULL,
    time INTEGER NOT NULL,
    due INTEGER,
    phone INTEGER NOT NULL,
    kind TEXT NOT NULL,
    cause INTEGER,
    because TEXT NOT NULL,
    data TEXT NOT NULL,
    link BLOB NOT NULL,
    PRIMARY KEY (run, n)
) WITHOUT ROWID;
CREATE TABLE blobs (
    digest TEXT PRIMARY KEY,
    data BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE run_blobs (
    run INTEGER NOT NULL REFERENCES runs(id),
    digest TEXT NOT NULL REFERENCES blobs(digest),
    PRIMARY KEY (run, digest)
) WITHOUT ROWID;
CREATE TABLE snapshots (
    run INTEGER NOT NULL REFERENCES runs(id),
    phone INTEGER NOT NULL,
    n INTEGER NOT NULL,
    key TEXT NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (run, phone, n)
) WITHOUT ROWID;
"""

BESIDE = {
    "scenarios": """(
        run INTEGER PRIMARY KEY REFERENCES runs(id),
        digest TEXT NOT NULL REFERENCES blobs(digest))""",
    "campaigns": """(
        name TEXT PRIMARY KEY,
        about TEXT NOT NULL,
        base BLOB NOT NULL,
        state TEXT NOT NULL,
        created TEXT NOT NULL DEFAULT '')""",
    "corpus": """(
        campaign TEXT NOT NULL REFERENCES campaigns(name),
        n INTEGER NOT NULL,
        about TEXT NOT NULL,
        scenario BLOB NOT NULL,
        PRIMARY KEY (campaign, n))""",
    "findings": """(
        campaign TEXT NOT NULL REFERENCES campaigns(name),
        signature TEXT NOT NULL,
        about TEXT NOT NULL,
        scenario BLOB NOT NULL,
        shrunk BLOB,
        PRIMARY KEY (campaign, signature))""",
    "accepted": """(
        signature TEXT PRIMARY KEY,
        cause TEXT NOT NULL,
        code TEXT NOT NULL,
        note TEXT NOT NULL DEFAULT '',
        created TEXT NOT NULL DEFAULT '')""",
}
"""Tables beside the log, which a database of an earlier release lacks and gets when it is opened for writing:
what runs are made from, campaigns with their corpus and findings, and the changes of behaviour that were meant."""

TRIGGERS = {
    "events_never_change": """
        BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END""",
    "events_go_with_their_run": """
        BEFORE DELETE ON events WHEN (SELECT removing FROM runs WHERE id = OLD.run) IS NOT 1
        BEGIN SELECT RAISE(ABORT, 'events are never deleted; remove the whole run'); END""",
    "events_come_in_order": """
        BEFORE INSERT ON events WHEN NEW.n IS NOT (
            SELECT 1 + coalesce((SELECT max(n) FROM events WHERE run = NEW.run), upto)
            FROM runs WHERE id = NEW.run AND seal IS NULL)
        BEGIN SELECT RAISE(ABORT, 'only the next event of an open run can be added'); END""",
    "blobs_never_change": """
        BEFORE UPDATE ON blobs BEGIN SELECT RAISE(ABORT, 'blobs are never changed'); END""",
    "blobs_are_written_once": """
        BEFORE INSERT ON blobs WHEN EXISTS (SELECT 1 FROM blobs WHERE digest = NEW.digest)
        BEGIN SELECT RAISE(IGNORE); END""",
    "blobs_stay_while_used": """
        BEFORE DELETE ON blobs WHEN EXISTS (SELECT 1 FROM run_blobs WHERE digest = OLD.digest)
        BEGIN SELECT RAISE(ABORT, 'a run uses this blob'); END""",
    "run_blobs_never_change": """
        BEFORE UPDATE ON run_blobs BEGIN SELECT RAISE(ABORT, 'references are never changed'); END""",
    "run_blobs_go_with_their_run": """
        BEFORE DELETE ON run_blobs WHEN (SELECT removing FROM runs WHERE id = OLD.run) IS NOT 1
        BEGIN SELECT RAISE(ABORT, 'a run keeps its blobs'); END""",
    "runs_are_sealed_once": """
        BEFORE UPDATE OF parent, upto, name, header, created, events, digest, seal, outcome ON runs
        WHEN OLD.seal IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'a sealed run is never changed'); END""",
    "runs_keep_their_number": """
        BEFORE UPDATE OF id ON runs BEGIN SELECT RAISE(ABORT, 'a run keeps its number'); END""",
    "runs_are_not_replaced": """
        BEFORE INSERT ON runs WHEN EXISTS (SELECT 1 FROM runs WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'a run is never replaced'); END""",
    "removing_goes_through": """
        BEFORE UPDATE OF removing ON runs WHEN OLD.removing = 1
        BEGIN SELECT RAISE(ABORT, 'a removal is never taken back'); END""",
    "runs_are_removed_whole": """
        BEFORE DELETE ON runs WHEN OLD.removing IS NOT 1
        BEGIN SELECT RAISE(ABORT, 'use runs --rm'); END""",
    "runs_leave_nothing": """
        AFTER DELETE ON runs WHEN EXISTS (SELECT 1 FROM events WHERE run = OLD.id)
        BEGIN SELECT RAISE(ABORT, 'events would be left'); END""",
}
"""Trigger name to its body. :func:`missing_triggers` says which of them a database has lost."""


def create(db: sqlite3.Connection) -> None:
    """Make everything in an empty database, in one transaction."""
    triggers = "".join(f"CREATE TRIGGER {name} {body};\n" for name, body in TRIGGERS.items())
    views = "".join(f"CREATE VIEW {name} AS {body};\n" for name, body in VIEWS.items())
    beside = "".join(f"CREATE TABLE {name} {body};\n" for name, body in BESIDE.items())
    pragmas = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
    db.executescript(f"BEGIN IMMEDIATE;{TABLES}{beside}{triggers}{views}{pragmas}COMMIT;")


def refresh(db: sqlite3.Connection) -> None:
    """Give a database of an earlier release the tables beside the log and today's views; none of these holds events.

    Raises sqlite3.Error if it cannot be written.
    """
    found = {name: " ".join((sql or "").split()) for name, sql in db.execute("SELECT name, sql FROM sqlite_master")}
    lines = [f"CREATE TABLE {name} {body};" for name, body in BESIDE.items() if name not in found]
    for name, body in VIEWS.items():
        line = f"CREATE VIEW {name} AS {body}"
        if found.get(name) != " ".join(line.split()):
            lines.append(f"DROP VIEW IF EXISTS {name}; {line};")
    if lines:
        db.executescript(f"BEGIN IMMEDIATE;{''.join(lines)}COMMIT;")


def missing_triggers(db: sqlite3.Connection) -> list[str]:
    """The triggers that this database should have and has not, or has in another form."""
    found = {
        name: " ".join(sql.split())
        for name, sql in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    }
    wanted = {name: " ".join(f"CREATE TRIGGER {name} {body}".split()) for name, body in TRIGGERS.items()}
    return [name for name, sql in wanted.items() if found.get(name) != sql]
