"""Parts of a sweep that were judged, kept in the run database, so that a sweep that was stopped can go on.

They are a cache: they belong to a story, a seed and the code that judged them, and can be thrown away at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from emulator.log.store import Store
from tools.cuts.judge import Fault
from tools.cuts.sweep import Finding, Tally

_TABLE = """
CREATE TABLE IF NOT EXISTS sweep_parts (
    key TEXT NOT NULL, part TEXT NOT NULL, tally TEXT NOT NULL, PRIMARY KEY (key, part)
) WITHOUT ROWID
"""


class KeptParts:
    """The parts of one sweep. fresh: forget those that were kept before. Raises LogError, as all of it."""

    def __init__(self, store: Store, key: str, fresh: bool) -> None:
        self._store = store
        self._key = key
        store.change(_TABLE)
        if fresh:
            store.change("DELETE FROM sweep_parts WHERE key = ?", (key,))

    def known(self, names: Iterable[str]) -> dict[str, Tally]:
        """Those of the parts ``names`` that were judged; what cannot be read was not."""
        rows = self._store.ask("SELECT part, tally FROM sweep_parts WHERE key = ?", (self._key,))
        wanted, found = set(names), {}
        for part, text in rows:
            tally = read(text) if part in wanted else None
            if tally is not None:
                found[part] = tally
        return found

    def keep(self, part: str, tally: Tally) -> None:
        """Keep what came of a part."""
        self._store.change("INSERT OR REPLACE INTO sweep_parts VALUES (?, ?, ?)", (self._key, part, written(tally)))


def written(tally: Tally) -> str:
    """A tally as JSON."""
    findings = [(found.case, found.fault.kind, found.fault.what) for found in tally.findings]
    return msgspec.json.encode((tally.judged, tally.held, tally.outcomes, findings)).decode()


def read(text: object) -> Tally | None:
    """The tally in ``text``; None for anything else."""
    shape = tuple[int, dict[str, int], dict[str, int], list[tuple[str, str, str]]]
    try:
        judged, held, outcomes, findings = msgspec.json.decode(str(text), type=shape)
    except msgspec.MsgspecError:
        return None
    found = [Finding(case, Fault(kind, what)) for case, kind, what in findings]
    return Tally(judged, Counter(held), Counter(outcomes), found)
