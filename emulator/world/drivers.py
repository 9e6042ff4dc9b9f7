"""Drivers: they only decide when to take the next item off a run's agenda. The log is the same under each."""

from __future__ import annotations

from collections.abc import Callable

from emulator.phone.machine import Settled
from emulator.world.run import Run

Stop = Callable[[Settled], bool]


def drive(run: Run, until: int, stop: Stop | None = None) -> None:
    """The bare driver: as fast as it goes, to ``until`` (ns), or until ``stop`` says so of a settled input."""
    if stop is None:
        run.run_until(until)
        return
    due = run.next_due()
    while due is not None and due <= until:
        settled = run.step()
        if settled is not None and stop(settled):
            return
        due = run.next_due()


async def drive_paced(run: Run, until: int, pace: float, stop: Stop | None = None) -> None:
    """The trio driver: virtual time passes ``pace`` times as fast as trio's clock.

    Under trio's MockClock it needs no time at all. Cancelled, it leaves the run at a settled point.
    """
    import trio

    start = trio.current_time()
    due = run.next_due()
    while due is not None and due <= until:
        await trio.sleep_until(start + due / (1e9 * pace))
        settled = run.step()
        if settled is not None and stop is not None and stop(settled):
            return
        due = run.next_due()
