"""The world of a record: what happened to its phones happens again, and whoever is asked answers as it did there.

It is for stories whose servers nobody can simulate: a recording of real servers that is to go on otherwise. An order is
known by what it asks for, so an order that comes at another time, or again, is answered as its like was; one that has
no like in the record is not answered. Names that the phone draws (xid, branch, tag, Call-ID) and its ports are put
into the answers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from io import BytesIO
from typing import NamedTuple

import attrs
from attrs import Factory, define, field

from emulator.events import (
    SECOND,
    DatagramReceived,
    DatagramSent,
    Entry,
    Event,
    FileAnswered,
    FileRequested,
    FrameSent,
    HttpAnswered,
    HttpRequested,
    LinkDown,
    LinkUp,
    Payload,
    PowerOn,
    Role,
    TimerDue,
    VlanChosen,
)
from emulator.events.codec import EventDecoder
from emulator.log import jsonl
from emulator.log.store import LogError
from emulator.phone.machine import Settled
from emulator.world import changes
from emulator.world.agenda import WORLD, Agenda
from emulator.world.echo import echoed, kind_of
from emulator.world.scenario import ActionSpec, Duration, Scenario
from emulator.world.servers.files import Place, place_of
from emulator.world.streams import Streams

Key = tuple[object, ...]
"""What an order asks for."""
DEEDS: dict[type[Event], str] = {PowerOn: "power-on", LinkUp: "link-up", LinkDown: "link-down"}
"""Inputs that are a hand at the phone's plugs."""
TRIES = 16
"""How often an input that came right after another lets others of this time go first."""
ARRIVAL = "arrival"
"""The item of the agenda at which what is due arrives."""
ANSWERED_WITHIN = 60 * SECOND
"""What comes later than this is no answer any more."""


class Reply(NamedTuple):
    """What came of an order. n: its number in the record; delay: from the order on (ns)."""

    n: int
    delay: int
    event: Event


class Exchange(NamedTuple):
    """An order of the record and everything that came of it."""

    order: Entry
    replies: tuple[Reply, ...]


class Coming(NamedTuple):
    """An answer on its way to a phone. n: its number in the record; order: what it answers."""

    due: int
    n: int
    order: int
    phone: int
    event: Event
    boot: int | None


class Behind(NamedTuple):
    """Something from outside that came at the very time of another input, and right after it. place: which of the
    inputs it was; tries: how often it still lets others go first."""

    place: int
    entry: Entry
    tries: int = TRIES


class Asked(NamedTuple):
    """An order whose answers are to be looked up once its phone has settled."""

    entry: Entry
    ordinal: int
    boot: int


