"""The NTP codec: nothing is lost, nothing but SntpError is raised, and dpkt reads the same."""

import attrs
import dpkt.ntp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.wire import sntp

prop = settings(deadline=None)

SECOND = 1_000_000_000
u8, u32, u64 = st.integers(0, 0xFF), st.integers(0, 0xFFFFFFFF), st.integers(0, (1 << 64) - 1)
i8 = st.integers(-128, 127)
packets = st.builds(
    sntp.Packet,
    leap=st.integers(0, 3),
    version=st.integers(0, 7),
    mode=st.integers(0, 7),
    stratum=u8,
    poll=i8,
    precision=i8,
    root_delay=u32,
    root_dispersion=u32,
    reference_id=st.binary(min_size=4, max_size=4),
    reference=u64,
    originate=u64,
    receive=u64,
    transmit=u64,
    tail=st.binary(max_size=80),
)


@prop
@given(packets)
def test_what_is_written_is_read(packet: sntp.Packet) -> None:
    assert sntp.parse(packet.encode()) == packet


@prop
@given(st.binary(min_size=sntp.SIZE, max_size=200))
def test_what_is_read_is_written_again_byte_for_byte(data: bytes) -> None:
    assert sntp.parse(data).encode() == data


@prop
@given(st.one_of(st.binary(max_size=60), st.binary(min_size=1490, max_size=1510)))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert 0 <= sntp.transmitted(data) < 1 << 64
    if 48 <= len(data) <= 1500:
        assert sntp.parse(data).transmit == sntp.transmitted(data)
        return
    with pytest.raises(sntp.SntpError) as told:
        sntp.parse(data)
    assert told.value.reason == ("too-short" if len(data) < 48 else "too-long")


@prop
@given(packets)
def test_dpkt_reads_the_same(packet: sntp.Packet) -> None:
    theirs = dpkt.ntp.NTP(attrs.evolve(packet, tail=b"").encode())
    assert (theirs.li, theirs.v, theirs.mode) == (packet.leap, packet.version, packet.mode)
    assert (theirs.stratum, theirs.id) == (packet.stratum, packet.reference_id)
    stamps = (theirs.update_time, theirs.originate_time, theirs.receive_time, theirs.transmit_time)
    ours = (packet.reference, packet.originate, packet.receive, packet.transmit)
    assert tuple(int.from_bytes(stamp, "big") for stamp in stamps) == ours


@pytest.mark.parametrize(
    "change",
    [
        *({name: bad} for name in ("stratum", "root_delay", "transmit") for bad in (-1, 1 << 64)),
        *({name: bad} for name in ("leap", "version", "mode", "poll", "precision") for bad in (-129, 128)),
        *({"reference_id": bad} for bad in (b"", b"GPS", b"12345")),
    ],
)
def test_a_value_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(sntp.SntpError, match="bad-field"):
        attrs.evolve(sntp.Packet(), **change).encode()  # type: ignore[arg-type]


def test_a_request_is_zero_but_for_its_first_byte_and_its_timestamp() -> None:
    """RFC 4330 s.5: LI 0, VN 4, mode 3."""
    assert sntp.request(0x0102030405060708) == b"\x23" + bytes(39) + bytes(range(1, 9))
    with pytest.raises(sntp.SntpError):
        sntp.request(1 << 64)


@prop
@given(st.integers(sntp.EARLIEST, sntp.LATEST))
def test_an_instant_comes_back_to_the_nanosecond(instant: int) -> None:
    assert sntp.to_ns(sntp.from_ns(instant)) == instant


@prop
@given(u64)
def test_a_timestamp_is_an_instant_within_half_a_nanosecond(timestamp: int) -> None:
    instant = sntp.to_ns(timestamp)
    era = 0 if timestamp >> 63 else 1 << 64
    exact = timestamp + era - (2_208_988_800 << 32)
    assert abs((instant << 32) - exact * SECOND) * 2 <= 1 << 32


@pytest.mark.parametrize(
    ("timestamp", "instant"),
    [
        (1 << 63, sntp.EARLIEST),
        (2_208_988_800 << 32, 0),
        (0xFFFFFFFF << 32, 2_085_978_495 * SECOND),
        (0, 2_085_978_496 * SECOND),
        ((1 << 63) - (1 << 32), 4_233_462_143 * SECOND),
        ((2_208_988_800 << 32) + (1 << 31), SECOND // 2),
    ],
)
def test_era_1_begins_in_2036(timestamp: int, instant: int) -> None:
    """RFC 4330 s.3: 2036-02-07 06:28:16 is 0; without the first bit a timestamp is later than that."""
    assert sntp.to_ns(timestamp) == instant
    assert sntp.from_ns(instant) == timestamp


@pytest.mark.parametrize("instant", [sntp.EARLIEST - 1, sntp.LATEST + 1])
def test_an_instant_outside_of_both_eras_has_no_timestamp(instant: int) -> None:
    with pytest.raises(sntp.SntpError, match="out-of-era"):
        sntp.from_ns(instant)
