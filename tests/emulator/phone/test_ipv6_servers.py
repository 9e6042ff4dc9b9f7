"""What is done over IPv6 besides HTTP: TFTP, FTP, time and log lines; the VLAN; and what stays with IPv4."""

from __future__ import annotations

import attrs
import pytest

from emulator.events import (
    SECOND,
    AddressLost,
    ClockSet,
    DatagramSent,
    Dhcpv6StateEntered,
    DownloadEnded,
    FrameReceived,
    Ipv6AddressBound,
    LineRegistering,
    LineWaiting,
    LookupAnswered,
    NameAsked,
    Payload,
    RestartOrdered,
    RunEnded,
    RunStarted,
    StreamOpened,
    StreamRequested,
    StreamSent,
    TransferEnded,
)
from emulator.phone.kx_utg200 import kx_utg200
from emulator.wire import dhcp as wire4
from emulator.world.scenario import DhcpSpec, Dhcpv6Spec, FilesSpec, SipSpec, SntpSpec, SwitchSpec, SyslogSpec
from emulator.world.servers.switch import switch_frame
from tests.emulator.phone.bench import (
    ADDRESS,
    FILE_SERVER,
    MINUTE,
    QUIET,
    datagrams,
    initial,
    lease,
    seconds,
    served,
    steps,
    story,
)
from tests.emulator.phone.bench_ipv6 import ADDRESS6, FILE_SERVER6, OWN, Bench6
from tests.emulator.phone.registering import LINE, REGISTRAR
from tools.simulate import RunResult, run

ONLY, BOTH = "1", "2"
LONG_WAY = "2001:0DB8:0::0020"
"""How an administrator may write the address of the file server."""
TIME4, TIME6 = "192.0.2.40", "2001:db8::40"
HOUR = 60 * MINUTE


def world(url: str, *files: FilesSpec, mode: str = ONLY, **changes: object) -> RunResult:
    """A phone in that mode which finds ``url`` in option 17."""
    provisioned = {**QUIET, "IP_ADDR_MODE": mode, **changes.pop("settings", {})}  # type: ignore[dict-item]
    changes = {"dhcpv6": (Dhcpv6Spec(url=url),), "until": seconds(60), **changes}
    return run(story(*files, url=None, provisioned=provisioned, **changes))


# --- Files ----------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-118")
@pytest.mark.parametrize("host", [f"[{LONG_WAY}]", "prov.example.com"])
@pytest.mark.parametrize("scheme", ["tftp", "ftp"])
def test_a_file_is_read_from_an_ipv6_address(scheme: str, host: str) -> None:
    server = served({"/i.cfg": initial()}, address=LONG_WAY, protocols=(scheme,))
    result = world(f"{scheme}://{host}/i.cfg", server, names={"prov.example.com": LONG_WAY})
    assert result.outcome == "provisioned"
    assert {entry.event.source for entry in result.of(DatagramSent)} <= {OWN, ADDRESS6}
    assert [entry.event.address for entry in result.of(StreamRequested)] == [FILE_SERVER6] * 2 * (scheme == "ftp")


@pytest.mark.spec("PROV-118")
def test_a_server_without_epsv_cannot_be_read_over_ipv6() -> None:
    server = served({"/i.cfg": initial()}, address=FILE_SERVER6, protocols=("ftp",), ftp=("no-epsv",))
    result = world(f"ftp://[{FILE_SERVER6}]/i.cfg", server)
    assert [entry.event.reason for entry in result.of(DownloadEnded)] == ["server-error"]
    assert not [entry for entry in result.of(StreamSent) if entry.event.payload.startswith(b"PASV")]


def reading(url: str) -> Bench6:
    """A phone with both families that has begun to read; its IPv4 lease lasts three seconds."""
    bench = Bench6(BOTH, provisioned=QUIET, user=(("USR_PROV_SVR_URL", url),))
    bench.link_up()
    bench.wait(SECOND)
    bench.bind6()
    bench.reply(wire4.OFFER, options=lease(3))
    bench.reply(wire4.ACK, options=lease(3))
    return bench


@pytest.mark.parametrize("scheme", ["tftp", "ftp"])
def test_a_transfer_over_ipv6_outlives_the_ipv4_address(scheme: str) -> None:
    bench = reading(f"{scheme}://[{FILE_SERVER6}]/i.cfg")
    bench.wait(3 * SECOND)
    assert bench.of(AddressLost)
    assert not bench.of(DownloadEnded)
    assert bench.phone.download.open
    if scheme == "ftp":
        bench.feed(StreamOpened("ftp", 1))


@pytest.mark.parametrize("scheme", ["tftp", "ftp"])
def test_a_transfer_over_ipv4_ends_with_the_ipv4_address(scheme: str) -> None:
    bench = reading(f"{scheme}://{FILE_SERVER}/i.cfg")
    bench.wait(3 * SECOND)
    for kind in (DownloadEnded, TransferEnded):
        (ended,) = bench.of(kind)
        assert (ended.event.reason if kind is DownloadEnded else ended.event.end) == "no-address"
    assert not bench.phone.orders.streaming("ftp")
    assert not bench.phone.orders.armed("tftp")


