"""Frames: what is read is written again, byte for byte, and dpkt sees the same in it."""

from __future__ import annotations

import dpkt
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from emulator.wire import ethernet
from emulator.wire.ethernet import Frame, FrameError, parse

MACS = st.binary(min_size=6, max_size=6)
TYPES = st.sampled_from([ethernet.ARP_TYPE, ethernet.LLDP_TYPE, 0x0800, 0x86DD, ethernet.FIRST_TYPE, 0xFFFF])
TAGS = st.none() | st.integers(0, 0xFFFF)
FRAMES = st.builds(Frame, MACS, MACS, TAGS, TYPES, st.binary(max_size=100))
PHONE, SWITCH = bytes.fromhex("0080f0123456"), bytes.fromhex("02000000aa01")


@given(FRAMES)
def test_what_is_written_is_read(frame: Frame) -> None:
    assert parse(frame.encode()) == frame


@given(MACS, MACS, TAGS, st.binary(max_size=100), st.binary(max_size=40))
def test_a_length_leaves_the_padding_out_of_the_data(
    to: bytes, of: bytes, tag: int | None, data: bytes, pad: bytes
) -> None:
    frame = Frame(to, of, tag, len(data), data + pad)
    assert parse(frame.encode()) == frame
    assert frame.data == data


@given(st.binary(max_size=80) | st.builds(bytes.__add__, FRAMES.map(Frame.encode), st.binary(max_size=1500)))
def test_junk_is_refused_with_a_code_or_kept_whole(data: bytes) -> None:
    try:
        frame = parse(data)
    except FrameError as error:
        event(error.reason)
        return
    assert frame.encode() == data
    assert frame.protocol in ("ARP", "LLDP", "CDP", "")
    assert 0 <= frame.vlan <= 4095


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes(13), "too-short"),
        (bytes(12) + b"\x81\x00\x00", "too-short"),
        (bytes(12) + b"\x81\x00\x00\x14\x08", "too-short"),
        (bytes(12) + b"\x08\x00" + bytes(1505), "too-long"),
        (bytes(12) + b"\x05\xdd", "bad-type"),
        (bytes(12) + b"\x05\xff", "bad-type"),
        (bytes(12) + b"\x00\x02\x00", "bad-length"),
    ],
)
def test_why_a_frame_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(FrameError) as caught:
        parse(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize("frame", [Frame(b"", SWITCH, None, 0x0800, b""), Frame(PHONE, SWITCH, 1 << 16, 0x0800, b"")])
def test_what_fits_into_no_frame_is_not_written(frame: Frame) -> None:
    with pytest.raises(FrameError) as caught:
        frame.encode()
    assert caught.value.reason == "bad-field"


@given(FRAMES)
def test_dpkt_reads_the_same(frame: Frame) -> None:
    seen = dpkt.ethernet.Ethernet(frame.encode())
    assert (seen.dst, seen.src) == (frame.destination, frame.source)
    if frame.tag is None:
        assert seen.type == frame.type
    else:
        assert (seen.vlan_tags[0].id, seen.vlan_tags[0].type) == (frame.vlan, frame.type)


def test_dpkt_knows_what_we_make() -> None:
    arp = dpkt.ethernet.Ethernet(ethernet.arp_frame(PHONE, SWITCH, bytes(28), 20))
    assert isinstance(arp.data, dpkt.arp.ARP)
    assert (arp.vlan_tags[0].id, arp.vlan_tags[0].pri) == (20, 0)
    untagged = dpkt.ethernet.Ethernet(ethernet.arp_frame(PHONE, SWITCH, bytes(28)))
    assert isinstance(untagged.data, dpkt.arp.ARP)
    cdp = dpkt.ethernet.Ethernet(ethernet.cdp_frame(SWITCH, b"\x02\xb4\x00\x00"))
    assert isinstance(cdp.data.data, dpkt.cdp.CDP)


def test_protocols_are_told_apart() -> None:
    made = (
        ethernet.arp_frame(PHONE, SWITCH, b"", 7),
        ethernet.lldp_frame(SWITCH, b""),
        ethernet.cdp_frame(SWITCH, b""),
    )
    frames = [parse(frame) for frame in made]
    assert [frame.protocol for frame in frames] == ["ARP", "LLDP", "CDP"]
    assert [frame.vlan for frame in frames] == [7, 0, 0]
    assert [frame.destination for frame in frames[1:]] == [ethernet.LLDP_GROUP, ethernet.CDP_GROUP]
    spanning_tree = Frame(ethernet.LLDP_GROUP, SWITCH, None, 3, b"\x42\x42\x03")
    assert spanning_tree.protocol == ""
    assert ethernet.mac_text(PHONE) == "00:80:f0:12:34:56"
