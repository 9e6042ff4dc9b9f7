"""The captures of every scenario, read by tshark: nothing is malformed, and it finds the protocols that were spoken."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs
import dpkt
import pytest

from emulator.events import SECOND, DatagramReceived, DatagramSent, Entry, HttpAnswered
from emulator.wire import pcapng
from tools import capture
from tools.capture.framing import Framed
from tools.exports.exporting import export
from tools.simulate import run

SCENARIOS = sorted((Path(__file__).resolve().parents[2] / "scenarios").glob("*.toml"))
DEMO = next(path for path in SCENARIOS if path.stem == "first-boot-option-160")
LINE = next(path for path in SCENARIOS if path.stem == "line-registers-with-digest")
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


def saved(entries: Sequence[Entry], path: Path) -> Path:
    """The capture of a log in a file."""
    return written(capture.traffic(entries), 1 + max(entry.phone for entry in entries), path)


def written(found: capture.Traffic, phones: int, path: Path) -> Path:
    """Packets of so many phones in a file."""
    interfaces = b"".join(pcapng.Interface(f"phone {phone}").encode() for phone in range(phones))
    blocks = b"".join(capture.as_block(packet, found.start) for packet in found.packets)
    path.write_bytes(pcapng.section() + interfaces + blocks)
    return path


def one_after_the_other(paths: Sequence[Path]) -> tuple[list[Entry], dict[str, str]]:
    """The runs of scenarios as one log of many phones, so that one call reads them all.

    Each goes on where the one before it stopped, with numbers, times and phones of its own; so no connection of one has
    the ports of another. With it, the scenario of each comment.
    """
    log: list[Entry] = []
    owners: dict[str, str] = {}
    number = time = phone = 0
    for path in paths:
        made = run(path)
        log += [
            attrs.evolve(each, n=number + each.n, time=time + each.time, phone=phone + each.phone)
            for each in made.entries
        ]
        owners |= {f"event {number + each.n}": path.stem for each in made.entries}
        number, time, phone = len(log), log[-1].time + 60 * SECOND, phone + len(made.phones)
    return log, owners


def tshark(path: Path, *arguments: str) -> list[str]:
    """What tshark prints about a file, line by line."""
    done = subprocess.run(["tshark", "-n", "-r", str(path), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def complaints(file: Path, owners: dict[str, str]) -> set[tuple[str, str]]:
    """What tshark does not like, as (scenario, protocol)."""
    wrong = tshark(file, *CHECKED, "-Y", WRONG, "-T", "fields", "-e", "_ws.col.Protocol", "-e", "frame.comment")
    found = [line.split("\t") for line in wrong]
    return {(owners[comment.partition(",")[0]], protocol) for protocol, comment in found}


def test_nothing_is_malformed(tmp_path: Path) -> None:
    """Every packet of every scenario is what it says; but garbage is garbage."""
    log, owners = one_after_the_other(SCENARIOS)
    assert complaints(saved(log, tmp_path / "all.pcapng"), owners) == set(GARBAGE.items())


def test_what_is_malformed_is_found(tmp_path: Path) -> None:
    """The test above can fail, and then names the scenario: a byte is wrong, a segment of TCP is missing."""
    log, owners = one_after_the_other([DEMO, LINE])
    found = capture.traffic(log)
    flipped, missing = (
        next(i for i, each in enumerate(found.packets) if b"HTTP/1.1 200" in each.data and owner(each, owners) == stem)
        for stem in (DEMO.stem, LINE.stem)
    )
    broken = bytearray(found.packets[flipped].data)
    broken[-1] ^= 1
    found.packets[flipped] = found.packets[flipped]._replace(data=bytes(broken))
    del found.packets[missing]
    file = written(found, 2, tmp_path / "broken.pcapng")
    assert complaints(file, owners) == {(DEMO.stem, "HTTP/XML"), (LINE.stem, "TCP")}


def owner(packet: Framed, owners: dict[str, str]) -> str:
    """The scenario of a packet."""
    return owners[packet.comment.partition(",")[0]]


def test_it_finds_what_was_said(tmp_path: Path) -> None:
    """Protocols by name, bodies put together from segments, and the numbers of the events."""
    made = run(DEMO)
    file = saved(made.entries, tmp_path / "demo.pcapng")
    spoken = set(tshark(file, "-T", "fields", "-e", "_ws.col.Protocol"))
    assert {"DHCP", "SIP", "HTTP/XML", "LLDP", "CDP", "NTP", "Syslog", "TCP", "HTTP"} <= spoken
    tshark(file, "-q", "--export-objects", f"http,{tmp_path / 'bodies'}")
    bodies = sorted(each.read_bytes() for each in (tmp_path / "bodies").iterdir())
    assert bodies == sorted(entry.event.body for entry in made.of(HttpAnswered))  # type: ignore[attr-defined]
    comments = tshark(file, "-Y", "http.request", "-T", "fields", "-e", "frame.comment")
    assert all(comment.startswith("event ") for comment in comments)


def test_each_packet_names_its_event(tmp_path: Path) -> None:
    """In the file that `offhook export` writes, as Wireshark shows comments."""
    made = run(DEMO, db=tmp_path / "runs.db")
    export("1", tmp_path / "demo.pcapng", db=tmp_path / "runs.db")
    comments = tshark(tmp_path / "demo.pcapng", "-Y", "dhcp || sip", "-T", "fields", "-e", "frame.comment")
    sent = [e.n for e in made.entries if isinstance(e.event, DatagramSent | DatagramReceived) and e.event.port != 514]
    assert comments == [f"event {n}" for n in sent if made.entries[n - 1].event.port in (67, 68, 5060)]  # type: ignore[attr-defined]


def test_sngrep_reads_it(tmp_path: Path) -> None:
    """It finds every SIP packet, and as many dialogs as there are Call-IDs."""
    if shutil.which("sngrep") is None:
        pytest.skip("sngrep is not installed (Debian: apt-get install sngrep)")
    made = run(LINE)
    file, out = saved(made.entries, tmp_path / "line.pcapng"), tmp_path / "sip.pcap"
    command = ["sngrep", "-F", "-N", "-I", str(file), "-O", str(out)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60)
    packets = [each.data for each in capture.traffic(made.entries).packets if b"\r\nCall-ID: " in each.data]
    dialogs = {data.partition(b"\r\nCall-ID: ")[2].partition(b"\r\n")[0] for data in packets}
    assert f"Dialog count: {len(dialogs)}\n" in done.stdout
    with out.open("rb") as written:
        assert [data for _, data in dpkt.pcap.Reader(written)] == packets
