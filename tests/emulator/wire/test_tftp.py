"""The TFTP codec: nothing is lost, nothing but TftpError is raised, and dpkt reads the same."""

from __future__ import annotations

from contextlib import suppress

import dpkt.tftp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.wire import tftp

prop = settings(deadline=None)

u16 = st.integers(0, 0xFFFF)
texts = st.binary(max_size=40).map(lambda data: data.replace(b"\0", b""))
option_lists = st.lists(st.tuples(texts, texts), max_size=4, unique_by=lambda pair: pair[0].lower()).map(tuple)
requests = st.one_of(
    st.builds(tftp.ReadRequest, texts, texts, option_lists), st.builds(tftp.WriteRequest, texts, texts, option_lists)
)
packets = st.one_of(
    requests,
    st.builds(tftp.Data, u16, st.binary(max_size=600)),
    st.builds(tftp.Acknowledgement, u16),
    st.builds(tftp.Error, u16, texts, st.one_of(st.just(b""), st.binary(max_size=9).map(lambda tail: b"\0" + tail))),
    st.builds(tftp.OptionAcknowledgement, option_lists),
)


def reason(data: bytes) -> str:
    with pytest.raises(tftp.TftpError) as caught:
        tftp.parse(data)
    return caught.value.reason


@prop
@given(packets)
def test_what_is_written_is_read_equal(packet: tftp.Packet) -> None:
    assert tftp.parse(packet.encode()) == packet


@prop
@given(
    st.one_of(
        st.binary(max_size=40),
        st.builds(lambda op, rest: bytes((0, op)) + rest, u16.map(lambda n: n % 8), st.binary(max_size=60)),
    )
)
def test_random_bytes_are_kept_or_refused(data: bytes) -> None:
    with suppress(tftp.TftpError):
        assert tftp.parse(data).encode() == data


@prop
@given(packets, st.data())
def test_a_broken_packet_is_kept_or_refused(packet: tftp.Packet, data: st.DataObject) -> None:
    whole = bytearray(packet.encode())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    broken = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    with suppress(tftp.TftpError):
        assert tftp.parse(broken).encode() == broken


@prop
@given(packets)
def test_dpkt_reads_the_same(packet: tftp.Packet) -> None:
    read = dpkt.tftp.TFTP(packet.encode())
    assert read.opcode == packet.opcode
    if isinstance(packet, tftp.ReadRequest | tftp.WriteRequest):
        assert (read.filename, read.mode) == (packet.file, packet.mode)
    elif isinstance(packet, tftp.Data):
        assert (read.block, read.data) == (packet.block, packet.data)
    elif isinstance(packet, tftp.Acknowledgement):
        assert read.block == packet.block
    elif isinstance(packet, tftp.Error):
        assert (read.errcode, read.errmsg) == (packet.code, packet.message)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "too-short"),
        (b"\0\4\0", "too-short"),
        (b"\0\3\0", "too-short"),
        (b"\0\4\0\1x", "bad-length"),
        (b"\0\0\0\0", "bad-opcode"),
        (b"\0\7\0\0", "bad-opcode"),
        (b"\1\3\0\1", "bad-opcode"),
        (b"\0\1name", "not-terminated"),
        (b"\0\1name\0octet", "not-terminated"),
        (b"\0\1name\0", "no-mode"),
        (b"\0\1name\0octet\0blksize\0", "option-without-value"),
        (b"\0\1name\0octet\0blksize\0008\0BLKSIZE\0009\0", "option-twice"),
        (b"\0\6blksize\0", "option-without-value"),
        (b"\0\6blksize\0008", "not-terminated"),
        (b"\0\6x", "not-terminated"),
        (b"\0\1" + b"n" * 503 + b"\0octet\0\0", "too-long"),
        (b"\0\6" + b"n" * 508 + b"\0008\0", "too-long"),
        (b"\0\5\0\1" + b"n" * 509, "too-long"),
        (b"\0\3\0\1" + bytes(65_465), "too-long"),
    ],
)
def test_refusals(data: bytes, why: str) -> None:
    assert reason(data) == why


def test_the_longest_packets_are_read() -> None:
    assert tftp.parse(b"\0\1" + b"n" * 503 + b"\0octet\0") == tftp.ReadRequest(b"n" * 503)
    assert tftp.parse(b"\0\3\0\1" + bytes(65_464)) == tftp.Data(1, bytes(65_464))
    assert tftp.parse(b"\0\6") == tftp.OptionAcknowledgement(())


@pytest.mark.parametrize("name", [b"blksize", b"BLKSIZE", b"BlkSize"])
def test_names_of_options_are_compared_without_case(name: bytes) -> None:
    for packet in (tftp.ReadRequest(b"f", options=((name, b"8"),)), tftp.OptionAcknowledgement(((name, b"8"),))):
        assert packet.option(tftp.BLOCK_SIZE) == b"8"
        assert packet.option(b"timeout") is None


@pytest.mark.parametrize(
    ("value", "meant"),
    [(b"0", 0), (b"1428", 1428), (b"007", 7), (b"9" * 19, 10**19 - 1), (b"9" * 20, None), (b"", None), (b"-1", None)],
)
def test_numbers_of_options(value: bytes, meant: int | None) -> None:
    assert tftp.number(value) == meant
    assert tftp.number(None) is None
    assert tftp.number(b" " + value) is None


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (tftp.Data(-1, b""), "bad-number"),
        (tftp.Data(65_536, b""), "bad-number"),
        (tftp.Acknowledgement(65_536), "bad-number"),
        (tftp.Error(65_536, b""), "bad-number"),
        (tftp.Error(0, b"a\0b"), "bad-text"),
        (tftp.ReadRequest(b"a\0b"), "bad-text"),
        (tftp.WriteRequest(b"a", b"octet", ((b"x", b"\0"),)), "bad-text"),
        (tftp.OptionAcknowledgement(((b"\0", b"x"),)), "bad-text"),
    ],
)
def test_what_cannot_be_written(packet: tftp.Packet, why: str) -> None:
    with pytest.raises(tftp.TftpError) as caught:
        packet.encode()
    assert caught.value.reason == why


def test_careless_errors_are_read() -> None:
    for data, tolerance in (
        (b"\0\5\0\1gone", ("message-not-terminated",)),
        (b"\0\5\0\1", ("message-not-terminated",)),
        (b"\0\5\0\1gone\0!", ("bytes-after-message",)),
        (b"\0\5\0\1gone\0", ()),
    ):
        packet = tftp.parse(data)
        assert isinstance(packet, tftp.Error)
        assert packet.tolerances() == tolerance
        assert packet.encode() == data


def test_each_code_has_its_message() -> None:
    assert all(tftp.parse(tftp.error(code).encode()) == tftp.Error(code, text) for code, text in tftp.MESSAGES.items())
