"""What is hidden of an event when it is shown."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner, Result

from emulator.events import Payload
from emulator.wire.dhcp import PROVISIONING_160, build, parse
from tests.emulator.phone.bench import FILE_SERVER, initial, served, story
from tools.cli import main
from tools.masks import without_logins
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


@pytest.mark.parametrize("password", ["pässwörd-1", "with\u00a0space", "plain"])
def test_a_login_in_a_dhcp_option_is_starred(password: str) -> None:
    """Whatever characters it has, and also where the option comes in two parts (RFC 3396)."""
    url = f"http://joe:{password}@192.0.2.20/".encode()
    whole = build(op=2, xid=5, chaddr=bytes(6), type=2, options=((PROVISIONING_160, url),))
    message = parse(whole)
    split = tuple(
        piece
        for code, value in message.options
        for piece in (((code, value[:14]), (code, value[14:])) if code == PROVISIONING_160 else ((code, value),))
    )
    for sent in (whole, attrs.evolve(message, options=split).encode()):
        shown = without_logins(Payload(sent))
        assert len(shown) == len(sent)
        told = b"".join(value for code, value in parse(shown).options if code == PROVISIONING_160)
        assert told.startswith(b"http://joe:***")
        assert password.encode()[3:] not in shown
