"""What is hidden of an event when it is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.emulator.phone.bench import FILE_SERVER, initial, served, story
from tools.cli import main
from tools.simulate import run

SECRET = "hunter2-and-more"
HERE = f"tftp://{FILE_SERVER}"


def offhook(*arguments: str) -> Result:
    """The command line."""
    return CliRunner().invoke(main, arguments)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run in which a password comes by TFTP, cut in two by the end of a block of 512 bytes."""
    path = tmp_path_factory.mktemp("masks") / "runs.db"
    head = "<PANASIPPhoneConfig><Device><System><Login>"
    filler = "x" * (504 - len(f"{head}<!----><ADMIN_PASS>"))
    text = f"{head}<!--{filler}--><ADMIN_PASS>{SECRET}</ADMIN_PASS></Login></System></Device></PANASIPPhoneConfig>"
    assert text.index(SECRET) < 512 < text.index(SECRET) + len(SECRET)
    files = served({"/i.cfg": initial(HERE, standard="s.cfg"), "/s.cfg": text}, protocols=("tftp",), tftp_options=False)
    run(story(files, url=f"{HERE}/i.cfg"), db=path)
    return str(path)


def test_no_block_of_a_file_is_shown(database: str) -> None:
    """Not even half a password; its length is."""
    hidden, told = payloads(database), payloads(database, "--secrets")
    changed = [text for text, whole in zip(hidden, told, strict=True) if text != whole]
    assert len(changed) == 3, "a block of the initial file and two of the standard file"
    assert changed[1] == "(516 bytes; a piece of a file may hold secrets)"


def payloads(database: str, *arguments: str) -> list[str]:
    """The payload of every datagram that the phone received, as it is shown."""
    shown = json.loads(offhook("show", "1", "--json", "--db", database, *arguments).stdout)
    return [entry["data"]["payload"] for entry in shown if entry["kind"] == "DatagramReceived"]


def test_export_says_that_files_are_in_it(database: str, tmp_path: Path) -> None:
    """They came in packets."""
    result = offhook("export", "1", "-o", str(tmp_path / "case.jsonl"), "--db", database)
    assert "configuration files" in result.stderr
