"""A run as one file that travels: JSON Lines, complete, verifiable on arrival.

Line 1 is ``{"offhook": 1, "header": ...}``; then one line an event, ``[n, time, due, phone, kind, cause, because, data,
link]``, each preceded by the ``{"blob": digest, "base64": ...}`` it needs first; the last line is ``{"end": ...}`` with
length, digest, outcome and seal. A file without its last line was cut short and is refused.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import BinaryIO, TypeVar

import msgspec
from attrs import frozen

from emulator.events.codec import EventDecoder, EventError
from emulator.log import header as headers
from emulator.log.chain import ORIGIN, Row
from emulator.log.header import Header
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
class _End:
    events: int
    digest: str
    outcome: str
    seal: str | None


@frozen
class _Last:
    end: _End


T = TypeVar("T")
_Event = tuple[int, int, int | None, int, str, int | None, str, str, str]
_decode_event: Callable[[bytes], _Event] = msgspec.json.Decoder(_Event).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def write(store: Store, info: RunInfo, out: BinaryIO) -> int:
    """Write a run with all it needs; how many bytes. A fork is written whole, with its parent's prefix."""
    sent: set[str] = set()

    def lines() -> Iterator[bytes]:
        yield _encode(_First(FORMAT, info.header, info.created))
        digest = ORIGIN.hex()
        for row in store.rows(info.id, 0, info.events):
            for name in blobs_in(row.data):
                if name not in sent:
                    sent.add(name)
                    yield _encode(_Blob(name, b64encode(store.blob(name)).decode()))
            digest = row.link.hex()
            yield _encode((*row[:8], digest))
        seal = None
        if info.seal:
            seal = headers.seal(headers.encode(info.header), ORIGIN, info.events, digest)
        yield _encode(_Last(_End(info.events, digest, info.outcome, seal)))

    total = 0
    for line in lines():
        total += out.write(line + b"\n")
    return total


def blobs_in(data: str) -> Iterable[str]:
    """The digests of the blobs that an event's JSON refers to."""
    start = data.find('"blob:')
    while start >= 0:
        yield data[start + 6 : start + 70]
        start = data.find('"blob:', start + 1)


@frozen
class Parsed:
    """An exported run that was read and verified, and is in no database yet."""

    header: Header
    created: str
    rows: list[Row]
    blobs: dict[str, bytes]
    end: _End


def parse(file: BinaryIO, name: str) -> Parsed:
    """Read an exported run, verified line by line. Raises LogError, naming the line."""
    lines = _lines(file, name)
    first = _decoded(next(lines, (0, b"")), _First, name)
    if first.offhook != FORMAT:
        raise LogError(f"{name}: has format {first.offhook}, this program reads format {FORMAT}")
    rows, blobs, end = _content(lines, name)
    digest = rows[-1].link.hex() if rows else ORIGIN.hex()
    if (end.events, end.digest) != (len(rows), digest):
        raise LogError(f"{name}: its end speaks of {end.events} events and another digest; events are missing")
    if end.seal is not None and end.seal != headers.seal(headers.encode(first.header), ORIGIN, end.events, digest):
        raise LogError(f"{name}: the header or the seal was changed")
    return Parsed(first.header, first.created, rows, blobs, end)


def keep(store: Store, parsed: Parsed) -> RunInfo:
    """Put a parsed run into ``store``, as a run of its own. Raises LogError."""
    writer = store.begin(parsed.header, created=parsed.created)
    rows = parsed.rows
    for at in range(0, len(rows), 1000):
        writer.append(rows[at : at + 1000], parsed.blobs if at == 0 else {})
    if parsed.end.seal is None:
        writer.leave()
        return store.info(writer.run)
    return writer.finish(parsed.end.outcome)


def _content(lines: Iterator[tuple[int, bytes]], name: str) -> tuple[list[Row], dict[str, bytes], _End]:
    rows: list[Row] = []
    blobs: dict[str, bytes] = {}
    link = ORIGIN
    for number, line in lines:
        where = f"{name}, line {number}"
        if line.startswith(b'{"base64"'):
            found = _decoded((number, line), _Blob, name)
            blobs[found.blob] = _blob(found, where)
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
        try:
            decoder.decode(row.kind, row.data)
        except EventError as error:
            raise LogError(f"{name}: event {row.n}: {error.reason}") from None


def _event(line: tuple[int, bytes], name: str) -> _Event:
    """One event line."""
    try:
        return _decode_event(line[1])
    except msgspec.MsgspecError:
        raise LogError(f"{name}: line {line[0]} cannot be read") from None


def _blob(found: _Blob, where: str) -> bytes:
    try:
        data = b64decode(found.base64, validate=True)
    except ValueError:
        raise LogError(f"{where}: a blob is not Base64") from None
    if sha256(data).hexdigest() != found.blob:
        raise LogError(f"{where}: a blob was changed")
    return data


def _row(fields: _Event, where: str) -> Row:
    try:
        return Row(*fields[:8], bytes.fromhex(fields[8]))
    except ValueError:
        raise LogError(f"{where}: an event's link is not hexadecimal") from None


def _decoded(line: tuple[int, bytes], wanted: type[T], name: str) -> T:
    """One line as what it should be."""
    try:
        return msgspec.json.decode(line[1], type=wanted)
    except msgspec.MsgspecError:
        what = "is no exported run" if wanted is _First else f"line {line[0]} cannot be read"
        raise LogError(f"{name}: {what}") from None


def _lines(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(LINE_LIMIT + 1):
        number += 1
        if len(line) > LINE_LIMIT:
            raise LogError(f"{name}: line {number} is longer than {LINE_LIMIT:,} bytes")
        yield number, line.rstrip(b"\n")
