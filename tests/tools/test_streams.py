"""What is shown and exported of a read by FTP: its commands and replies, and none of its secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emulator.events import Entry, Payload, StreamReceived, StreamSent
from tests.emulator.phone.bench import FILE_SERVER, initial, served, story
from tools.cli import main
from tools.masks import fields
from tools.simulate import run

SECRET = "s3cr3t-of-joe"
PARAMETER = f"<ADMIN_PASS>{SECRET}</ADMIN_PASS>"


def offhook(*arguments: str) -> Result:
    """Call the command."""
    return CliRunner().invoke(main, list(arguments))


def stored(path: Path, file: str, login: str = f"joe:{SECRET}@") -> str:
    """A stored run of a phone that reads this file by FTP."""
    files = served({"/i.cfg": file}, protocols=("ftp",), auth="basic" if login else "none", user="joe", password=SECRET)
    run(story(files, url=f"ftp://{login}{FILE_SERVER}/i.cfg"), db=path)
    return str(path)


@pytest.mark.parametrize("before", [0, 16_384 - 5, 16_384 - 20, 16_384 - len(PARAMETER) - 2])
def test_no_piece_of_a_stream_shows_a_secret(tmp_path: Path, before: int) -> None:
    """Wherever the file is cut into pieces; and the password of the login is hidden in the command."""
    database = stored(tmp_path / "runs.db", " " * before + PARAMETER + initial())
    for arguments in (("show", "1"), ("show", "1", "--json"), ("show", "1", "--brief")):
        printed = offhook(*arguments, "--db", database).stdout
        assert SECRET not in printed
        assert SECRET[:8] not in printed
    shown = [entry["data"] for entry in json.loads(offhook("show", "1", "--json", "--db", database).stdout)]
    assert {"name": "ftp", "payload": "PASS ***\r\n"} in shown
    assert [data["message"] for data in shown if data.get("code") == 230] == ["Welcome."]
    told = offhook("show", "1", "--json", "--secrets", "--db", database).stdout
    assert f"PASS {SECRET}" in told


def test_a_piece_is_told_by_its_length() -> None:
    """With secrets asked for, it is shown."""
    entry = Entry(1, 0, 0, 0, None, (), StreamReceived("x", 1, Payload(b"abc")))
    assert fields(entry, False)["payload"] == "(3 bytes; a piece of a file may hold secrets)"
    assert fields(entry, True)["payload"] == "abc"


@pytest.mark.parametrize("command", [b"PASS x y\r\n", b"PASS x\n", b"Authorization: Basic eA==\r\n"])
def test_what_the_phone_sends_shows_no_login(command: bytes) -> None:
    """Neither as a line nor as a field."""
    event = StreamSent("x", Payload(command))
    assert event.text().endswith(" ***")
    assert fields(Entry(1, 0, None, 0, 1, (), event), False)["payload"].strip().endswith(" ***")


@pytest.mark.parametrize(
    ("login", "file", "told"),
    [
        (f"joe:{SECRET}@", initial(), "logins in URLs"),
        (f"joe:{SECRET}@", PARAMETER, "configuration files, logins in URLs"),
        ("", " " * 16_380 + PARAMETER, "configuration files"),
    ],
)
def test_an_export_says_which_secrets_it_holds(tmp_path: Path, login: str, file: str, told: str) -> None:
    """Also those that lie across two pieces; the password of an anonymous login is none."""
    database = stored(tmp_path / "runs.db", file, login)
    result = offhook("export", "1", "-o", str(tmp_path / "case.jsonl"), "--db", database)
    assert result.stderr.strip() == f"it holds secrets: {told}"
