"""Captures: what is written is read, dpkt reads the same, and nothing but PcapngError is raised."""

from __future__ import annotations

import io
import struct

import dpkt
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from emulator.wire import pcapng
from emulator.wire.pcapng import Capture, Interface, Packet, PcapngError, parse

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
INTERFACES = st.lists(st.builds(Interface, TEXTS, st.integers(0, 0xFFFF)), min_size=1, max_size=3).map(tuple)
DIRECTIONS = st.sampled_from([pcapng.UNKNOWN, pcapng.INBOUND, pcapng.OUTBOUND])
TIMES = st.integers(0, pcapng.LATEST)
PACKETS = st.builds(Packet, st.just(0), TIMES, st.binary(max_size=70), TEXTS, DIRECTIONS)
CAPTURES = st.builds(Capture, INTERFACES, st.lists(PACKETS, max_size=4).map(tuple), TEXTS, TEXTS)
SMALL = Capture((Interface("phone 0"),), (Packet(0, 1_500, b"abcde", "event 7", pcapng.OUTBOUND),), "offhook", "a run")


@given(CAPTURES)
def test_what_is_written_is_read(capture: Capture) -> None:
    data = capture.encode()
    assert parse(data) == capture
    assert len(data) % 4 == 0


@given(CAPTURES)
def test_dpkt_reads_the_same(capture: Capture) -> None:
    link = dpkt.pcapng.Reader(io.BytesIO(capture.encode()))
    # dpkt gives times as floats, so only the bytes can be compared exactly.
    found = [(round(time, 3), data) for time, data in link]
    assert [data for _, data in found] == [packet.data for packet in capture.packets]
    assert all(abs(time - packet.time / 1e9) <= 1e-2 for (time, _), packet in zip(found, capture.packets, strict=True))


def test_the_bytes_of_a_small_file() -> None:
    """Block types, lengths on both sides, options padded to four bytes, ns (draft-ietf-opsawg-pcapng s.4)."""
    assert SMALL.encode().hex() == (
        "0a0d0d0a380000004d3c2b1a01000000ffffffffffffffff"
        "01000500612072756e000000040007006f6666686f6f6b00"
        "00000000"
        "38000000"
        "010000002c0000000100000000000400020007007068"
        "6f6e65203000090001000900000000000000"
        "2c000000"
        "0600000040000000000000000000" + "0000dc0500000500000005000000"
        "6162636465000000"
        "010007006576656e74203700" + "0200040002000000" + "00000000"
        "40000000"
    )


def swapped(data: bytes) -> bytes:
    """The small file as a machine with the other byte order writes it, without options; times count microseconds."""
    head = struct.pack(">IIIHHQI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, (1 << 64) - 1, 28)
    interface = struct.pack(">IIHHII", 1, 20, 1, 0, 0, 20)
    packet = struct.pack(">IIIIIII", 6, 36 + len(data), 0, 0, 3, len(data), len(data)) + data
    return head + interface + packet + struct.pack(">II", 0, 36 + len(data))


def test_a_file_of_the_other_byte_order() -> None:
    """Without a resolution, times count microseconds (s.4.2)."""
    found = parse(swapped(b"abcd"))
    assert found == Capture((Interface(""),), (Packet(0, 3_000, b"abcd"),))


def test_blocks_and_options_that_tell_nothing_are_skipped() -> None:
    """Name resolution, statistics, and whatever comes to be."""
    other = struct.pack("<III4sI", 4, 20, 0, b"abcd", 20)
    assert parse(SMALL.encode() + other) == SMALL


@given(st.binary(max_size=80) | st.builds(bytes.__add__, CAPTURES.map(Capture.encode), st.binary(max_size=40)))
def test_junk_is_refused_with_a_code(data: bytes) -> None:
    try:
        parse(data)
    except PcapngError as error:
        event(error.reason)


@given(CAPTURES, st.data())
def test_a_changed_byte_is_refused_with_a_code_or_read(capture: Capture, data: st.DataObject) -> None:
    raw = bytearray(capture.encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse(bytes(raw))
    except PcapngError as error:
        event(error.reason)


def block(kind: int, body: bytes) -> bytes:
    """A block with right lengths."""
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


HEAD = pcapng.section()
INTERFACE = block(1, struct.pack("<HHI", 1, 0, 0))
RESOLUTION = struct.pack("<HHI", 1, 0, 0) + struct.pack("<HHB3x", 9, 1, 10)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not-pcapng"),
        (b"\xd4\xc3\xb2\xa1" + bytes(20), "not-pcapng"),
        (HEAD[:8] + bytes(20), "not-pcapng"),
        (block(0x0A0D0D0A, struct.pack("<IHHQ", 0x1A2B3C4D, 2, 0, 0)), "bad-version"),
        (block(0x0A0D0D0A, struct.pack("<I", 0x1A2B3C4D)), "bad-block"),
        (HEAD + HEAD, "second-section"),
        (HEAD + INTERFACE[:-1], "cut-off"),
        (HEAD + INTERFACE[:10], "cut-off"),
        (HEAD + INTERFACE[:-1] + b"\1", "bad-block"),
        (HEAD + struct.pack("<III", 1, 8, 8), "bad-block"),
        (HEAD + struct.pack("<III", 1, 14, 8), "bad-block"),
        (HEAD + struct.pack("<III", 1, pcapng.BLOCK_LIMIT + 4, 8), "bad-block"),
        (HEAD + block(1, b"abcd"), "bad-block"),
        (HEAD + block(1, struct.pack("<HHIHH", 1, 0, 0, 2, 9)), "bad-option"),
        (HEAD + block(1, struct.pack("<HHIHH4s", 1, 0, 0, 2, 4, b"\xff" * 4)), "bad-option"),
        (HEAD + block(1, RESOLUTION), "bad-resolution"),
        (HEAD + block(6, struct.pack("<IIIII", 0, 0, 0, 0, 0)), "unknown-interface"),
        (HEAD + INTERFACE + block(6, struct.pack("<IIIII", 0, 0, 0, 8, 8)), "bad-block"),
        (HEAD + INTERFACE + block(6, struct.pack("<IIIIIHHI", 0, 0, 0, 0, 0, 2, 2, 0)), "bad-option"),
    ],
)
def test_why_a_file_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(PcapngError) as caught:
        parse(data)
    assert caught.value.reason == reason


def test_a_file_beyond_the_limit_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcapng, "SIZE_LIMIT", 40)
    with pytest.raises(PcapngError) as caught:
        parse(HEAD + bytes(40))
    assert caught.value.reason == "too-long"


@pytest.mark.parametrize(
    "block",
    [
        Packet(0, -1, b""),
        Packet(0, pcapng.LATEST + 1, b""),
        Packet(0, 0, bytes(pcapng.PACKET_LIMIT + 1)),
        Packet(0, 0, b"", "x" * 65_536),
        Packet(0, 0, b"", "\ud800"),
        Packet(0, 0, b"", "", 3),
        Packet(-1, 0, b""),
        Interface("", 1 << 16),
    ],
)
def test_what_fits_into_no_block(block: Packet | Interface) -> None:
    with pytest.raises(PcapngError) as caught:
        block.encode()
    assert caught.value.reason == "bad-field"
