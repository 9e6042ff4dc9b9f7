"""A new address is announced; another station's claim ends it or is answered once (RFC 5227, RFC 2131 s.3.1.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    AddressLost,
    ConflictFound,
    DhcpStateEntered,
    DisplayShown,
    Entry,
    FrameReceived,
    FrameSent,
    PacketRefused,
    Payload,
    RunEnded,
    RunStarted,
    TimerSet,
)
from emulator.phone.kx_utg200 import kx_utg200
from emulator.wire import arp, ethernet
from emulator.wire import dhcp as wire
from tests.emulator.phone.bench import ADDRESS, MAC, SERVER, Bench, of

PHONE, OTHER = bytes.fromhex(MAC), bytes.fromhex("020000000001")
QUICK = 10 * SECOND
"""RFC 5227 s.1.1: DEFEND_INTERVAL."""


def bench(vlan: int = 0, bound: bool = True) -> Bench:
    """A phone that has just got its address."""
    firmware = kx_utg200().with_options(vlan=vlan)
    made = Bench(firmware, lan=True, provisioned=(("LLDP_ENABLE", "N"), ("CDP_ENABLE", "N")))
    made.link_up()
    if bound:
        made.bind()
    return made


def hear(phone: Bench, packet: arp.Packet, vlan: int = 0) -> list[Entry]:
    """An ARP packet reaches the phone."""
    frame = ethernet.arp_frame(ethernet.BROADCAST, packet.sender_mac, packet.encode(), vlan)
    return phone.feed(FrameReceived(Payload(frame)))


def claim(phone: Bench, vlan: int = 0) -> list[Entry]:
    """Another station announces the phone's address."""
    return hear(phone, arp.announcement(OTHER, ADDRESS), vlan)


