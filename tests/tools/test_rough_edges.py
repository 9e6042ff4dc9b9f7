"""Secrets in unlikely places, readers that go away, folders that cannot be written, logs that were changed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from emulator.log.store import Store
from emulator.wire import dhcpv6
from emulator.world.scenario import DhcpSpec, Dhcpv6Spec, PhoneSpec, Scenario
from tools.cli import main
from tools.simulate import run

DEMO = str(Path(__file__).resolve().parents[2] / "scenarios" / "first-boot-option-160.toml")
OFFHOOK = str(Path(sys.executable).with_name("offhook"))
SECRET = "s3cr3t-of-joe"


def offhook(*arguments: str) -> Result:
    """Call the command."""
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(params=["http://joe:{}@192.0.2.20/", "joe:{}@192.0.2.20", "http://joe:a@b{}@192.0.2.20/"])
def secretive(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A run with a login in option 160, in each form a URL can have, and a password in the flash it starts from."""
    path = tmp_path / "runs.db"
    phone = PhoneSpec(user={"ADMIN_PASS": SECRET})
    run(Scenario("x", phone=phone, dhcp=(DhcpSpec(option160=request.param.format(SECRET)),)), db=path)
    return str(path)


@pytest.mark.parametrize("url", ["http://joe:{}@[2001:db8::20]/", "joe:{}@192.0.2.20"])
def test_no_dhcpv6_message_holds_a_login(url: str, tmp_path: Path) -> None:
    """Sub-option by sub-option; the lengths beside them stay true."""
    path = tmp_path / "runs.db"
    phone = PhoneSpec(provisioned={"IP_ADDR_MODE": "1"})
    run(Scenario("x", phone=phone, dhcpv6=(Dhcpv6Spec(url=url.format(SECRET)),)), db=path)
    shown = json.loads(offhook("show", "1", "--json", "--db", str(path)).stdout)
    fields = [decoded(value) for entry in shown for value in entry["data"].values()]
    assert not [field for field in fields if SECRET in field]
    told = [field for field in fields if "joe:" + "*" * len(SECRET) in field]
    vendors = [dhcpv6.parse(text.encode("latin-1")).option(dhcpv6.VENDOR_OPTIONS) for text in told]
    assert [dhcpv6.Vendor.read(vendor or b"").enterprise for vendor in vendors] == [32_473] * 2


def decoded(value: object) -> str:
    """A field as bytes would read, base64 undone."""
    from base64 import b64decode

    text = str(value)
    return b64decode(text[7:]).decode("latin-1") if text.startswith("base64:") else text


def test_no_payload_holds_a_login(secretive: str) -> None:
    """Neither text nor a binary packet; its length stays."""
    shown = json.loads(offhook("show", "1", "--json", "--db", secretive).stdout)
    fields = [decoded(value) for entry in shown for value in entry["data"].values()]
    assert not [field for field in fields if SECRET in field]
    assert [field for field in fields if "joe:" + "*" * len(SECRET) in field]
    told = json.loads(offhook("show", "1", "--json", "--secrets", "--db", secretive).stdout)
    assert [v for entry in told for v in entry["data"].values() if SECRET in decoded(v)]


def test_export_knows_what_is_in_flash_and_urls(secretive: str, tmp_path: Path) -> None:
    """And says so."""
    result = offhook("export", "1", "-o", str(tmp_path / "case.jsonl"), "--db", secretive)
    assert result.stderr.strip() == "it holds secrets: ADMIN_PASS, logins in URLs"


def test_a_database_is_its_owners_only(secretive: str) -> None:
    """A log holds secrets."""
    assert Path(secretive).stat().st_mode & 0o077 == 0


def test_a_changed_export_is_answered_with_no(tmp_path: Path) -> None:
    """`verify` of a file that is not what was written: exit code 1, and what is wrong."""
    path = tmp_path / "case.jsonl"
    run(DEMO, db=tmp_path / "runs.db")
    offhook("export", "1", "-o", str(path), "--db", str(tmp_path / "runs.db"))
    path.write_text(path.read_text().replace("Reception", "Deception", 1))
    result = offhook("verify", str(path))
    assert result.exit_code == 1
    assert "changed" in result.stdout
    assert offhook("import", str(path), "--db", str(tmp_path / "other.db")).exit_code == 2


def test_a_changed_run_is_not_exported(tmp_path: Path) -> None:
    """What does not verify does not travel."""
    database = tmp_path / "runs.db"
    run(DEMO, db=database)
    with sqlite3.connect(database) as db:
        db.execute("DROP TRIGGER events_never_change")
        db.execute("UPDATE events SET time = time + 1 WHERE n = 50")
    result = offhook("export", "1", "-o", str(tmp_path / "case.jsonl"), "--db", str(database))
    assert result.exit_code == 2
    assert "event 50 was changed" in result.stderr
    assert not (tmp_path / "case.jsonl").exists()


@pytest.mark.parametrize("verb", [("runs",), ("show", "1"), ("state", "1"), ("verify",), ("replay", "1")])
def test_a_place_that_cannot_be_written_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: tuple[str, ...]
) -> None:
    """Evidence on a read-only medium. (The superuser may write anywhere, so the answer of the system is replaced.)"""
    run(DEMO, db=tmp_path / "runs.db")
    before = sorted(tmp_path.iterdir())
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path and real(path, mode))
    assert offhook(*verb, "--db", str(tmp_path / "runs.db")).exit_code == 0
    assert sorted(tmp_path.iterdir()) == before


def test_a_run_whose_reader_goes_away_is_finished(tmp_path: Path) -> None:
    """`offhook run | head -1`: the run is sealed and judged all the same."""
    database = tmp_path / "runs.db"
    command = f"{OFFHOOK} run {DEMO} --all --db {database} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    with Store(database) as store:
        assert store.info(1).state == "finished"


def test_a_full_device_is_one_line() -> None:
    """No traceback when the output cannot be written."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [OFFHOOK, "events"], stdout=full, stderr=subprocess.PIPE, text=True, check=False, env={**os.environ}
        )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_terminal_without_arrows() -> None:
    """Letters that it does not know are escaped."""
    done = subprocess.run(
        [OFFHOOK, "run", DEMO, "--no-store"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert b"\\u2192" in done.stdout


def test_a_missing_phone_and_a_part_of_a_run(tmp_path: Path) -> None:
    """Refused, rather than answered with nothing."""
    database = str(tmp_path / "runs.db")
    run(DEMO, db=database)
    assert offhook("show", "1", "--phone", "7", "--db", database).exit_code == 2
    assert offhook("verify", "1@5", "--db", database).exit_code == 2
    assert offhook("runs", "--keep", "3", "--db", database).exit_code == 2


def test_the_timeline_in_brief_says_why_and_when_again() -> None:
    """A URL that cannot be, and the retry that follows."""
    result = run(Scenario("x", dhcp=(DhcpSpec(option160="http://192.0.2.20:99999/"),)))
    from tools.timeline import Timeline

    lines = "\n".join(Timeline({}).brief(result.entries))
    assert "initial file failed: bad-port" in lines
    assert "timer retry in 30min" in lines
    assert "nobody listens" not in lines
