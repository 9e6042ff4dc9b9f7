"""From entries to rows: encoded, numbered and hash-chained.

The chain starts from a constant, never from a run id, so equal runs have equal digests. Link n is

    SHA-256(link n-1, "n time due phone kind cause because\\n", data)

with absent numbers written as ``-`` and ``because`` as comma-separated numbers. The digest of a run is its last link
in hex.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from typing import NamedTuple, Protocol

from emulator.events import Entry
from emulator.events.codec import EventDecoder, EventEncoder

ORIGIN = sha256(b"offhook log 1").digest()
"""The link before the first."""
BECAUSE = re.compile(r"\[(?:[0-9]{1,18}(?:,[0-9]{1,18})*)?\]").fullmatch
"""Whether a text is what the column ``because`` holds."""


class Row(NamedTuple):
    """One entry as it is stored. Fields as in :class:`~emulator.events.base.Entry`; data: JSON; link: 32 bytes."""

    n: int
    time: int
    due: int | None
    phone: int
    kind: str
    cause: int | None
    because: str
    data: str
    link: bytes

    @property
    def grounds(self) -> tuple[int, ...]:
        """``because`` as numbers."""
        return tuple(map(int, self.because[1:-1].split(","))) if len(self.because) > 2 else ()

    def link_after(self, before: bytes) -> bytes:
        """The link this row must have if the row before it has ``before``."""
        because = self.because[1:-1] if BECAUSE(self.because) else f"not {self.because}"
        head = (
            f"{self.n} {self.time} {'-' if self.due is None else self.due} {self.phone} {self.kind} "
            f"{'-' if self.cause is None else self.cause} {because}\n{self.data}"
        )
        return sha256(before + head.encode()).digest()

    def entry(self, decoder: EventDecoder) -> Entry:
        """The entry this row stores. Raises EventError."""
        event = decoder.decode(self.kind, self.data)
        return Entry(self.n, self.time, self.due, self.phone, self.cause, self.grounds, event)


class Sink(Protocol):
    """Where rows go: a store, or nowhere."""

    def append(self, rows: list[Row], blobs: dict[str, bytes]) -> None:
        """Take a batch: everything one input led to. ``blobs`` maps digest to bytes."""


class NoSink:
    """Keeps nothing: for runs of which only the digest or the outcome counts."""

    def append(self, rows: list[Row], blobs: dict[str, bytes]) -> None:
        """Forget the batch."""


class MemorySink:
    """Keeps rows and blobs in memory."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.blobs: dict[str, bytes] = {}

    def append(self, rows: list[Row], blobs: dict[str, bytes]) -> None:
        """Keep the batch."""
        self.rows += rows
        self.blobs.update(blobs)

    def entries(self) -> Iterator[Entry]:
        """Every entry, decoded from what was stored."""
        decoder = EventDecoder(self.blobs.__getitem__)
        return (row.entry(decoder) for row in self.rows)


class Recorder:
    """Encodes and chains entries and passes them on in batches.

    head: the last link; count: how many entries the chain has.
    """

    def __init__(self, sink: Sink | None = None, head: bytes = ORIGIN, count: int = 0) -> None:
        self.sink: Sink = sink or NoSink()
        self.head = head
        self.count = count
        self._encoder = EventEncoder()

    @property
    def digest(self) -> str:
        """The last link, in hex."""
        return self.head.hex()

    def rows(self, entries: Iterable[Entry]) -> list[Row]:
        """Encode and chain ``entries``, which follow those before; the head moves on."""
        link = self.head
        encode: Callable[..., bytes] = self._encoder.encode
        rows = []
        make: Callable[..., Row] = partial(tuple.__new__, Row)  # Row._make without its length check
        for entry in entries:
            raw = encode(entry.event)
            because = ",".join(map(str, entry.because)) if entry.because else ""
            link = sha256(link + _head(entry, because) + raw).digest()
            columns = (entry.n, entry.time, entry.due, entry.phone, entry.event.kind, entry.cause)
            rows.append(make((*columns, f"[{because}]", raw.decode(), link)))
        self.count += len(rows)
        self.head = link
        return rows

    def chain(self, entries: Sequence[Entry]) -> None:
        """As :meth:`rows`, for logs of which nothing is kept but the digest."""
        link = self.head
        encode: Callable[..., bytes] = self._encoder.encode
        for entry in entries:
            because = ",".join(map(str, entry.because)) if entry.because else ""
            link = sha256(link + _head(entry, because) + encode(entry.event)).digest()
        self.count += len(entries)
        self.head = link

    def record(self, entries: Sequence[Entry]) -> None:
        """Encode and chain ``entries``, and hand the rows to the sink as one batch with the blobs they name."""
        if type(self.sink) is NoSink:
            self.chain(entries)
            if self._encoder.blobs:
                self._encoder.blobs = {}
        else:
            self.hand_over(self.rows(entries))

    def hand_over(self, rows: list[Row]) -> None:
        """Give the sink what :meth:`rows` made, with the blobs that it names."""
        self.sink.append(rows, self._encoder.blobs)
        if self._encoder.blobs:
            self._encoder.blobs = {}

    def fork(self, sink: Sink | None = None) -> Recorder:
        """A recorder that goes on from here into another sink."""
        return Recorder(sink, self.head, self.count)


def _head(entry: Entry, because: str) -> bytes:
    """What of an entry is chained in front of its event."""
    due, cause = entry.due, entry.cause
    return (
        f"{entry.n} {entry.time} {'-' if due is None else due} {entry.phone} {entry.event.kind} "
        f"{'-' if cause is None else cause} {because}\n"
    ).encode()


class Silence(Recorder):
    """A recorder for runs whose log nobody wants: it counts entries, and has no digest."""

    def record(self, entries: Sequence[Entry]) -> None:
        """Count them."""
        self.count += len(entries)

    def fork(self, sink: Sink | None = None) -> Silence:
        """Another that goes on from here."""
        return Silence(count=self.count)
