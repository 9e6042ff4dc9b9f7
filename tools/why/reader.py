"""The events of a run by random access: nothing is read that is not asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from emulator.events import Entry
from emulator.events.codec import EventError
from emulator.log.chain import BECAUSE, Row
from emulator.log.store import LogError, RowError, RunInfo, Store
from tools.why.graph import has_cause, main_link

HEAD = 500
"""Events of a chain of causes that are read one by one; of a longer one it is only counted what kinds it has."""
BLOCK = 64
"""Rows that are fetched together: most events come from one that is not far away."""
_REST = """
    WITH RECURSIVE chain(n, cause, kind) AS (
        SELECT n, cause, kind FROM events WHERE run = ? AND n = ?
        UNION ALL
        SELECT e.n, e.cause, e.kind FROM chain c JOIN events e ON e.run = ? AND e.n = c.cause
        WHERE typeof(c.cause) = 'integer' AND c.cause < c.n AND c.cause > ?)
    SELECT kind, count(*), max(n), min(n) FROM chain GROUP BY kind"""
"""The kinds of events in a chain of causes. A cause is followed only to a lower number, so that it ends."""

_ROW = ", ".join(Row._fields)


_NONE = type(None)
_SHAPES = {(int, int, due, int, str, cause, str, str, bytes) for due in (int, _NONE) for cause in (int, _NONE)}
"""What a row of a log holds: a database from elsewhere may hold anything in any column."""


_WITHIN = """substr(data, 1, 11) = '{"address":' AND CAST(substr(data, 12, 12) AS INTEGER) BETWEEN ? AND ?"""
"""Whether an operation begins in a range of addresses; taking JSON apart costs much more. What is spelled otherwise
than :mod:`emulator.events.codec` does is in no range."""


def _some(kinds: Sequence[str], order: str, more: str = "") -> str:
    """A query for the rows of some kinds; its values: run, phone, after, up to, the kinds, a text that they hold."""
    wanted = ", ".join("?" for _ in kinds)
    return f"""SELECT {_ROW} FROM events WHERE run = ? AND phone = ? AND n > ? AND n <= ?
               AND kind IN ({wanted}) AND instr(data, ?) {more} ORDER BY n {order}"""


@frozen
class Kind:
    """Events of one kind in the part of a chain that is not read. newest, earliest: the numbers of two of them."""

    name: str
    count: int
    newest: int
    earliest: int


@frozen
class Causes:
    """A chain of causes (:func:`~tools.why.graph.main_link`), the event itself first. rest: of what comes before."""

    head: tuple[int, ...]
    rest: tuple[Kind, ...] = ()


class Reader:
    """A run in a database, read event by event."""

    def __init__(self, store: Store, info: RunInfo) -> None:
        self.store, self.info = store, info
        self._segments = store.segments(info.id)
        self._decoder = store.decoder()
        self._rows: dict[int, Row] = {}
        self._entries: dict[int, Entry | None] = {}

    def get(self, n: int) -> Entry | None:
        """The entry of a number; None if there is none. Raises LogError for one that cannot be read."""
        if n not in self._entries:
            self._entries[n] = self._read(n) if 0 < n <= self.info.events else None
        return self._entries[n]

    def _read(self, n: int) -> Entry | None:
        if n not in self._rows:
            self._rows.update((row.n, row) for row in self.store.rows(self.info.id, max(0, n - BLOCK), n))
        row = self._rows.get(n)
        if row is None:
            return None
        return self._decoded(row)

    def _decoded(self, columns: tuple[Any, ...]) -> Entry:
        row = Row._make(columns)
        if tuple(map(type, row)) not in _SHAPES or not BECAUSE(row.because):
            raise RowError(self.store.path, self.info.id, row.n)
        try:
            return row.entry(self._decoder)
        except (EventError, ValueError) as error:
            raise LogError(f"run {self.info.id}, event {row.n}: {error}") from None

    def back(self, phone: int, upto: int, kinds: Sequence[str], text: str = "", after: int = 0) -> Iterator[Entry]:
        """The entries of some kinds with after < n <= upto, the newest first; with ``text`` only those that hold it."""
        for source, low, high in reversed(self._segments):
            where = (source, phone, max(low, after), min(high, upto))
            yield from map(self._decoded, self.store.each(_some(kinds, "DESC"), (*where, *kinds, text)))

    def forth(self, phone: int, after: int, upto: int, kinds: Sequence[str]) -> Iterator[Entry]:
        """The entries of some kinds with after < n <= upto, in order."""
        for source, low, high in self._segments:
            where = (source, phone, max(low, after), min(high, upto))
            yield from map(self._decoded, self.store.each(_some(kinds, "ASC"), (*where, *kinds, "")))

    def programs(self, phone: int, upto: int, kinds: Sequence[str], but: Sequence[tuple[int, int]]) -> Iterator[Entry]:
        """As :meth:`forth` from the start on, without what programs the flash in a range of ``but``: (first address,
        last address)."""
        sql = _some(
            kinds, "ASC", f"AND NOT (kind = 'FlashProgrammed' AND ({' OR '.join([_WITHIN] * len(but)) or 'FALSE'}))"
        )
        ranges = [address for each in but for address in each]
        for source, low, high in self._segments:
            where = (source, phone, low, min(high, upto))
            yield from map(self._decoded, self.store.each(sql, (*where, *kinds, "", *ranges)))

    def causes(self, n: int) -> Causes:
        """The chain of causes of event ``n``."""
        head: list[int] = []
        at: int | None = n
        while at is not None and len(head) < HEAD:
            entry = self.get(at)
            if entry is None:
                break
            head.append(at)
            link = main_link(entry, self.get)
            at = None if link is None else link.n
        last = self.get(head[-1]) if len(head) == HEAD else None
        return Causes(tuple(head), () if last is None or not has_cause(last) else self._rest(last.cause))

    def _rest(self, cause: int | None) -> tuple[Kind, ...]:
        """What kinds of events a chain has from ``cause`` on, segment by segment."""
        found: dict[str, Kind] = {}
        at = cause
        for source, low, high in reversed(self._segments):
            if at is None or not low < at <= high:
                continue
            kinds = [Kind(*row) for row in self.store.ask(_REST, (source, at, source, low))]
            for kind in kinds:
                newer = found.get(kind.name, kind)
                count = kind.count + (newer.count if newer is not kind else 0)
                found[kind.name] = Kind(kind.name, count, newer.newest, kind.earliest)
            first = self.get(min((kind.earliest for kind in kinds), default=0))
            at = first.cause if first is not None and has_cause(first) else None
        return tuple(found.values())
