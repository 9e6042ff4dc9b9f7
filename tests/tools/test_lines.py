"""The SIP lines in ``state``, and their login in what is printed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tools.cli import main
from tools.simulate import run

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database whose run 1 has a line that is registered with a login, and run 2 one that is not."""
    path = tmp_path_factory.mktemp("lines") / "runs.db"
    run(SCENARIOS / "line-registers-with-digest.toml", db=path, until="20s")
    run(SCENARIOS / "first-boot-option-160.toml", db=path)
    return str(path)


def offhook(*arguments: str) -> str:
    """What a command prints."""
    result = CliRunner().invoke(main, [*arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_state_tells_which_lines_are_registered(database: str) -> None:
    shown = offhook("state", "1", "--db", database)
    assert re.search(
        r"^lines    1 registered for another [\w.]+ \(2001@sip.example.com at sip.example.com\)$", shown, re.M
    )
    assert "lines    1 waiting (2001@sip.example.com at sip.example.com)" in offhook("state", "2", "--db", database)
    assert "lines    none in use" in offhook("state", "1@40", "--db", database)


def test_state_tells_programs_too(database: str) -> None:
    (line,) = json.loads(offhook("state", "1", "--json", "--db", database))["lines"]
    until = line.pop("until")
    assert line == {
        "line": 1,
        "state": "registered",
        "user": "2001",
        "domain": "sip.example.com",
        "server": "sip.example.com",
    }
    assert 3600 * 10**9 < until < 3610 * 10**9
    assert json.loads(offhook("state", "2", "--json", "--db", database))["lines"][0]["until"] is None


def test_the_answer_to_a_challenge_is_hidden_like_that_of_http(database: str) -> None:
    """In the datagram, which is all that holds it; with --secrets it is there."""
    shown = offhook("show", "1", "--json", "--db", database)
    sent = [one["data"]["payload"] for one in json.loads(shown) if one["kind"] == "DatagramSent"]
    assert sum("\r\nAuthorization: ***\r\n" in payload for payload in sent) == 1
    assert "response=" not in shown
    assert "also-a-sample" not in shown
    assert "response=" in offhook("show", "1", "--json", "--secrets", "--db", database)


def test_an_export_says_that_it_holds_the_login(database: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["export", "1", "-o", str(tmp_path / "case.jsonl"), "--db", database])
    assert result.exit_code == 0
    assert "SIP credentials, SIP_PASS/1" in result.stderr
