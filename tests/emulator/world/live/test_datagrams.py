"""UDP on real sockets: what is sent arrives, what arrives is told, and a flood drowns nothing."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import pytest
import trio

from emulator.events import DatagramLost, DatagramReceived, DatagramSent, Event, Payload
from emulator.world.agenda import Agenda
from emulator.world.live.datagrams import MOST, Datagrams
from emulator.world.live.inbox import BURST, RATE, Bucket, Inbox, running_clock

OWN = 20_000
"""A port that the phone sends from; below those that systems hand out by themselves."""


def sent(port: int, payload: bytes = b"hello", source_port: int = OWN, **changes: object) -> DatagramSent:
    """A datagram of the phone."""
    fields = {"source": "127.0.0.1", "destination": "127.0.0.1", **changes}
    return DatagramSent(fields.pop("source"), source_port, fields.pop("destination"), port, Payload(payload), **fields)  # type: ignore[arg-type]


@pytest.fixture
def server() -> socket.socket:
    """A peer."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(5)
    yield made
    made.close()


def inside(work: Callable[[Datagrams, Inbox], Awaitable[None]]) -> None:
    """Do ``work`` with the UDP sockets of some phones."""

    async def main() -> None:
        inbox = Inbox(running_clock(), Agenda())
        async with trio.open_nursery() as nursery:
            datagrams = Datagrams(inbox, nursery)
            with trio.fail_after(20):
                await work(datagrams, inbox)
            datagrams.close()
            nursery.cancel_scope.cancel()

    trio.run(main)


async def next_inputs(inbox: Inbox, count: int) -> list[tuple[int, Event]]:
    """The next (phone, event)s."""
    found: list[tuple[int, Event]] = []
    while len(found) < count:
        await inbox.news(trio.current_time() + 1)
        while inbox.agenda.next_due() is not None:
            item = inbox.agenda.pop()
            found.append((item.target, item.what))
        inbox.taken()
    return found


def test_there_and_back(server: socket.socket) -> None:
    async def work(datagrams: Datagrams, inbox: Inbox) -> None:
        port = server.getsockname()[1]
        assert datagrams.send(0, sent(port)) == ""
        payload, where = server.recvfrom(100)
        assert (payload, where) == (b"hello", ("127.0.0.1", OWN))
        server.sendto(b"and back", where)
        received = DatagramReceived("127.0.0.1", port, "127.0.0.1", OWN, Payload(b"and back"))
        assert await next_inputs(inbox, 1) == [(0, received)]

    inside(work)


def test_phones_that_share_an_address_share_the_port(server: socket.socket) -> None:
    """Both hear what comes; a phone that is off hears nothing, and the last one closes the port."""

    async def work(datagrams: Datagrams, inbox: Inbox) -> None:
        port = server.getsockname()[1]
        for phone in (0, 1):
            assert datagrams.send(phone, sent(port)) == ""
            where = server.recvfrom(100)[1]
        server.sendto(b"x", where)
        assert [phone for phone, _ in await next_inputs(inbox, 2)] == [0, 1]
        datagrams.leave(0)
        server.sendto(b"x", where)
        assert [phone for phone, _ in await next_inputs(inbox, 1)] == [1]
        datagrams.leave(1)
        assert datagrams.ports == {}

    inside(work)


def test_a_port_that_another_program_has_is_told(server: socket.socket) -> None:
    async def work(datagrams: Datagrams, inbox: Inbox) -> None:
        taken = server.getsockname()[1]
        assert datagrams.send(0, sent(9, source_port=taken)) == "port-taken"
        assert datagrams.send(0, sent(9, destination="240.0.0.1")) in ("unreachable", "")
        datagrams.listen(0, "203.0.113.9")  # an address that this machine does not have
        assert all(key[0] == "127.0.0.1" for key in datagrams.ports)

    inside(work)


def test_a_phone_has_only_so_many_ports(server: socket.socket) -> None:
    async def work(datagrams: Datagrams, inbox: Inbox) -> None:
        port = server.getsockname()[1]
        for source_port in range(OWN, OWN + MOST + 10):
            assert datagrams.send(0, sent(port, source_port=source_port)) == ""
            server.recvfrom(100)
        assert sorted(key[1] for key in datagrams.ports) == list(range(OWN + 10, OWN + MOST + 10))

    inside(work)


def test_the_time_to_live_is_what_was_ordered(server: socket.socket) -> None:
    server.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL, ip(7)

    async def work(datagrams: Datagrams, inbox: Inbox) -> None:
        for ttl in (1, 64, 7):
            datagrams.send(0, sent(server.getsockname()[1], ttl=ttl))
            _, extra, _, _ = server.recvmsg(100, 100)
            assert int.from_bytes(extra[0][2], "little") == ttl

    inside(work)


def test_a_flood_is_cut_down_and_told() -> None:
    """Virtual seconds: 10,000 datagrams in one, and what the phone takes of them."""
    clock = [0]
    inbox = Inbox(lambda: clock[0], Agenda())
    received = DatagramReceived("192.0.2.1", 9, "192.0.2.10", 5060, Payload(b""))
    for number in range(10_000):
        clock[0] = number * 100_000
        inbox.offer(0, received, "192.0.2.1", 9)
    clock[0] = 10**9
    inbox.offer(1, received, "192.0.2.1", 9)
    taken = [inbox.agenda.pop() for _ in range(len(inbox.agenda._heap))]
    kinds = [type(item.what) for item in taken if item.target == 0]
    assert BURST <= kinds.count(DatagramReceived) <= BURST + RATE
    assert kinds.count(DatagramLost) == 1
    assert [type(item.what) for item in taken if item.target == 1] == [DatagramReceived], "another phone hears its own"


def test_a_bucket_fills_again() -> None:
    bucket = Bucket()
    assert sum(bucket.takes(0) for _ in range(5_000)) == BURST
    assert sum(bucket.takes(10**9) for _ in range(5_000)) == RATE
