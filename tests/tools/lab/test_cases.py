"""The table of cases: complete, readable by `offhook`, and with something expected of each."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from emulator.world.scenario import Expectations
from emulator.world.toml import parse_scenario
from tools.lab.authority import Authority
from tools.lab.case import INITIAL, PHONE_IMAGE, Case, event, macs, never, phone, text_of, two_files
from tools.lab.cases import CASES, STORM
from tools.lab.launch import Listens
from tools.lab.programs import PACKAGES
from tools.lab.raw import KINDS, Flood, Raw

REQUIRED = {
    *("manual-url", "pnp-kamailio", "pnp-sipp", "pnp-sipp-careless", "pnp-never-final"),
    *("option-160-dnsmasq", "option-159-dnsmasq", "option-66-dnsmasq", "option-160-kea-dhcp4", "option-66-dhcpd"),
    *("https-stored-root", "https-untrusted", "https-other-name", "tftp-hpa", "tftp-dnsmasq"),
    *("ftp-anonymous", "ftp-login", "basic", "digest", "redirect", "server-down", "slow-answer", "bad-cut-off"),
    *("gzip-asked", "reboot-storm", "bad-garbage", "bad-drip", "bad-drip-body", "bad-endless", "bad-bomb"),
    *("bad-redirect-self", "bad-redirect-file", "flood-sip", "flood-dhcp"),
}
"""Ways to be provisioned, and what servers may do to a phone, that the live world has to show."""
AUTHORITY = Authority(b"root", dict.fromkeys(("good", "untrusted", "expired", "other-name"), b"pem"))


def every_phase() -> list[tuple[Case, int]]:
    """All phases of all cases."""
    return [(case, number) for case in CASES for number in range(len(case.phases))]


def named(each: object) -> str:
    """For the ids of parametrised tests."""
    return each.name if isinstance(each, Case) else str(each)


def test_every_case_that_has_to_be_there_is_there_once() -> None:
    """No name twice, and none missing."""
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert set(names) >= REQUIRED


@pytest.mark.parametrize(("case", "number"), every_phase(), ids=named)
def test_a_story_is_a_scenario_that_expects_something(
    case: Case, number: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`offhook` reads it, whatever it expects exists, and there is something that can fail."""
    folder = tmp_path_factory.mktemp("case")
    text = text_of(case, number)
    if PHONE_IMAGE in text:
        # The image of the phase before is not there yet.
        text = text.replace(f'flash = "{PHONE_IMAGE}"', "")
    scenario = parse_scenario(text, case.name, folder)
    assert scenario.title == case.title
    assert scenario.expect.outcome is not None
    assert scenario.expect != Expectations()


@pytest.mark.parametrize(("case", "number"), every_phase(), ids=named)
def test_the_servers_of_a_phase_do_not_collide(
    case: Case, number: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each is in the list of programs, and no two listen in the same place."""
    listens: list[Listens] = []
    for server in case.phases[number].servers:
        assert isinstance(server, Raw | Flood) or server.program in PACKAGES
        listens += server.launch(tmp_path_factory.mktemp("server"), AUTHORITY).listens
    assert len(set(listens)) == len(listens)


def test_only_later_phases_start_from_an_image() -> None:
    """The first has nothing to start from."""
    for case, number in every_phase():
        assert (PHONE_IMAGE in case.phases[number].story) == (number > 0), case.name


def test_every_kind_of_bad_server_has_its_case() -> None:
    """And every case its kind."""
    used = {
        server.kind for case in CASES for phase in case.phases for server in phase.servers if isinstance(server, Raw)
    }
    assert used == set(KINDS)


def test_the_storm_has_a_file_for_each_phone() -> None:
    """Consecutive addresses from the phone's own on."""
    storm = next(case for case in CASES if case.name == "reboot-storm").phases[0]
    served = storm.servers[0].launch(Path("/nowhere"), AUTHORITY).files
    assert storm.arguments == ("--count", str(STORM))
    assert all(f"site-0/Config{mac}.cfg" in served for mac in macs(STORM))
    assert macs(3) == ["0080F0123456", "0080F0123457", "0080F0123458"]


def test_pieces_of_a_story() -> None:
    """What the helpers write."""
    assert phone(url="http://192.0.2.20/") == (
        "[phone]\n[phone.options]\nlldp_wait = 0\n[phone.user]\n"
        'USR_PROV_SVR_URL = "http://192.0.2.20/"\n[phone.provisioned]\nSIPPNP_ENABLE = "N"\n'
    )
    assert event("RunEnded", count=2, outcome="failed", changed=0) == (
        '[[expect.event]]\nkind = "RunEnded"\nwhere = { outcome = "failed", changed = 0 }\ncount = 2\n'
    )
    assert never("HttpRequested", tls=True) == '[[expect.never]]\nkind = "HttpRequested"\nwhere = { tls = true }\n'
    assert "tftp://192.0.2.20/Config{MAC}.cfg" in str(two_files("tftp://192.0.2.20")[INITIAL])


def test_a_case_has_a_phase() -> None:
    """One without would pass."""
    with pytest.raises(ValueError, match="phases"):
        attrs.evolve(CASES[0], phases=())