def frames(entries: list[Entry]) -> list[arp.Packet]:
    """The ARP packets that the phone sent."""
    return [arp.parse(ethernet.parse(entry.event.payload).data) for entry in of(entries, FrameSent)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("vlan", [0, 20])
def test_a_new_address_is_announced_in_its_vlan_and_a_renewed_one_is_not(vlan: int) -> None:
    phone = bench(vlan)
    (sent,) = phone.of(FrameSent)
    frame = ethernet.parse(sent.event.payload)  # type: ignore[attr-defined]
    assert (frame.destination, frame.source, frame.vlan) == (ethernet.BROADCAST, PHONE, vlan)
    assert arp.parse(frame.data) == arp.announcement(PHONE, ADDRESS)
    phone.wait(43_200 * SECOND)
    assert phone.phone.dhcp.state == "renewing"
    phone.reply(wire.ACK)
    assert len(phone.of(FrameSent)) == 1


@pytest.mark.parametrize("how", ["request", "reply"])
def test_an_address_that_was_taken_is_declined_and_another_asked_for_after_ten_seconds(how: str) -> None:
    phone = bench()
    announced = frames(phone.entries)[-1]
    made = hear(phone, arp.reply(announced, OTHER) if how == "reply" else arp.announcement(OTHER, ADDRESS))
    assert [e.event for e in of(made, ConflictFound)] == [ConflictFound(ADDRESS, "02:00:00:00:00:01", False)]
    assert of(made, ConflictFound)[0].because == (phone.phone.dhcp.acked,)
    assert [e.event.reason for e in of(made, AddressLost)] == ["conflict"]  # type: ignore[attr-defined]
    assert not phone.phone.orders.armed("dhcp-t1")
    assert phone.phone.power.display == "N3 address in use"
    assert not [e for e in phone.run_to(QUICK - 1) if isinstance(e.event, DhcpStateEntered)]
    phone.run_to(QUICK)
    assert (phone.phone.dhcp.state, phone.dhcp_sent()[-1].type) == ("selecting", wire.DISCOVER)


def test_the_decline_says_what_it_has_to_and_no_more() -> None:
    """RFC 2131 table 5."""
    phone = bench()
    claim(phone)
    message = phone.dhcp_sent()[-1]
    assert message.type == wire.DECLINE
    options = dict(message.options)
    assert set(options) == {
        *(wire.MESSAGE_TYPE, wire.REQUESTED_ADDRESS, wire.SERVER_ID, wire.CLIENT_ID, wire.END),
    }
    assert options[wire.REQUESTED_ADDRESS] == wire.ip_to_bytes(ADDRESS)
    assert options[wire.SERVER_ID] == wire.ip_to_bytes(SERVER)
    assert (message.ciaddr, message.secs, message.flags) == ("0.0.0.0", 0, 0)


def test_the_run_that_was_on_fails_and_begins_again_with_the_next_address() -> None:
    phone = bench()
    claim(phone)
    assert phone.of(RunEnded)[-1].event.outcome == "failed"  # type: ignore[attr-defined]
    assert phone.phone.power.display == "N3 address in use", "not what the failed run would say"
    phone.run_to(QUICK)
    given_anew = [(wire.SERVER_ID, wire.ip_to_bytes(SERVER)), (wire.LEASE_TIME, wire.u32(86_400))]
    phone.reply(wire.OFFER, "192.0.2.11", given_anew)
    phone.reply(wire.ACK, "192.0.2.11", given_anew)
    assert [e.event.trigger for e in phone.of(RunStarted)] == ["start", "address"]  # type: ignore[attr-defined]
    assert frames(phone.entries)[-1].sender == "192.0.2.11"
    assert phone.phone.power.display == ""


@pytest.mark.parametrize(("after", "defended"), [(0, False), (QUICK - 1, False), (QUICK, True)])
def test_a_claim_ten_seconds_after_the_announcement_is_answered(after: int, defended: bool) -> None:
    phone = bench()
    phone.wait(after)
    made = claim(phone)
    assert [e.event.defended for e in of(made, ConflictFound)] == [defended]  # type: ignore[attr-defined]
    assert frames(made) == ([arp.announcement(PHONE, ADDRESS)] if defended else [])
    assert bool(phone.phone.dhcp.address) is defended


@pytest.mark.parametrize(("apart", "kept"), [(0, False), (QUICK - 1, False), (QUICK, True)])
def test_the_second_claim_within_ten_seconds_ends_it(apart: int, kept: bool) -> None:
    phone = bench()
    phone.wait(60 * SECOND)
    claim(phone)
    assert not [e for e in phone.of(DisplayShown) if "N3" in e.event.line]  # type: ignore[attr-defined]
    phone.wait(apart)
    claim(phone)
    assert bool(phone.phone.dhcp.address) is kept
    assert ("N3" in phone.phone.power.display) is not kept


def test_a_question_for_the_address_is_answered() -> None:
    """RFC 826, and RFC 5227 s.2.4 for a probe, which claims nothing."""
    phone = bench()
    made = hear(phone, arp.probe(OTHER, ADDRESS))
    assert frames(made) == [arp.Packet(arp.REPLY, PHONE, ADDRESS, OTHER, "0.0.0.0")]
    assert not of(made, ConflictFound)


OURS = arp.announcement(PHONE, ADDRESS)
FOREIGN = arp.announcement(OTHER, "192.0.2.77")
UNASKED = arp.Packet(arp.REPLY, OTHER, "192.0.2.1", PHONE, ADDRESS)


@pytest.mark.parametrize(
    ("packet", "vlan", "reason"),
    [
        (OURS, 0, "not-for-us"),
        (FOREIGN, 0, "not-for-us"),
        (UNASKED, 0, "not-asked-for"),
        (arp.announcement(OTHER, ADDRESS), 9, "another-vlan"),
    ],
    ids=["our own", "about others", "unasked", "another VLAN"],
)
def test_what_is_no_claim(packet: arp.Packet, vlan: int, reason: str) -> None:
    made = hear(bench(), packet, vlan)
    assert [entry.event for entry in made[1:]] == [PacketRefused("ARP", reason)]


def test_without_an_address_nobody_can_claim_it() -> None:
    phone = bench(bound=False)
    assert [entry.event for entry in claim(phone)[1:]] == [PacketRefused("ARP", "not-for-us")]
    assert [e.event for e in hear(phone, arp.probe(OTHER, "0.0.0.0"))[1:]] == [PacketRefused("ARP", "not-for-us")]


def test_a_phone_that_speaks_no_arp_believes_its_address() -> None:
    phone = Bench()
    phone.link_up()
    phone.bind()
    assert [entry.event for entry in claim(phone)[1:]] == [PacketRefused("ARP", "disabled")]
    assert not phone.of(FrameSent)


@given(st.lists(st.binary(max_size=60).map(lambda rest: bytes.fromhex("0001080006040001") + rest), max_size=5))
def test_no_packet_stops_the_phone(packets: list[bytes]) -> None:
    phone = bench()
    for packet in packets:
        phone.feed(FrameReceived(Payload(ethernet.arp_frame(PHONE, OTHER, packet))))
    assert of(phone.entries, TimerSet)
    assert phone.phone.orders.open
