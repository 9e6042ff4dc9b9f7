"""Where in a log a run can be gone on with: between what one input led to and the next input."""

from __future__ import annotations

from emulator.events import INPUT_KINDS
from emulator.log.store import Store

LOOK_BACK = 64
"""Rows that are read at once."""


def group_start(store: Store, run: int, n: int) -> int:
    """The number of the input that event ``n`` follows from, or is."""
    low = n
    while low > 0:
        rows = list(store.rows(run, max(0, low - LOOK_BACK), low))
        found = next((row.n for row in reversed(rows) if row.kind in INPUT_KINDS), None)
        if found is not None:
            return found
        low -= LOOK_BACK
    return 1
