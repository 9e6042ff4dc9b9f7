"""TCP streams: FTP by the phone's own client against whatever a server does, on real connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio

from emulator.events import SECOND, Entry, Event, StreamClosed, StreamOpened, StreamReceived, StreamRequested
from emulator.world.agenda import Agenda
from emulator.world.live.inbox import Inbox, running_clock
from emulator.world.live.streams import TcpStreams
from tests.emulator.world.live.peers import Peer, Talk, serving


def asked(port: int, idle: int = 5 * SECOND, name: str = "control", address: str = "127.0.0.1") -> Entry:
    """A stream that is asked for."""
    return Entry(7, 0, None, 0, None, (), StreamRequested(name, address, port, SECOND, idle))


def followed(orders: Callable[[TcpStreams], Any], until: Callable[[list[Event]], bool]) -> list[Event]:
    """What comes in, once ``orders`` are given, until it is enough."""

    async def main() -> list[Event]:
        found: list[Event] = []
        inbox = Inbox(running_clock(), Agenda())
        async with trio.open_nursery() as nursery:
            streams = TcpStreams(inbox, nursery)
            orders(streams)
            with trio.fail_after(20):
                while not until(found):
                    await inbox.news(trio.current_time() + 5)
                    while inbox.agenda.next_due() is not None:
                        item = inbox.agenda.pop()
                        assert (item.cause, item.boot) == (7, 1)
                        found.append(item.what)
                    inbox.taken()
            nursery.cancel_scope.cancel()
        return found

    return trio.run(main)


def closed(found: list[Event]) -> bool:
    """Whether a stream is over."""
    return any(isinstance(event, StreamClosed) for event in found)


def request(streams: TcpStreams, entry: Entry) -> None:
    """Order a stream."""
    assert isinstance(entry.event, StreamRequested)
    streams.request(entry, entry.event, 1, 1, "127.0.0.1")


def test_bytes_go_both_ways_and_the_end_is_told() -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket, peer: Peer) -> None:
        connection.sendall(b"220 hello\r\n")
        while b"\n" not in b"".join(heard):
            heard.append(connection.recv(100))
        connection.sendall(b"x" * 100_000)

    def orders(streams: TcpStreams) -> None:
        request(streams, asked(port))
        streams.send(0, "control", b"USER ")
        streams.send(0, "control", b"joe\r\n")

    with serving(talk) as peer:
        port = peer.port
        found = followed(orders, closed)
    assert isinstance(found[0], StreamOpened)
    assert b"".join(heard) == b"USER joe\r\n"
    pieces = [event.payload for event in found if isinstance(event, StreamReceived)]
    assert b"".join(pieces) == b"220 hello\r\n" + b"x" * 100_000
    assert found[-1] == StreamClosed("control", 1, "")


def silent(connection: socket.socket, peer: Peer) -> None:
    """A server that says nothing."""
    peer.released.wait(20)


def resetting(connection: socket.socket, peer: Peer) -> None:
    """A server that resets the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.mark.parametrize(("talk", "reason"), [(silent, "idle-timeout"), (resetting, "reset")])
def test_how_a_stream_ends_otherwise(talk: Talk, reason: str) -> None:
    with serving(talk) as peer:
        found = followed(lambda streams: request(streams, asked(peer.port, SECOND // 4)), closed)
    assert found[-1] == StreamClosed("control", 1, reason)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert followed(lambda streams: request(streams, asked(port)), closed) == [StreamClosed("control", 1, "refused")]


def test_a_file_that_dribbles_is_as_good_as_silent() -> None:
    """The stream that is not the first one to its host carries the file."""

    def talk(connection: socket.socket, peer: Peer) -> None:
        while not peer.released.wait(0.02):
            connection.sendall(b"x")

    def orders(streams: TcpStreams) -> None:
        request(streams, asked(port, SECOND // 2))
        request(streams, asked(port, SECOND // 2, "data"))

    with serving(talk) as peer:
        port = peer.port
        found = followed(orders, closed)
    assert found[-1] == StreamClosed("data", 1, "idle-timeout")


def test_what_was_ordered_before_the_end_still_goes_out() -> None:
    """Such as QUIT; and nothing comes in any more."""
    heard = threading.Event()

    def talk(connection: socket.socket, peer: Peer) -> None:
        connection.sendall(b"220 hello\r\n")
        data = b""
        while b"QUIT" not in data:
            data += connection.recv(100)
        heard.set()

    async def main(port: int) -> None:
        inbox = Inbox(running_clock(), Agenda())
        async with trio.open_nursery() as nursery:
            streams = TcpStreams(inbox, nursery)
            request(streams, asked(port))
            await inbox.news(trio.current_time() + 5)
            streams.send(0, "control", b"QUIT\r\n")
            streams.shut(0, "control")
            await trio.to_thread.run_sync(heard.wait, 5)
            assert not any(isinstance(inbox.agenda.pop().what, StreamClosed) for _ in range(_size(inbox)))
            nursery.cancel_scope.cancel()

    with serving(talk) as peer:
        trio.run(main, peer.port)
    assert heard.is_set()


def _size(inbox: Inbox) -> int:
    return len(inbox.agenda._heap)
