"""``offhook live`` on a terminal: the timeline while it happens, what came of it, Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from attrs import Factory, define, frozen

from emulator.events import RunEnded
from emulator.phone.machine import Settled
from emulator.world.scenario import Scenario
from tools import printing
from tools.exits import AS_EXPECTED, INTERRUPTED, NO
from tools.live import Cost, LiveResult, Where, live
from tools.running import live_timeline
from tools.simulate import Observer, loaded

BUSY = 0.85
"""Part of the time that this process has to be busy to be what holds the phones up."""


@frozen
class Wish:
    """What the options of the command say. db: None keeps nothing."""

    db: str | None
    where: Where
    seed: int | None = None
    until: str | None = None
    stay: bool = False
    every: bool = False
    quiet: bool = False
    as_json: bool = False


def live_command(path: str | None, wish: Wish) -> int:
    """Put phones on the wire and print; the exit code. Raises PlaceError, ScenarioError or LogError."""
    scenario, name = (Scenario("live"), "live") if path is None else loaded(path)
    count = wish.where.count or scenario.phone.count
    progress = printing.Progress()
    watch, done = observer(scenario, wish, count, progress)
    result = live(
        scenario,
        name,
        wish.where,
        db=wish.db,
        seed=wish.seed,
        until=wish.until,
        stay=wish.stay,
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        observer=watch,
    )
    progress.clear()
    done()
    if wish.as_json:
        printing.as_json(result_json(result))
    else:
        summary(result)
    # Whoever has phones stay ends that with Ctrl-C.
    if result.interrupted and not wish.stay:
        return INTERRUPTED
    return AS_EXPECTED if result.ok else NO


def observer(
    scenario: Scenario, wish: Wish, count: int, progress: printing.Progress
) -> tuple[Observer | None, Callable[[], None]]:
    """(what watches the run for the terminal, what is to be called at its end)."""
    if count > 1:
        return Fleet(count, progress).observe, lambda: None
    if wish.quiet or wish.as_json:
        return None, lambda: None
    timeline = live_timeline(scenario, wish.every)
    return timeline.observe, timeline.end


@define
class Fleet:
    """The progress of many phones."""

    count: int
    progress: printing.Progress
    ended: dict[int, str] = Factory(dict)

    def observe(self, settled: Settled) -> None:
        """Called after each settled input."""
        for entry in settled.entries:
            if isinstance(entry.event, RunEnded):
                self.ended.setdefault(entry.phone, entry.event.outcome)
                good = sum(outcome == "provisioned" for outcome in self.ended.values())
                self.progress.show(f"{len(self.ended):,} of {self.count:,} phones are done, {good:,} provisioned")


def summary(result: LiveResult) -> None:
    """What came of it."""
    kept = "not stored" if result.run is None else f"run {result.run}"
    stopped = ", interrupted" if result.interrupted else ""
    printing.say(f"{kept}  {result.outcome}{stopped}, {result.events:,} events  digest {result.digest}")
    if len(result.outcomes) > 1:
        counts = {outcome: result.outcomes.count(outcome) for outcome in sorted(set(result.outcomes))}
        told = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items())
        printing.say(f"{len(result.outcomes):,} phones: {told}; {cost_text(result.cost, len(result.outcomes))}")
    printing.unmet(result.expectations)


def cost_text(cost: Cost, phones: int) -> str:
    """What each phone took, and what kept it from being quicker."""
    if not cost.seconds:
        return "none ended its run"
    rate, cpu, busy = phones / cost.seconds, cost.cpu / phones * 1000, cost.cpu / cost.seconds
    held = "the CPU of this process" if busy > BUSY else "the servers, the network or --rate"
    memory = cost.memory / phones / 1024
    return f"{rate:,.1f} boots/s, {cpu:,.1f} ms CPU and {memory:,.0f} KB a phone; held up by {held} ({busy:.0%} busy)"


def result_json(result: LiveResult) -> dict[str, Any]:
    """The object of ``live --json``."""
    return {
        "run": result.run,
        "digest": result.digest,
        "outcome": result.outcome,
        "outcomes": result.outcomes,
        "events": result.events,
        "interrupted": result.interrupted,
        "seconds": round(result.cost.seconds, 3),
        "cpu": round(result.cost.cpu, 3),
        "memory": result.cost.memory,
        "expectations": [verdict._asdict() for verdict in result.expectations],
    }