@define
class Record:
    """A run that happened. outside: inputs that nothing in it caused; exchanges: by what was asked for, in order;
    orders: number and key of everything asked for; inputs: number, phone and kind, and due time (ns), of all that was
    taken; plugs: number of a power-on and how it found the cable; entropy: of each phone's power-ons, with their
    numbers."""

    outside: list[Entry] = Factory(list)
    exchanges: dict[Key, list[Exchange]] = Factory(lambda: defaultdict(list))
    orders: list[tuple[int, Key]] = Factory(list)
    inputs: list[tuple[int, changes.Place, int]] = Factory(list)
    plugs: list[tuple[int, Entry]] = Factory(list)
    entropy: dict[int, list[tuple[int, str]]] = Factory(lambda: defaultdict(list))

    @classmethod
    def of(cls, entries: Sequence[Entry], real: bool = False) -> Record:
        """The record of a whole log. real: its servers were real, so that no datagram names what it answers."""
        record = cls()
        orders = {e.n: e for e in entries if is_question(e.event)}
        replies: dict[int, list[Reply]] = defaultdict(list)
        asked: dict[Key, Entry] = {}
        started: dict[int, Entry] = {}
        for entry in entries:
            event = entry.event
            if isinstance(event, DatagramSent):
                asked[entry.phone, event.source_port, event.port] = asked[entry.phone, event.source_port] = entry
            if event.role is Role.INPUT:
                record.inputs.append((entry.n, (entry.phone, event.kind), fell_due(entry)))
            if event.role is not Role.INPUT or isinstance(event, TimerDue):
                continue
            if isinstance(event, LinkUp | LinkDown) and entry.phone in started:
                record._plugged(started.pop(entry.phone), entry)
                continue
            if isinstance(event, PowerOn):
                record.entropy[entry.phone].append((entry.n, event.entropy))
                started[entry.phone] = entry
            order = orders.get(entry.cause or 0) or (provoking(entry, asked) if real else None)
            if order is not None:
                replies[order.n].append(Reply(entry.n, fell_due(entry) - order.time, event))
            elif entry.cause is None:
                record.outside.append(entry)
        for n, order in orders.items():
            key = key_of(order)
            record.orders.append((n, key))
            record.exchanges[key].append(Exchange(order, tuple(replies[n])))
        return record

    def taken(self, upto: int) -> Counter[changes.Place]:
        """How many inputs of each kind each phone had taken after the first ``upto`` events."""
        return Counter(place for n, place, _ in self.inputs if n <= upto)

    def _plugged(self, on: Entry, link: Entry) -> None:
        """A phone that starts finds its cable in or out; if it is out, somebody has pulled it before."""
        self.plugs.append((on.n, link))
        if isinstance(link.event, LinkDown) and on in self.outside:
            self.outside.insert(self.outside.index(on), attrs.evolve(on, event=link.event))


def is_question(event: Event) -> bool:
    """Whether a world may answer this."""
    return event.role is Role.ORDER and event.orders != "timer"


def fell_due(entry: Entry) -> int:
    """When an input was there (ns)."""
    return entry.time if entry.due is None else entry.due


def provoking(entry: Entry, asked: dict[Key, Entry]) -> Entry | None:
    """In a live run no input names the datagram that it answers: it is the last one from its port, to its sender if
    there was one, and not long ago."""
    event = entry.event
    if not isinstance(event, DatagramReceived) or entry.cause is not None:
        return None
    found = asked.get((entry.phone, event.port, event.source_port)) or asked.get((entry.phone, event.port))
    return found if found is not None and fell_due(entry) - found.time <= ANSWERED_WITHIN else None


def key_of(entry: Entry) -> Key:
    """What an order asks for, whenever it is asked."""
    event = entry.event
    if isinstance(event, DatagramSent):
        return entry.phone, event.kind, kind_of(event.payload), event.destination, event.port
    if isinstance(event, FrameSent):
        return entry.phone, event.kind, event.payload[:6], event.payload[12:14], kind_of(event.payload[14:])
    if isinstance(event, HttpRequested):
        return entry.phone, event.kind, event.method, event.host, event.port, event.target
    if isinstance(event, FileRequested):
        return entry.phone, event.kind, event.scheme, event.address, event.port, event.path
    fields = attrs.asdict(event, recurse=False)
    named = tuple((name, fields[name]) for name in ("name", "address", "port", "payload") if name in fields)
    return entry.phone, event.kind, *named


class RecordedStreams(Streams):
    """Random streams in which the entropy of phones is that of a record, as long as it lasts."""

    __slots__ = ("entropy",)

    def __init__(self, seed: int, record: Record, upto: int = 0) -> None:
        super().__init__(seed)
        self.entropy = {
            f"entropy/{phone}": tuple(drawn for n, drawn in found if n > upto)
            for phone, found in record.entropy.items()
        }

    def bytes(self, stream: str) -> bytes:
        """The next 32 bytes of ``stream``."""
        drawn = self.entropy.get(stream)
        if drawn:
            self.entropy[stream] = drawn[1:]
            return bytes.fromhex(drawn[0])
        return super().bytes(stream)

    def fork(self) -> RecordedStreams:
        """Streams that go on from here."""
        twin = RecordedStreams(self.seed, Record())
        twin.counters, twin.entropy = dict(self.counters), dict(self.entropy)
        return twin


