"""IP packets: dpkt, which knows nothing of ours, finds the same fields and the same checksums in them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import dpkt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator.wire import ip
from emulator.wire.ip import IpError

V4 = st.integers(0, (1 << 32) - 1).map(lambda number: str(IPv4Address(number)))
V6 = st.integers(0, (1 << 128) - 1).map(lambda number: str(IPv6Address(number)))
ENDS = st.tuples(V4, V4) | st.tuples(V6, V6)
PORTS = st.integers(0, 0xFFFF)
A, B = "192.0.2.10", "192.0.2.20"


def read(packet: bytes) -> dpkt.ip.IP | dpkt.ip6.IP6:
    """The packet as dpkt reads it, which has written it once more, with checksums of its own."""
    kind = dpkt.ip.IP if packet[0] >> 4 == 4 else dpkt.ip6.IP6
    again = kind(packet)
    again.data.sum = 0
    if kind is dpkt.ip.IP:
        again.sum = 0
    assert bytes(again) == packet
    return kind(packet)


@given(ENDS, PORTS, PORTS, st.binary(max_size=200) | st.just(bytes(1400)), st.integers(0, 255))
@example(("0.0.0.0", "0.0.0.0"), 0, 0, bytes.fromhex("ffdc"), 64)  # its sum is 0, which is sent as 0xFFFF
def test_udp(ends: tuple[str, str], source: int, port: int, payload: bytes, ttl: int) -> None:
    """RFC 768, RFC 791, RFC 8200."""
    (packet,) = ip.packets(*ends, ip.UDP, ip.udp(ends[0], source, ends[1], port, payload), ttl=ttl)
    found = read(packet)
    assert (found.src, found.dst) == (ip.packed(ends[0]), ip.packed(ends[1]))
    assert (found.data.sport, found.data.dport, found.data.data) == (source, port, payload)
    assert ttl == (found.ttl if isinstance(found, dpkt.ip.IP) else found.hlim)
    assert found.data.sum != 0


@given(ENDS, PORTS, PORTS, st.integers(0, 1 << 40), st.integers(0, 1 << 40), st.binary(max_size=99), st.booleans())
def test_tcp(
    ends: tuple[str, str], source: int, port: int, sequence: int, acknowledged: int, payload: bytes, first: bool
) -> None:
    """RFC 9293; numbers count modulo 2**32."""
    options = ip.maximum_segment(1460) if first else b""
    flags = ip.SYN if first else ip.ACK | ip.PSH
    segment = ip.tcp((ends[0], source), (ends[1], port), sequence, acknowledged, flags, payload, options)
    (packet,) = ip.packets(*ends, ip.TCP, segment)
    found = read(packet).data
    assert (found.sport, found.dport, found.flags) == (source, port, flags)
    assert (found.seq, found.ack) == (sequence % (1 << 32), acknowledged % (1 << 32))
    assert (found.data, found.opts) == (payload, options)


@given(st.integers(1_473, 65_507), st.integers(1, 0xFFFF))
@example(1_473, 1)
@example(65_507, 0xFFFF)
def test_fragments_of_ipv4(size: int, number: int) -> None:
    """RFC 791 s.3.2: each piece but the last is a multiple of eight bytes; together they are the datagram."""
    datagram = ip.udp(A, 49_152, B, 69, bytes(range(256)) * (size // 256) + bytes(size % 256))
    found = [dpkt.ip.IP(packet) for packet in ip.packets(A, B, ip.UDP, datagram, identification=number)]
    assert len(found) > 1
    offsets = [each.offset * 8 for each in found]
    pieces = [bytes(each)[20:] for each in found]
    assert offsets == [sum(map(len, pieces[:index])) for index in range(len(pieces))]
    assert [each.mf for each in found] == [1] * (len(found) - 1) + [0]
    assert {each.id for each in found} == {number}
    assert not any(each.df for each in found)
    assert all(each.len <= ip.MTU and dpkt.in_cksum(bytes(each)[:20]) == 0 for each in found)
    assert b"".join(pieces) == datagram


def test_what_fits_is_not_fragmented() -> None:
    """1,472 bytes of payload fill a packet; it says that it is not to be fragmented, and so needs no number."""
    (packet,) = ip.packets(A, B, ip.UDP, ip.udp(A, 1, B, 2, bytes(1_472)), identification=9)
    found = read(packet)
    assert (found.len, found.df, found.mf, found.offset, found.id) == (1_500, 1, 0, 0, 0)


@given(st.integers(1_453, 65_527))
def test_fragments_of_ipv6(size: int) -> None:
    """RFC 8200 s.4.5."""
    ends = "2001:db8::1", "2001:db8::2"
    datagram = ip.udp(ends[0], 1, ends[1], 2, bytes(size))
    packets = list(ip.packets(*ends, ip.UDP, datagram, identification=7))
    found = [dpkt.ip6.IP6(packet).extension_hdrs[44] for packet in packets]
    assert [each.m_flag for each in found] == [1] * (len(found) - 1) + [0]
    assert {(each.nxt, each.id) for each in found} == {(ip.UDP, 7)}
    assert [each.frag_off * 8 for each in found] == [1_448 * index for index in range(len(found))]
    assert all(len(packet) <= ip.MTU for packet in packets)
    assert b"".join(packet[48:] for packet in packets) == datagram


@given(st.binary(max_size=300))
@example(b"")
@example(b"\xff\xff")
def test_the_checksum_is_that_of_dpkt(data: bytes) -> None:
    """RFC 1071; over data that holds its own, it is 0."""
    found = ip.checksum(data)
    assert found == dpkt.in_cksum(data)
    if len(data) % 2 == 0:
        assert ip.checksum(data + found.to_bytes(2, "big")) == 0


@pytest.mark.parametrize(
    ("address", "mac"),
    [
        ("224.0.1.75", "01005e00014b"),
        ("239.255.255.250", "01005e7ffffa"),
        ("255.255.255.255", "ffffffffffff"),
        ("ff02::1:2", "333300010002"),
        ("192.0.2.255", None),
        ("fe80::1", None),
    ],
)
def test_the_mac_address_of_a_group(address: str, mac: str | None) -> None:
    """RFC 1112 s.6.4, RFC 2464 s.7."""
    found = ip.group_mac(address)
    assert (None if found is None else found.hex()) == mac


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda: ip.udp("192.0.2.300", 1, B, 2, b""), "bad-address"),
        (lambda: ip.udp("host", 1, B, 2, b""), "bad-address"),
        (lambda: ip.udp(A, 65_536, B, 2, b""), "bad-field"),
        (lambda: ip.udp(A, -1, B, 2, b""), "bad-field"),
        (lambda: ip.udp(A, 1, B, 2, bytes(65_528)), "too-long"),
        (lambda: list(ip.packets(A, B, ip.UDP, bytes(65_516))), "too-long"),
        (lambda: list(ip.packets("::1", "::2", ip.UDP, bytes(65_536))), "too-long"),
        (lambda: list(ip.packets(A, "::2", ip.UDP, b"")), "mixed-families"),
        (lambda: list(ip.packets(A, B, ip.UDP, b"", ttl=256)), "bad-field"),
        (lambda: ip.tcp((A, 1), (B, 2), 0, 0, ip.SYN, b"", b"abc"), "bad-field"),
        (lambda: ip.tcp((A, 1), (B, 70_000), 0, 0, ip.SYN), "bad-field"),
    ],
)
def test_what_fits_into_no_packet(wrong: object, reason: str) -> None:
    assert callable(wrong)
    with pytest.raises(IpError) as caught:
        wrong()
    assert caught.value.reason == reason
