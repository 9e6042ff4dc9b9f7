"""IPv4, IPv6 and both: which sources are asked, when a run begins, which address is used, and what a loss means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import pytest

from emulator.events import (
    SECOND,
    AddressBound,
    AddressLost,
    DatagramSent,
    DownloadEnded,
    HttpAnswered,
    HttpRequested,
    Ipv6AddressBound,
    LinkDown,
    LookupAnswered,
    LookupRequested,
    NameAsked,
    Payload,
    RunEnded,
    RunStarted,
    SourceTried,
    StepEntered,
    step_name,
)
from emulator.phone import network
from emulator.phone.catalogue import catalogue
from emulator.wire import dhcp as wire4
from emulator.wire import dhcpv6 as wire
from emulator.world.scenario import DhcpSpec, Dhcpv6Spec, PnpSpec, RedirectionSpec, Scenario
from tests.emulator.phone.bench import (
    ADDRESS,
    FILE_SERVER,
    MAC,
    MINUTE,
    QUIET,
    initial,
    lease,
    of,
    prov,
    seconds,
    served,
    steps,
    story,
    typed,
)
from tests.emulator.phone.bench_ipv6 import ADDRESS6, FILE_SERVER6, Bench6, association, option_17
from tools.simulate import RunResult, run

NAMED = "http://prov.example.com/a.cfg"
BOTH = "2"


# --- The sources (PROV-021) -----------------------------------------------------------------------------------------


def url_of(step: int) -> str:
    return f"http://[{FILE_SERVER6}]/{step}.cfg" if step == 61 else f"http://{FILE_SERVER}/{step}.cfg"


def world(mode: str, sources: Iterable[int], dhcp: bool = True, dhcpv6: bool = True) -> Scenario:
    """A world in which exactly these steps could find a URL, each one of its own."""
    has = set(sources)
    at = {step: url_of(step) if step in has else None for step in (4, 5, 6, 61)}
    paths = {f"/{step}.cfg": prov(CFG_RTRY_INTVL=str(step)) for step in has}
    scenario = story(
        served(paths),
        served(paths, address=FILE_SERVER6),
        provisioned={"IP_ADDR_MODE": mode},
        user={"USR_PROV_SVR_URL": "http://prov.example.com/2.cfg"} if 2 in has else {},
        options={"redirection_url": "http://redirection.example.com/"},
        names={
            "prov.example.com": f"{FILE_SERVER},{FILE_SERVER6}",
            "redirection.example.com": "192.0.2.50, 2001:db8::50",
        },
    )
    known = {MAC: url_of(7)} if 7 in has else {}
    return attrs.evolve(
        scenario,
        dhcp=(DhcpSpec(option160=at[4], option159=at[5], option66=at[6]),) if dhcp else (),
        dhcpv6=(Dhcpv6Spec(url=at[61]),) if dhcpv6 else (),
        pnp=(PnpSpec(url=url_of(3)),) if 3 in has else (),
        redirection=(RedirectionSpec(known=known), RedirectionSpec(known=known, address="2001:db8::50")),
        until=seconds(40),
    )


TABLE = {
    "IPv4 only": ("0", ["1", "2", "3", "4", "5", "6", "7"]),
    "IPv6 only": ("1", ["1", "2", "6a"]),
    "both": ("2", ["1", "2", "3", "4", "5", "6", "6a", "7"]),
}
"""The table of PROV-021, from step 1 on: what the interface is, to the steps that are entered until a URL is found."""
RANKS = [
    pytest.param(mode, way[: index + 1], id=f"{name}, {way[index]} is the first that has one")
    for name, (mode, way) in TABLE.items()
    for index in range(1, len(way))
]


def number_of(name: str) -> int:
    return 61 if name == "6a" else int(name)


def names(result: RunResult) -> list[str]:
    return [step_name(step) for step in steps(result.entries)]


@pytest.mark.spec("PROV-021")
@pytest.mark.parametrize(("mode", "way"), RANKS)
def test_the_first_source_of_the_list_wins_over_all_behind_it(mode: str, way: list[str]) -> None:
    every = [number_of(name) for name in TABLE["both"][1][1:]]
    has = every[every.index(number_of(way[-1])) :]
    result = run(world(mode, has))
    assert names(result) == [*way, "8"]
    assert result.outcome == "provisioned"
    assert result.phones[0].settings.value("CFG_RTRY_INTVL") == str(number_of(way[-1]))


@pytest.mark.spec("PROV-021", "PROV-011")
@pytest.mark.parametrize(("mode", "way"), TABLE.values(), ids=TABLE)
def test_without_any_url_the_whole_list_is_asked(mode: str, way: list[str]) -> None:
    result = run(world(mode, ()))
    assert names(result) == [*way, "9"]
    assert result.outcome == "failed"


@pytest.mark.spec("PROV-022")
def test_a_phone_with_ipv6_only_sends_no_subscribe_and_asks_no_redirection_server() -> None:
    result = run(world("1", (3, 4, 5, 6, 7)))
    assert {entry.event.port for entry in result.of(DatagramSent)} == {547}
    assert not result.of(HttpRequested)
    assert [entry.event.step for entry in result.of(SourceTried)] == [2, 61]
    assert result.outcome == "failed"


@pytest.mark.spec("PROV-020")
@pytest.mark.parametrize(
    ("dhcp", "dhcpv6", "way"),
    [
        pytest.param(True, True, TABLE["both"][1], id="both answer"),
        pytest.param(True, False, TABLE["both"][1], id="only DHCPv4 answers"),
        pytest.param(False, True, TABLE["IPv6 only"][1], id="only DHCPv6 answers"),
    ],
)
def test_with_both_families_the_interface_decides(dhcp: bool, dhcpv6: bool, way: list[str]) -> None:
    result = run(world(BOTH, (), dhcp, dhcpv6))
    assert names(result) == [*way, "9"]


@pytest.mark.spec("PROV-092")
@pytest.mark.parametrize("extra", [(), (option_17(""),), (option_17("\0"),), (option_17("http://a/", code=2),)])
def test_without_the_option_the_phone_gives_dhcpv6_up(extra: tuple[tuple[int, bytes], ...]) -> None:
    bench = Bench6()
    bench.solicit()
    bench.bind6(*extra)
    (tried,) = [entry for entry in bench.of(SourceTried) if entry.event.step == 61]
    assert (tried.event.source, tried.event.url, tried.event.reason) == ("DHCPv6 option 17", None, "not-populated")
    assert bench.phone.dhcpv6.acked in tried.because
    assert steps(bench.entries) == [1, 2, 61, 9]


@pytest.mark.spec("PROV-094")
def test_no_parameter_switches_dhcpv6() -> None:
    bench = Bench6()
    bench.solicit()
    bench.bind6(option_17("http://[2001:db8::20]/a.cfg"))
    (tried,) = [entry for entry in bench.of(SourceTried) if entry.event.step == 61]
    assert (tried.event.setting, tried.event.value) == ("", "")
    assert not [tag for tag in catalogue().by_tag if "OPTION17" in tag or "DHCPV6" in tag]


# --- Step 6a waits for DHCPv6 ---------------------------------------------------------------------------------------


def at_step_6a() -> Bench6:
    """A phone with both families whose IPv4 address is there at once, and brought no URL."""
    bench = Bench6(BOTH, provisioned=QUIET)
    bench.link_up()
    bench.bind()
    assert steps(bench.entries)[-1] == 61
    return bench


def test_step_6a_goes_on_as_soon_as_dhcpv6_has_answered() -> None:
    bench = at_step_6a()
    while not bench.sent6():
        bench.until(DatagramSent)
    bench.bind6(option_17(NAMED))
    assert steps(bench.entries)[-2:] == [61, 8]
    assert not bench.phone.orders.armed("dhcpv6-wait")


@pytest.mark.spec("PROV-011")
def test_step_6a_gives_a_silent_server_ten_seconds() -> None:
    bench = at_step_6a()
    at = bench.now
    made = bench.run_to(at + 10 * SECOND)
    (tried,) = [entry for entry in of(made, SourceTried) if entry.event.step == 61]
    assert (tried.event.reason, tried.time) == ("no-answer", at + 10 * SECOND)
    assert steps(bench.entries)[-3:] == [61, 7, 9]


# --- When a run begins ----------------------------------------------------------------------------------------------


def starts(bench: Bench6) -> list[tuple[int, str]]:
    return [(entry.time, entry.event.trigger) for entry in bench.of(RunStarted)]


@pytest.mark.spec("PROV-020")
def test_ipv4_starts_the_run_at_once_and_ipv6_waits_ten_seconds_for_it() -> None:
    first = Bench6(BOTH)
    first.link_up()
    first.bind()
    assert starts(first) == [(0, "start")]
    late = Bench6(BOTH)
    late.solicit()
    late.bind6()
    late.run_to(10 * SECOND - 1)
    assert not starts(late)
    late.bind()
    assert starts(late) == [(10 * SECOND - 1, "start")]
    late.run_to(20 * SECOND)
    assert len(starts(late)) == 1
    never = Bench6(BOTH)
    never.solicit()
    never.bind6()
    never.run_to(12 * SECOND)
    assert starts(never) == [(10 * SECOND, "start")]


def test_an_interval_that_ends_while_it_waits_is_the_first_run() -> None:
    bench = Bench6(BOTH, provisioned={"CFG_CYCLIC": "Y", "CFG_CYCLIC_INTVL": "1", "USR_PROV_SVR_URL": "http://a/b.cfg"})
    bench.run_to(MINUTE - 5 * SECOND)
    bench.solicit()
    bench.bind6()
    bench.run_to(MINUTE + 10 * SECOND)
    assert starts(bench) == [(MINUTE, "cyclic")]


def test_after_ten_seconds_whichever_address_comes_first_starts_the_run() -> None:
    bench = Bench6(BOTH)
    bench.link_up()
    bench.run_to(11 * SECOND)
    assert not starts(bench)
    bench.bind6()
    assert starts(bench) == [(11 * SECOND, "start")]


def test_a_pulled_cable_begins_the_wait_anew() -> None:
    bench = Bench6(BOTH)
    bench.link_up()
    bench.run_to(9 * SECOND)
    bench.feed(LinkDown())
    assert bench.wait(MINUTE) == []
    bench.link_up()
    bench.wait(2 * SECOND)
    bench.bind6()
    bench.wait(7 * SECOND)
    assert not starts(bench)
    bench.wait(SECOND)
    assert starts(bench) == [(9 * SECOND + MINUTE + 10 * SECOND, "start")]


@pytest.mark.parametrize("mode", ["1", BOTH])
def test_a_run_that_failed_without_an_address_begins_again_with_one(mode: str) -> None:
    bench = Bench6(mode, provisioned=QUIET)
    bench.solicit()
    bench.bind6(option_17(f"http://[{FILE_SERVER6}]/a.cfg"))
    bench.run_to(10 * SECOND)
    assert bench.phone.provisioning.step == 8
    bench.feed(LinkDown())
    assert [entry.event.reason for entry in bench.of(DownloadEnded)] == ["no-address"]
    assert bench.phone.provisioning.offline
    bench.link_up()
    bench.wait(SECOND)
    bench.bind6(option_17(f"http://[{FILE_SERVER6}]/a.cfg"))
    assert [trigger for _, trigger in starts(bench)] == ["start", "address"]


@pytest.mark.spec("PROV-182")
@pytest.mark.parametrize("host", [FILE_SERVER, f"[{FILE_SERVER6}]", "prov.example.com"])
def test_a_pulled_cable_ends_a_download_once(host: str) -> None:
    """With both addresses gone at once, the steps after it are not taken twice."""
    bench = asking(BOTH, f"http://{host}/a.cfg")
    assert bench.phone.download.open
    bench.feed(LinkDown())
    assert [entry.event.reason for entry in bench.of(DownloadEnded)] == ["no-address"]
    assert len(bench.of(RunEnded)) == 1


def test_a_run_that_came_before_the_ipv6_address_it_needed_begins_again_with_it() -> None:
    server = served({"/i.cfg": initial()}, address=FILE_SERVER6)
    url = f"http://[{FILE_SERVER6}]/i.cfg"
    result = run(story(server, url=url, provisioned={**QUIET, "IP_ADDR_MODE": BOTH}, dhcpv6=(Dhcpv6Spec(),)))
    assert [entry.event.trigger for entry in result.of(RunStarted)] == ["start", "address"]
    assert [entry.event.reason for entry in result.of(DownloadEnded)] == ["no-address", ""]
    assert [entry.event.outcome for entry in result.of(RunEnded)] == ["failed", "provisioned"]
    assert result.of(RunStarted)[1].cause == result.of(Ipv6AddressBound)[0].n


def test_a_change_of_the_mode_waits_for_the_next_start() -> None:
    bench = Bench6("0")
    bench.link_up()
    bench.feed(typed("IP_ADDR_MODE", "1"))
    assert bench.phone.settings.value("IP_ADDR_MODE") == "1"
    assert bench.phone.network.families == (4,)
    assert not bench.sent6()


# --- Names and addresses --------------------------------------------------------------------------------------------


def asking(mode: str, url: str = NAMED) -> Bench6:
    """A phone that was told ``url``, with an address of every family of the mode."""
    bench = Bench6(mode, provisioned=QUIET, user=(("USR_PROV_SVR_URL", url),))
    bench.link_up()
    if mode != "0":
        bench.wait(SECOND)
        bench.bind6()
    if mode != "1":
        bench.reply(wire4.OFFER)
        bench.reply(wire4.ACK)
    return bench


@pytest.mark.spec("PROV-120")
@pytest.mark.parametrize(
    ("mode", "asked"),
    [
        ("0", LookupRequested("prov.example.com")),
        ("1", NameAsked("prov.example.com", (6,))),
        ("2", NameAsked("prov.example.com", (4, 6))),
    ],
)
def test_names_are_looked_up_in_the_families_in_use(mode: str, asked: LookupRequested | NameAsked) -> None:
    bench = asking(mode)
    found = [entry.event for entry in bench.entries if isinstance(entry.event, LookupRequested | NameAsked)]
    assert found == [asked]


@pytest.mark.spec("PROV-120", "PROV-020")
@pytest.mark.parametrize(
    ("mode", "addresses", "address"),
    [
        ("2", (FILE_SERVER6, FILE_SERVER), FILE_SERVER),
        ("2", (FILE_SERVER6, "2001:db8::21"), FILE_SERVER6),
        ("1", (FILE_SERVER, FILE_SERVER6), FILE_SERVER6),
        ("0", (FILE_SERVER6, FILE_SERVER), FILE_SERVER),
        ("1", (FILE_SERVER,), None),
        ("0", (FILE_SERVER6,), None),
    ],
)
def test_of_several_addresses_an_ipv4_one_is_asked_if_the_phone_has_one(
    mode: str, addresses: tuple[str, ...], address: str | None
) -> None:
    bench = asking(mode)
    bench.feed(LookupAnswered("prov.example.com", 1, addresses, ""))
    assert [entry.event.address for entry in bench.of(HttpRequested)] == ([address] if address else [])
    if not address:
        assert [entry.event.reason for entry in bench.of(DownloadEnded)] == ["unreachable"]


@pytest.mark.spec("PROV-035")
@pytest.mark.parametrize("mode", ["1", BOTH])
def test_a_bracketed_address_is_asked_by_itself(mode: str) -> None:
    bench = asking(mode, f"http://[2001:0DB8::0020]:8080/{MAC}")
    (request,) = [entry.event for entry in bench.of(HttpRequested)]
    assert (request.address, request.host, request.port) == (FILE_SERVER6, FILE_SERVER6, 8080)
    assert ("Host", f"[{FILE_SERVER6}]:8080") in request.headers
    assert not bench.of(NameAsked)


@pytest.mark.parametrize(("mode", "host"), [("0", f"[{FILE_SERVER6}]"), ("1", FILE_SERVER)])
def test_an_address_of_a_family_that_is_not_there_fails_at_once(mode: str, host: str) -> None:
    bench = asking(mode, f"http://{host}/a.cfg")
    assert not bench.of(HttpRequested)
    assert [entry.event.reason for entry in bench.of(DownloadEnded)] == ["unreachable"]


def test_the_name_service_tells_only_what_was_asked_for() -> None:
    def answers(mode: str, addresses: str) -> list[tuple[tuple[str, ...], str]]:
        known = {"names": {"prov.example.com": addresses}, "dhcpv6": (Dhcpv6Spec(url=NAMED),)}
        result = run(story(url=NAMED, provisioned={**QUIET, "IP_ADDR_MODE": mode}, **known))
        return [(entry.event.addresses, entry.event.error) for entry in result.of(LookupAnswered)]

    long = "2001:0db8:0::20, 192.0.2.20"
    assert answers("0", long) == [((FILE_SERVER,), "")]
    assert answers("1", long) == [((FILE_SERVER6,), "")]
    assert answers(BOTH, long) == [((FILE_SERVER6, FILE_SERVER), "")]
    assert answers("0", FILE_SERVER6) == [((), "no-data")]
    assert answers("1", "!no-such-name") == [((), "no-such-name")]


# --- What the loss of an address means ------------------------------------------------------------------------------


def downloading(url: str) -> Bench6:
    """A phone with both families that waits for an answer; its IPv4 lease lasts ten seconds."""
    bench = Bench6(BOTH, provisioned=QUIET, user=(("USR_PROV_SVR_URL", url),))
    bench.link_up()
    bench.wait(SECOND)
    bench.bind6()
    bench.reply(wire4.OFFER, options=lease(10))
    bench.reply(wire4.ACK, options=lease(10))
    return bench


def test_a_download_over_ipv6_outlives_the_ipv4_address() -> None:
    bench = downloading(f"http://[{FILE_SERVER6}]/a.cfg")
    bench.wait(10 * SECOND)
    assert bench.of(AddressLost)
    assert not bench.of(DownloadEnded)
    assert not bench.phone.provisioning.offline
    bench.feed(HttpAnswered("initial", 1, 200, (), Payload(initial().encode()), "complete"))
    assert [entry.event.outcome for entry in bench.of(RunEnded)] == ["provisioned"]


def test_a_look_up_outlives_one_address_of_two() -> None:
    bench = downloading(NAMED)
    bench.wait(10 * SECOND)
    bench.feed(LookupAnswered("prov.example.com", 1, (FILE_SERVER, FILE_SERVER6), ""))
    assert [entry.event.address for entry in bench.of(HttpRequested)] == [FILE_SERVER6]


def test_a_download_over_ipv4_ends_with_the_ipv4_address() -> None:
    bench = downloading(f"http://{FILE_SERVER}/a.cfg")
    bench.wait(10 * SECOND)
    assert [entry.event.reason for entry in bench.of(DownloadEnded)] == ["no-address"]
    answer = HttpAnswered("initial", 1, 200, (), Payload(initial().encode()), "complete")
    assert not bench.machine.accepts(answer), "its connection is gone"


def test_a_download_over_ipv6_ends_with_the_ipv6_address() -> None:
    bench = Bench6(BOTH, provisioned=QUIET, user=(("USR_PROV_SVR_URL", f"http://[{FILE_SERVER6}]/a.cfg"),))
    bench.link_up()
    bench.wait(SECOND)
    bench.bind6(given=(association(preferred=10, valid=10),))
    bench.bind()
    bench.wait(10 * SECOND)
    assert [entry.event.reason for entry in bench.of(DownloadEnded)] == ["no-address"]
    bench.wait(SECOND)
    bench.bind6()
    assert [trigger for _, trigger in starts(bench)] == ["start", "address"]


# --- The module -----------------------------------------------------------------------------------------------------


def test_the_source_of_what_is_sent_has_the_family_of_its_destination() -> None:
    bench = asking(BOTH)
    assert network.source_for(bench.phone, FILE_SERVER) == ADDRESS
    assert network.source_for(bench.phone, FILE_SERVER6) == ADDRESS6
    only: dict[str, Any] = {"0": ADDRESS, "1": ADDRESS6}
    for mode, address in only.items():
        phone = asking(mode).phone
        assert network.online(phone)
        assert {network.source_for(phone, FILE_SERVER), network.source_for(phone, FILE_SERVER6)} == {address, ""}


@pytest.mark.spec("PROV-023")
@pytest.mark.parametrize(("mode", "families"), [("0", (4,)), ("1", (6,)), ("2", (4, 6))])
def test_the_mode_names_the_families(mode: str, families: tuple[int, ...]) -> None:
    assert Bench6(mode).phone.network.families == families


def test_events_of_both_families_stand_in_one_log() -> None:
    result = run(world(BOTH, (4,)))
    assert len(result.of(AddressBound)) == len(result.of(Ipv6AddressBound)) == 1
    assert [step_name(entry.event.step) for entry in result.of(StepEntered)] == ["1", "2", "3", "4", "8"]
    messages = [wire.type_name(entry.event.payload[0]) for entry in result.of(DatagramSent) if entry.event.port == 547]
    assert messages == ["SOLICIT", "REQUEST"]
