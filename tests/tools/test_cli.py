"""The command line as its users meet it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emulator.log.store import Store
from tools.cli import main
from tools.simulate import run

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
DEMO = str(SCENARIOS / "first-boot-option-160.toml")
OFFHOOK = str(Path(sys.executable).with_name("offhook"))
SECRETS = ("only-a-sample", "also-a-sample")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with the demo's run."""
    path = tmp_path_factory.mktemp("cli") / "runs.db"
    run(DEMO, db=path)
    return str(path)


def offhook(*arguments: str) -> Result:
    """Call the command."""
    return CliRunner().invoke(main, list(arguments))


def test_run_json_has_the_agreed_fields() -> None:
    """One object with run, digest, outcome, events, virtual_ns, expectations."""
    found = json.loads(offhook("run", DEMO, "--json", "--no-store").stdout)
    assert found["outcome"] == "provisioned"
    assert found["run"] is None
    assert found["virtual_ns"] == 20_000_000_000
    assert len(found["digest"]) == 64
    assert found["events"] == 143
    assert all(verdict["holds"] for verdict in found["expectations"])


def test_a_failed_expectation_is_exit_code_1(tmp_path: Path) -> None:
    """And is told with what was found."""
    path = tmp_path / "case.toml"
    path.write_text('title = "x"\n[[dhcp]]\n[expect]\noutcome = "provisioned"\n')
    result = offhook("run", str(path), "--no-store", "-q")
    assert result.exit_code == 1
    assert 'not so: outcome is "provisioned"; found "failed"' in result.stdout


@pytest.mark.parametrize(
    ("until", "last"),
    [("8", "HttpRequested"), ("ConfigurationSaved", "LookupRequested"), ("1s", "DatagramLost")],
)
def test_until(until: str, last: str, tmp_path: Path) -> None:
    """A step, an event kind, a time; the run ends settled."""
    path = str(tmp_path / "runs.db")
    assert offhook("run", DEMO, "--until", until, "--db", path, "-q").exit_code == 0
    shown = json.loads(offhook("show", "1", "--json", "--db", path).stdout)
    assert shown[-1]["kind"] == last


def test_until_something_that_never_comes() -> None:
    """The run goes to its end, and says so."""
    result = offhook("run", DEMO, "--until", "6", "--no-store", "-q")
    assert result.exit_code == 0
    assert "6 was never reached" in result.stderr
    assert "all hold" in result.stdout


def test_seeds(tmp_path: Path) -> None:
    """Each seed is a run of its own, and the digests differ."""
    path = str(tmp_path / "runs.db")
    found = json.loads(offhook("run", DEMO, "--seeds", "3", "--json", "--db", path).stdout)
    assert [one["seed"] for one in found["seeds"]] == [1, 2, 3]
    assert len({one["digest"] for one in found["seeds"]}) == 3
    runs = json.loads(offhook("runs", "--json", "--db", path).stdout)
    assert [one["digest"] for one in runs] == [one["digest"] for one in found["seeds"]]


def test_show_is_one_line_an_event(database: str) -> None:
    """Every event, numbered, plain in a pipe; and up to N."""
    lines = offhook("show", "1", "--db", database).stdout.splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(1, 144))
    assert "\x1b" not in "".join(lines)
    assert len(offhook("show", "1@48", "--db", database).stdout.splitlines()) == 48
    brief = offhook("show", "1", "--brief", "--db", database).stdout.splitlines()
    assert 40 < len(brief) < 70


def test_show_of_some_kinds(database: str) -> None:
    """Only those that are asked for."""
    shown = json.loads(offhook("show", "1", "-k", "StepEntered", "--json", "--db", database).stdout)
    assert [one["data"]["step"] for one in shown] == [1, 2, 3, 4, 8]


@pytest.mark.parametrize(
    "arguments",
    [("show", "1"), ("show", "1", "--json"), ("show", "1", "--brief"), ("state", "1"), ("state", "1", "--json")],
)
def test_secrets_are_hidden(database: str, arguments: tuple[str, ...]) -> None:
    """Nothing that is printed holds a password of the configuration files."""
    printed = offhook(*arguments, "--db", database).output
    assert not [secret for secret in SECRETS if secret in printed]


