"""The switch, the stations beside the phone, and servers in VLANs."""

from __future__ import annotations

import attrs
import pytest

from emulator.events import (
    SECOND,
    AddressBound,
    AddressLost,
    ConflictFound,
    DatagramLost,
    DatagramReceived,
    FrameReceived,
    NeighbourHeard,
    VlanChosen,
)
from emulator.wire import arp, cdp, ethernet, lldp
from emulator.wire import dhcp as wire
from emulator.world.run import Run
from emulator.world.scenario import ActionSpec, DhcpSpec, Duration, HostSpec, SwitchSpec
from emulator.world.servers.base import Datagram
from emulator.world.servers.dhcp import DhcpServer
from emulator.world.servers.switch import Lan
from tests.emulator.phone.bench import served, story
from tools.simulate import run

PHONE = bytes.fromhex("0080f0123456")
QUESTION = {"LLDP": ethernet.lldp_frame(PHONE, b""), "CDP": ethernet.cdp_frame(PHONE, b"")}
VOICE = SwitchSpec(lldp_vlan=20, cdp="answer", cdp_vlan=30, delay=Duration(7))


@pytest.mark.parametrize("protocol", ["LLDP", "CDP"])
def test_the_switch_answers_as_it_is_told(protocol: str) -> None:
    for behaviour, count in (("answer", 1), ("silent", 0), ("garbage", 1)):
        spec = attrs.evolve(VOICE, lldp=behaviour, cdp=behaviour)
        answers = list(Lan(spec, ()).receive(QUESTION[protocol], 0))
        assert [answer.delay for answer in answers] == [7] * count
        assert [ethernet.parse(answer.frame).protocol for answer in answers] == [protocol] * count
        if behaviour == "garbage":
            data = ethernet.parse(answers[0].frame).data
            with pytest.raises((lldp.LldpError, cdp.CdpError)):
                (lldp.parse if protocol == "LLDP" else cdp.parse)(data[8:] if protocol == "CDP" else data)


@pytest.mark.parametrize("frame", [b"", ethernet.Frame(PHONE, PHONE, None, 0x0800, b"").encode()])
def test_other_frames_are_left_alone(frame: bytes) -> None:
    assert list(Lan(VOICE, (HostSpec("192.0.2.10"),)).receive(frame, 0)) == []


def test_a_boot_is_no_later_for_a_switch_that_answers_at_once() -> None:
    world = story(served({"/i.cfg": "<x/>"}))
    silent = attrs.evolve(world, phone=attrs.evolve(world.phone, options={"lldp_wait": 0, "arp": False}))
    with_switch, without = run(world), run(silent)
    assert with_switch.of(AddressBound)[0].time == without.of(AddressBound)[0].time
    assert with_switch.events == without.events + 6


# --- VLANs ----------------------------------------------------------------------------------------------------------


def servers(*vlans: int) -> tuple[DhcpSpec, ...]:
    """A DHCP server in each of these VLANs, which gives addresses of its own."""
    return tuple(DhcpSpec(address=f"10.0.{vlan}.1", pool=f"10.0.{vlan}.10-10.0.{vlan}.99", vlan=vlan) for vlan in vlans)


@pytest.mark.parametrize(
    ("switch", "options", "address"),
    [
        (SwitchSpec(), {}, "10.0.0.10"),
        (VOICE, {}, "10.0.20.10"),
        (attrs.evolve(VOICE, lldp="silent"), {}, "10.0.30.10"),
        (VOICE, {"vlan": 7}, "10.0.7.10"),
    ],
    ids=["untagged", "LLDP", "CDP", "by hand"],
)
@pytest.mark.spec("PROV-281")
def test_dhcp_is_asked_in_the_vlan_that_was_chosen(
    switch: SwitchSpec, options: dict[str, str | bool | int], address: str
) -> None:
    result = run(story(dhcp=servers(0, 7, 20, 30), switch=switch, options=options))
    assert [entry.event.address for entry in result.of(AddressBound)] == [address]  # type: ignore[attr-defined]
    offers = {entry.event.source for entry in result.of(DatagramReceived)}  # type: ignore[attr-defined]
    assert len(offers) == 1


def test_a_vlan_without_a_server_is_empty() -> None:
    result = run(story(dhcp=servers(0), switch=VOICE))
    assert not result.of(AddressBound)
    assert {entry.event.reason for entry in result.of(DatagramLost)} == {"nobody-listens"}  # type: ignore[attr-defined]


def test_each_phone_has_its_own_vlan_and_a_link_begins_untagged() -> None:
    hands = (ActionSpec(Duration(20 * SECOND), "link-down"), ActionSpec(Duration(21 * SECOND), "link-up"))
    made = Run(story(dhcp=servers(20), switch=VOICE, count=2, action=hands, until=Duration(60 * SECOND)))
    made.run_until(10 * SECOND)
    assert made.world.vlans == {0: 20, 1: 20}
    fork = made.fork()
    fork.world.port_up(0)
    assert (made.world.vlans, fork.world.vlans) == ({0: 20, 1: 20}, {1: 20})
    made.run_until(60 * SECOND)
    assert made.world.vlans == {0: 20, 1: 20}


