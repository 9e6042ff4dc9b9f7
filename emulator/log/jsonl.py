"""A run as one file that travels: JSON Lines, complete, verifiable on arrival.

Line 1 is ``{"offhook": 1, "header": ...}``; then one line an event, ``[n, time, due, phone, kind, cause, because, data,
link]``, each preceded by the ``{"base64": ..., "blob": digest}`` it needs first; the last line is ``{"end": ...}`` with
length, digest, outcome, seal, and a check over what the first and the last line say. A file without its last line was
cut short and is refused. ``{"base64": ..., "scenario": digest}``, after line 1, is what the run was made from.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import chain
from typing import Annotated, BinaryIO, TypeVar

import msgspec
from attrs import evolve, frozen

from emulator.events.codec import EventDecoder, EventError
from emulator.log import header as headers
from emulator.log.chain import BECAUSE, ORIGIN, Row
from emulator.log.header import Header
from emulator.log.progress import Progress, counted, no_progress
from emulator.log.store import LogError, RunInfo, Store

FORMAT = 1
LINE_LIMIT = 8_000_000
"""Longest line that is read, in bytes; a blob is at most a served file in Base64."""
EVENT_LIMIT = 10_000_000
"""Events of one run that are read."""


@frozen
class _First:
    offhook: int
    header: Header
    created: str = ""


@frozen
class _Blob:
    blob: str
    base64: str


@frozen
class _Made:
    scenario: str
    base64: str


@frozen
class _End:
    events: int
    digest: str
    outcome: str
    seal: str | None
    check: str = ""

    def checked(self, first: _First) -> _End:
        """The end with its check."""
        bare = evolve(self, check="")
        return evolve(self, check=sha256(_encode((first, bare))).hexdigest())


@frozen
class _Last:
    end: _End


T = TypeVar("T")
_Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
_Event = tuple[_Number, _Number, _Number | None, _Number, str, _Number | None, str, str, str]
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
_decode_event: Callable[[bytes], _Event] = msgspec.json.Decoder(_Event).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def write(store: Store, info: RunInfo, out: BinaryIO, progress: Progress = no_progress) -> int:
    """Write a run with all it needs; how many bytes. A fork is written whole, with its parent's prefix."""
    used: dict[str, bytes] = {}
    sent: set[str] = set()

    def blob(name: str) -> bytes:
        used[name] = store.blob(name)
        return used[name]

    def lines() -> Iterator[bytes]:
        first = _First(FORMAT, info.header, info.created)
        yield _encode(first)
        made = store.scenario(info.id)
        if made is not None:
            yield _encode(_Made(sha256(made).hexdigest(), b64encode(made).decode()))
        decoder = EventDecoder(blob)
        link = ORIGIN
        for row in counted(store.rows(info.id, 0, info.events), progress):
            # Other texts may look like the name of a blob; what the event really takes is its blobs.
            if '"blob:' in row.data:
                read(row, decoder, f"run {info.id}")
            for name, data in used.items():
                if name not in sent:
                    yield _encode(_Blob(name, b64encode(data).decode()))
            sent.update(used)
            used.clear()
            if row.link_after(link) != row.link:
                raise LogError(f"run {info.id}: event {row.n} was changed or moved; `offhook verify` says more")
            link = row.link
            yield _encode((*row[:8], link.hex()))
        digest = link.hex()
        seal = None
        if info.seal:
            seal = headers.seal(info.header, ORIGIN, info.events, digest, info.outcome, info.created)
        yield _encode(_Last(_End(info.events, digest, info.outcome, seal).checked(first)))

    total = 0
    for line in lines():
        total += out.write(line + b"\n")
    return total


def read(row: Row, decoder: EventDecoder, name: str) -> None:
    """See that an event can be read and has its blobs. Raises LogError."""
    try:
        row.entry(decoder)
    except EventError as error:
        raise LogError(f"{name}: event {row.n}: {error.reason}") from None


@frozen
class Parsed:
    """An exported run that was read and verified, and is in no database yet."""

    header: Header
    created: str
    rows: list[Row]
    blobs: dict[str, bytes]
    end: _End
    scenario: bytes | None = None


