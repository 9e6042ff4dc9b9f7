"""ARP packets; dpkt has a reader of its own."""

from __future__ import annotations

import dpkt
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from emulator.wire import arp
from emulator.wire.arp import ArpError, Packet, parse

MACS = st.binary(min_size=6, max_size=6)
ADDRESSES = st.ip_addresses(v=4).map(str)
PACKETS = st.builds(Packet, st.integers(0, 0xFFFF), MACS, ADDRESSES, MACS, ADDRESSES, st.binary(max_size=18))
PHONE, HOST = bytes.fromhex("0080f0123456"), bytes.fromhex("020000000001")


@given(PACKETS)
def test_what_is_written_is_read_and_dpkt_reads_the_same(packet: Packet) -> None:
    data = packet.encode()
    assert parse(data) == packet
    seen = dpkt.arp.ARP(data)
    assert (seen.hrd, seen.pro, seen.hln, seen.pln, seen.op) == (1, 0x0800, 6, 4, packet.operation)
    assert (seen.sha, seen.tha) == (packet.sender_mac, packet.target_mac)
    assert (".".join(map(str, seen.spa)), ".".join(map(str, seen.tpa))) == (packet.sender, packet.target)


@given(st.binary(max_size=60) | st.builds(bytes.__add__, st.just(bytes.fromhex("0001080006040001")), st.binary()))
def test_junk_is_refused_with_a_code_or_kept_whole(data: bytes) -> None:
    try:
        packet = parse(data)
    except ArpError as error:
        event(error.reason)
        return
    assert packet.encode() == data


@pytest.mark.parametrize(
    ("data", "reason"),
    [(bytes(27), "too-short"), (bytes(1501), "too-long"), (bytes(28), "not-ipv4-over-ethernet")],
)
def test_why_a_packet_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ArpError) as caught:
        parse(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "packet",
    [
        Packet(1, b"", "0.0.0.0", HOST, "0.0.0.0"),
        Packet(1, HOST, "0.0.0.256", HOST, "0.0.0.0"),
        Packet(65_536, HOST, "0.0.0.0", HOST, "0.0.0.0"),
    ],
)
def test_what_fits_into_no_packet_is_not_written(packet: Packet) -> None:
    with pytest.raises(ArpError) as caught:
        packet.encode()
    assert caught.value.reason == "bad-field"


def test_an_announcement_claims_and_a_probe_does_not() -> None:
    """RFC 5227 s.2.1.1 and s.2.3: both are requests for the address itself."""
    announced, probed = arp.announcement(PHONE, "192.0.2.10"), arp.probe(PHONE, "192.0.2.10")
    assert announced == Packet(1, PHONE, "192.0.2.10", bytes(6), "192.0.2.10")
    assert probed == Packet(1, PHONE, "0.0.0.0", bytes(6), "192.0.2.10")
    assert arp.reply(announced, HOST) == Packet(2, HOST, "192.0.2.10", PHONE, "192.0.2.10")
    assert arp.reply(probed, HOST) == Packet(2, HOST, "192.0.2.10", PHONE, "0.0.0.0")
