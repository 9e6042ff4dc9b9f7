"""The live driver: real time passes, what arrives is taken in its order, and the phone does the rest."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define

from emulator.events import SECOND
from emulator.phone.machine import Settled
from emulator.world.live.inbox import BACKLOG
from emulator.world.live.interface import Interface
from emulator.world.live.world import LiveWorld
from emulator.world.run import Run

Stop = Callable[[Settled], bool]
TURN = 20
"""Items that are taken before other tasks get their turn."""


@define
class End:
    """When a run ends (ns); whoever watches it may move that."""

    at: int


async def drive_live(run: Run, world: LiveWorld, end: End, stop: Stop) -> None:
    """Let ``run``, which was made with ``world``, go on to its ``end``, or until ``stop`` says so.

    However it ends, the interface is left as it was. Cancelled, it leaves the run at a settled point.
    """
    with Interface(world.place, world.inbox) as interface:
        async with trio.open_nursery() as nursery:
            world.begin(nursery, interface, lambda index: run.machines[index].phone)
            nursery.start_soon(interface.read)
            try:
                await _go_on(run, world, end, stop)
            finally:
                world.datagrams.close()
                nursery.cancel_scope.cancel()


async def _go_on(run: Run, world: LiveWorld, end: End, stop: Stop) -> None:
    taken = 0
    while True:
        due, now = run.next_due(), world.clock()
        if now >= end.at:
            return
        if due is not None and due <= now:
            settled = run.step()
            if settled is not None and stop(settled):
                return
            taken += 1
            if taken % TURN == 0:
                await trio.lowlevel.checkpoint()
            if taken % BACKLOG == 0:
                world.inbox.taken()
            continue
        world.inbox.taken()
        wait = min(end.at if due is None else due, end.at) - now
        await world.inbox.news(trio.current_time() + wait / SECOND)
