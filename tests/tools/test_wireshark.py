"""The captures of every scenario, read by tshark: nothing is malformed, and it finds the protocols that were spoken."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from emulator.events import HttpAnswered
from emulator.wire import pcapng
from tools import capture
from tools.simulate import RunResult, run

SCENARIOS = sorted((Path(__file__).resolve().parents[2] / "scenarios").glob("*.toml"))
DEMO = next(path for path in SCENARIOS if path.stem == "first-boot-option-160")
CHECKED = ("-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE")
WRONG = " || ".join(
    (
        *("_ws.malformed", "ip.checksum.status==0", "tcp.checksum.status==0", "udp.checksum.status==0"),
        *("tcp.analysis.lost_segment", "tcp.analysis.ack_lost_segment", "tcp.analysis.out_of_order"),
    )
)
GARBAGE = {"dhcp-garbage-first": "BOOTP", "lldp-garbage": "LLDP"}
"""Scenarios in which a server sends what is no message, and how tshark calls it."""


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Where everything has to be tested, tshark has to be there."""
    if shutil.which("tshark") is None:
        complain = pytest.fail if os.environ.get("CI") else pytest.skip
        complain("tshark is not installed (Debian: apt-get install tshark)")


def saved(made: RunResult, path: Path) -> Path:
    """The capture of a run in a file."""
    found = capture.traffic(made.entries)
    interfaces = tuple(pcapng.Interface(f"phone {index}") for index in range(len(made.phones)))
    blocks = b"".join(capture.as_block(packet, found.start) for packet in found.packets)
    path.write_bytes(pcapng.section() + b"".join(each.encode() for each in interfaces) + blocks)
    return path


def tshark(path: Path, *arguments: str) -> list[str]:
    """What tshark prints about a file, line by line."""
    done = subprocess.run(["tshark", "-n", "-r", str(path), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("path", SCENARIOS, ids=[path.stem for path in SCENARIOS])
def test_nothing_is_malformed(path: Path, tmp_path: Path) -> None:
    """Every packet is what it says; but garbage is garbage."""
    file = saved(run(path), tmp_path / "case.pcapng")
    wrong = tshark(file, *CHECKED, "-Y", WRONG, "-T", "fields", "-e", "_ws.col.Protocol", "-e", "frame.comment")
    assert {line.partition("\t")[0] for line in wrong} <= {GARBAGE.get(path.stem, "")}


def test_it_finds_what_was_said(tmp_path: Path) -> None:
    """Protocols by name, bodies put together from segments, and the numbers of the events."""
    made = run(DEMO)
    file = saved(made, tmp_path / "demo.pcapng")
    spoken = set(tshark(file, "-T", "fields", "-e", "_ws.col.Protocol"))
    assert {"DHCP", "SIP", "HTTP/XML", "LLDP", "CDP", "NTP", "Syslog", "TCP", "HTTP"} <= spoken
    tshark(file, "-q", "--export-objects", f"http,{tmp_path / 'bodies'}")
    bodies = sorted(each.read_bytes() for each in (tmp_path / "bodies").iterdir())
    assert bodies == sorted(entry.event.body for entry in made.of(HttpAnswered))  # type: ignore[attr-defined]
    comments = tshark(file, "-Y", "http.request", "-T", "fields", "-e", "frame.comment")
    assert all(comment.startswith("event ") for comment in comments)