# --- Stations -------------------------------------------------------------------------------------------------------


def test_a_station_claims_its_address_while_it_is_there_and_in_its_vlan() -> None:
    host = HostSpec("192.0.2.10", vlan=20, start=Duration(5), end=Duration(10), delay=Duration(3))
    lan = Lan(SwitchSpec(), (host,)).fork()
    packet = arp.announcement(PHONE, "192.0.2.10").encode()
    for vlan, now, heard in ((20, 5, True), (20, 9, True), (20, 4, False), (20, 10, False), (0, 5, False)):
        answers = list(lan.receive(ethernet.arp_frame(ethernet.BROADCAST, PHONE, packet, vlan), now))
        assert bool(answers) is heard
    (answer,) = lan.receive(ethernet.arp_frame(ethernet.BROADCAST, PHONE, packet, 20), 5)
    frame = ethernet.parse(answer.frame)
    assert (answer.delay, frame.vlan) == (3, 20)
    assert arp.parse(frame.data).sender == "192.0.2.10"
    other = arp.announcement(PHONE, "192.0.2.11").encode()
    assert not list(lan.receive(ethernet.arp_frame(ethernet.BROADCAST, PHONE, other, 20), 5))
    assert not list(lan.receive(ethernet.arp_frame(ethernet.BROADCAST, PHONE, b"junk", 20), 5))


def test_a_declined_address_is_not_given_out_again() -> None:
    hosts = (HostSpec("192.0.2.10"), HostSpec("192.0.2.11"))
    result = run(story(host=hosts, count=2, until=Duration(120 * SECOND)))
    assert sorted(phone.dhcp.address for phone in result.phones) == ["192.0.2.12", "192.0.2.13"]
    found = {entry.event.address for entry in result.of(ConflictFound)}  # type: ignore[attr-defined]
    assert found == {"192.0.2.10", "192.0.2.11"}


def test_a_pool_that_is_used_up_by_strangers_gives_nothing() -> None:
    result = run(
        story(host=(HostSpec("192.0.2.10"),), dhcp=(DhcpSpec(pool="192.0.2.10"),), until=Duration(60 * SECOND))
    )
    assert len(result.of(AddressBound)) == 1
    assert result.phones[0].dhcp.state == "selecting"


def test_a_decline_of_somebody_elses_address_changes_nothing() -> None:
    server = DhcpServer(DhcpSpec())
    assert server.lease(PHONE.hex()) == "192.0.2.10"
    for mac, address in ((PHONE, "192.0.2.99"), (bytes(6), "192.0.2.10")):
        options = [(wire.REQUESTED_ADDRESS, wire.ip_to_bytes(address))]
        message = wire.build(op=wire.BOOTREQUEST, xid=1, chaddr=mac, type=wire.DECLINE, options=options)
        assert server.receive(Datagram(0, "0.0.0.0", 68, "255.255.255.255", 67, message), 0) == ()
    assert server.fork().lease(PHONE.hex()) == "192.0.2.10"
    assert server.fork().lease("another") == "192.0.2.11"


def test_a_station_that_comes_later_announces_itself_and_the_phone_defends_its_address_once() -> None:
    """The station is as stubborn as the phone; whoever answers second within ten seconds loses."""
    host = HostSpec("192.0.2.10", start=Duration(60 * SECOND))
    result = run(story(host=(host,), until=Duration(120 * SECOND)))
    conflicts = [(entry.time, entry.event.defended) for entry in result.of(ConflictFound)]  # type: ignore[attr-defined]
    assert conflicts == [(60 * SECOND, True), (60 * SECOND + SECOND // 1000, False)]
    assert [entry.event.reason for entry in result.of(AddressLost)] == ["conflict"]  # type: ignore[attr-defined]
    assert result.phones[0].dhcp.address == "192.0.2.11"


def test_a_station_that_comes_later_is_heard_in_its_vlan_only() -> None:
    host = HostSpec("192.0.2.10", vlan=20, start=Duration(60 * SECOND))
    result = run(story(host=(host,), until=Duration(120 * SECOND)))
    assert not [entry for entry in result.of(FrameReceived) if entry.time]
    assert result.phones[0].dhcp.address == "192.0.2.10"


def test_an_answer_is_not_answered() -> None:
    """Else two stations would talk for ever."""
    answer = arp.Packet(arp.REPLY, PHONE, "192.0.2.9", bytes(6), "192.0.2.10").encode()
    lan = Lan(SwitchSpec(), (HostSpec("192.0.2.10"),))
    assert not list(lan.receive(ethernet.arp_frame(ethernet.BROADCAST, PHONE, answer), 0))


def test_nothing_comes_through_a_cable_that_is_out() -> None:
    hands = (ActionSpec(Duration(0), "link-down"), ActionSpec(Duration(SECOND), "link-up"))
    slow = SwitchSpec(lldp_vlan=20, delay=Duration(SECOND // 2))
    result = run(story(switch=slow, dhcp=servers(20), action=hands))
    assert [entry.time for entry in result.of(NeighbourHeard)] == [SECOND + SECOND // 2]
    assert len(result.of(FrameReceived)) == 1
    assert len(result.of(VlanChosen)) == 1
