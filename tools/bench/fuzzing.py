"""Fuzzing: a boot with every verdict on, cases as campaigns make them, and cases that go on from one deep state."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import count

from emulator.events import SECOND, DatagramReceived, DatagramSent, HttpAnswered, HttpRequested
from emulator.phone.kx_utg200 import kx_utg200
from emulator.world.toml import read_scenario
from tools.bench.measuring import SCENARIO, Line, demo, timed
from tools.fuzz.campaign import Plan, begun
from tools.fuzz.dice import Dice
from tools.fuzz.executing import execute
from tools.fuzz.model import Case
from tools.fuzz.mutators import vary
from tools.fuzz.mutators.late import Late
from tools.fuzz.verdicts import make_checks
from tools.simulate import run

DEEP = SCENARIO.with_name("check-sync-from-the-sip-server.toml")
AFTER = 60 * SECOND - 1
"""Just before the phone gets a NOTIFY."""


def fuzzing() -> Iterator[Line]:
    """A full boot as a case of a campaign, with every verdict on, and cases as campaigns make them."""
    boot_case = Case(demo(), demo().until, ("none",))

    def judged_boots() -> int:
        for _ in range(100):
            execute(boot_case, kx_utg200, make_checks)
        return 100

    per, loops = timed(judged_boots, 3)
    other, _ = timed(plain_exchanges, 3)
    baseline = f"{per / other:.1f} times its packets and files in a plain asyncio loop, with no phone and no log"
    yield Line("boots with all verdicts", 1 / per, "/s", loops, 500, baseline)
    yield from from_a_deep_state()
    numbers = count()

    def cases() -> int:
        for _ in range(100):
            execute(vary(demo(), None, None, Dice(1, next(numbers))), kx_utg200, make_checks)
        return 100

    per, loops = timed(cases, 3)
    yield Line(
        "cases of a campaign, made and judged", 1 / per, "/s", loops, 0, "no budget: a case is longer than a boot"
    )


def from_a_deep_state() -> Iterator[Line]:
    """A phone that has been up for a minute gets a NOTIFY in which something is otherwise."""
    story = read_scenario(DEEP)
    plan = Plan(story, 1, kx_utg200, kx_utg200, make_checks, Late(AFTER), frozenset(("packets",)), AFTER)
    cases = [plan.vary(story, None, None, Dice(1, number), plan.kinds) for number in range(400)]
    start = begun(plan, kx_utg200)
    assert start is not None
    events = []

    def forked() -> int:
        events.append(sum(start.fork(case).concluded().events for case in cases))
        return len(cases)

    per, loops = timed(forked, 3)
    common = start.begun().recorder.count
    baseline = f"{events[0] / len(cases) - common:.1f} events after {common} that are shared"
    yield Line("cases from a forked deep state", 1 / per, "/s", loops, 3000, baseline)


# --- The same in asyncio ----------------------------------------------------------------------------------------------


def plain_exchanges() -> int:
    """The datagrams and files of a boot, twenty times, between a client and a server on the loopback."""
    events = [entry.event for entry in run(demo()).entries]
    sent = [event.payload for event in events if isinstance(event, DatagramSent)]
    came = [event.payload for event in events if isinstance(event, DatagramReceived)]
    asked = [event.target for event in events if isinstance(event, HttpRequested)]
    files = [bytes(event.body) for event in events if isinstance(event, HttpAnswered)]
    return asyncio.run(exchanged(sent, came, dict(zip(asked, files, strict=True)), 20))


class Receiver(asyncio.DatagramProtocol):
    """Counts what comes, and answers as long as there are answers."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self.answers = list(answers)
        self.came: asyncio.Queue[bytes] = asyncio.Queue()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """The socket is there."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A datagram."""
        self.came.put_nowait(data)
        if self.answers:
            self.transport.sendto(self.answers.pop(0), addr)


async def exchanged(sent: Sequence[bytes], came: Sequence[bytes], files: dict[str, bytes], times: int) -> int:
    """How often all of it went to and fro."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
        body = files[target]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for _ in range(times):
        theirs, far = await loop.create_datagram_endpoint(lambda: Receiver(came), local_addr=("127.0.0.1", 0))
        ours, near = await loop.create_datagram_endpoint(
            lambda: Receiver([]), remote_addr=theirs.get_extra_info("sockname")
        )
        for number, payload in enumerate(sent):
            ours.sendto(payload)
            await far.came.get()
            if number < len(came):
                await near.came.get()
        for target in files:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            await reader.read()
            writer.close()
        ours.close()
        theirs.close()
    server.close()
    return times
