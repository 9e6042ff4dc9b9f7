"""Randomness of a world: one named stream per concern, counter-based, so that a fork copies only counters."""

from __future__ import annotations

from hashlib import sha256

MILLION = 1_000_000


class Streams:
    """Random streams derived from the run's seed; a draw in one never shifts another."""

    __slots__ = ("counters", "seed")

    def __init__(self, seed: int, counters: dict[str, int] | None = None) -> None:
        self.seed = seed
        self.counters: dict[str, int] = counters or {}

    def bytes(self, stream: str) -> bytes:
        """The next 32 bytes of ``stream``."""
        count = self.counters.get(stream, 0) + 1
        self.counters[stream] = count
        return sha256(f"{self.seed}/{stream}/{count}".encode()).digest()

    def below(self, stream: str, limit: int) -> int:
        """The next number of ``stream``, from 0 to ``limit`` - 1."""
        return int.from_bytes(self.bytes(stream)[:8], "big") % limit

    def happens(self, stream: str, ppm: int) -> bool:
        """Whether something of probability ``ppm`` (parts per million) happens; certain and impossible draw nothing."""
        if ppm <= 0:
            return False
        return ppm >= MILLION or self.below(stream, MILLION) < ppm

    def fork(self) -> Streams:
        """Streams that go on from here."""
        return Streams(self.seed, dict(self.counters))
