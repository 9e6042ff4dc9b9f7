"""Bad input to each verb: one clear line on standard error, exit code 2, no traceback, nothing written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tools.cli import main
from tools.simulate import run

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
DEMO = str(SCENARIOS / "first-boot-option-160.toml")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good database and every kind of bad file."""
    home = tmp_path_factory.mktemp("input")
    run(DEMO, db=home / "good.db")
    good = (home / "good.db").read_bytes()
    (home / "junk").write_bytes(bytes(range(256)) * 64)
    (home / "junk.toml").write_bytes(bytes(range(256)) * 64)
    (home / "empty").write_bytes(b"")
    (home / "empty.toml").write_bytes(b"")
    (home / "text.jsonl").write_text("hello\n")
    (home / "cut.db").write_bytes(good[: len(good) // 2])
    (home / "head.db").write_bytes(good[:100])
    (home / "folder").mkdir()
    for name, text in TOML.items():
        (home / f"{name}.toml").write_text(text)
    return home


TOML = {
    "unknown-key": 'title = "x"\nunttil = "5s"\n',
    "wrong-type": 'title = "x"\n[phone]\ncount = "many"\n',
    "bad-time": 'title = "x"\nuntil = "soon"\n',
    "no-title": 'about = "x"\n',
    "bad-choice": 'title = "x"\n[[files]]\nbehaviour = "sulking"\n',
    "unknown-event": 'title = "x"\n[[expect.event]]\nkind = "Nothing"\n',
    "unknown-field": 'title = "x"\n[[expect.never]]\nkind = "PowerOn"\nwhere = { colour = "red" }\n',
    "unknown-option": 'title = "x"\n[phone.options]\ncolour = "red"\n',
    "bad-option": 'title = "x"\n[phone.options]\nfallback = "1999"\n',
    "missing-file": 'title = "x"\n[[files]]\nroot = "not-there"\n',
    "outside": 'title = "x"\n[[files]]\npaths = { "/a" = { file = "../../../../etc/passwd" } }\n',
    "no-such-phone": 'title = "x"\n[[action]]\nat = "1s"\ndo = "power-off"\nphone = 7\n',
    "bad-mac": 'title = "x"\n[phone]\nmac = "00:80:F0:12:34:56"\n',
    "bad-pool": 'title = "x"\n[[dhcp]]\npool = "here to there"\n',
    "bad-address": 'title = "x"\n[[dhcp]]\naddress = "999.1.1.1"\n',
    "long-model": f'title = "x"\n[phone]\nmodel = "{"M" * 99}"\n',
    "bad-saved": 'title = "x"\n[phone.saved]\nstandard = "not-there.cfg"\n',
    "deep": "title = " + "[" * 5000,
}

RUNS = (
    "",
    "@5",
    "99",
    "0",
    "@",
    "1@",
    "1@0",
    "1@9999",
    "1@x",
    "zz",
    "abcdef",
    "12345678901234567890",
    "nope.jsonl",
    "folder/",
)


def invoke(home: Path, *arguments: str) -> Result:
    """Call the command in ``home``."""
    before = Path.cwd()
    os.chdir(home)
    try:
        return CliRunner().invoke(main, list(arguments))
    finally:
        os.chdir(before)


def assert_refused(result: Result) -> None:
    """One line, exit code 2."""
    assert result.exit_code == 2, (result.exit_code, result.output, result.stderr, result.exception)
    assert "Traceback" not in result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 or lines[0].startswith("Usage:"), lines
    assert len(lines[-1]) < 400
    assert result.stdout == ""


@pytest.mark.parametrize("verb", ["run", "check"])
@pytest.mark.parametrize("name", ["nope.toml", "folder", "junk", "junk.toml", "empty.toml", "good.db", *TOML])
def test_bad_scenarios(made: Path, verb: str, name: str) -> None:
    """A scenario that is missing, is a directory, is junk, or says something wrong."""
    result = invoke(made, verb, name if "." in name or name in ("folder", "junk") else f"{name}.toml")
    assert_refused(result)
    assert not (made / "offhook.db").exists()


@pytest.mark.parametrize("name", sorted(TOML))
def test_the_line_names_the_file(made: Path, name: str) -> None:
    """The person can find the place."""
    assert f"{name}.toml" in invoke(made, "check", f"{name}.toml").stderr


@pytest.mark.parametrize("verb", ["show", "state", "replay", "export"])
@pytest.mark.parametrize("text", RUNS)
def test_bad_runs(made: Path, verb: str, text: str) -> None:
    """A run that does not exist, or an event that it does not have."""
    assert_refused(invoke(made, verb, text, "--db", "good.db"))


def test_export_wants_a_whole_run(made: Path) -> None:
    """RUN@N is refused, and nothing is written."""
    assert_refused(invoke(made, "export", "1@5", "-o", "part.jsonl", "--db", "good.db"))
    assert not (made / "part.jsonl").exists()


@pytest.mark.parametrize("verb", ["show", "state", "replay", "verify", "export"])
@pytest.mark.parametrize("name", ["junk", "text.jsonl"])
def test_files_that_are_no_runs(made: Path, verb: str, name: str) -> None:
    """Where an exported run may stand, other files are refused."""
    assert_refused(invoke(made, verb, name, "--db", "good.db"))


@pytest.mark.parametrize("name", ["nope.db", "folder", "junk", "head.db", "empty", "nowhere/at/all.db"])
@pytest.mark.parametrize(
    "verb",
    [("runs",), ("show", "1"), ("state", "1"), ("replay", "1"), ("replay", "--all"), ("verify",), ("export", "1")],
)
def test_bad_databases(made: Path, verb: tuple[str, ...], name: str) -> None:
    """A database that is missing, is a directory, or is none."""
    assert_refused(invoke(made, *verb, "--db", name))
    assert (made / "empty").read_bytes() == b""


@pytest.mark.parametrize("verb", [("runs",), ("show", "1"), ("state", "1"), ("replay", "1"), ("verify",)])
def test_a_truncated_database(made: Path, verb: tuple[str, ...]) -> None:
    """Half a database: refused in one line, or read as far as it goes; never a traceback."""
    result = invoke(made, *verb, "--db", "cut.db")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.exit_code in (0, 1, 2)
    if result.exit_code == 2:
        assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["nope.jsonl", "folder", "junk", "empty", "text.jsonl", "good.db"])
def test_bad_imports(made: Path, name: str) -> None:
    """Nothing is imported, and no database is made."""
    assert_refused(invoke(made, "import", name, "--db", "new.db"))
    assert not (made / "new.db").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", DEMO, "--until", "never"),
        ("run", DEMO, "--until", "10"),
        ("run", DEMO, "--pace", "fast"),
        ("run", DEMO, "--pace", "0"),
        ("run", DEMO, "--pace", "nan"),
        ("run", DEMO, "--seed", "-1"),
        ("run", DEMO, "--seeds", "0"),
        ("run", DEMO, "--db", "folder"),
        ("run", DEMO, "--db", "junk"),
        ("run", DEMO, "--db", "nowhere/at/all.db"),
        ("run",),
        ("runs", "--rm", "77", "--db", "good.db"),
        ("runs", "--prune", "--keep", "-1", "--db", "good.db"),
        ("show", "1", "--kind", "Nothing", "--db", "good.db"),
        ("state", "1", "--phone", "5", "--db", "good.db"),
        ("events", "SourceTired"),
        ("scenarios", "nowhere"),
        ("params", "SYSLOG_SEVERTY"),
        ("replay",),
        ("replay", "1", "--all", "--db", "good.db"),
        ("export", "1", "--to", "pdf", "--db", "good.db"),
        ("export", "1", "-o", "nowhere/at/all.jsonl", "--db", "good.db"),
        ("export", "1", "-o", "junk", "--db", "good.db"),
        ("verify", "77", "--db", "good.db"),
        ("dial", "0"),
        ("run", DEMO, "--loud"),
    ],
)
def test_bad_options(made: Path, arguments: tuple[str, ...]) -> None:
    """A word that is not known, or a value out of range."""
    result = invoke(made, *arguments)
    assert result.exit_code == 2, (result.output, result.exception)
    assert "Traceback" not in result.output
    assert result.stderr.strip()
    assert (made / "junk").read_bytes() == bytes(range(256)) * 64


def test_a_typo_is_answered_with_the_nearest_word(made: Path) -> None:
    """For keys, and for event kinds."""
    assert "did you mean 'until'?" in invoke(made, "check", "unknown-key.toml").stderr
    assert "did you mean SourceTried?" in invoke(made, "events", "SourceTired").stderr
