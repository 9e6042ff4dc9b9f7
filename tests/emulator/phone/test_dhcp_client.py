"""The DHCP client: a server's view of what it sends, and when (RFC 2131, PROV-070 to PROV-081)."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    AddressBound,
    AddressLost,
    DatagramSent,
    DhcpReceived,
    DhcpStateEntered,
    LinkDown,
    PacketRefused,
    RunStarted,
    SourceTried,
    TimerCancelled,
    ToleranceUsed,
)
from emulator.wire import dhcp as wire
from tests.emulator.phone.bench import ADDRESS, DAY, MAC, MODEL, SERVER, Bench, datagrams, lease, of

HARDWARE = bytes.fromhex(MAC)
ASKED = (1, 3, 6, 15, 42, 51, 54, 58, 59, 66, 159, 160)
SECONDS = 10**9
seeds = st.binary(min_size=32, max_size=32).map(bytes.hex)


def started(**changes: Any) -> Bench:
    """A phone whose cable was just plugged in; it provisions nothing, so that nothing but DHCP happens."""
    bench = Bench(**{"provisioned": (("PROVISION_ENABLE", "N"),), **changes})
    bench.link_up()
    return bench


def bound(*options: tuple[int, bytes], **changes: Any) -> Bench:
    bench = started()
    bench.bind(*options, **changes)
    return bench


def states(bench: Bench) -> list[str]:
    return [entry.event.state for entry in bench.of(DhcpStateEntered)]


def sent_times(bench: Bench) -> list[int]:
    return [entry.time for entry, _ in datagrams(bench.entries, 67)]


# --- What is sent ---------------------------------------------------------------------------------------------------


@pytest.mark.spec("PROV-071", "PROV-079")
def test_a_discover_asks_for_the_options_and_claims_no_address() -> None:
    (message,) = started().dhcp_sent()
    assert (message.type, message.op, message.htype, message.hlen) == (wire.DISCOVER, wire.BOOTREQUEST, 1, 6)
    assert (message.ciaddr, message.yiaddr, message.siaddr, message.giaddr) == ("0.0.0.0",) * 4
    assert message.chaddr[:6] == HARDWARE
    assert tuple(message.option(wire.PARAMETERS) or b"") == ASKED
    assert message.option(wire.HOSTNAME) == MODEL.encode()
    assert message.option(wire.CLIENT_ID) == b"\x01" + HARDWARE
    assert message.option(wire.REQUESTED_ADDRESS) is None
    assert message.option(wire.SERVER_ID) is None
    assert message.option(wire.VENDOR_CLASS) is None
    assert message.tolerances() == ()


@pytest.mark.spec("PROV-070")
def test_a_request_names_the_offered_address_and_its_server() -> None:
    bench = started()
    bench.reply(wire.OFFER, "192.0.2.77", lease(server="192.0.2.3"))
    discover, request = bench.dhcp_sent()
    assert request.type == wire.REQUEST
    assert request.option(wire.REQUESTED_ADDRESS) == wire.ip_to_bytes("192.0.2.77")
    assert request.option(wire.SERVER_ID) == wire.ip_to_bytes("192.0.2.3")
    assert request.ciaddr == "0.0.0.0"
    assert request.xid == discover.xid
    assert tuple(request.option(wire.PARAMETERS) or b"") == ASKED
    assert request.option(wire.CLIENT_ID) == discover.option(wire.CLIENT_ID)
    assert request.option(wire.HOSTNAME) == discover.option(wire.HOSTNAME)


def test_before_there_is_an_address_everything_is_broadcast_from_none() -> None:
    bench = started()
    bench.reply(wire.OFFER)
    ends = [(e.source, e.source_port, e.destination, e.port) for _, e in datagrams(bench.entries, 67)]
    assert ends == [("0.0.0.0", 68, "255.255.255.255", 67)] * 2


def test_renewing_goes_to_the_server_alone_and_rebinding_to_all() -> None:
    bench = bound(seconds=DAY)
    bench.wait(DAY * SECOND - 1)
    by_state: dict[str, list[tuple[DatagramSent, wire.Message]]] = {}
    state = ""
    for entry in bench.entries:
        if isinstance(entry.event, DhcpStateEntered):
            state = entry.event.state
        elif isinstance(entry.event, DatagramSent) and entry.event.port == 67:
            by_state.setdefault(state, []).append((entry.event, wire.parse(entry.event.payload)))
    for state, to in (("renewing", SERVER), ("rebinding", "255.255.255.255")):
        assert by_state[state]
        for event, message in by_state[state]:
            assert (event.source, event.destination) == (ADDRESS, to)
            assert (message.type, message.ciaddr) == (wire.REQUEST, ADDRESS)
            assert message.option(wire.REQUESTED_ADDRESS) is None, "RFC 2131 table 5: MUST NOT"
            assert message.option(wire.SERVER_ID) is None, "RFC 2131 table 5: MUST NOT"
            assert tuple(message.option(wire.PARAMETERS) or b"") == ASKED


def test_seconds_count_from_the_start_of_the_transaction() -> None:
    bench = started()
    bench.wait(40 * SECOND)
    for at, message in zip(sent_times(bench), bench.dhcp_sent(), strict=True):
        assert message.secs == at // SECOND


# --- When it is sent ------------------------------------------------------------------------------------------------


@given(seeds)
@settings(deadline=None, max_examples=25)
def test_unanswered_discovers_wait_twice_as_long_each_time_up_to_64_seconds(entropy: str) -> None:
    bench = started(entropy=entropy)
    bench.wait(600 * SECOND)
    times = sent_times(bench)
    waits = [after - before for before, after in itertools.pairwise(times)]
    assert len(waits) >= 9
    for wait, wanted in zip(waits, [4, 8, 16, 32] + [64] * len(waits), strict=False):
        assert (wanted - 1) * SECOND <= wait <= (wanted + 1) * SECOND
    assert {message.type for message in bench.dhcp_sent()} == {wire.DISCOVER}
    assert len({message.xid for message in bench.dhcp_sent()}) == 1


@given(seeds)
@settings(deadline=None, max_examples=25)
def test_four_unanswered_requests_lead_back_to_discover(entropy: str) -> None:
    bench = started(entropy=entropy)
    bench.reply(wire.OFFER)
    bench.wait(70 * SECOND)
    messages = bench.dhcp_sent()
    kinds = [message.type for message in messages]
    assert kinds[:6] == [wire.DISCOVER] + [wire.REQUEST] * 4 + [wire.DISCOVER]
    assert messages[5].xid != messages[4].xid
    assert messages[5].option(wire.REQUESTED_ADDRESS) is None
    times = sent_times(bench)
    for wanted, before, after in zip((4, 8, 16, 32), times[1:], times[2:], strict=False):
        assert abs(after - before - wanted * SECOND) <= SECOND


def test_waits_are_drawn_afresh_for_every_wait_and_every_phone() -> None:
    waits = set()
    for number in range(8):
        bench = started(entropy=f"{number:064x}")
        bench.reply(wire.OFFER)
        bench.wait(5 * SECOND)
        times = sent_times(bench)
        waits.add(times[2] - times[1])
    assert len(waits) == 8
    bench = started()
    discover = bench.entries[-1].event.after  # type: ignore[attr-defined]
    request = bench.reply(wire.OFFER)[-1].event.after  # type: ignore[attr-defined]
    assert discover != request


def test_a_long_silence_costs_no_more_than_a_short_one() -> None:
    bench = started()
    bench.wait(7 * DAY * SECOND)
    times = sent_times(bench)
    assert len(times) >= 7 * DAY // 65
    assert times[-1] - times[-2] <= 65 * SECOND


# --- NAK ------------------------------------------------------------------------------------------------------------


def test_the_first_refusal_starts_over_at_once() -> None:
    bench = started()
    bench.reply(wire.OFFER)
    before = bench.now
    bench.reply(wire.NAK, "0.0.0.0", lease()[:1])
    assert bench.dhcp_sent()[-1].type == wire.DISCOVER
    assert bench.dhcp_sent()[-1].xid != bench.dhcp_sent()[-2].xid
    assert sent_times(bench)[-1] == before


def test_refusal_upon_refusal_makes_the_phone_wait_longer() -> None:
    bench = started()
    waits = []
    for _ in range(7):
        bench.reply(wire.OFFER)
        refused_at = bench.now
        bench.reply(wire.NAK, "0.0.0.0", lease()[:1])
        if states(bench)[-1] == "init":
            bench.until(DhcpStateEntered)
        assert states(bench)[-1] == "selecting"
        waits.append(bench.now - refused_at)
    assert waits[0] == 0
    for wait, wanted in zip(waits[1:], (4, 8, 16, 32, 64, 64), strict=True):
        assert abs(wait - wanted * SECOND) <= SECOND
    bench.bind()
    assert bench.phone.dhcp.refusals == 0, "a lease forgives them"


@pytest.mark.parametrize("state", ["renewing", "rebinding"])
def test_a_refused_renewal_takes_the_address_away(state: str) -> None:
    bench = bound(seconds=1000)
    bench.wait((600 if state == "renewing" else 900) * SECOND)
    assert states(bench)[-1] == state
    made = bench.reply(wire.NAK, "0.0.0.0", lease()[:1])
    assert [entry.event.reason for entry in of(made, AddressLost)] == ["refused"]
    assert bench.phone.dhcp.address == ""
    assert states(bench)[-1] == "selecting"
    made = bench.wait(3000 * SECOND)
    assert not of(made, AddressLost), "the timers of the old lease are gone"
    assert {wire.parse(e.payload).type for _, e in datagrams(made, 67)} == {wire.DISCOVER}


# --- The lease ------------------------------------------------------------------------------------------------------


def instants(bench: Bench) -> dict[str, int]:
    """When each state was first entered after the lease was bound, from then on, in ns."""
    at = bench.of(AddressBound)[-1].time
    bench.wait(400_000 * SECOND)
    found: dict[str, int] = {}
    for entry in bench.of(DhcpStateEntered):
        if entry.time > at or entry.event.state == "bound":
            found.setdefault(entry.event.state, entry.time - at)
    found["lost"] = bench.of(AddressLost)[0].time - at
    return found


@given(st.integers(1, 100_000))
@settings(deadline=None, max_examples=25)
def test_a_lease_without_times_renews_at_a_half_and_rebinds_at_seven_eighths(length: int) -> None:
    found = instants(bound(seconds=length))
    assert found["renewing"] == length * SECOND // 2
    assert found["rebinding"] == length * SECOND * 7 // 8
    assert found["lost"] == found["selecting"] == length * SECOND


@given(st.data())
@settings(deadline=None, max_examples=25)
def test_times_that_the_server_gives_are_kept(data: st.DataObject) -> None:
    length = data.draw(st.integers(10, 100_000))
    t2 = data.draw(st.integers(2, length - 1))
    t1 = data.draw(st.integers(1, t2 - 1))
    found = instants(bound((wire.T1, wire.u32(t1)), (wire.T2, wire.u32(t2)), seconds=length))
    assert (found["renewing"], found["rebinding"]) == (t1 * SECOND, t2 * SECOND)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(1, 10_000))
@settings(deadline=None, max_examples=50)
def test_whatever_the_server_says_renewing_comes_before_rebinding_before_the_end(t1: int, t2: int, length: int) -> None:
    bench = bound((wire.T1, wire.u32(t1)), (wire.T2, wire.u32(t2)), seconds=length)
    event = bench.of(AddressBound)[0].event
    assert 0 < event.t1 <= event.t2 < event.lease == length * SECOND


@given(st.integers(200, 200_000))
@settings(deadline=None, max_examples=25)
def test_renewal_is_repeated_at_half_of_what_is_left_but_not_within_a_minute(length: int) -> None:
    bench = bound(seconds=length)
    at = bench.of(AddressBound)[0].time
    bench.run_to(at + length * SECOND - 1)
    ends = {"renewing": at + length * SECOND * 7 // 8, "rebinding": at + length * SECOND}
    for state, end in ends.items():
        times = [entry.time for entry in bench.of(DhcpStateEntered) if entry.event.state == state]
        for before, after in itertools.pairwise(times):
            assert after - before == max((end - before) // 2, 60 * SECOND)
        assert end - times[-1] <= max(120 * SECOND, 0), "it goes on as long as a minute's wait still fits"
        assert (end - times[-1]) // 2 < 60 * SECOND


def test_an_expired_lease_is_given_up_and_asked_for_anew() -> None:
    bench = bound(seconds=1000)
    bench.wait(1000 * SECOND)
    assert [entry.event.reason for entry in bench.of(AddressLost)] == ["expired"]
    assert bench.phone.dhcp.address == ""
    last = bench.dhcp_sent()[-1]
    assert (last.type, last.ciaddr) == (wire.DISCOVER, "0.0.0.0")
    bench.bind()
    assert bench.phone.dhcp.address == ADDRESS


@pytest.mark.parametrize("after", [0, 1, 10**9])
def test_a_lease_without_end_is_never_renewed(after: int) -> None:
    bench = started()
    times = [(wire.T1, wire.u32(after)), (wire.T2, wire.u32(after))] if after else []
    bench.bind(*times, seconds=0xFFFFFFFF)
    before = len(bench.entries)
    assert bench.of(AddressBound)[0].event.lease == 0
    bench.wait(10**6 * SECOND)
    assert len(bench.entries) == before


def test_a_renewed_lease_counts_from_its_acknowledgement() -> None:
    bench = bound(seconds=1000)
    bench.wait(500 * SECOND)
    bench.wait(7 * SECOND)
    bench.reply(wire.ACK, options=lease(2000))
    renewed = bench.of(AddressBound)[-1]
    assert (renewed.event.fresh, renewed.event.lease) == (False, 2000 * SECOND)
    found = bench.wait(1000 * SECOND)
    assert [(e.event.state, e.time - renewed.time) for e in of(found, DhcpStateEntered)] == [
        ("renewing", 1000 * SECOND)
    ]
    assert not bench.of(AddressLost)


def test_another_server_may_acknowledge_while_rebinding_and_is_asked_next_time() -> None:
    bench = bound(seconds=1000)
    bench.wait(900 * SECOND)
    bench.reply(wire.ACK, options=lease(1000, "192.0.2.9"))
    made = bench.wait(500 * SECOND)
    assert [event.destination for _, event in datagrams(made, 67)] == ["192.0.2.9"]


@pytest.mark.spec("PROV-081")
@pytest.mark.parametrize("after", [500, 900])
def test_a_renewal_keeps_the_option_values_of_the_start_and_starts_nothing(after: int) -> None:
    bench = Bench(provisioned=(("SIPPNP_ENABLE", "N"),))
    bench.link_up()
    old = [(wire.PROVISIONING_160, b"tftp://old/a.cfg"), (wire.TFTP_SERVER, b"old"), (wire.PROVISIONING_159, b"old")]
    bench.bind(*old, seconds=1000)
    acked, runs = bench.phone.dhcp.acked, len(bench.of(RunStarted))
    bench.wait(after * SECOND)
    new = [(wire.PROVISIONING_160, b"tftp://new/a.cfg"), (wire.TFTP_SERVER, b"new"), (wire.PROVISIONING_159, b"")]
    bench.reply(wire.ACK, options=[*lease(1000), *new])
    client = bench.phone.dhcp
    assert (client.option160, client.option66, client.option159) == ("tftp://old/a.cfg", "old", "old")
    assert client.acked == acked
    assert len(bench.of(RunStarted)) == runs == 1


# --- The cable ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["selecting", "requesting", "bound", "renewing", "rebinding"])
def test_a_pulled_cable_ends_whatever_the_client_was_doing(when: str) -> None:
    bench = started()
    if when != "selecting":
        bench.reply(wire.OFFER)
    if when in ("bound", "renewing", "rebinding"):
        bench.reply(wire.ACK, options=lease(1000))
        bench.wait({"bound": 1, "renewing": 501, "rebinding": 901}[when] * SECOND)
    assert states(bench)[-1] == when
    had = bench.phone.dhcp.address
    made = bench.feed(LinkDown())
    assert [entry.event.reason for entry in of(made, AddressLost)] == (["link-down"] if had else [])
    assert of(made, TimerCancelled)
    assert not bench.phone.orders.open
    assert bench.wait(DAY * SECOND) == []
    made = bench.link_up()
    (message,) = [wire.parse(event.payload) for _, event in datagrams(made, 67)]
    assert message.type == wire.DISCOVER
    bench.bind()
    assert bench.phone.dhcp.address == ADDRESS


# --- What is not for this client ------------------------------------------------------------------------------------

REFUSED = {
    "another transaction": ({"xid": 1}, "another-transaction"),
    "another phone": ({"chaddr": b"\0\x80\xf0\xff\xff\xff"}, "for-another-client"),
    "a request": ({"op": wire.BOOTREQUEST}, "not-a-reply"),
    "an early acknowledgement": ({"type": wire.ACK}, "unexpected-type"),
    "an early refusal": ({"type": wire.NAK}, "unexpected-type"),
    "another discover": ({"type": wire.DISCOVER}, "unexpected-type"),
    "no address": ({"yiaddr": "0.0.0.0"}, "empty-offer"),
    "no server": ({"options": [(wire.LEASE_TIME, wire.u32(100))]}, "empty-offer"),
}


@pytest.mark.parametrize(("changes", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_stray_message_is_logged_and_changes_nothing(changes: dict[str, Any], reason: str) -> None:
    bench = started()
    made = bench.reply(wire.OFFER, **changes)
    assert [(entry.event.protocol, entry.event.reason) for entry in of(made, PacketRefused)] == [("DHCP", reason)]
    assert states(bench) == ["selecting"]
    bench.bind()
    assert bench.phone.dhcp.address == ADDRESS


@pytest.mark.parametrize("options", [lease()[:1], [*lease()[:1], (wire.LEASE_TIME, wire.u32(0))], lease()])
def test_an_acknowledgement_without_lease_or_address_binds_nothing(options: list[tuple[int, bytes]]) -> None:
    bench = started()
    bench.reply(wire.OFFER)
    made = bench.reply(wire.ACK, "0.0.0.0" if options == lease() else ADDRESS, options)
    assert [entry.event.reason for entry in of(made, PacketRefused)] == ["empty-acknowledgement"]
    assert bench.phone.dhcp.address == ""
    bench.reply(wire.ACK)
    assert bench.phone.dhcp.address == ADDRESS


@pytest.mark.parametrize("kind", [b"", b"\x02\x02"])
def test_a_message_without_a_readable_type_is_refused(kind: bytes) -> None:
    bench = started()
    whole = wire.parse(bench.reply_bytes(wire.OFFER))
    options = tuple((c, kind if c == wire.MESSAGE_TYPE else v) for c, v in whole.options if kind or c != 53)
    changed = wire.Message(**{name: getattr(whole, name) for name in FIELDS} | {"options": options})
    made = bench.receive(changed.encode(), 68)
    assert [entry.event.reason for entry in of(made, PacketRefused)] == ["no-message-type"]


FIELDS = (
    *("op", "htype", "hlen", "hops", "xid", "secs", "flags", "ciaddr", "yiaddr", "siaddr", "giaddr"),
    *("chaddr", "sname", "file", "options", "tail"),
)


def test_a_careless_message_is_read_and_the_carelessness_logged() -> None:
    bench = started()
    made = bench.reply(wire.OFFER, options=[*lease(), (wire.PROVISIONING_160, b"tftp://a/\0")], minimum=0)
    assert {entry.event.code for entry in of(made, ToleranceUsed)} == {"under-300-bytes", "trailing-nul"}
    assert states(bench)[-1] == "requesting"


@given(st.lists(st.binary(max_size=600), min_size=1, max_size=8), st.booleans())
@settings(deadline=None, max_examples=60)
def test_random_bytes_are_refused_and_never_bind(packets: list[bytes], asked: bool) -> None:
    bench = started()
    if asked:
        bench.reply(wire.OFFER)
    for packet in packets:
        made = bench.receive(packet, 68)
        assert len(of(made, PacketRefused)) == 1
    assert not bench.of(AddressBound)


@given(st.data())
@settings(deadline=None, max_examples=120)
def test_a_damaged_reply_never_raises_and_binds_only_to_what_it_says(data: st.DataObject) -> None:
    bench = started()
    bench.reply(wire.OFFER)
    raw = bytearray(bench.reply_bytes(wire.ACK, options=[*lease(), (wire.PROVISIONING_160, b"tftp://a/b.cfg")]))
    for _ in range(data.draw(st.integers(1, 12))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(200, len(raw)))])
    made = bench.receive(cut, 68)
    assert made
    for entry in of(made, AddressBound):
        read = wire.parse(cut)
        assert (read.xid, read.chaddr[:6], read.type) == (bench.phone.dhcp.xid, HARDWARE, wire.ACK)
        assert entry.event.address == read.yiaddr
    bench.wait(200 * SECOND)


# --- The options that bring the URL ---------------------------------------------------------------------------------

blank = st.text(" \t\r\n", max_size=3)


@pytest.mark.spec("PROV-077", "PROV-072")
@given(
    blank, st.sampled_from(["", "http://192.0.2.20/x.cfg", "10.0.0.2", "two words"]), st.text(" \t\r\n\0", max_size=4)
)
@settings(deadline=None, max_examples=60)
def test_text_options_lose_nul_and_white_space_around_them(before: str, text: str, after: str) -> None:
    bench = started()
    value = f"{before}{text}{after}".encode()
    given_options = [
        (code, value) for code in (wire.TFTP_SERVER, wire.PROVISIONING_159, wire.PROVISIONING_160) if value
    ]
    bench.bind(*given_options)
    event = bench.of(DhcpReceived)[-1].event
    wanted = text if value else None
    assert [event.option66, event.option159, event.option160] == [wanted] * 3


@pytest.mark.spec("PROV-077")
@pytest.mark.parametrize("value", [b"", b"\0", b" ", b"\0\0", b" \0", b"\0 ", b"\r\n\0", None])
def test_an_option_without_content_is_not_populated(value: bytes | None) -> None:
    bench = Bench(provisioned=(("SIPPNP_ENABLE", "N"),))
    bench.link_up()
    options = [] if value is None else [(wire.PROVISIONING_160, value)]
    bench.bind(*options, (wire.PROVISIONING_159, b"http://192.0.2.20/a.cfg"))
    tried = [(e.event.step, e.event.url, e.event.reason) for e in bench.of(SourceTried)]
    assert tried[2:] == [(4, None, "not-populated"), (5, "http://192.0.2.20/a.cfg", "")]


@pytest.mark.spec("PROV-080")
def test_the_boot_file_name_is_ignored() -> None:
    bench = Bench(provisioned=(("SIPPNP_ENABLE", "N"),))
    bench.link_up()
    bench.bind((wire.BOOT_FILE, b"http://192.0.2.20/a.cfg"))
    assert all(entry.event.url is None for entry in bench.of(SourceTried))
