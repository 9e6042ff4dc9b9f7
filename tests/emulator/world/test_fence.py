"""Inside a fence every way to the network is an error; outside it nothing changes."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from emulator.events import PowerOn
from emulator.phone.firmware import Reaction, reacts
from emulator.phone.kx_utg200 import kx_utg200
from emulator.world.fence import FENCED, Fenced, fence
from emulator.world.scenario import Scenario
from tools.checking import replay
from tools.simulate import run

LOCAL = ("127.0.0.1", 9)


def with_socket(use: Callable[[socket.socket], object]) -> Callable[[], object]:
    """A call that makes a UDP socket and uses it."""

    def call() -> object:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            return use(made)

    return call


CALLS: dict[str, Callable[[], object]] = {
    "socket.connect": with_socket(lambda s: s.connect(LOCAL)),
    "socket.bind": with_socket(lambda s: s.bind(("127.0.0.1", 0))),
    "socket.sendto": with_socket(lambda s: s.sendto(b"x", LOCAL)),
    "socket.sendmsg": with_socket(lambda s: s.sendmsg([b"x"], [], 0, LOCAL)),
    "socket.getaddrinfo": lambda: socket.getaddrinfo("127.0.0.1", 9),
    "socket.gethostbyname": lambda: socket.gethostbyname("127.0.0.1"),
    "socket.gethostbyaddr": lambda: socket.gethostbyaddr("127.0.0.1"),
    "socket.getnameinfo": lambda: socket.getnameinfo(LOCAL, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV),
}


def test_every_fenced_call_is_tried() -> None:
    """The table below leaves none out."""
    assert set(CALLS) == FENCED


@pytest.mark.parametrize("name", sorted(CALLS))
def test_the_network_is_refused_inside(name: str) -> None:
    """Each call raises Fenced, which names it."""
    with fence(), pytest.raises(Fenced, match=name):
        CALLS[name]()


def test_create_connection_is_refused() -> None:
    """What is built on those calls is refused with them."""
    with fence(), pytest.raises(Fenced):
        socket.create_connection(LOCAL, timeout=1)


def test_outside_nothing_changes() -> None:
    """After a fence, also one that was left by an exception, a socket binds."""
    with pytest.raises(ValueError, match="out"), fence():
        raise ValueError("out")
    assert CALLS["socket.bind"]() is None


def test_trio_runs_inside_and_its_tasks_are_fenced() -> None:
    """trio's own wake-up pair is not a way out; its tasks inherit the fence."""
    refused: list[bool] = []

    async def task() -> None:
        try:
            CALLS["socket.connect"]()
        except Fenced:
            refused.append(True)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(task)

    with fence():
        trio.run(main)
    assert refused == [True]


def test_simulating_and_replaying_are_fenced(tmp_path: Path) -> None:
    """An observer that reaches for the network from inside a run is stopped."""
    with pytest.raises(Fenced):
        run(Scenario("x"), observer=lambda _: CALLS["socket.connect"]())
    database = tmp_path / "runs.db"
    run(Scenario("x"), db=database)

    @reacts(PowerOn)
    def calling_home(phone: object, event: object, entry: object) -> Reaction:
        CALLS["socket.connect"]()
        return ()

    with pytest.raises(Fenced):
        replay("1", db=database, firmware=kx_utg200().adding(calling_home))
