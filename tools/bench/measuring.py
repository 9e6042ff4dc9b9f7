"""Rows of the table, and how they are measured: each beside a calibration loop of the same run."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from attrs import frozen

from emulator.world.scenario import Scenario
from emulator.world.toml import read_scenario

SCENARIO = Path("scenarios") / "first-boot-option-160.toml"


@frozen
class Line:
    """One row. budget: the least the value should be, or the most if it is a cost; loops: calibration loops a unit."""

    what: str
    value: float
    unit: str
    loops: float
    budget: float
    baseline: str = ""
    cost: bool = False

    @property
    def met(self) -> bool:
        """Whether the budget is met."""
        return self.value <= self.budget if self.cost else self.value >= self.budget


def calibration() -> float:
    """Seconds that a fixed loop of integer, dict and call work takes."""
    start = time.perf_counter()
    table: dict[int, int] = {}
    total = 0
    for i in range(100_000):
        table[i & 255] = total
        total += len(str(i)) ^ table[i & 255] & 7
    return time.perf_counter() - start


def timed(work: Callable[[], int], repeat: int = 5) -> tuple[float, float]:
    """(best seconds a unit, calibration loops a unit) of ``work``, which returns how many units it did."""
    best, loops = float("inf"), float("inf")
    for _ in range(repeat):
        before = calibration()
        gc.collect()
        gc.disable()
        start = time.perf_counter()
        units = work()
        took = (time.perf_counter() - start) / units
        gc.enable()
        best = min(best, took)
        loops = min(loops, took / ((before + calibration()) / 2))
    return best, loops


@cache
def demo() -> Scenario:
    """The scenario of the demo."""
    return read_scenario(SCENARIO)
