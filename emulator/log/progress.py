"""Long walks over a log tell how far they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Progress = Callable[[int], None]
"""Called now and then with the number of events so far."""
EVERY = 5_000
"""Events between two calls."""
T = TypeVar("T")


def no_progress(_events: int) -> None:
    """Nobody is waiting."""


def counted(rows: Iterable[T], progress: Progress, before: int = 0) -> Iterator[T]:
    """``rows``, telling ``progress`` how many there were; ``before`` is counted in."""
    for number, row in enumerate(rows, 1):
        if number % EVERY == 0:
            progress(before + number)
        yield row