@pytest.mark.spec("PROV-239")
@pytest.mark.parametrize(("mode", "way"), [("0", [2, 8, 3, 4, 8]), (ONLY, [2, 8, 61, 8]), (BOTH, [2, 8, 3, 4, 8])])
def test_a_last_good_url_that_fails_is_looked_for_anew_in_each_family(mode: str, way: list[int]) -> None:
    """The server comes back too late for the URL that is remembered, and in time for the one that is found again."""
    paths = {"/i.cfg": initial()}
    moved = [served(paths, address=address, end=seconds(1000)) for address in (FILE_SERVER, FILE_SERVER6)]
    cyclic = {**QUIET, "CFG_CYCLIC": "Y", "CFG_CYCLIC_INTVL": "60", "IP_ADDR_MODE": mode}
    made = story(*moved, provisioned=cyclic, until=seconds(3700))
    made = attrs.evolve(made, dhcpv6=(Dhcpv6Spec(url=f"http://[{FILE_SERVER6}]/i.cfg"),))
    later = [entry for entry in run(made).entries if entry.time >= HOUR]
    assert steps(later)[: len(way)] == way


def test_a_file_that_changes_the_mode_restarts_the_phone_into_it() -> None:
    """PROV-277: the old mode counts until then."""
    text = "<Network><IPv6><IP_ADDR_MODE>1</IP_ADDR_MODE></IPv6></Network>"
    file = f"<PANASIPPhoneConfig><Device>{text}</Device></PANASIPPhoneConfig>"
    server = served({"/i.cfg": initial(standard="s.cfg"), "/s.cfg": file})
    result = run(story(server, dhcpv6=(Dhcpv6Spec(),), until=seconds(120)))
    (restart,) = result.of(RestartOrdered)
    assert [entry.n > restart.n for entry in result.of(Dhcpv6StateEntered)[:1]] == [True]
    assert result.phones[0].network.families == (6,)


# --- Time and log lines ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("server", [TIME6, "2001:0DB8:0::40", "time.example.com"])
def test_the_time_comes_over_ipv6(server: str) -> None:
    names = {"time.example.com": f"{TIME4}, {TIME6}"}
    result = world("", sntp=(SntpSpec("2001:0db8::0040"),), names=names, settings={"NTP_ADDR": server})
    assert result.of(ClockSet)
    assert {event.source for _, event in datagrams(result.entries, 123)} == {ADDRESS6}


def test_a_time_server_of_a_family_that_is_not_there_is_not_asked() -> None:
    result = world("", sntp=(SntpSpec(),), settings={"NTP_ADDR": TIME4})
    assert not [*datagrams(result.entries, 123)]
    assert result.of(RunEnded)


def test_a_query_is_given_up_with_the_address_that_it_came_from() -> None:
    bench = Bench6(BOTH, provisioned={**QUIET, "NTP_ADDR": "time.example.com"})
    bench.link_up()
    bench.wait(SECOND)
    bench.bind6()
    bench.reply(wire4.OFFER, options=lease(30))
    bench.reply(wire4.ACK, options=lease(30))
    bench.wait(0)
    found = LookupAnswered("time.example.com", 1, (TIME6, TIME4), "")
    bench.feed(found)
    assert [event.source for _, event in datagrams(bench.entries, 123)] == [ADDRESS]
    bench.wait(30 * SECOND)
    assert bench.of(AddressLost)
    assert (bench.phone.wallclock.port, bench.phone.wallclock.address) == (0, "")
    while len(bench.of(NameAsked)) == 1:
        bench.wait(SECOND)
    bench.feed(attrs.evolve(found, ordinal=2))
    assert [event.source for _, event in datagrams(bench.entries, 123)] == [ADDRESS, ADDRESS6]


@pytest.mark.parametrize("server", ["2001:db8::30", "log.example.com"])
def test_log_lines_go_over_ipv6(server: str) -> None:
    loud = {"SYSLOG_SERVER_ENABLE": "Y", "SYSLOG_ADDR": server, "SYSLOG_SEVERITY": "7"}
    names = {"log.example.com": "192.0.2.30, 2001:db8::30"}
    result = world("", syslog=(SyslogSpec("2001:db8::30"),), names=names, settings=loud)
    lines = [event for _, event in datagrams(result.entries, 514)]
    assert {(event.source, event.destination) for event in lines} == {(ADDRESS6, "2001:db8::30")}
    assert all(f" {ADDRESS6} PROV: ".encode() in event.payload for event in lines)


def test_log_lines_for_a_server_of_the_other_family_wait() -> None:
    """Nobody is asked where an address is."""
    loud = {"SYSLOG_SERVER_ENABLE": "Y", "SYSLOG_ADDR": "192.0.2.30", "SYSLOG_SEVERITY": "7"}
    result = world("", settings=loud)
    assert not [*datagrams(result.entries, 514)]
    assert not result.of(NameAsked)
    assert result.phones[0].syslog.queue


