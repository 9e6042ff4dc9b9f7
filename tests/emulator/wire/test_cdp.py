"""CDP messages; dpkt has a reader and a checksum of its own."""

from __future__ import annotations

import dpkt
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from emulator.wire import cdp
from emulator.wire.cdp import CdpError, Tlv, parse

TLVS = st.lists(
    st.builds(Tlv, st.sampled_from([1, 3, 4, 5, 6, 10, 14, 15, 0xFFFF]), st.binary(max_size=40)), max_size=6
)
REAL = bytes.fromhex(
    "02b42c42000100065232000500ff436973636f20494f5320536f6674776172652c203337303020536f66747761726520"
    "2843333734352d414456454e5445525052495345"
)
"""The beginning of a message that dpkt keeps as a sample; cut off in its version text."""


@given(st.integers(0, 255), TLVS)
def test_what_is_built_is_read(ttl: int, tlvs: list[Tlv]) -> None:
    data = cdp.build(ttl, tlvs)
    message = parse(data)
    assert message.encode() == data
    assert (message.version, message.ttl, message.tlvs) == (2, ttl, tuple(tlvs))


@given(st.binary(max_size=80) | st.builds(bytes.__add__, st.just(b"\x02\xb4\0\0"), st.binary(max_size=80)))
def test_junk_is_refused_with_a_code_or_kept_whole(data: bytes) -> None:
    try:
        message = parse(data)
    except CdpError as error:
        event(error.reason)
        return
    assert message.encode() == data
    assert 0 <= message.voice_vlan <= 0xFFFF


@given(st.integers(0, 255), TLVS.filter(lambda tlvs: sum(len(tlv.value) for tlv in tlvs) % 2 == 0))
def test_dpkt_reads_the_same_and_comes_to_the_same_sum(ttl: int, tlvs: list[Tlv]) -> None:
    data = cdp.build(ttl, tlvs)
    seen = dpkt.cdp.CDP(data)
    assert (seen.version, seen.ttl, seen.sum) == (2, ttl, parse(data).checksum)
    assert bytes(dpkt.cdp.CDP(version=2, ttl=ttl, sum=0, data=data[4:])) == data or parse(data).checksum == 0


@given(TLVS.filter(lambda tlvs: sum(len(tlv.value) for tlv in tlvs) % 2 == 1))
def test_both_sums_of_an_odd_message_are_taken(tlvs: list[Tlv]) -> None:
    data = cdp.build(180, tlvs)
    for wanted in cdp.sums(data):
        assert parse(data[:2] + wanted.to_bytes(2, "big") + data[4:]).checksum == wanted
    assert cdp.sums(data)[1] == dpkt.dpkt.in_cksum(data[:2] + b"\0\0" + data[4:])


@pytest.mark.parametrize(
    ("last", "added"),
    [(0x00, 0x0000), (0x7F, 0x007F), (0x80, 0xFF7F), (0xFF, 0xFFFE)],
)
def test_the_odd_byte_counts_as_a_signed_low_half(last: int, added: int) -> None:
    """As dissectors compute it: added as a signed number, one less where that is negative."""
    total = 0x02B4 + 0x0001 + 0x0005 + added
    total = (total & 0xFFFF) + (total >> 16)
    assert parse(cdp.build(180, [Tlv(1, bytes((last,)))])).checksum == ~total & 0xFFFF


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x02\xb4\0", "too-short"),
        (bytes(1493), "too-long"),
        (b"\x03\xb4\0\0", "bad-version"),
        (b"\x02\xb4\0\0\0\1\0\3", "bad-tlv"),
        (b"\x02\xb4\0\0\0\1\0", "tlv-overrun"),
        (b"\x02\xb4\0\0\0\1\0\5", "tlv-overrun"),
        (b"\x02\xb4\0\0", "bad-checksum"),
        (REAL, "tlv-overrun"),
    ],
)
def test_why_a_message_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(CdpError) as caught:
        parse(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize(("ttl", "tlvs"), [(256, ()), (1, (Tlv(65_536, b""),)), (1, (Tlv(1, bytes(65_536)),))])
def test_what_does_not_fit_is_not_written(ttl: int, tlvs: tuple[Tlv, ...]) -> None:
    with pytest.raises(CdpError) as caught:
        cdp.build(ttl, tlvs)
    assert caught.value.reason == "bad-field"


@pytest.mark.parametrize(
    ("tlvs", "vlan"),
    [
        ((), 0),
        ((Tlv(cdp.NATIVE_VLAN, b"\0\7"),), 0),
        ((Tlv(cdp.VOICE_VLAN, b"\1\0\x14"),), 20),
        ((Tlv(cdp.VOICE_VLAN, b"\1\0"),), 0),
    ],
)
def test_the_voice_vlan(tlvs: tuple[Tlv, ...], vlan: int) -> None:
    message = parse(cdp.build(180, (Tlv(cdp.DEVICE_ID, b"switch-1"), *tlvs)))
    assert message.voice_vlan == vlan
    assert message.text(cdp.DEVICE_ID) == "switch-1"
    assert message.text(cdp.PORT_ID) == ""
