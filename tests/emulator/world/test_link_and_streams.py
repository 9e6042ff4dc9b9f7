"""The link does what its scenario says, and randomness is independent by concern."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import SECOND
from emulator.world.link import Link, retransmissions
from emulator.world.scenario import Chance, Duration, LinkSpec, Outage
from emulator.world.streams import MILLION, Streams

MS = SECOND // 1000


def test_a_plain_link_only_delays() -> None:
    """And draws nothing."""
    streams = Streams(1)
    link = Link(LinkSpec(latency=Duration(7 * MS)), streams)
    assert link.transit(0, True, 0) == ((7 * MS,), "")
    assert link.exchange(0, 0, SECOND) == 14 * MS
    assert link.exchange(0, 0, 13 * MS) is None
    assert streams.counters == {}


@given(st.integers(1, 10**6), st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_losses_come_at_their_rate(ppm: int, seed: int) -> None:
    """Within five standard deviations over two thousand datagrams."""
    link = Link(LinkSpec(loss=Chance(ppm)), Streams(seed))
    lost = sum(not link.transit(0, True, 0)[0] for _ in range(2000))
    expected = 2000 * ppm / MILLION
    deviation = (2000 * (ppm / MILLION) * (1 - ppm / MILLION)) ** 0.5
    assert abs(lost - expected) <= 5 * deviation + 1


def test_duplicates_and_reordering() -> None:
    """A duplicate is two copies; a reordered datagram arrives later than one sent after it."""
    twice = Link(LinkSpec(duplicate=Chance(MILLION)), Streams(1))
    assert len(twice.transit(0, True, 0)[0]) == 2
    half = Link(LinkSpec(reorder=Chance(MILLION // 2), reorder_by=Duration(50 * MS)), Streams(1))
    delays = [half.transit(0, True, 0)[0][0] for _ in range(50)]
    assert set(delays) == {MS, 51 * MS}


@pytest.mark.parametrize(
    ("direction", "inward", "outward"), [("both", True, True), ("to-phone", True, False), ("from-phone", False, True)]
)
def test_outages_have_a_direction_and_an_end(direction: str, inward: bool, outward: bool) -> None:
    """From start to just before end, in that direction."""
    link = Link(LinkSpec(outage=(Outage(Duration(10), Duration(20), direction),)), Streams(1))
    assert (link.transit(0, True, 10)[1] == "partition") is inward
    assert (link.transit(0, False, 19)[1] == "partition") is outward
    for now in (9, 20):
        assert link.transit(0, True, now)[1] == link.transit(0, False, now)[1] == ""


def test_an_exchange_outlasts_an_outage() -> None:
    """The segment is repeated after 1, 3 and 7 s; the one at 3 s passes."""
    link = Link(LinkSpec(outage=(Outage(Duration(0), Duration(2 * SECOND)),)), Streams(1))
    assert link.exchange(0, 0, 10 * SECOND) == 3 * SECOND + 2 * MS
    assert link.exchange(0, 0, 3 * SECOND) is None


def test_retransmission_times() -> None:
    """Doubling from one second, within the limit."""
    assert list(retransmissions(10 * SECOND)) == [0, SECOND, 3 * SECOND, 7 * SECOND]


@given(st.integers(0, 2**64), st.lists(st.sampled_from(["a", "b", "c"]), max_size=30))
@settings(deadline=None)
def test_a_draw_in_one_stream_never_shifts_another(seed: int, order: list[str]) -> None:
    """Whatever is drawn in between, stream ``a`` gives the same numbers."""
    mixed, alone = Streams(seed), Streams(seed)
    drawn = [mixed.bytes(name) for name in order]
    of_a = [value for name, value in zip(order, drawn, strict=True) if name == "a"]
    assert of_a == [alone.bytes("a") for _ in of_a]


@given(st.integers(0, 2**64), st.integers(0, 20))
@settings(deadline=None)
def test_a_fork_draws_what_its_parent_draws(seed: int, before: int) -> None:
    """And does not disturb it."""
    parent = Streams(seed)
    for _ in range(before):
        parent.bytes("x")
    fork = parent.fork()
    assert [fork.bytes("x") for _ in range(5)] == [parent.bytes("x") for _ in range(5)]
    assert len({parent.bytes("x") for _ in range(50)}) == 50


def test_phones_have_streams_of_their_own() -> None:
    """The losses of one phone do not depend on the traffic of another."""

    def fates(other: int) -> list[bool]:
        link = Link(LinkSpec(loss=Chance(MILLION // 2)), Streams(5))
        found = []
        for _ in range(40):
            for _ in range(other):
                link.transit(1, True, 0)
            found.append(bool(link.transit(0, True, 0)[0]))
        return found

    assert fates(0) == fates(3)


def test_a_segment_passes_one_way_and_is_repeated_until_it_does() -> None:
    """After 1 and 3 s; not at all if the limit comes first, or the way back is the one that is cut."""
    outage = (Outage(Duration(0), Duration(2 * SECOND), "to-phone"),)
    link = Link(LinkSpec(latency=Duration(7 * MS), outage=outage), Streams(1))
    assert link.passage(0, False, 0, 10 * SECOND) == 7 * MS
    assert link.passage(0, True, 0, 10 * SECOND) == 3 * SECOND + 7 * MS
    assert link.passage(0, True, 0, 3 * SECOND) is None
    assert link.passage(0, True, 2 * SECOND, SECOND) == 7 * MS
