"""The time of day of a story, and the servers that know it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import SECOND
from emulator.wire import sntp
from emulator.world.scenario import NEW_YEAR, Scenario, SntpSpec
from emulator.world.servers.base import Datagram, Send
from emulator.world.servers.sntp import BEHAVIOURS, SntpServer
from emulator.world.toml import instant

prop = settings(deadline=None)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1970, 1, 3), datetime(2099, 12, 30), timezones=ZONES)


@prop
@given(TIMES)
def test_an_instant_is_read_as_the_standard_library_does(moment: datetime) -> None:
    """RFC 3339, with any zone and with microseconds."""
    assert instant(moment.isoformat()) == (moment - EPOCH) // timedelta(microseconds=1) * 1000


@pytest.mark.parametrize(
    "text",
    ["2026-01-01T00:00:00Z", "2026-01-01 00:00:00z", " 2025-12-31T19:00:00.0-05:00", "2026-01-01T05:30:00+05:30"],
)
def test_one_instant_can_be_written_in_many_ways(text: str) -> None:
    assert instant(text) == NEW_YEAR == Scenario("x").clock


def test_nine_decimals_are_nanoseconds() -> None:
    assert instant("2026-01-01T00:00:00.000000001Z") == NEW_YEAR + 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026-01-01", "2026-01-01T00:00:00", "2026-1-1T00:00:00Z", "2026-01-01T00:00:00.Z"),
        *("2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z"),
        *("2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00+24:00"),
        *("1969-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "٢٠٢٦-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time of day"):
        instant(text)


# --- The server -----------------------------------------------------------------------------------------------------


def asked(spec: SntpSpec, now: int, payload: bytes | None = None) -> list[Send]:
    """What a server answers to a query with the timestamp 7."""
    server = SntpServer(spec, NEW_YEAR).fork()
    question = sntp.request(7) if payload is None else payload
    done = server.receive(Datagram(3, "192.0.2.10", 50_000, spec.address, 123, question), now)
    return [action for action in done if isinstance(action, Send)]


def test_it_tells_the_true_time_of_the_story() -> None:
    [send] = asked(SntpSpec(), 5 * SECOND)
    assert send.delay == 0
    assert send.datagram[:5] == (3, "192.0.2.40", 123, "192.0.2.10", 50_000)
    packet = sntp.parse(send.datagram.payload)
    assert (packet.mode, packet.stratum, packet.leap, packet.originate) == (sntp.SERVER, 2, 0, 7)
    assert sntp.to_ns(packet.receive) == sntp.to_ns(packet.transmit) == NEW_YEAR + 5 * SECOND


@prop
@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(-500_000, 500_000), st.integers(0, 10**12))
def test_or_what_its_clock_makes_of_it(ahead: int, behind: int, drift: int, now: int) -> None:
    spec = SntpSpec(ahead=ahead, behind=behind, drift=drift)  # type: ignore[arg-type]
    assert sntp.to_ns(SntpServer(spec, NEW_YEAR).time(now)) == NEW_YEAR + now + ahead - behind + now * drift // 10**6


def test_a_kiss_is_stratum_0_and_a_code() -> None:
    packet = sntp.parse(asked(SntpSpec(kiss="RATE"), 0)[0].datagram.payload)
    assert (packet.stratum, packet.leap, packet.reference_id, packet.originate) == (0, 3, b"RATE", 7)


@pytest.mark.parametrize("payload", [b"", bytes(48), sntp.Packet(mode=sntp.SERVER).encode(), b"\x23" * 2000])
def test_what_is_no_query_is_not_answered(payload: bytes) -> None:
    """Two servers that answered each other would never stop."""
    assert asked(SntpSpec(), 0, payload) == []


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_it_listens_only_where_and_when_it_is(behaviour: str) -> None:
    server = SntpServer(SntpSpec(behaviour=behaviour, start=10, end=20), NEW_YEAR)  # type: ignore[arg-type]
    assert [server.listens("192.0.2.40", 123, now) for now in (9, 10, 19, 20)] == [False, True, True, False]
    assert not server.listens("192.0.2.41", 123, 15)
    assert not server.listens("192.0.2.40", 124, 15)
    assert list(server.wake("", 15)) == []
