"""TCP of the simulated world: handshake, order, loss, silence, and who still hears whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.events import (
    SECOND,
    Entry,
    Event,
    LinkUp,
    Payload,
    StreamClosed,
    StreamOpened,
    StreamReceived,
    StreamRequested,
    StreamSent,
    StreamShut,
)
from emulator.phone.firmware import reacts
from emulator.phone.kx_utg200 import kx_utg200
from emulator.phone.state import Phone
from emulator.world.run import Run
from emulator.world.scenario import Chance, Duration, FilesSpec, LinkSpec, Outage, Scenario
from emulator.world.servers.base import Close, Deliver

MS = SECOND // 1000
HOST = "192.0.2.20"


class Echo:
    """Says hello, says everything twice, and closes when it reads ``bye``."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.gone: list[int] = []

    def serves(self, address: str, port: int) -> bool:
        return (address, port) == (HOST, 7)

    def up(self, now: int) -> bool:
        return True

    def accept(self, connection: int, port: int, now: int) -> Iterable[Deliver | Close]:
        return (Deliver(connection, b"hello"),)

    def receive(self, connection: int, payload: bytes, now: int) -> Iterable[Deliver | Close]:
        self.heard.append(payload)
        if payload == b"bye":
            return (Close(connection),)
        return (Deliver(connection, payload), Deliver(connection, payload.upper()), Deliver(99, b"nobody's"))

    def closed(self, connection: int) -> None:
        self.gone.append(connection)

    def fork(self) -> Echo:
        twin = Echo()
        twin.heard, twin.gone = list(self.heard), list(self.gone)
        return twin


def talk(script: tuple[Event, ...], link: LinkSpec | None = None, port: int = 7, **changes: Any) -> tuple[Run, Echo]:
    """A phone that connects when its cable is plugged in and then orders the script, and what it connects to."""

    def begin(phone: Phone, event: LinkUp, entry: Entry) -> Iterator[Any]:
        yield StreamRequested("chat", HOST, port, 10 * SECOND, 30 * SECOND)

    def go_on(phone: Phone, event: StreamOpened, entry: Entry) -> Iterator[Any]:
        yield from script if event.name == "chat" else ()

    firmware = kx_utg200().adding(reacts(LinkUp)(begin), reacts(StreamOpened)(go_on))
    scenario = Scenario(title="x", link=link or LinkSpec(), files=(FilesSpec(**{"protocols": ("ftp",), **changes}),))
    made = Run(scenario, firmware=firmware)
    server = Echo()
    made.world.connections.servers.append(server)
    return made, server


def heard(made: Run, until: int = 100 * SECOND) -> list[tuple[int, Event]]:
    """(time, input) of the stream."""
    entries: list[Entry] = []
    made.observer = lambda settled: entries.extend(settled.entries)
    made.run_until(until)
    return [(entry.time, entry.event) for entry in entries if entry.event.answers == "stream"]


def words(found: list[tuple[int, Event]]) -> list[bytes]:
    """What came in."""
    return [event.payload for _, event in found if isinstance(event, StreamReceived)]


def sent(*words: bytes) -> tuple[Event, ...]:
    """Orders that write these."""
    return tuple(StreamSent("chat", Payload(word)) for word in words)


def test_a_conversation_to_the_nanosecond() -> None:
    made, server = talk(sent(b"one", b"two", b"bye"))
    assert heard(made) == [
        (2 * MS, StreamOpened("chat", 1)),
        (3 * MS, StreamReceived("chat", 1, Payload(b"hello"))),
        *((4 * MS, StreamReceived("chat", 1, Payload(word))) for word in (b"one", b"ONE", b"two", b"TWO")),
        (4 * MS, StreamClosed("chat", 1, "")),
    ]
    assert server.heard == [b"one", b"two", b"bye"]
    assert server.gone == [1]
    assert made.world.connections.live == {}


def test_what_the_phone_closes_is_told_what_it_was_told_before() -> None:
    made, server = talk((*sent(b"one"), StreamShut("chat"), *sent(b"too late")))
    assert [type(event) for _, event in heard(made)] == [StreamOpened]
    assert server.heard == [b"one"]
    assert server.gone == [1]
    assert made.world.connections.live == made.world.connections.names == {}


@pytest.mark.spec("PROV-119")
@pytest.mark.parametrize(
    ("changes", "port", "reason", "after"),
    [
        ({}, 8, "refused", 2 * MS),
        ({"start": Duration(SECOND)}, 8, "connect-timeout", 10 * SECOND),
        ({"address": "192.0.2.99"}, 7, "connect-timeout", 10 * SECOND),
    ],
)
def test_a_connection_that_nobody_takes(changes: dict[str, Any], port: int, reason: str, after: int) -> None:
    made, _ = talk((), port=port, **changes)
    assert heard(made) == [(after, StreamClosed("chat", 1, reason))]
    assert made.world.connections.live == {}


