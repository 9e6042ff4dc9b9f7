"""The queries of the README: each gives rows, costs no more than the events it is about, and so do all views."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlite_utils.cli import cli

from emulator.log.store import Store
from emulator.log.views import VIEWS
from tools.simulate import run

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scenarios"
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## SQL\n")[2].partition("\n## ")[0]
QUERIES = re.findall(r"```sql\n(.*?)```", SECTION, re.DOTALL)
STEPS_AN_EVENT = 150
"""Of SQLite's machine, for each event of the database; what is quadratic takes as many as there are events."""
STORIES = (
    *("first-boot-option-160", "first-boot-option-160", "dhcp-garbage-first", "http-error-500", "http-silent-server"),
    *("loss-of-thirty-percent", "power-off-during-step-8", "restarted-after-the-call", "tftp-source"),
)
PARENT, UPTO, FORK = 3, 60, len(STORIES) + 1
"""The fork goes on from this event as its parent did."""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each of the stories, and a fork of one of them."""
    path = tmp_path_factory.mktemp("sql") / "offhook.db"
    for seed, name in enumerate(STORIES, 1):
        run(SCENARIOS / f"{name}.toml", db=path, seed=seed)
    with Store(path) as store:
        parent = store.info(PARENT)
        writer = store.begin(parent.header, parent=PARENT, upto=UPTO)
        writer.append(list(store.rows(PARENT, UPTO)), {})
        assert writer.finish("provisioned").id == FORK
    return path


def asked(database: Path, sql: str) -> list[dict[str, Any]]:
    """The rows of a query, as the program of sqlite-utils gives them."""
    result = CliRunner().invoke(cli, ["query", str(database), sql])
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.output)
    return found


def steps(database: Path, sql: str) -> int:
    """What a query costs, in thousands of steps; it is stopped when it costs too much."""
    with closing(sqlite3.connect(database)) as db:
        total = db.execute("SELECT sum(events) FROM runs").fetchone()[0]
        taken = 0

        def step() -> bool:
            nonlocal taken
            taken += 1
            return taken * 1_000 > STEPS_AN_EVENT * total

        db.set_progress_handler(step, 1_000)
        db.execute(sql).fetchall()
        return taken


def test_there_are_ten_queries() -> None:
    assert len(QUERIES) == 10


@pytest.mark.parametrize("sql", QUERIES, ids=[" ".join(sql.split())[:50] for sql in QUERIES])
def test_the_queries_of_the_readme_give_rows(sql: str, database: Path) -> None:
    """With something in every column; none of them reads a run again and again."""
    rows = asked(database, sql)
    assert rows
    assert [name for name in rows[0] if all(row[name] is None for row in rows)] == []
    steps(database, sql)


def test_the_command_of_the_readme_gives_rows(database: Path) -> None:
    """The line with sqlite-utils."""
    (sql,) = re.findall(r'^    sqlite-utils offhook.db "(.*?)" --table$', SECTION, re.MULTILINE)
    assert {row["run"] for row in asked(database, sql)} >= {4}


def test_the_section_names_every_view() -> None:
    """But for the one that only the others use."""
    assert {*re.findall(r"`(\w+)`", SECTION.partition("\n\n`n` is")[0])} & {*VIEWS} == {*VIEWS} - {"lineage"}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_costs_what_its_events_cost(view: str, database: Path) -> None:
    steps(database, f"SELECT * FROM {view}")


@pytest.mark.parametrize("view", [view for view in VIEWS if view not in ("lineage", "runs_overview")])
def test_one_run_costs_less_than_all(view: str, database: Path) -> None:
    """The condition reaches the events of the run."""
    assert 4 * steps(database, f"SELECT * FROM {view} WHERE run = 1") < steps(database, f"SELECT * FROM {view}")


def test_the_limit_can_be_reached(database: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        steps(database, "SELECT count(*) FROM run_events a JOIN run_events b ON a.run = b.run AND a.n + b.n = 7")


@pytest.mark.parametrize("view", [view for view in VIEWS if view not in ("lineage", "runs_overview")])
def test_a_fork_has_what_its_parent_had(view: str, database: Path) -> None:
    """Every view says the same of both."""
    rows = [asked(database, f"select * from {view} where run = {run}") for run in (PARENT, FORK)]
    assert rows[0]
    first, second = (sorted(json.dumps(row | {"run": 0}) for row in found) for found in rows)
    assert first == second


def test_what_the_views_say(database: Path) -> None:
    """Of runs whose story is known."""
    (first,) = asked(database, "select * from provisioning_runs where run = 1")
    assert (first["started_by"], first["outcome"], first["source"]) == ("start", "provisioned", "DHCP option 160")
    assert (first["took"], first["since_power_on"]) == (5.1601, 5.1641)
    cut = asked(database, "select n, ended, outcome from provisioning_runs where run = 7")
    assert [row["outcome"] for row in cut] == [None, "provisioned"], "the power went in the first"
    failed = asked(database, "select distinct outcome, status from downloads where run = 4")
    assert failed == [{"outcome": "complete", "status": 200}, {"outcome": "http-status", "status": 500}]
    assert {row["milliseconds"] for row in asked(database, "select * from http_exchanges where run = 5")} == {30_004.0}
    messages = asked(database, "select distinct protocol, message from packets where run = 1 and protocol <> 'syslog'")
    assert [tuple(row.values()) for row in messages] == [
        *(("DHCP", "DISCOVER"), ("DHCP", "OFFER"), ("DHCP", "REQUEST"), ("DHCP", "ACK")),
        *(("SIP", "SUBSCRIBE sip:MAC%3a0080F0123456@224.0.1.75 SIP/2.0"), ("SNTP", None)),
    ]
    transfer = asked(database, "select distinct message from packets where run = 9 and protocol = 'TFTP'")
    assert {row["message"] for row in transfer} == {"RRQ", "DATA", "ACK", "ERROR"}
    (refused,) = asked(database, "select distinct kind, what, reason from refusals where run = 3")
    assert refused == {"kind": "PacketRefused", "what": "DHCP", "reason": "bad-magic"}
    wear = asked(
        database, "select sum(bytes) as bytes, sum(kind = 'FlashErased') as erased from flash_ops where run = 1"
    )
    programmed = asked(database, "select data from run_events where run = 1 and kind = 'FlashProgrammed'")
    assert wear[0]["erased"] == 4
    assert wear[0]["bytes"] > 2_571
    assert len(programmed) > 10
    overview = asked(database, f"select * from runs_overview where run in ({PARENT}, {FORK})")
    assert [row["parent"] for row in overview] == [None, PARENT]
    assert overview[0]["seconds"] == overview[1]["seconds"] > 10


def test_datasette_shows_every_view(database: Path) -> None:
    """As JSON, with at least one row each."""
    app = pytest.importorskip("datasette.app", reason="datasette is not installed")

    async def seen() -> dict[str, int]:
        served = app.Datasette([str(database)])
        found = {}
        for view in VIEWS:
            answer = await served.client.get(f"/offhook/{view}.json?_size=1")
            assert answer.status_code == 200, answer.text
            found[view] = len(answer.json()["rows"])
        return found

    assert asyncio.run(seen()) == dict.fromkeys(VIEWS, 1)
