"""Dice of a campaign: counter-based, so that a case depends on its number alone, on any machine."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")
MILLION = 1_000_000
_MASK = (1 << 64) - 1


class Dice:
    """A stream of numbers, from the seed of a campaign and the number of a case."""

    __slots__ = ("_state",)

    def __init__(self, seed: int, number: int, name: str = "") -> None:
        self._state = int.from_bytes(sha256(f"{seed}/{number}/{name}".encode()).digest()[:8], "big")

    def fork(self, name: str) -> Dice:
        """Dice of their own: what is drawn from them shifts nothing here."""
        twin = Dice.__new__(Dice)
        twin._state = int.from_bytes(sha256(f"{self._state}/{name}".encode()).digest()[:8], "big")
        return twin

    def number(self) -> int:
        """The next 64 bits (SplitMix64)."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def below(self, limit: int) -> int:
        """A number from 0 to ``limit`` - 1."""
        return self.number() % limit

    def between(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def chance(self, ppm: int) -> bool:
        """Whether something of so many parts per million happens."""
        return self.below(MILLION) < ppm

    def choice(self, items: Sequence[T]) -> T:
        """One of ``items``."""
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[tuple[int, T]]) -> T:
        """One of ``items``, which are (weight, item)."""
        left = self.below(sum(weight for weight, _ in items))
        for weight, item in items:
            if left < weight:
                return item
            left -= weight
        return items[-1][1]

    def bytes(self, count: int) -> bytes:
        """So many bytes."""
        return b"".join(self.number().to_bytes(8, "big") for _ in range(-(-count // 8)))[:count]
