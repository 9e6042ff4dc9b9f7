"""The DHCPv6 client: a server's view of what it sends, and when (RFC 8415 s.15 and s.18.2, PROV-090 to PROV-094)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    DhcpStateEntered,
    Dhcpv6Received,
    Dhcpv6StateEntered,
    DisplayShown,
    Ipv6AddressBound,
    Ipv6AddressLost,
    LinkDown,
    PacketRefused,
    RunStarted,
    TimerDue,
    ToleranceUsed,
)
from emulator.phone.kx_utg200 import kx_utg200
from emulator.wire import dhcpv6 as wire
from tests.emulator.phone.bench import MAC, of
from tests.emulator.phone.bench_ipv6 import (
    ADDRESS6,
    HOUR,
    OWN,
    SERVER_DUID,
    Bench6,
    association,
    option_17,
    refusal,
)

IDLE = {"PROVISION_ENABLE": "N"}
"""Settings of a phone on which nothing but DHCPv6 happens."""
URL = "http://[2001:db8::20]/a.cfg"
seeds = st.binary(min_size=32, max_size=32).map(bytes.hex)
TIMES = [873248411, 1934510399, 3987528488, 8053124771, 16240366338, 32353409242, 65868019126, 135782705239]
"""When a phone with an entropy of zeros sends its SOLICITs, in ns since its cable was plugged in."""
some = settings(deadline=None, max_examples=25)


def soliciting(**changes: Any) -> Bench6:
    bench = Bench6(**{"provisioned": IDLE, **changes})
    bench.solicit()
    return bench


def requesting(**changes: Any) -> Bench6:
    bench = soliciting(**changes)
    bench.answer6(wire.ADVERTISE, association(), (wire.PREFERENCE, b"\xff"))
    return bench


def bound(*extra: tuple[int, bytes], **times: int) -> Bench6:
    bench = soliciting()
    bench.bind6(*extra, given=(association(**times),))
    return bench


# --- What is sent ---------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-090")
def test_every_message_asks_for_option_17() -> None:
    bench = requesting()
    bench.answer6(wire.REPLY)
    bench.wait(2 * HOUR * SECOND - 1)
    assert {message.type for message in bench.sent6()} == {wire.SOLICIT, wire.REQUEST, wire.RENEW, wire.REBIND}
    for message in bench.sent6():
        assert message.option(wire.OPTION_REQUEST) == bytes((0, 17, 0, 23, 0, 82))


def test_a_solicit_names_the_client_and_wants_an_address() -> None:
    (message,) = soliciting().sent6()
    assert message.type == wire.SOLICIT
    assert [code for code, _ in message.options] == [wire.CLIENT_ID, wire.IA_NA, wire.ELAPSED_TIME, wire.OPTION_REQUEST]
    assert message.option(wire.CLIENT_ID) == b"\0\3\0\1" + bytes.fromhex(MAC)
    assert wire.IaNa.read(message.option(wire.IA_NA) or b"") == wire.IaNa(1)
    assert message.option(wire.ELAPSED_TIME) == b"\0\0"


def test_everything_goes_from_the_link_local_address_to_all_servers() -> None:
    bench = bound()
    bench.wait(2 * HOUR * SECOND - 1)
    ends = {(e.source, e.source_port, e.destination, e.port) for _, e in bench.datagrams6()}
    assert ends == {(OWN, 546, "ff02::1:2", 547)}
    assert OWN == "fe80::280:f0ff:fe12:3456", "RFC 4291 appendix A: the bit of the MAC that says universal is inverted"


@pytest.mark.parametrize("kind", [wire.REQUEST, wire.RENEW, wire.REBIND])
def test_what_asks_for_an_address_names_it_and_the_server_it_is_for(kind: int) -> None:
    bench = bound()
    bench.wait({wire.REQUEST: 0, wire.RENEW: HOUR // 2, wire.REBIND: HOUR * 4 // 5}[kind] * SECOND)
    message = bench.sent6()[-1]
    assert message.type == kind
    assert message.option(wire.SERVER_ID) == (None if kind == wire.REBIND else SERVER_DUID), (
        "s.18.2.5: none in a REBIND"
    )
    address = wire.IaNa.read(message.option(wire.IA_NA) or b"").options
    assert [(code, wire.IaAddress.read(value).address) for code, value in address] == [(wire.IA_ADDRESS, ADDRESS6)]


def test_each_exchange_has_a_transaction_of_its_own_and_repetitions_keep_it() -> None:
    bench = bound()
    bench.wait(2 * HOUR * SECOND - 1)
    transactions = [(message.type, message.transaction) for message in bench.sent6()]
    assert len(transactions) > 8
    assert len(set(transactions)) == len({number for _, number in transactions}) == 4


def test_the_elapsed_time_counts_hundredths_from_the_first_message_of_the_exchange() -> None:
    bench = soliciting()
    bench.wait(1500 * SECOND)
    times, first = bench.sent_times6(), bench.sent_times6()[0]
    elapsed = [int.from_bytes(message.option(wire.ELAPSED_TIME) or b"", "big") for message in bench.sent6()]
    assert elapsed == [min((at - first) * 100 // SECOND, 0xFFFF) for at in times]
    assert elapsed[-1] == 0xFFFF, "it stays there (s.21.9)"


# --- When it is sent: RT = 2*RTprev + RAND*RTprev, RAND from -0.1 to 0.1 (s.15) -------------------------------------


def waits(bench: Bench6, kind: int) -> list[int]:
    """ns between the messages of a kind."""
    times = [entry.time for entry, event in bench.datagrams6() if event.payload[0] == kind]
    return [after - before for before, after in pairwise(times)]


def assert_paced(found: list[int], first: int, longest: int) -> None:
    """Each wait is in the range that the one before it allows, to the ns."""
    assert abs(found[0] - first) * 10 <= first
    for before, wait in pairwise(found):
        if wait * 10 > longest * 9:
            assert abs(wait - longest) * 10 <= longest
            assert before * 21 > longest * 9, "only what would be longer is cut down"
        else:
            assert abs(wait - 2 * before) * 10 <= before


@given(seeds)
@some
def test_the_first_solicit_waits_for_less_than_a_second(entropy: str) -> None:
    bench = soliciting(entropy=entropy)
    assert 0 <= bench.sent_times6()[0] <= SECOND


@given(seeds)
@some
def test_unanswered_solicits_wait_twice_as_long_each_time_up_to_an_hour(entropy: str) -> None:
    bench = soliciting(entropy=entropy)
    bench.wait(40_000 * SECOND)
    found = waits(bench, wire.SOLICIT)
    assert len(found) > 15
    assert found[0] > SECOND, "RAND of the first is over 0 (s.18.2.1)"
    assert_paced(found, SECOND, 3600 * SECOND)


def test_the_times_of_one_phone_to_the_nanosecond() -> None:
    bench = soliciting()
    bench.wait(200 * SECOND)
    assert bench.sent_times6() == TIMES


@given(seeds)
@some
def test_ten_unanswered_requests_lead_back_to_solicit(entropy: str) -> None:
    bench = requesting(entropy=entropy)
    bench.until(Dhcpv6StateEntered)
    while bench.sent6()[-1].type == wire.REQUEST:
        bench.until(Dhcpv6StateEntered)
    kinds = [message.type for message in bench.sent6()]
    assert kinds == [wire.SOLICIT] + [wire.REQUEST] * 10 + [wire.SOLICIT]
    assert bench.sent6()[-1].transaction != bench.sent6()[0].transaction
    assert_paced(waits(bench, wire.REQUEST), SECOND, 30 * SECOND)


@given(seeds)
@some
def test_a_renewal_is_repeated_until_t2_and_then_anybody_is_asked_until_the_end(entropy: str) -> None:
    bench = soliciting(entropy=entropy)
    bench.bind6()
    at = bench.of(Ipv6AddressBound)[0].time
    bench.run_to(at + 2 * HOUR * SECOND - 1)
    firsts = {message.type: time for time, message in reversed([*zip(bench.sent_times6(), bench.sent6(), strict=True)])}
    assert firsts[wire.RENEW] == at + HOUR * SECOND // 2
    assert firsts[wire.REBIND] == at + HOUR * SECOND * 4 // 5
    assert_paced(waits(bench, wire.RENEW), 10 * SECOND, 600 * SECOND)
    assert_paced(waits(bench, wire.REBIND), 10 * SECOND, 600 * SECOND)
    assert not bench.of(Ipv6AddressLost)


def test_a_server_may_set_how_long_solicits_wait_at_most() -> None:
    bench = soliciting()
    bench.answer6(wire.ADVERTISE, refusal(wire.NO_ADDRESSES), (wire.SOL_MAX_RT, wire.u32(60)))
    bench.wait(2000 * SECOND)
    assert 54 * SECOND <= max(waits(bench, wire.SOLICIT)) <= 66 * SECOND


@pytest.mark.parametrize("seconds", [0, 59, 86_401, 0xFFFFFFFF])
def test_but_not_to_anything_outside_of_a_minute_and_a_day(seconds: int) -> None:
    bench = soliciting()
    bench.answer6(wire.ADVERTISE, refusal(wire.NO_ADDRESSES), (wire.SOL_MAX_RT, wire.u32(seconds)))
    assert bench.phone.dhcpv6.longest == 0


# --- Which server ---------------------------------------------------------------------------------------------------


def advertise(bench: Bench6, server: bytes, preference: int, address: str = ADDRESS6) -> None:
    bench.answer6(wire.ADVERTISE, association(address), (wire.PREFERENCE, bytes((preference,))), server=server)


def test_offers_are_collected_for_the_first_wait_and_the_best_is_taken() -> None:
    bench = soliciting()
    at = bench.now
    for server, preference in ((b"a", 0), (b"b", 7), (b"c", 7), (b"d", 3)):
        advertise(bench, server, preference, f"2001:db8::{server.decode()}")
    assert [message.type for message in bench.sent6()] == [wire.SOLICIT]
    (wait,) = {entry.event.wait for entry in bench.of(Dhcpv6StateEntered) if entry.event.attempt == 1}
    bench.wait(2 * SECOND)
    assert bench.sent6()[-1].option(wire.SERVER_ID) == b"b", "the first of two that are equal"
    assert bench.sent_times6()[-1] == at + wait


def test_a_server_of_the_best_preference_is_asked_at_once() -> None:
    bench = soliciting()
    advertise(bench, b"a", 254)
    advertise(bench, b"b", 255)
    assert [message.option(wire.SERVER_ID) for message in bench.sent6()] == [None, b"b"]


def test_after_the_first_wait_the_first_offer_is_taken() -> None:
    bench = soliciting()
    bench.wait(2 * SECOND)
    advertise(bench, b"late", 0)
    assert bench.sent6()[-1].option(wire.SERVER_ID) == b"late"


# --- The lease ------------------------------------------------------------------------------------------------------


@given(st.integers(1, 100_000), st.integers(0, 100_000), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
@some
def test_whatever_the_server_says_renewing_comes_before_rebinding_before_the_end(
    valid: int, preferred: int, t1: int, t2: int
) -> None:
    preferred = min(preferred, valid)
    if t1 > t2 > 0:
        t1, t2 = t2, t1
    bench = bound(preferred=preferred, valid=valid, t1=t1, t2=t2)
    event = bench.of(Ipv6AddressBound)[0].event
    assert 0 < event.t1 <= event.t2 < event.valid == valid * SECOND
    if 0 < t1 <= t2 < valid:
        assert (event.t1, event.t2) == (t1 * SECOND, t2 * SECOND)
    if t1 == t2 == 0:
        life = (preferred or valid) * SECOND
        assert (event.t1, event.t2) == (life // 2, life * 4 // 5)


def test_a_lease_without_end_is_never_renewed() -> None:
    bench = bound(preferred=0xFFFFFFFF, valid=0xFFFFFFFF)
    assert bench.of(Ipv6AddressBound)[0].event.valid == 0
    before = len(bench.entries)
    bench.wait(10**6 * SECOND)
    assert len(bench.entries) == before


@pytest.mark.parametrize("after", [HOUR // 2, HOUR * 4 // 5])
def test_a_renewed_lease_counts_from_its_reply_and_changes_no_url(after: int) -> None:
    bench = bound(option_17(URL))
    acked = bench.phone.dhcpv6.acked
    bench.wait((after + 1) * SECOND)
    bench.answer6(wire.REPLY, association(), option_17("http://new/"))
    renewed = bench.of(Ipv6AddressBound)[-1]
    assert not renewed.event.fresh
    assert (bench.phone.dhcpv6.url, bench.phone.dhcpv6.acked) == (URL, acked), "PROV-081, as with DHCPv4"
    made = bench.wait(HOUR * SECOND // 2)
    assert [(e.event.state, e.time - renewed.time) for e in of(made, Dhcpv6StateEntered)] == [
        ("renewing", HOUR * SECOND // 2)
    ]


def test_an_expired_lease_is_given_up_and_asked_for_anew() -> None:
    bench = bound()
    at = bench.of(Ipv6AddressBound)[0].time
    bench.wait((2 * HOUR + 1) * SECOND)
    assert [(e.event.reason, e.time - at) for e in bench.of(Ipv6AddressLost)] == [("expired", 2 * HOUR * SECOND)]
    assert bench.phone.dhcpv6.address == ""
    assert bench.states6()[-1] == "soliciting"
    bench.wait(SECOND)
    bench.bind6()
    assert bench.phone.dhcpv6.address == ADDRESS6


def test_a_server_may_take_the_address_away() -> None:
    bench = bound()
    bench.wait(HOUR // 2 * SECOND)
    bench.answer6(wire.REPLY, association(valid=0, preferred=0))
    assert [entry.event.reason for entry in bench.of(Ipv6AddressLost)] == ["withdrawn"]
    assert bench.states6()[-1] == "soliciting"
    made = bench.wait(3 * HOUR * SECOND)
    assert not of(made, Ipv6AddressLost), "the timers of the old lease are gone"


def test_a_server_that_forgot_the_lease_is_asked_for_it_again() -> None:
    bench = bound(option_17(URL))
    bench.wait(HOUR // 2 * SECOND)
    bench.answer6(wire.REPLY, refusal(wire.NO_BINDING), server=b"new")
    request = bench.sent6()[-1]
    assert (request.type, request.option(wire.SERVER_ID)) == (wire.REQUEST, b"new")
    assert ADDRESS6 in str(wire.IaAddress.read(wire.IaNa.read(request.option(wire.IA_NA) or b"").options[0][1]))
    bench.answer6(wire.REPLY, server=b"new")
    assert [entry.event.fresh for entry in bench.of(Ipv6AddressBound)] == [True, False]
    assert not bench.of(Ipv6AddressLost)


def test_a_renewal_that_renumbers_gives_the_new_address() -> None:
    bench = bound()
    bench.wait(HOUR // 2 * SECOND)
    old = wire.IaAddress(ADDRESS6, 0, 0).encode()
    new = wire.IaAddress("2001:db8:1::1", 10, 20).encode()
    inside = ((wire.IA_ADDRESS, old), (wire.IA_ADDRESS, new))
    bench.answer6(wire.REPLY, (wire.IA_NA, wire.IaNa(1, options=inside).encode()))
    assert bench.phone.dhcpv6.address == "2001:db8:1::1"


# --- Option 17 ------------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-091")
def test_the_url_is_sub_option_1_and_no_other() -> None:
    assert bound(option_17(URL)).phone.dhcpv6.url == URL
    assert bound(option_17(URL, code=2)).phone.dhcpv6.url is None
    inside = wire.Vendor(1, ((2, b"two"), (1, b"one"), (1, b"again"))).encode()
    assert bound((wire.VENDOR_OPTIONS, inside)).phone.dhcpv6.url == "one"


def test_white_space_and_a_trailing_nul_are_stripped() -> None:
    assert bound(option_17(f" \t{URL}\r\n\0".encode())).phone.dhcpv6.url == URL


def test_the_url_is_the_one_of_the_reply_and_not_of_the_advertise() -> None:
    bench = soliciting()
    bench.answer6(wire.ADVERTISE, association(), option_17("http://old/"), (wire.PREFERENCE, b"\xff"))
    assert bench.phone.dhcpv6.url is None
    bench.answer6(wire.REPLY, association(), option_17(URL))
    assert bench.phone.dhcpv6.url == URL


@pytest.mark.parametrize("enterprise", [0, 9, 32_473, 2**32 - 1])
@pytest.mark.spec("PROV-093")
def test_any_enterprise_is_accepted_unless_the_option_names_one(enterprise: int) -> None:
    bench = bound(option_17(URL, enterprise))
    assert bench.phone.dhcpv6.url == URL
    (entry,) = [entry for entry in bench.of(Dhcpv6Received) if entry.event.type == wire.REPLY]
    assert entry.event.enterprise == enterprise
    picky = soliciting(firmware=kx_utg200().with_options(dhcpv6_enterprise="9"))
    picky.bind6(option_17(URL, enterprise))
    assert picky.phone.dhcpv6.url == (URL if enterprise == 9 else None)


def test_an_option_17_that_cannot_be_read_is_passed_over_and_logged() -> None:
    bench = requesting()
    made = bench.answer6(wire.REPLY, association(), (wire.VENDOR_OPTIONS, b"\0\0\0\1\0\1\0\x09x"), option_17(URL))
    assert [(e.event.protocol, e.event.code) for e in of(made, ToleranceUsed)] == [("DHCPv6", "bad-vendor-options")]
    assert (bench.phone.dhcpv6.address, bench.phone.dhcpv6.url) == (ADDRESS6, URL)


# --- What is not for this client ------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[int, tuple[tuple[int, bytes], ...], dict[str, Any], str]] = {
    "another transaction": (wire.ADVERTISE, (), {"transaction": 1}, "another-transaction"),
    "another phone": (wire.ADVERTISE, (), {"client": b"\0\3\0\1\0\x80\xf0\xff\xff\xff"}, "for-another-client"),
    "no client": (wire.ADVERTISE, (), {"client": b""}, "for-another-client"),
    "no server": (wire.ADVERTISE, (), {"server": b""}, "no-server"),
    "an early reply": (wire.REPLY, (), {}, "unexpected-type"),
    "a solicit": (wire.SOLICIT, (), {}, "unexpected-type"),
    "a reconfigure": (10, (), {}, "unexpected-type"),
    "no association": (wire.ADVERTISE, ((wire.PREFERENCE, b"\0"),), {}, "no-address"),
    "another association": (wire.ADVERTISE, (association(iaid=2),), {}, "no-address"),
    "an empty association": (wire.ADVERTISE, ((wire.IA_NA, wire.IaNa(1).encode()),), {}, "no-address"),
    "no addresses left": (wire.ADVERTISE, (refusal(wire.NO_ADDRESSES),), {}, "no-address"),
    "a failure": (wire.ADVERTISE, (association(), (wire.STATUS_CODE, b"\0\1")), {}, "no-address"),
    "T1 after T2": (wire.ADVERTISE, (association(t1=9, t2=8),), {}, "no-address"),
    "preferred after valid": (wire.ADVERTISE, (association(preferred=9, valid=8),), {}, "no-address"),
    "no lifetime": (wire.ADVERTISE, (association(preferred=0, valid=0),), {}, "no-address"),
    "a short association": (wire.ADVERTISE, ((wire.IA_NA, b"\0\0\0\1"),), {}, "option-too-short"),
    "a short status": (wire.ADVERTISE, (association(), (wire.STATUS_CODE, b"")), {}, "option-too-short"),
    "a cut association": (wire.ADVERTISE, ((wire.IA_NA, wire.IaNa(1).encode() + b"\0"),), {}, "option-overrun"),
}


@pytest.mark.parametrize(("kind", "options", "changes", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_stray_message_is_logged_and_changes_nothing(
    kind: int, options: tuple[tuple[int, bytes], ...], changes: dict[str, Any], reason: str
) -> None:
    bench = soliciting()
    made = bench.answer6(kind, *options, **changes)
    assert [(e.event.protocol, e.event.reason) for e in of(made, PacketRefused)] == [("DHCPv6", reason)]
    assert bench.states6() == ["soliciting"]
    bench.bind6()
    assert bench.phone.dhcpv6.address == ADDRESS6


def test_a_reply_without_an_address_is_as_none() -> None:
    bench = requesting()
    made = bench.answer6(wire.REPLY, refusal(wire.NO_ADDRESSES))
    assert [entry.event.reason for entry in of(made, PacketRefused)] == ["no-address"]
    assert len(bench.sent6()) == 2
    bench.wait(2 * SECOND)
    assert [message.type for message in bench.sent6()] == [wire.SOLICIT, wire.REQUEST, wire.REQUEST]


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_no_datagram_hurts(data: st.DataObject) -> None:
    """Noise, and answers with some bytes changed: each is a fact or a refusal, and the client goes on."""
    state = data.draw(st.sampled_from(["soliciting", "requesting", "bound", "renewing", "rebinding"]))
    bench = {"soliciting": soliciting, "requesting": requesting}.get(state, bound)()
    bench.wait({"renewing": HOUR // 2, "rebinding": HOUR * 4 // 5}.get(state, 0) * SECOND)
    kind = data.draw(st.sampled_from([wire.ADVERTISE, wire.REPLY]))
    payload = bytearray(bench.answer6_bytes(kind, association(), option_17(URL)))
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(payload) - 1), st.integers(0, 255)), max_size=4)):
        payload[at] = value
    noise = data.draw(st.one_of(st.just(bytes(payload)), st.binary(max_size=64)))
    made = bench.datagram6(noise)
    assert len(of(made, Dhcpv6Received)) + len(of(made, PacketRefused)) >= 1
    bench.wait(3 * HOUR * SECOND)
    assert len(bench.entries) < 400


def test_answers_of_an_exchange_that_is_over_are_refused() -> None:
    bench = bound()
    made = bench.answer6(wire.REPLY)
    assert [entry.event.reason for entry in of(made, PacketRefused)] == ["unexpected-type"]


# --- The cable, the mode and the display ----------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["waiting", "soliciting", "requesting", "bound", "renewing", "rebinding"])
def test_a_pulled_cable_ends_whatever_the_client_was_doing(when: str) -> None:
    bench = Bench6(provisioned=IDLE)
    if when == "waiting":
        bench.link_up()
    else:
        bench.solicit()
    if when not in ("waiting", "soliciting"):
        bench.answer6(wire.ADVERTISE, association(), (wire.PREFERENCE, b"\xff"))
    if when in ("bound", "renewing", "rebinding"):
        bench.answer6(wire.REPLY)
        bench.wait({"bound": 0, "renewing": HOUR // 2, "rebinding": HOUR * 4 // 5}[when] * SECOND)
    had = bench.phone.dhcpv6.address
    made = bench.feed(LinkDown())
    assert [entry.event.reason for entry in of(made, Ipv6AddressLost)] == (["link-down"] if had else [])
    assert not bench.phone.orders.open
    assert bench.wait(86_400 * SECOND) == []
    before = len(bench.sent6())
    bench.link_up()
    bench.wait(SECOND)
    assert [message.type for message in bench.sent6()[before:]] == [wire.SOLICIT]
    bench.bind6()
    assert bench.phone.dhcpv6.address == ADDRESS6


@pytest.mark.parametrize(("mode", "sent"), [("0", {67}), ("1", {547}), ("2", {67, 547})])
@pytest.mark.spec("PROV-023")
def test_the_mode_says_which_clients_run(mode: str, sent: set[int]) -> None:
    bench = Bench6(mode, provisioned=IDLE)
    bench.link_up()
    bench.wait(5 * SECOND)
    found = {entry.event.port for entry in bench.entries if entry.event.kind == "DatagramSent"}
    assert found == sent
    assert bool(bench.of(DhcpStateEntered)) == (67 in sent)


def test_without_ipv6_nothing_is_heard() -> None:
    bench = Bench6("0", provisioned=IDLE)
    bench.link_up()
    made = bench.datagram6(bench.answer6_bytes(wire.ADVERTISE))
    assert [(e.event.protocol, e.event.reason) for e in of(made, PacketRefused)] == [("UDP", "no-address")]


def test_the_display_says_after_three_solicits_that_nobody_answers() -> None:
    bench = soliciting()
    while len(bench.sent6()) < 3:
        assert not bench.of(DisplayShown)
        bench.until(TimerDue)
    assert [entry.event.line for entry in bench.of(DisplayShown)] == ["N2 no DHCP answer"]


def test_a_renewal_starts_no_run() -> None:
    bench = Bench6()
    bench.solicit()
    bench.bind6(given=(association(preferred=1000),))
    bench.wait(500 * SECOND)
    bench.answer6(wire.REPLY)
    assert len(bench.of(Ipv6AddressBound)) == 2
    assert [entry.event.trigger for entry in bench.of(RunStarted)] == ["start"]