@define
class RecordedWorld:
    """The world of ``record``. upto: the event of it after which the story goes on by itself, 0 for the whole of it;
    asked: how often each thing has been asked for; coming: what is on its way to the phones, those of one time in the
    order of the record; served: files that stand in the place of answers; taken: how many inputs
    were taken so far."""

    record: Record
    upto: int = 0
    asked: dict[Key, int] = Factory(dict)
    coming: list[Coming] = Factory(list)
    served: dict[Place, bytes] = Factory(dict)
    taken: int = 0
    name: str = field(default="recorded", init=False)

    def open(self, agenda: Agenda, phones: int) -> None:
        """Put on the agenda what comes by itself, and what is still to come of what has been asked."""
        for n, key in self.record.orders:
            if n <= self.upto:
                self.asked[key] = self.asked.get(key, 0) + 1
        times = {n: (place, due) for place, (n, _, due) in enumerate(self.record.inputs)}
        dues = [due for _, _, due in self.record.inputs]
        self.taken = sum(n <= self.upto for n in times)
        for entry in self.record.outside:
            place, due = times[entry.n]
            own = self.record.inputs[place][1][1] == entry.event.kind
            if entry.n > self.upto and own and place and dues[place - 1] == due:
                agenda.later(due, WORLD, Behind(place, entry))
            elif entry.n > self.upto:
                agenda.later(due, entry.phone, deed(entry.event, due, entry.phone))

    def pending(self, agenda: Agenda, boots: Mapping[int, int], streams: Streams) -> None:
        """Put on its way what came, after ``upto``, of what was asked before. boots: power cycle of each phone;
        streams: of the run, which lose the entropy of a restart that is under way."""
        for on, link in self.record.plugs:
            if on <= self.upto < link.n:
                agenda.later(fell_due(link), link.phone, link.event)
        for exchanges in self.record.exchanges.values():
            for order, replies in exchanges:
                for reply in (each for each in replies if order.n <= self.upto < each.n):
                    due, cycle = order.time + reply.delay, boots[order.phone]
                    if isinstance(reply.event, PowerOn):
                        streams.bytes(f"entropy/{order.phone}")
                        agenda.later(due, order.phone, reply.event, order.n, cycle)
                        continue
                    boot = cycle if reply.event.answers else None
                    self.bring(agenda, Coming(due, reply.n, order.n, order.phone, reply.event, boot))

    def bring(self, agenda: Agenda, coming: Coming) -> None:
        """Put something on its way."""
        heappush(self.coming, coming)
        agenda.later(coming.due, WORLD, ARRIVAL)

    # --- what phones order ------------------------------------------------------------------------------------------

    def send(self, agenda: Agenda, entry: Entry, event: DatagramSent, cable: bool) -> None:
        """A datagram leaves a phone."""
        self.ask(agenda, entry, 0, 0, cable)

    def send_frame(self, agenda: Agenda, entry: Entry, event: FrameSent, cable: bool) -> None:
        """A frame leaves a phone."""
        self.ask(agenda, entry, 0, 0, cable)

    def ask(self, agenda: Agenda, entry: Entry, ordinal: int, boot: int, cable: bool) -> None:
        """A phone wants something; what comes of it is looked up when all that it does now is on the agenda, so that
        what falls due at the same time comes in the order in which it came."""
        if cable:
            agenda.later(entry.time, WORLD, Asked(entry, ordinal, boot), entry.n)

    def happen(self, agenda: Agenda, now: int, what: Asked | Behind | str, cause: int | None) -> None:
        """What is due arrives; a question gets the next answer that the record has for it, or the last."""
        if isinstance(what, Asked):
            self.answer(agenda, now, what)
            return
        if isinstance(what, Behind):
            if self.taken < what.place and what.tries:
                agenda.later(now, WORLD, what._replace(tries=what.tries - 1))
            else:
                agenda.later(now, what.entry.phone, deed(what.entry.event, now, what.entry.phone))
            return
        while self.coming and self.coming[0].due <= now:
            each = heappop(self.coming)
            agenda.later(each.due, each.phone, deed(each.event, each.due, each.phone), each.order, each.boot)

    def answer(self, agenda: Agenda, now: int, what: Asked) -> None:
        """Put on its way what the record has for a question."""
        entry, event = what.entry, what.entry.event
        if isinstance(event, HttpRequested | FileRequested) and place_asked(event) in self.served:
            made = served(event, what.ordinal, self.served[place_asked(event)])
            agenda.later(now, entry.phone, made, entry.n, what.boot)
            return
        key = key_of(entry)
        exchanges = self.record.exchanges.get(key)
        if not exchanges:
            return
        place = self.asked.get(key, 0)
        self.asked[key] = place + 1
        exchange = exchanges[min(place, len(exchanges) - 1)]
        for reply in exchange.replies:
            made = echoed(exchange.order.event, event, reply.event, what.ordinal)
            boot = what.boot if made.answers else None
            self.bring(agenda, Coming(entry.time + reply.delay, reply.n, entry.n, entry.phone, made, boot))

    def serve(self, url: str, body: bytes) -> None:
        """From now on, what is asked for as ``url`` is this file. Raises ChangeError for a URL that is none."""
        self.served[place_of(url, {})] = body

    # --- what needs nothing -----------------------------------------------------------------------------------------

    def follow(self, settled: Settled) -> None:
        """One input more was taken."""
        self.taken += 1

    def port_up(self, phone: int) -> None:
        """What a switch says is in the record."""

    def choose_vlan(self, phone: int, event: VlanChosen) -> None:
        """Answers came through the VLAN that the phone had chosen."""

    def notify(self, agenda: Agenda, now: int, phone: int, address: str, source: str, event: str) -> None:
        """NOTIFYs that came are in the record."""

    def fork(self, streams: Streams) -> RecordedWorld:
        """A world that goes on from here."""
        return RecordedWorld(
            self.record, self.upto, dict(self.asked), self.coming.copy(), dict(self.served), self.taken
        )