def test_secrets_are_shown_when_asked_for(database: str) -> None:
    """The test above can fail."""
    assert SECRETS[0] in offhook("show", "1", "--json", "--secrets", "--db", database).output
    assert SECRETS[0] in offhook("state", "1", "--secrets", "--db", database).output


def test_export_says_which_secrets_it_holds(database: str, tmp_path: Path) -> None:
    """One line on standard error; the file is the owner's only; it is not written over."""
    path = tmp_path / "case.jsonl"
    result = offhook("export", "1", "-o", str(path), "--db", database)
    assert result.exit_code == 0
    assert result.stderr.strip() == "it holds secrets: ADMIN_PASS, SIP_PASS/1, configuration files"
    assert path.stat().st_mode & 0o777 == 0o600
    assert offhook("export", "1", "-o", str(path), "--db", database).exit_code == 2
    assert offhook("export", "1", "-o", str(path), "--db", database, "--force").exit_code == 0


def test_an_exported_run_is_a_run(database: str, tmp_path: Path) -> None:
    """Where RUN stands, the file may stand; imported, it has the same digest."""
    path = str(tmp_path / "case.jsonl")
    offhook("export", "1", "-o", path, "--db", database)
    for arguments in (("replay", path), ("verify", path), ("state", f"{path}@50"), ("show", path)):
        assert offhook(*arguments, "--db", str(tmp_path / "none.db")).exit_code == 0
    assert not (tmp_path / "none.db").exists()
    other = str(tmp_path / "other.db")
    assert offhook("import", path, "--db", other).exit_code == 0
    here, there = (json.loads(offhook("runs", "--json", "--db", db).stdout)[0] for db in (database, other))
    assert here["digest"] == there["digest"]


def test_step_6a_has_its_name_everywhere(tmp_path: Path) -> None:
    """In the timeline, for `--until`, and in the state; its lines stand in the columns of the others."""
    database = str(tmp_path / "runs.db")
    result = offhook("run", str(SCENARIOS / "ipv6-only-option-17.toml"), "--until", "6a", "--db", database)
    (line,) = [line for line in result.stdout.splitlines() if "step 6a: DHCPv6 option 17" in line]
    (before,) = [line for line in result.stdout.splitlines() if "step 2: URL set by hand?" in line]
    assert (line.index("6a▶"), line.index("step")) == (before.index("2 ▶"), before.index("step"))
    shown = json.loads(offhook("show", "1", "--json", "--db", database).stdout)
    entered = [entry["n"] for entry in shown if entry["kind"] == "StepEntered" and entry["data"]["step"] == 61]
    state = offhook("state", f"1@{entered[0]}", "--db", database).stdout
    assert "step 6a: DHCPv6 option 17" in state
    assert "IPv6     2001:db8::10, for another 24h" in state
    assert json.loads(offhook("state", "1", "--json", "--db", database).stdout)["ipv6_address"] == "2001:db8::10"


def test_state_knows_what_there_is_at_an_event(database: str) -> None:
    """Step, timers, lease, settings, files, before and after."""
    before = json.loads(offhook("state", "1@56", "--json", "--db", database).stdout)
    after = json.loads(offhook("state", "1", "--json", "--db", database).stdout)
    assert (before["step"], after["step"]) == (8, 0)
    assert before["address"] == "192.0.2.10"
    assert set(before["timers"]) == {"dhcp-t1", "dhcp-t2", "dhcp-expiry"}
    assert (before["settings"], before["files"]) == ({}, [])
    assert after["settings"]["SYSLOG_SEVERITY"] == "6"
    assert after["files"] == ["standard", "product", "master"]