@pytest.mark.spec("PROV-119")
def test_thirty_seconds_without_a_byte_end_it() -> None:
    made, server = talk(())
    assert heard(made)[-1] == (3 * MS + 30 * SECOND, StreamClosed("chat", 1, "idle-timeout"))
    assert server.gone == [1]
    assert made.world.connections.live == {}


def test_a_second_connection_to_the_host_keeps_the_first_from_falling_silent() -> None:
    made, _ = talk((StreamRequested("talk", HOST, 7, 10 * SECOND, 20 * SECOND),))
    ends = [(time, event) for time, event in heard(made) if isinstance(event, StreamClosed)]
    # The second one is ordered when the first stands, at 2 ms, and brings its hello at 5 ms.
    assert ends == [
        (5 * MS + 20 * SECOND, StreamClosed("talk", 1, "idle-timeout")),
        (5 * MS + 30 * SECOND, StreamClosed("chat", 1, "idle-timeout")),
    ]


def test_a_stream_of_the_same_name_takes_the_place_of_the_first() -> None:
    def begin(phone: Phone, event: LinkUp, entry: Entry) -> Iterator[Any]:
        for _ in range(2):
            yield StreamRequested("chat", HOST, 7, 10 * SECOND, 30 * SECOND)

    other, server = talk(())
    made = Run(other.scenario, firmware=kx_utg200().adding(reacts(LinkUp)(begin)))
    made.world.connections.servers.append(server)
    found = heard(made, SECOND)
    assert [event for _, event in found] == [StreamOpened("chat", 2), StreamReceived("chat", 2, Payload(b"hello"))]


ROUGH = LinkSpec(loss=Chance(300_000), duplicate=Chance(300_000), jitter=Duration(50 * MS), reorder=Chance(300_000))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.lists(st.binary(min_size=1, max_size=5), max_size=8))
def test_nothing_is_lost_doubled_or_out_of_order(seed: int, script: list[bytes]) -> None:
    made, server = talk(sent(*script), ROUGH)
    made = Run(attrs.evolve(made.scenario, seed=seed), firmware=made.firmware)
    made.world.connections.servers.append(server)
    found = heard(made)
    said = [word for word in script if word != b"bye"]
    if not said or b"bye" in script or not isinstance(found[0][1], StreamOpened):
        return
    wanted = [b"hello", *(word for each in said for word in (each, each.upper()))]
    got = words(found)
    # Within the limits it is all there; a segment that was lost five times running ends it, with what came before.
    assert got == wanted[: len(got)]
    assert server.heard == said[: len(server.heard)]
    assert [time for time, _ in found] == sorted(time for time, _ in found)


@pytest.mark.parametrize("direction", ["to-phone", "from-phone"])
def test_what_cannot_pass_never_arrives(direction: str) -> None:
    link = LinkSpec(outage=(Outage(Duration(3 * MS), direction=direction),))
    made, server = talk(sent(b"one", b"two"), link)
    found = heard(made)
    assert isinstance(found[-1][1], StreamClosed)
    assert found[-1][1].reason == "idle-timeout"
    assert made.world.connections.live == {}
    assert server.gone == [1]


def test_a_short_outage_only_costs_time() -> None:
    link = LinkSpec(outage=(Outage(Duration(2 * MS), Duration(2 * SECOND)),))
    made, _ = talk(sent(b"one", b"bye"), link)
    found = heard(made)
    assert words(found) == [b"hello", b"one", b"ONE"]
    # Sent at 2 ms, again at 1.002 s and 3.002 s; the answer follows a millisecond behind.
    assert found[1:3] == [
        (3 * SECOND + 3 * MS, StreamReceived("chat", 1, Payload(b"hello"))),
        (3 * SECOND + 4 * MS, StreamReceived("chat", 1, Payload(b"one"))),
    ]


def test_a_fork_goes_on_by_itself() -> None:
    made, _ = talk(sent(b"one", b"bye"))
    made.run_until(3 * MS)
    fork = made.fork()
    first, second = heard(made), heard(fork)
    assert first == second
    assert words(second) == [b"one", b"ONE"]
    assert isinstance(fork.world.connections.servers[-1], Echo)
    assert fork.world.connections.servers[-1] is not made.world.connections.servers[-1]
