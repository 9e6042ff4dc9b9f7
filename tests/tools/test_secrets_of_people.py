"""What people type and what an export holds is in the log, and is hidden wherever the log is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emulator.events.codec import BLOB_FROM
from emulator.phone.catalogue import catalogue
from emulator.phone.configfile import Entry, write
from emulator.world.scenario import ActionSpec, PhoneSpec, Scenario
from tests.emulator.phone.bench import seconds
from tools.cli import main
from tools.simulate import run

SECRET = "s3cr3t-of-joe"
URL = f"http://joe:{SECRET}@192.0.2.20/"
MANY = [Entry(f"DISPLAY_NAME/{line}", "x" * 400) for line in range(1, 7)]


def offhook(*arguments: str) -> Result:
    """Call the command."""
    return CliRunner().invoke(main, list(arguments))


def imported(large: bool) -> bytes:
    """A file that sets every secret parameter to the same password, and a URL with that password in it."""
    tags = [p.tag + "/1" * p.per_line for p in catalogue() if p.secret and p.check(SECRET) is None]
    assert len(tags) > 5
    return write([*(Entry(key, SECRET) for key in tags), Entry("USR_PROV_SVR_URL", URL), *(MANY if large else ())])


@pytest.fixture(params=[False, True], ids=["in the event", "as a blob"])
def database(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A run in which the password goes every way that people have."""
    body = imported(request.param)
    assert (len(body) > BLOB_FROM) is request.param
    at = iter(range(1, 60))
    actions = (
        ActionSpec(seconds(next(at)), "web", "ADMIN_PASS", SECRET, level="A", password="adminpass"),
        ActionSpec(seconds(next(at)), "import", file="x.cfg", password=SECRET),
        ActionSpec(seconds(next(at)), "export", password=SECRET),
        ActionSpec(seconds(next(at)), "page", page="System/LoginAcc", password=SECRET),
        ActionSpec(seconds(next(at)), "page", page="System/Prov"),
        ActionSpec(seconds(next(at)), "export", password=f"{SECRET}-wrong"),
        ActionSpec(seconds(next(at)), "factory-reset", password=SECRET),
    )
    phone = PhoneSpec(provisioned={"SIPPNP_ENABLE": "N"})
    path = tmp_path / "runs.db"
    run(Scenario("x", phone=phone, action=actions, content={"x.cfg": body}), db=path)
    return str(path)


SHOWN = ("show 1", "show 1 --brief", "show 1 --json", "state 1@40", "state 1@40 --json")
DRAWN = ("export 1 --to mermaid", "export 1 --to perfetto -o -", "export 1 --to html -o -")


@pytest.mark.parametrize("what", [*SHOWN, *DRAWN])
def test_nothing_that_is_shown_holds_a_password(database: str, what: str) -> None:
    result = offhook(*what.split(), "--db", database)
    assert result.exit_code == 0
    assert SECRET not in result.stdout


@pytest.mark.parametrize("kind", ["ImportOffered", "SettingsExported"])
def test_a_body_is_masked_parameter_by_parameter(database: str, kind: str) -> None:
    (entry,) = json.loads(offhook("show", "1", "--json", "--kind", kind, "--db", database).stdout)
    body = entry["data"]["body"]
    assert "<ADMIN_PASS>***</ADMIN_PASS>" in body
    assert "<USER_PASS>***</USER_PASS>" in body
    assert "joe:*" in body
    assert SECRET not in body
    (entry,) = json.loads(offhook("show", "1", "--json", "--secrets", "--kind", kind, "--db", database).stdout)
    assert entry["data"]["body"].count(SECRET) > 6


@pytest.mark.parametrize(
    "kind", ["PageSubmitted", "PageOpened", "ExportRequested", "ImportOffered", "FactoryResetRequested"]
)
def test_what_was_typed_to_log_in_is_masked(database: str, kind: str) -> None:
    shown = json.loads(offhook("show", "1", "--json", "--kind", kind, "--db", database).stdout)
    assert {entry["data"]["password"] for entry in shown} <= {"***", None}
    assert "***" in {entry["data"]["password"] for entry in shown}
    assert [entry["data"].get("value") for entry in shown if kind == "PageSubmitted"] in ([], ["***"])


def test_an_exported_run_says_what_it_holds(database: str, tmp_path: Path) -> None:
    result = offhook("export", "1", "-o", str(tmp_path / "case.jsonl"), "--db", database)
    told = result.stderr.strip()
    assert told.startswith("it holds secrets: ADMIN_PASS, ")
    assert "configuration files" in told
    assert "passwords of accounts" in told


def test_it_verifies_and_replays(database: str) -> None:
    assert offhook("verify", "--db", database).exit_code == 0
    assert offhook("replay", "--all", "--db", database).exit_code == 0
