"""Is a log what was written? The chain, the seal, the numbers and the blobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256

from attrs import frozen

from emulator.events.codec import EventError
from emulator.log import header as headers
from emulator.log.chain import ORIGIN, Row
from emulator.log.progress import Progress, counted, no_progress
from emulator.log.schema import missing_triggers
from emulator.log.store import DAMAGE, LogError, RowError, Store, explained


@frozen
class Fault:
    """Something is wrong with a log. run, n: where, 0 for the whole of it; what: for people."""

    run: int
    n: int
    what: str

    def text(self) -> str:
        """``run 3, event 17: ...``"""
        place = ", ".join([f"run {self.run}"] * (self.run > 0) + [f"event {self.n}"] * (self.n > 0))
        return f"{place}: {self.what}" if place else self.what


@frozen
class Verified:
    """What was checked. faults: none if all is well; open: runs without a seal (cut off, or still being written)."""

    runs: int
    events: int
    blobs: int
    open: tuple[int, ...]
    faults: tuple[Fault, ...]


def chain_faults(run: int, rows: Iterable[Row], link: bytes = ORIGIN, count: int = 0) -> Iterator[Fault | Row]:
    """Every fault of a chain, and at the end its last row. ``link`` and ``count`` are those of the row before.

    After a fault the chain is followed from what is stored, so that one change is one fault.
    """
    last: Row | None = None
    for row in rows:
        if row.n != count + 1:
            what = (
                f"events {count + 1} to {row.n - 1} are missing" if row.n > count + 1 else "its number is not the next"
            )
            yield Fault(run, row.n, what)
        elif row.link_after(link) != row.link:
            yield Fault(run, row.n, "changed, moved or added: it does not follow from the event before it")
        link, count, last = row.link, row.n, row
    if last is not None:
        yield last


def verify(store: Store, only: int | None = None, progress: Progress = no_progress) -> Verified:
    """Check one run, or all of them and the database's own guards. Raises LogError if it cannot be read at all."""
    faults: list[Fault] = []
    unsealed: list[int] = []
    events = 0
    if only is None:
        faults += [Fault(0, 0, f"the guard {name!r} is missing from the database") for name in missing_guards(store)]
    ids = [only] if only is not None else [run for (run,) in store.ask("SELECT id FROM runs ORDER BY id")]
    runs = [store.info(run) for run in ids]
    for info in runs:
        head, count = store.link(info.id, info.upto), info.upto
        try:
            rows = with_blobs(store, info.id, counted(store.rows(info.id, info.upto), progress, events), faults)
            for found in chain_faults(info.id, rows, head, count):
                if isinstance(found, Fault):
                    faults.append(found)
                else:
                    head, count = found.link, found.n
        except RowError as error:
            faults.append(Fault(error.run, error.n, "is not a row of a log; what follows was not checked"))
            continue
        events += count - info.upto
        if info.seal is None:
            unsealed.append(info.id)
            continue
        if info.events != count:
            more = (
                f"events {count + 1} to {info.events} are missing at its end"
                if count < info.events
                else "it has events after its end"
            )
            faults.append(Fault(info.id, 0, more))
        elif info.digest != head.hex():
            faults.append(Fault(info.id, 0, "its last event is not the one it was sealed with"))
        start = store.link(info.id, info.upto)
        sealed = headers.seal(info.header, start, info.events, info.digest or "", info.outcome, info.created)
        if sealed != info.seal:
            faults.append(Fault(info.id, 0, "its header, its outcome or its seal was changed"))
    blobs, wrong = blob_faults(store, only)
    return Verified(len(runs), events, blobs, tuple(unsealed), (*faults, *wrong))


def with_blobs(store: Store, run: int, rows: Iterable[Row], faults: list[Fault]) -> Iterator[Row]:
    """``rows``, noting on the way which of them lack a blob."""
    decoder = store.decoder()
    for row in rows:
        if '"blob:' in row.data:
            try:
                row.entry(decoder)
            except EventError as error:
                faults.append(Fault(run, row.n, error.reason))
        yield row


def missing_guards(store: Store) -> list[str]:
    """:func:`~emulator.log.schema.missing_triggers` of a database that may be damaged. Raises LogError."""
    try:
        return missing_triggers(store.db)
    except DAMAGE as error:
        raise LogError(explained(store.path, error)) from None


def blob_faults(store: Store, only: int | None) -> tuple[int, list[Fault]]:
    """How many blobs were checked, and which are missing or not what their name says."""
    chosen, values = ("", ()) if only is None else (" WHERE u.run = ?", (only,))
    # A blob that was made a text need not be one in UTF-8.
    data = "CASE typeof(b.data) WHEN 'text' THEN '' ELSE b.data END"
    sql = f"SELECT u.run, u.digest, {data} FROM run_blobs u LEFT JOIN blobs b ON b.digest = u.digest{chosen}"
    checked: dict[str, str] = {}
    faults = []
    for run, digest, data in store.each(sql, values):
        if digest not in checked:
            right = isinstance(data, bytes) and sha256(data).hexdigest() == digest
            checked[digest] = "" if right else f"blob {digest[:12]} is {'missing' if data is None else 'changed'}"
        if checked[digest]:
            faults.append(Fault(run, 0, checked[digest]))
    return len(checked), faults
