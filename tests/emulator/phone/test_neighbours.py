"""LLDP-MED and CDP: what the phone asks, how long it waits, and the VLAN it takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    DatagramSent,
    DhcpStateEntered,
    Entry,
    FrameReceived,
    FrameSent,
    LinkDown,
    LinkUp,
    NeighbourHeard,
    PacketRefused,
    Payload,
    PowerOff,
    PowerOn,
    RunStarted,
    StepEntered,
    TimerSet,
    VlanChosen,
)
from emulator.phone import neighbours
from emulator.phone.firmware import BEFORE, Options
from emulator.phone.kx_utg200 import kx_utg200
from emulator.wire import cdp, ethernet, lldp
from emulator.world.scenario import SwitchSpec
from emulator.world.servers.switch import SWITCH_MAC, switch_frame
from tests.emulator.phone.bench import MAC, MODEL, Bench, of

WAIT = 5 * SECOND
OFF = {"LLDP": ("LLDP_ENABLE", "N"), "CDP": ("CDP_ENABLE", "N")}


def bench(*off: str, up: bool = True, **options: Any) -> Bench:
    """A phone whose link has just come up, with these protocols switched off."""
    made = Bench(kx_utg200().with_options(**options), lan=True, provisioned=tuple(OFF[name] for name in off))
    if up:
        made.link_up()
    return made


def from_switch(protocol: str, vlan: int = 0) -> bytes:
    """What a switch says."""
    frame = switch_frame(SwitchSpec(lldp_vlan=vlan, cdp="answer", cdp_vlan=vlan), protocol)
    assert frame is not None
    return frame


def hear(phone: Bench, protocol: str, vlan: int = 0) -> list[Entry]:
    """The switch says it."""
    return phone.feed(FrameReceived(Payload(from_switch(protocol, vlan))))


def sent_protocols(entries: list[Entry]) -> list[str]:
    """The protocols of the frames among ``entries``."""
    return [ethernet.parse(entry.event.payload).protocol for entry in of(entries, FrameSent)]  # type: ignore[attr-defined]


def choices(entries: list[Entry]) -> list[tuple[int, str]]:
    """The VLANs chosen."""
    return [(e.event.vlan, e.event.source) for e in of(entries, VlanChosen)]  # type: ignore[attr-defined]


def began(phone: Bench) -> list[int]:
    """When the DHCP client began, in ns."""
    return [e.time for e in phone.of(DhcpStateEntered) if (e.event.state, e.event.attempt) == ("selecting", 1)]  # type: ignore[attr-defined]


# --- What is asked --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("off", "wanted"),
    [((), ["LLDP", "CDP"]), (("CDP",), ["LLDP"]), (("LLDP",), ["CDP"]), (("LLDP", "CDP"), [])],
    ids=["both", "lldp", "cdp", "neither"],
)
@pytest.mark.spec("PROV-280")
def test_the_phone_speaks_what_is_switched_on(off: tuple[str, ...], wanted: list[str]) -> None:
    assert sent_protocols(bench(*off).entries) == wanted


def test_the_messages_ask_for_the_voice_vlan() -> None:
    first, second = [ethernet.parse(entry.event.payload) for entry in bench().of(FrameSent)]  # type: ignore[attr-defined]
    said = lldp.parse(first.data)
    assert (said.name, said.port, said.ttl) == (MODEL, "00:80:f0:12:34:56", 180)
    assert said.policy(lldp.VOICE) == neighbours.UNKNOWN_POLICY
    assert said.policy(lldp.VOICE).unknown  # type: ignore[union-attr]
    heard = cdp.parse(second.data[len(ethernet.CDP_SNAP) :])
    assert heard.text(cdp.DEVICE_ID) == f"{MODEL}-{MAC}"
    assert heard.value(cdp.VOICE_VLAN_QUERY) == b"\1\0\0"
    assert {frame.source.hex() for frame in (first, second)} == {MAC.lower()}


# --- How long it waits ----------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-281")
def test_a_silent_switch_costs_five_seconds_and_not_one_nanosecond_more() -> None:
    phone = bench()
    assert not phone.of(DatagramSent)
    assert phone.run_to(WAIT - 1) == []
    phone.run_to(WAIT)
    assert began(phone) == [WAIT]
    assert choices(phone.entries) == []


@pytest.mark.parametrize("seconds", [1, 30])
def test_the_wait_is_an_option(seconds: int) -> None:
    phone = bench(lldp_wait=seconds)
    phone.run_to(seconds * SECOND)
    assert began(phone) == [seconds * SECOND]


@pytest.mark.parametrize(
    ("off", "options"),
    [(("LLDP", "CDP"), {}), ((), {"lldp_wait": 0}), ((), {"vlan": 7})],
    ids=["both off", "no wait", "set by hand"],
)
def test_with_nobody_to_ask_dhcp_begins_at_once(off: tuple[str, ...], options: dict[str, int]) -> None:
    phone = bench(*off, **options)
    assert began(phone) == [0]
    assert sent_protocols(phone.entries) == []


@pytest.mark.parametrize("vlan", [0, 20])
@pytest.mark.parametrize(("off", "first"), [((), "LLDP"), (("CDP",), "LLDP"), (("LLDP",), "CDP")])
def test_the_first_word_of_the_preferred_protocol_ends_the_wait(off: tuple[str, ...], first: str, vlan: int) -> None:
    phone = bench(*off)
    phone.run_to(2 * SECOND)
    hear(phone, first, vlan)
    assert began(phone) == [2 * SECOND]
    phone.bind()
    assert not [e for e in phone.run_to(WAIT) if isinstance(e.event, DhcpStateEntered)], "the old timer is gone"


@pytest.mark.spec("PROV-281")
def test_the_order_from_the_link_to_step_1() -> None:
    phone = bench()
    hear(phone, "LLDP", 20)
    phone.bind()
    kinds = (LinkUp, FrameSent, NeighbourHeard, VlanChosen, DatagramSent, RunStarted, StepEntered)
    order = [entry.event.kind for entry in phone.entries if isinstance(entry.event, kinds)]
    assert order[:10] == [
        *("LinkUp", "FrameSent", "FrameSent", "NeighbourHeard", "VlanChosen"),
        *("DatagramSent", "DatagramSent", "FrameSent", "RunStarted", "StepEntered"),
    ]
    assert ethernet.parse(phone.of(FrameSent)[-1].event.payload).vlan == 20  # type: ignore[attr-defined]


# --- Whose VLAN it takes --------------------------------------------------------------------------------------------

PREFERENCE = [
    pytest.param({}, 20, 30, (20, "LLDP"), id="LLDP over CDP"),
    pytest.param({}, 0, 30, (30, "CDP"), id="CDP if LLDP names none"),
    pytest.param({}, None, 30, (30, "CDP"), id="CDP if LLDP is silent"),
    pytest.param({}, 20, None, (20, "LLDP"), id="LLDP alone"),
    pytest.param({}, 0, 0, None, id="neither names one"),
    pytest.param({}, None, None, None, id="both silent"),
    pytest.param({"vlan": 7}, 20, 30, (7, "manual"), id="by hand over both"),
    pytest.param({"vlan": 7, "lldp_wait": 0}, None, None, (7, "manual"), id="by hand without a wait"),
]


@pytest.mark.parametrize(("options", "by_lldp", "by_cdp", "wanted"), PREFERENCE)
@pytest.mark.spec("PROV-282")
def test_by_hand_before_lldp_before_cdp(
    options: dict[str, int], by_lldp: int | None, by_cdp: int | None, wanted: tuple[int, str] | None
) -> None:
    phone = bench(**options)
    for protocol, vlan in (("CDP", by_cdp), ("LLDP", by_lldp)):
        if vlan is not None:
            hear(phone, protocol, vlan)
    phone.run_to(WAIT)
    assert choices(phone.entries) == ([wanted] if wanted else [])
    assert phone.phone.neighbours.vlan == (wanted[0] if wanted else 0)
    assert len(began(phone)) == 1


def test_the_choice_names_its_grounds() -> None:
    phone = bench()
    hear(phone, "CDP", 30)
    hear(phone, "LLDP", 0)
    (chosen,) = phone.of(VlanChosen)
    by_cdp, by_lldp = phone.of(NeighbourHeard)
    assert chosen.because == (by_lldp.n, by_cdp.n)


def test_what_is_heard_later_waits_for_the_next_link() -> None:
    phone = bench()
    hear(phone, "LLDP", 20)
    assert [e.event.kind for e in hear(phone, "LLDP", 21)] == ["FrameReceived", "NeighbourHeard"]
    assert phone.phone.neighbours.vlan == 20
    phone.feed(LinkDown())
    phone.link_up()
    assert phone.phone.neighbours.vlan == 0
    hear(phone, "LLDP", 21)
    assert choices(phone.entries) == [(20, "LLDP"), (21, "LLDP")]


def test_a_refused_lease_does_not_change_the_vlan() -> None:
    """After NAKs the client starts from ``init`` again, where it once waited for the neighbour."""
    from emulator.wire import dhcp as wire

    phone = bench()
    hear(phone, "LLDP", 20)
    hear(phone, "LLDP", 21)
    for _ in range(2):
        phone.reply(wire.OFFER)
        phone.reply(wire.NAK)
    assert phone.phone.dhcp.state == "init"
    phone.until(DhcpStateEntered)
    assert (phone.phone.dhcp.state, phone.phone.neighbours.vlan) == ("selecting", 20)
    assert choices(phone.entries) == [(20, "LLDP")]


# --- The cable and the power ----------------------------------------------------------------------------------------


def test_a_pulled_cable_ends_the_wait_and_the_next_link_begins_another() -> None:
    phone = bench()
    hear(phone, "CDP", 30)
    phone.run_to(3 * SECOND)
    phone.feed(LinkDown())
    assert not phone.phone.orders.open
    assert phone.run_to(10 * SECOND) == []
    made = phone.link_up()
    assert sent_protocols(made) == ["LLDP", "CDP"]
    phone.run_to(10 * SECOND + WAIT)
    assert began(phone) == [10 * SECOND + WAIT]
    assert choices(phone.entries) == [], "what the last link said is forgotten"


def test_a_power_cycle_forgets_the_vlan() -> None:
    phone = bench()
    hear(phone, "LLDP", 20)
    phone.feed(PowerOff())
    phone.feed(PowerOn("00" * 32))
    assert phone.phone.neighbours == neighbours.Neighbours()


# --- What is not for this phone -------------------------------------------------------------------------------------

POLICY = lldp.Policy(lldp.VOICE, unknown=False, tagged=True, vlan=20, priority=5, dscp=46)
CHASSIS, PORT = b"\x04" + SWITCH_MAC, b"\x071"


def lldp_frame(policy: lldp.Policy, ttl: int = 120) -> bytes:
    """An LLDPDU with this policy."""
    return ethernet.lldp_frame(SWITCH_MAC, lldp.build(CHASSIS, PORT, ttl, [policy.encode()]))


def cdp_frame(vlan: int) -> bytes:
    """A CDP message with this voice VLAN."""
    return ethernet.cdp_frame(SWITCH_MAC, cdp.build(180, [cdp.Tlv(cdp.VOICE_VLAN, b"\1" + vlan.to_bytes(2, "big"))]))


@pytest.mark.parametrize(
    ("frame", "protocol", "reason"),
    [
        (b"", "Ethernet", "too-short"),
        (ethernet.Frame(b"\xff" * 6, SWITCH_MAC, None, 0x0800, b"").encode(), "Ethernet", "unknown-type"),
        (ethernet.lldp_frame(SWITCH_MAC, b"junk"), "LLDP", "tlv-overrun"),
        (ethernet.cdp_frame(SWITCH_MAC, b"junk"), "CDP", "bad-version"),
        (lldp_frame(POLICY, ttl=0), "LLDP", "withdrawn"),
        (lldp_frame(POLICY._replace(vlan=4095)), "LLDP", "bad-vlan"),
        (cdp_frame(4095), "CDP", "bad-vlan"),
        (cdp_frame(65_535), "CDP", "bad-vlan"),
    ],
)
def test_a_frame_that_is_of_no_use_does_not_end_the_wait(frame: bytes, protocol: str, reason: str) -> None:
    phone = bench()
    made = phone.feed(FrameReceived(Payload(frame)))
    assert [entry.event for entry in made[1:]] == [PacketRefused(protocol, reason)]
    assert phone.phone.orders.armed("dhcp")
    phone.run_to(WAIT)
    assert began(phone) == [WAIT]


@pytest.mark.parametrize("policy", [POLICY._replace(unknown=True), POLICY._replace(tagged=False)])
def test_a_policy_that_is_unknown_or_untagged_names_no_vlan(policy: lldp.Policy) -> None:
    phone = bench()
    phone.feed(FrameReceived(Payload(lldp_frame(policy))))
    (heard,) = phone.of(NeighbourHeard)
    assert heard.event.text() == "LLDP from 02:00:00:00:aa:01 port 1: no voice VLAN"
    assert began(phone) == [0]
    assert choices(phone.entries) == []


@pytest.mark.parametrize("protocol", ["LLDP", "CDP"])
@pytest.mark.spec("PROV-280")
def test_what_is_switched_off_is_not_listened_to(protocol: str) -> None:
    phone = bench(protocol)
    made = hear(phone, protocol, 20)
    assert [entry.event for entry in made[1:]] == [PacketRefused(protocol, "disabled")]
    phone.run_to(WAIT)
    assert choices(phone.entries) == []


@given(st.lists(st.binary(max_size=100) | st.builds(bytes.__add__, st.just(from_switch("LLDP")[:20]), st.binary())))
def test_no_frame_stops_the_phone(frames: list[bytes]) -> None:
    phone = bench()
    for frame in frames:
        phone.feed(FrameReceived(Payload(frame)))
    phone.run_to(WAIT)
    assert phone.phone.orders.armed("dhcp")
    assert len(began(phone)) == 1


def test_a_frame_needs_a_link() -> None:
    phone = bench(up=False)
    assert not phone.machine.accepts(FrameReceived(Payload(b"")))


# --- Options and old logs -------------------------------------------------------------------------------------------


def test_options_that_a_header_does_not_name_are_those_of_its_time() -> None:
    assert Options.recorded({}) == Options(lldp_wait=0, arp=False)
    assert Options.recorded({"lldp_wait": 3, "fallback": "2014-05"}) == Options(
        lldp_wait=3, arp=False, fallback="2014-05"
    )
    assert set(BEFORE) == {"lldp_wait", "arp"}
    with pytest.raises(TypeError):
        Options.recorded({"no_such_option": 1})


@pytest.mark.parametrize(
    ("name", "value"), [("vlan", 4095), ("vlan", -1), ("vlan", "20"), ("lldp_wait", 3601), ("lldp_wait", True)]
)
def test_an_option_is_a_whole_number_in_its_range(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Options(**{name: value})  # type: ignore[arg-type]


def test_a_phone_without_neighbours_is_as_it_was() -> None:
    """Nothing below IP is sent, and nothing is in the log that was not there before."""
    phone = Bench()
    made = phone.link_up()
    assert [entry.event.kind for entry in made] == ["LinkUp", "DhcpStateEntered", "DatagramSent", "TimerSet"]
    assert made[1].because == ()
    phone.bind()
    assert not phone.of(FrameSent)
    assert {entry.event.name for entry in phone.of(TimerSet)} >= {"dhcp", "dhcp-t1"}  # type: ignore[attr-defined]