def test_runs_can_be_removed(tmp_path: Path) -> None:
    """One by one, and all but the newest of equal runs, and all but so many."""
    path = str(tmp_path / "runs.db")
    for _ in range(4):
        run(DEMO, db=path)
    assert offhook("runs", "--rm", "2", "--db", path).exit_code == 0
    assert [one["run"] for one in json.loads(offhook("runs", "--json", "--db", path).stdout)] == [1, 3, 4]
    assert offhook("runs", "--prune", "--db", path).exit_code == 0
    assert [one["run"] for one in json.loads(offhook("runs", "--json", "--db", path).stdout)] == [4]
    run(DEMO, db=path, seed=2)
    assert offhook("runs", "--prune", "--db", path).exit_code == 0
    assert len(json.loads(offhook("runs", "--json", "--db", path).stdout)) == 2
    assert offhook("runs", "--prune", "--keep", "1", "--db", path).exit_code == 0
    assert [one["seed"] for one in json.loads(offhook("runs", "--json", "--db", path).stdout)] == [2]
    assert offhook("verify", path).exit_code == 0


def test_removing_gives_back_the_room(tmp_path: Path) -> None:
    """The file is as small as if the removed runs had never been."""
    path = tmp_path / "runs.db"
    run(DEMO, db=path)
    small = path.stat().st_size
    for seed in range(2, 30):
        run(DEMO, db=path, seed=seed)
    assert path.stat().st_size > 4 * small
    assert offhook("runs", "--prune", "--keep", "1", "--db", str(path)).exit_code == 0
    assert path.stat().st_size < 2 * small


def test_params() -> None:
    """All of them, those of a pattern, and one in full."""
    assert len(json.loads(offhook("params", "--json").stdout)) == 322
    cyclic = offhook("params", "cfg_cyclic").stdout.splitlines()
    assert [line.split()[0] for line in cyclic] == ["tag", "CFG_CYCLIC", "CFG_CYCLIC_INTVL"]
    one = offhook("params", "CFG_CYCLIC").stdout
    assert "default  N" in one
    assert "CFG_CYCLIC_INTVL" not in one.splitlines()[0]
    assert "did you mean SYSLOG_SEVERITY?" in offhook("params", "SYSLOG_SEVERTY").stderr


def test_events_and_boundaries_and_scenarios() -> None:
    """The vocabulary, one kind, the boundary registry, the shipped scenarios."""
    kinds = json.loads(offhook("events", "--json").stdout)
    assert {kind["role"] for kind in kinds} == {"input", "order", "fact"}
    assert all(kind["summary"].endswith((".", ":")) or kind["summary"] for kind in kinds)
    assert "PROV-061" in offhook("events", "PnpAnswered").stdout
    assert "``PowerOn``" in offhook("events", "RestartOrdered").stdout
    assert {row["how"] for row in json.loads(offhook("boundaries", "--json").stdout)} == {
        "modelled",
        "simplified",
        "left out",
    }
    listed = json.loads(offhook("scenarios", str(SCENARIOS), "--json").stdout)
    assert len(listed) == len(list(SCENARIOS.glob("*.toml")))
    assert not [one for one in listed if one["error"]]


# --- with real processes --------------------------------------------------------------------------------------------


def test_the_reader_may_go_away(database: str) -> None:
    """`offhook show | head -1`: no complaint, no traceback."""
    command = f"{OFFHOOK} show 1 --db {database} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "flash chip fitted" in done.stdout


def test_interrupted_runs_are_kept_and_marked(tmp_path: Path) -> None:
    """Ctrl-C in a paced run: what happened so far is there, settled, marked as cut off, and replays."""
    path = str(tmp_path / "runs.db")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [OFFHOOK, "run", DEMO, "--pace", "1x", "--db", path]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if "SUBSCRIBE" in line:
                process.send_signal(signal.SIGINT)
                break
        said = process.stderr.read()
        process.stdout.read()
    assert process.returncode == 130
    assert said.strip() == "interrupted; what happened so far is kept, marked as cut off"
    with Store(path) as store:
        info = store.info(1)
    assert info.state == "cut off"
    assert info.events >= 27
    assert offhook("verify", path).exit_code == 0
    assert offhook("replay", "1", "--db", path).exit_code == 0