def place_asked(event: HttpRequested | FileRequested) -> Place:
    """The place of the file that a phone asks for."""
    if isinstance(event, HttpRequested):
        return Place("https" if event.tls else "http", event.host, event.port, event.target)
    return Place(event.scheme, event.host, event.port, event.path)


def deed(event: Event, due: int, phone: int) -> Event | ActionSpec:
    """An input of the record. Power and cable are the run's to move, so that it knows how they are."""
    do = DEEDS.get(type(event))
    return event if do is None else ActionSpec(Duration(due), do, phone=phone)


def read_record(scenario: Scenario) -> Record:
    """The record that a scenario names. Raises LogError, or EventError for events of another program."""
    assert scenario.record is not None
    parsed = jsonl.parse(BytesIO(scenario.content[scenario.record]), scenario.record)
    if parsed.header.phones != scenario.phone.count:
        raise LogError(f"{scenario.record}: has {parsed.header.phones} phones, the scenario {scenario.phone.count}")
    decoder = EventDecoder(parsed.blobs.__getitem__)
    return Record.of([row.entry(decoder) for row in parsed.rows], parsed.header.world != "simulated")


def served(event: HttpRequested | FileRequested, ordinal: int, body: bytes) -> Event:
    """A file as the answer to a request."""
    if isinstance(event, HttpRequested):
        headers = (("Content-Length", str(len(body))),)
        return HttpAnswered(event.name, ordinal, 200, headers, Payload(body), "complete")
    return FileAnswered(event.name, ordinal, 226, Payload(body), "complete")
