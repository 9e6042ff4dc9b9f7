"""What of the lab needs no root: its table of cases, its texts, and how it sees servers and leftovers."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from emulator.world.toml import read_scenario
from tools.lab import __main__ as lab
from tools.lab.addresses import FILES
from tools.lab.authority import make_authority
from tools.lab.case import PHONE_IMAGE, Case, text_of
from tools.lab.cases import CASES
from tools.lab.errors import LabError
from tools.lab.launch import Listens, below, write_files
from tools.lab.namespaces import Place, leftovers, server_setup
from tools.lab.programs import PACKAGES
from tools.lab.raw import KINDS
from tools.lab.servers import fulfilled, listening, sockets

WANTED = (
    *("manual-url", "pnp-kamailio", "pnp-sipp", "pnp-sipp-careless", "pnp-never-final"),
    *("option-160-dnsmasq", "option-159-dnsmasq", "option-66-dnsmasq", "option-160-kea-dhcp4", "option-66-dhcpd"),
    *("https-stored-root", "https-untrusted", "https-other-name", "tftp-hpa", "tftp-dnsmasq", "ftp-anonymous"),
    *("ftp-login", "basic", "digest", "redirect", "server-down", "gzip-always", "reboot-storm", "fleet"),
    *("bad-garbage", "bad-drip", "bad-endless", "bad-bomb", "bad-redirect-self", "bad-redirect-file", "flood-sip"),
)
"""What the lab is for."""


def test_every_way_to_be_provisioned_is_a_case() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert set(WANTED) <= set(names)
    started = {server.program for case in CASES for phase in case.phases for server in phase.servers}
    assert started - {lab.sys.executable} == set(PACKAGES) - {"ip", "tshark"}, "each server is in some case"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_case_is_a_scenario_that_expects_something(case: Case, tmp_path: Path) -> None:
    """It can be read, and asks for an outcome; and what its servers are to be told can be written down."""
    authority = make_authority()
    (tmp_path / PHONE_IMAGE).write_bytes(b"\xff" * 65_536)
    for number, phase in enumerate(case.phases):
        path = tmp_path / "story.toml"
        path.write_text(text_of(case, number), "utf-8")
        assert read_scenario(path).expect.outcome
        for index, server in enumerate(phase.servers):
            folder = tmp_path / f"{number}-{index}"
            launch = server.launch(folder, authority)
            write_files(folder, launch)
            assert all(str(folder) not in name for name in launch.files)


def test_leftovers_are_those_of_labs_that_are_gone() -> None:
    names = [Place.of(7, 1).phone, Place.of(8, 2).server, "offhook-x-1-phone", "eth0"]
    assert leftovers(names, lambda pid: pid == 8) == ["offhook-7-1-phone"]
    assert leftovers(names, lambda pid: False) == ["offhook-7-1-phone", "offhook-8-2-server"]


def test_the_servers_have_their_addresses() -> None:
    assert f"address add {FILES}/24 dev server0" in server_setup().splitlines()


def test_waiting_sockets_are_seen() -> None:
    """By what the kernel says of this process."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        there = listening(os.getpid())
        for protocol, made in (("tcp", server), ("udp", other)):
            port = made.getsockname()[1]
            assert fulfilled(Listens(protocol, port, "127.0.0.1"), there)
            assert fulfilled(Listens(protocol, port), there)
            assert not fulfilled(Listens(protocol, port, "127.0.0.2"), there)


def test_a_socket_on_all_addresses_is_on_each() -> None:
    table = "header\n  0: 00000000:0050 00000000:0000 0A 0\n  1: 140200C0:0051 00000000:0000 01 0\n"
    there = set(sockets(table, "tcp"))
    assert there == {Listens("tcp", 80)}
    assert fulfilled(Listens("tcp", 80, FILES), there)


def test_no_file_of_a_server_leaves_its_folder() -> None:
    for name in ("/etc/passwd", "../x", "a/../../x"):
        with pytest.raises(LabError, match="no path below"):
            below("top", {name: "x"})


def test_what_bad_servers_say_begins_as_it_should() -> None:
    """A redirect to itself names where it came from; the bomb is small."""
    assert b"Location: /a.cfg\r\n" in next(KINDS["redirect-self"](b"/a.cfg"))
    assert len(next(KINDS["bomb"](b"/"))) < 240_000
    assert next(KINDS["garbage"](b"/"))[:5] != b"HTTP/"


def test_without_root_it_says_what_it_did_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lab, "is_root", lambda: False)
    assert lab.main([]) == 0
    out = capsys.readouterr().out
    assert out == f"lab: not run, it needs root on Debian: {len(CASES)} cases of the phone against real servers\n"


def test_a_wrong_name_is_answered_with_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert lab.main(["pnp-kamalio"]) == 2
    assert capsys.readouterr().err == "lab: there is no case 'pnp-kamalio'; there is 'pnp-kamailio'\n"
    assert lab.main(["--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(CASES)
