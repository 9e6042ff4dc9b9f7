"""A run as a trace in the Trace Event Format of Chrome (JSON), which https://ui.perfetto.dev opens.

A phone is a process. Each event of the run is a slice with its number, its cause and its fields; the threads are what
:mod:`tools.exports.tracks` makes of a run, with a slice around the events for each provisioning run, step, request,
timer and transfer, and for all that one input led to. Arrows lead from each event to those that it caused, counters
follow the flash and the packets, and an input that nothing caused is marked over the whole phone.

Times are those of the log, in microseconds with three decimals, except that an event is drawn at least 1 ns long, and
events at one moment side by side; ``args`` have the time as it is logged, in ns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from attrs import Factory, define

from emulator.events import (
    DatagramReceived,
    DatagramSent,
    Entry,
    FlashErased,
    FlashProgrammed,
    FrameReceived,
    FrameSent,
    Role,
)
from emulator.log.progress import counted
from tools.browse import entries
from tools.exports.forms import Asked, Told
from tools.exports.tracks import FIXED, INPUTS, Place, Span, Tracks, lanes
from tools.locate import Located, firmware_of
from tools.masks import entry_json

LONGEST_FIELD = 2_000
"""Characters of a field; what is longer is cut off."""
LANES = 1_000
"""Threads that a track may become; the numbers of threads are counted so."""
Line = tuple[int, int, int, str]
"""A trace event: when (ns), what comes first at that time, and of these the longest first, and its JSON."""
SLICE, MARK, COUNTER, FLOW = range(4)


def write(found: Located, out: BinaryIO, asked: Asked) -> Told:
    """Write the trace of a run. Raises LogError, OSError."""
    info = found.info
    tracks = Tracks(titles={number: step.title for number, step in firmware_of(info).steps.items()})
    tracks.take_all(counted(entries(found, found.event(), asked.phone, ()), asked.progress))
    about = {"scenario": info.header.name, "title": info.header.title, "run": info.id, "digest": info.digest or ""}
    size = number = 0
    for line in document(tracks, about, asked.secrets):
        size += out.write(line.encode())
        number += 1
    return Told(size, number - 2, "trace events")


def document(tracks: Tracks, about: Mapping[str, object], secrets: bool) -> Iterator[str]:
    """The lines of the file: its beginning, a trace event each, its end."""
    yield f'{{"displayTimeUnit": "ns", "otherData": {dumped(about)}, "traceEvents": [\n'
    trace = Trace(tracks, secrets)
    found = [*trace.lines()]
    heads = [*trace.heads()]
    texts = heads + [line[3] for line in sorted(found, key=lambda line: line[:3])]
    for index, text in enumerate(texts, 1):
        yield text + (",\n" if index < len(texts) else "\n")
    yield "]}\n"


def dumped(value: object) -> str:
    """JSON in ASCII."""
    return json.dumps(value)


def micros(ns: int) -> str:
    """ns in microseconds, exactly."""
    return f"{ns // 1000}.{ns % 1000:03d}"


@define
class Trace:
    """Makes trace events of tracks. threads: (phone, track, lane) to its number; secrets: show passwords and keys."""

    tracks: Tracks
    secrets: bool
    threads: dict[tuple[int, str, int], int] = Factory(dict)

    def thread(self, phone: int, track: str, lane: int = 0) -> int:
        """The number of a thread, unique in all of the file."""
        return self.threads.setdefault((phone, track, lane), len(self.threads) + 1)

    def lines(self) -> Iterator[Line]:
        """Every slice, mark, counter and flow."""
        used = dict.fromkeys((place.entry.phone, place.track) for place in self.tracks.places)
        for phone in dict.fromkeys(phone for phone, _ in used):
            for track in FIXED:
                if (phone, track) in used or track == INPUTS:
                    self.thread(phone, track)
        for place in self.tracks.places:
            yield self.event(place)
            yield from self.flow(place)
            if place.entry.event.role is Role.INPUT and place.entry.cause is None:
                yield self.mark(place)
        yield from self.counters()
        by_track: dict[tuple[int, str], list[Span]] = {}
        for span in self.tracks.spans:
            by_track.setdefault((span.phone, span.track), []).append(span)
        for spans in by_track.values():
            for span, lane in lanes(spans):
                yield self.span(span, lane)

    def made(self, kind: str, phone: int, thread: int, ts: int, fields: str) -> str:
        """The JSON of a trace event."""
        return f'{{"ph": "{kind}", "pid": {phone + 1}, "tid": {thread}, "ts": {micros(ts)}, {fields}}}'

    def event(self, place: Place) -> Line:
        """The slice of an event."""
        entry = place.entry
        args = {"n": entry.n, "text": entry.event.text(), "time_ns": entry.time, **details(entry, self.secrets)}
        name = f'"name": {dumped(entry.event.kind)}, "cat": "event", "dur": {micros(place.end - place.start)}'
        thread = self.thread(entry.phone, place.track)
        text = self.made("X", entry.phone, thread, place.start, f'{name}, "args": {dumped(args)}')
        return place.start, SLICE, place.start - place.end, text

    def span(self, span: Span, lane: int) -> Line:
        """The slice of a span; its args say from which event it goes to which."""
        args = {"from": span.first, "to": span.last or None}
        name = f'"name": {dumped(span.name)}, "cat": "span", "dur": {micros(span.end - span.start)}'
        thread = self.thread(span.phone, span.track, lane)
        text = self.made("X", span.phone, thread, span.start, f'{name}, "args": {dumped(args)}')
        # As if it were longer than an event that is as long, so that it comes first and holds it.
        return span.start, SLICE, span.start - span.end - 1, text

    def mark(self, place: Place) -> Line:
        """An input that nothing in this run caused."""
        name = dumped(place.entry.event.text() or place.entry.event.kind)
        thread = self.thread(place.entry.phone, place.track)
        fields = f'"name": {name}, "cat": "input", "s": "p", "args": {{"n": {place.entry.n}}}'
        return place.start, MARK, 0, self.made("i", place.entry.phone, thread, place.start, fields)

    def flow(self, place: Place) -> Iterator[Line]:
        """The arrow from the cause of an event to it."""
        cause = self.tracks.by_n.get(place.entry.cause or 0)
        if cause is None:
            return
        for kind, at, bound in (("s", cause, ""), ("f", place, ', "bp": "e"')):
            fields = f'"name": "cause", "cat": "cause", "id": {place.entry.n}{bound}'
            thread = self.thread(at.entry.phone, at.track)
            yield at.start, FLOW, kind == "f", self.made(kind, at.entry.phone, thread, at.start, fields)

    def counters(self) -> Iterator[Line]:
        """Bytes programmed and sectors erased, and packets either way, since the run began."""
        counts: dict[tuple[int, str], int] = {}
        for place in self.tracks.places:
            name, many = counted_by(place.entry)
            if not many:
                continue
            phone = place.entry.phone
            counts[phone, name] = counts.get((phone, name), 0) + many
            fields = f'"name": "{name}", "args": {{"total": {counts[phone, name]}}}'
            yield place.start, COUNTER, 0, self.made("C", phone, 0, place.start, fields)

    def heads(self) -> Iterator[str]:
        """The names of processes and threads."""
        for phone in dict.fromkeys(phone for phone, _, _ in self.threads):
            what = self.tracks.names.get(phone, "phone")
            yield head("process_name", phone, 0, {"name": f"{what} (phone {phone})"})
        for (phone, track, lane), number in self.threads.items():
            yield head("thread_name", phone, number, {"name": f"{track} ({lane + 1})" if lane else track})
            yield head("thread_sort_index", phone, number, {"sort_index": self.sorted_at(phone, track) + lane})

    def sorted_at(self, phone: int, track: str) -> int:
        """Where a track stands: the first of its threads, with room for others behind each."""
        return LANES * self.threads[phone, track, 0]


def head(name: str, phone: int, thread: int, args: Mapping[str, object]) -> str:
    """A metadata event."""
    return f'{{"ph": "M", "pid": {phone + 1}, "tid": {thread}, "name": "{name}", "args": {dumped(args)}}}'


def counted_by(entry: Entry) -> tuple[str, int]:
    """The counter that an event moves, and by how much."""
    event = entry.event
    if isinstance(event, FlashProgrammed):
        return "flash bytes programmed", len(event.data)
    if isinstance(event, FlashErased):
        return "flash sectors erased", 1
    if isinstance(event, DatagramSent | FrameSent):
        return "packets sent", 1
    if isinstance(event, DatagramReceived | FrameReceived):
        return "packets received", 1
    return "", 0


def details(entry: Entry, secrets: bool) -> dict[str, Any]:
    """What the log says of an event besides its number and time, with long fields cut off."""
    found = entry_json(entry, secrets)
    data = {name: shortened(value) for name, value in found["data"].items()}
    return {name: found[name] for name in ("due", "cause", "because")} | {"role": entry.event.role.value, "data": data}


def shortened(value: Any) -> Any:
    """A field that can be looked at."""
    if isinstance(value, str) and len(value) > LONGEST_FIELD:
        return f"{value[:LONGEST_FIELD]}… ({len(value):,} characters)"
    return value
