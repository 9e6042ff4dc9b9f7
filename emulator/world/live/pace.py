"""How slow a peer may be: one that sends a byte now and then is as good as silent."""

from __future__ import annotations

from collections.abc import Callable

from emulator.events import SECOND

LEAST = 1_000
"""Bytes that have to come in each idle limit. A server that dribbles would otherwise hold a phone for days: PROV-119
limits the time without a byte only, and 240 KB at a byte a second are three days."""


class Pace:
    """The pace of one transfer. idle_limit: ns; clock: seconds."""

    def __init__(self, idle_limit: int, clock: Callable[[], float]) -> None:
        self._limit, self._clock = idle_limit / SECOND, clock
        self._since, self._bytes = clock(), 0

    def too_slow(self, more: int) -> bool:
        """Whether, with ``more`` bytes now, too little has come since the last time that enough had."""
        self._bytes += more
        if self._bytes >= LEAST:
            self._since, self._bytes = self._clock(), 0
            return False
        return self._clock() - self._since > self._limit