# --- What stays with IPv4 -------------------------------------------------------------------------------------------


def registers(result: RunResult) -> list[str]:
    """Where each REGISTER went."""
    sent = (entry.event for entry in result.of(DatagramSent))
    return [event.destination for event in sent if event.payload.startswith(b"REGISTER ")]


@pytest.mark.parametrize("registrar", [REGISTRAR, "2001:db8::30", "sip.example.com"])
def test_with_ipv6_only_a_line_waits_for_an_ipv4_address(registrar: str) -> None:
    result = world("", settings={**LINE, "SIP_RGSTR_ADDR/1": registrar}, names={"sip.example.com": "2001:db8::30"})
    assert result.of(RunEnded)
    assert not result.of(LineRegistering)
    assert result.phones[0].registration.lines == {}
    assert registers(result) == []


def test_with_both_families_a_line_registers_over_ipv4() -> None:
    names = {"sip.example.com": f"2001:db8::30, {REGISTRAR}"}
    login = (SipSpec(auth="none"),)
    settings = {**LINE, "SIP_RGSTR_ADDR/1": "sip.example.com"}
    result = world("", mode=BOTH, settings=settings, names=names, sip=login, dhcp=(DhcpSpec(),))
    assert registers(result) == [REGISTRAR]
    assert result.phones[0].registration.registered() == (1,)


@pytest.mark.parametrize("registrar", ["2001:db8::30", "sip.example.com"])
def test_a_registrar_without_an_ipv4_address_is_unreachable(registrar: str) -> None:
    settings = {**LINE, "SIP_RGSTR_ADDR/1": registrar}
    result = world("", mode=BOTH, settings=settings, names={"sip.example.com": "2001:db8::30"}, dhcp=(DhcpSpec(),))
    assert {entry.event.reason for entry in result.of(LineWaiting)} == {"unreachable"}
    assert registers(result) == []


# --- The link -------------------------------------------------------------------------------------------------------


def attached(mode: str) -> Bench6:
    """A phone that listens for its neighbour, five seconds after link up at most."""
    bench = Bench6(mode, firmware=kx_utg200(), lan=True, provisioned=QUIET)
    bench.link_up()
    return bench


def began(bench: Bench6) -> list[int]:
    """When the DHCPv6 client began."""
    first = (entry for entry in bench.of(Dhcpv6StateEntered) if entry.event.state == "soliciting")
    return [entry.time for entry in first if entry.event.attempt == 0]


@pytest.mark.spec("PROV-281")
@pytest.mark.parametrize("mode", [ONLY, BOTH])
def test_dhcpv6_waits_for_the_neighbour_as_dhcp_does(mode: str) -> None:
    bench = attached(mode)
    bench.run_to(5 * SECOND - 1)
    assert began(bench) == []
    bench.run_to(20 * SECOND)
    assert began(bench) == [5 * SECOND]


@pytest.mark.spec("PROV-281")
@pytest.mark.parametrize("mode", [ONLY, BOTH])
@pytest.mark.parametrize("vlan", [0, 20])
def test_the_word_of_the_switch_begins_it_once(mode: str, vlan: int) -> None:
    bench = attached(mode)
    bench.run_to(SECOND)
    frame = switch_frame(SwitchSpec(lldp_vlan=vlan), "LLDP")
    assert frame is not None
    bench.feed(FrameReceived(Payload(frame)))
    bench.feed(FrameReceived(Payload(frame)))
    assert bench.phone.orders.armed("dhcp") == (mode == BOTH)
    bench.run_to(8 * SECOND)
    assert began(bench) == [SECOND]
    assert bench.phone.neighbours.vlan == vlan


@pytest.mark.spec("PROV-020")
def test_ipv4_has_its_ten_seconds_from_when_both_begin() -> None:
    bench = attached(BOTH)
    while not bench.sent6():
        bench.until(Dhcpv6StateEntered)
    bench.bind6()
    bench.run_to(15 * SECOND - 1)
    assert not bench.of(RunStarted)
    bench.run_to(15 * SECOND)
    assert [entry.time for entry in bench.of(RunStarted)] == [15 * SECOND]


def test_dhcpv6_is_asked_in_the_vlan_that_was_chosen() -> None:
    servers = tuple(Dhcpv6Spec(f"2001:db8::{vlan + 1}", f"2001:db8:{vlan}::10", vlan=vlan) for vlan in (0, 20))
    result = world("", dhcpv6=servers, switch=SwitchSpec(lldp_vlan=20))
    assert [entry.event.address for entry in result.of(Ipv6AddressBound)] == ["2001:db8:20::10"]


@pytest.mark.spec("PROV-281")
def test_a_refused_ipv4_lease_does_not_begin_dhcpv6_anew() -> None:
    result = world("", mode=BOTH, dhcp=(DhcpSpec(nak=2),))
    begun = [entry for entry in result.of(Dhcpv6StateEntered) if entry.event.state == "soliciting"]
    assert [entry.event.attempt for entry in begun] == [0, 1]