def parse(file: BinaryIO, name: str, progress: Progress = no_progress) -> Parsed:
    """Read an exported run, verified line by line. Raises LogError, naming the line."""
    lines = counted(_lines(file, name), progress)
    first = _decoded(next(lines, (0, b"")), _First, name)
    if first.offhook != FORMAT:
        raise LogError(f"{name}: has format {first.offhook}, this program reads format {FORMAT}")
    number, line = next(lines, (0, b""))
    scenario = _made((number, line), name)
    rows, blobs, end = _content(lines if scenario is not None else chain([(number, line)], lines), name)
    digest = rows[-1].link.hex() if rows else ORIGIN.hex()
    if (end.events, end.digest) != (len(rows), digest):
        raise LogError(f"{name}: its end speaks of {end.events} events and another digest; events are missing")
    seal = headers.seal(first.header, ORIGIN, end.events, digest, end.outcome, first.created)
    if end != end.checked(first) or end.seal not in (None, seal):
        raise LogError(f"{name}: its first or its last line was changed")
    if not 0 <= first.header.phones <= headers.MOST_PHONES:
        raise LogError(f"{name}: no run has {first.header.phones} phones")
    return Parsed(first.header, first.created, rows, blobs, end, scenario)


def keep(store: Store, parsed: Parsed) -> RunInfo:
    """Put a parsed run into ``store``, as a run of its own, whole or not at all. Raises LogError."""
    writer = store.begin(parsed.header, created=parsed.created, scenario=parsed.scenario)
    try:
        writer.append(parsed.rows, parsed.blobs)
        if parsed.end.seal is not None:
            return writer.finish(parsed.end.outcome)
        writer.leave()
    except LogError:
        writer.abandon()
        raise
    return store.info(writer.run)


def _content(lines: Iterator[tuple[int, bytes]], name: str) -> tuple[list[Row], dict[str, bytes], _End]:
    rows: list[Row] = []
    blobs: dict[str, bytes] = {}
    link = ORIGIN
    for number, line in lines:
        where = f"{name}, line {number}"
        if line.startswith(b'{"base64"'):
            found = _decoded((number, line), _Blob, name)
            blobs[found.blob] = _blob(found.base64, found.blob, where)
        elif line.startswith(b"["):
            row = _row(_event((number, line), name), where)
            if row.n != len(rows) + 1 or row.link_after(link) != row.link:
                raise LogError(f"{where}: event {row.n} was changed, moved or added")
            link = row.link
            rows.append(row)
        else:
            end = _decoded((number, line), _Last, name).end
            for extra, _ in lines:
                raise LogError(f"{name}, line {extra}: there is more after the end")
            _check_events(rows, blobs, name)
            return rows, blobs, end
        if len(rows) > EVENT_LIMIT:
            raise LogError(f"{name}: more than {EVENT_LIMIT:,} events")
    raise LogError(f"{name}: was cut short, its last line is missing")


def _check_events(rows: list[Row], blobs: dict[str, bytes], name: str) -> None:
    """Every event can be read and every blob is there."""
    decoder = EventDecoder(blobs.__getitem__)
    for row in rows:
        read(row, decoder, name)


def _event(line: tuple[int, bytes], name: str) -> _Event:
    """One event line."""
    try:
        return _decode_event(line[1])
    except _UNREADABLE:
        raise LogError(f"{name}: line {line[0]} cannot be read") from None


def _blob(text: str, digest: str, where: str) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        raise LogError(f"{where}: a blob is not Base64") from None
    if sha256(data).hexdigest() != digest:
        raise LogError(f"{where}: a blob was changed")
    return data


def _made(line: tuple[int, bytes], name: str) -> bytes | None:
    """What the run was made from, if that is what a line holds."""
    if not (line[1].startswith(b'{"base64"') and line[1].endswith(b'"}') and b'","scenario":"' in line[1][-90:]):
        return None
    found = _decoded(line, _Made, name)
    return _blob(found.base64, found.scenario, f"{name}, line {line[0]}")


def _row(fields: _Event, where: str) -> Row:
    try:
        row = Row(*fields[:8], bytes.fromhex(fields[8]))
    except ValueError:
        raise LogError(f"{where}: an event's link is not hexadecimal") from None
    if not BECAUSE(row.because):
        raise LogError(f"{where}: an event's grounds are not numbers")
    return row


def _decoded(line: tuple[int, bytes], wanted: type[T], name: str) -> T:
    """One line as what it should be."""
    try:
        return msgspec.json.decode(line[1], type=wanted)
    except _UNREADABLE:
        what = "is no exported run" if wanted is _First else f"line {line[0]} cannot be read"
        raise LogError(f"{name}: {what}") from None


def _lines(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(LINE_LIMIT + 1):
        number += 1
        if len(line) > LINE_LIMIT:
            raise LogError(f"{name}: line {number} is longer than {LINE_LIMIT:,} bytes")
        yield number, line.rstrip(b"\n")
