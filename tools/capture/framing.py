"""Events of a run, one after the other, to the packets that they were or stand for."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from attrs import Factory, define

from emulator.events import (
    DatagramReceived,
    DatagramSent,
    Entry,
    FrameReceived,
    FrameSent,
    HttpAnswered,
    HttpRequested,
    LookupAnswered,
    LookupRequested,
    NameAsked,
    PowerLost,
    PowerOff,
    PowerOn,
    RestartOrdered,
    StreamClosed,
    StreamOpened,
    StreamReceived,
    StreamRequested,
    StreamSent,
    StreamShut,
)
from emulator.wire.ip import TCP, TTL, UDP, packets, udp
from tools.capture import http, names
from tools.capture.connection import Connection
from tools.capture.station import Station

FIRST_PORT, PORTS = 49_152, 16_384
"""Dynamic ports (RFC 6335 s.6): the connections of a run take one after the other."""
END_OF_POWER = (PowerOn, PowerOff, PowerLost, RestartOrdered)


class Framed(NamedTuple):
    """A frame on the wire. time: ns of the run; n: number of its event; outward: whether the phone sent it."""

    time: int
    n: int
    phone: int
    outward: bool
    data: bytes
    comment: str


class Asked(NamedTuple):
    """A look-up that is not over. number: of the first message; name: encoded; ends: of the phone and its server."""

    number: int
    name: bytes
    families: tuple[int, ...]
    ends: tuple[tuple[str, int], tuple[str, int]]


class Fetching(NamedTuple):
    """A request that is not over."""

    request: HttpRequested
    connection: Connection


@define
class Framer:
    """Takes the entries of a run in their order. Orders that are open are kept by (phone, name), as the phone does."""

    packets: list[Framed] = Factory(list)
    stations: dict[int, Station] = Factory(dict)
    requests: dict[tuple[int, str], Fetching] = Factory(dict)
    streams: dict[tuple[int, str], Connection] = Factory(dict)
    lookups: dict[tuple[int, str], Asked] = Factory(dict)
    connections: int = 0
    messages: int = 0
    fragmented: int = 0

    def take(self, entry: Entry) -> None:
        """Add the packets of an entry. Raises IpError, FrameError."""
        event = entry.event
        station = self.stations.get(entry.phone)
        if station is None:
            station = self.stations[entry.phone] = Station.new(entry.phone)
        station.hear(event)
        if isinstance(event, DatagramSent | DatagramReceived):
            self.datagram(station, entry, event)
        elif isinstance(event, FrameSent | FrameReceived):
            self.add(entry.time, entry.n, entry.phone, isinstance(event, FrameSent), event.payload)
        elif isinstance(event, HttpRequested | HttpAnswered):
            self.exchange(station, entry, event)
        elif isinstance(event, StreamRequested):
            self.streams[entry.phone, event.name] = self.connect(station, entry, (event.address, event.port))
        elif isinstance(event, StreamOpened | StreamSent | StreamReceived | StreamShut | StreamClosed):
            self.stream(entry, event)
        elif isinstance(event, LookupRequested | NameAsked):
            families = (4,) if isinstance(event, LookupRequested) else event.families
            self.ask(station, entry, event.name, families)
        elif isinstance(event, LookupAnswered):
            self.told(station, entry, event)
        elif isinstance(event, END_OF_POWER):
            self.forget(entry.phone)

    def finish(self) -> None:
        """No entry comes any more."""
        for connection in self.streams.values():
            connection.settle()

    def forget(self, phone: int) -> None:
        """What was open in this power cycle is no more."""
        for key in [key for key in self.streams if key[0] == phone]:
            self.streams.pop(key).settle()
        self.requests = {key: each for key, each in self.requests.items() if key[0] != phone}
        self.lookups = {key: each for key, each in self.lookups.items() if key[0] != phone}

    # --- datagrams and names ----------------------------------------------------------------------------------------

    def datagram(self, station: Station, entry: Entry, event: DatagramSent | DatagramReceived) -> None:
        """A datagram as the log has it, in as many packets as it takes."""
        data = udp(event.source, event.source_port, event.destination, event.port, event.payload)
        outward, ttl = (True, event.ttl) if isinstance(event, DatagramSent) else (False, TTL)
        self.send(station, entry.phone, (event.source, event.destination), UDP, entry.time, entry.n, outward, data, ttl)

    def ask(self, station: Station, entry: Entry, name: str, families: tuple[int, ...]) -> None:
        """The questions of a look-up."""
        labels, server = names.encoded(name), station.name_server()
        if not labels:
            return
        local = names.FIRST_LOCAL_PORT + self.messages % names.LOCAL_PORTS
        ends = (station.address_for(server), local), (server, names.PORT)
        asked = Asked(self.messages + 1, labels, families, ends)
        self.messages += len(families)
        self.lookups[entry.phone, name] = asked
        for number, family in enumerate(families, asked.number):
            self.message(station, entry, asked, True, names.question(number, labels, family))

    def told(self, station: Station, entry: Entry, event: LookupAnswered) -> None:
        """The answers, if any came."""
        asked = self.lookups.pop((entry.phone, event.name), None)
        if asked is None or event.error == "timeout":
            return
        for number, family in enumerate(asked.families, asked.number):
            data = names.response(number, asked.name, family, event.addresses, event.error)
            self.message(station, entry, asked, False, data)

    def message(self, station: Station, entry: Entry, asked: Asked, outward: bool, data: bytes) -> None:
        """One DNS message."""
        source, destination = asked.ends if outward else asked.ends[::-1]
        datagram = udp(*source, *destination, data)
        ends = source[0], destination[0]
        self.send(station, entry.phone, ends, UDP, entry.time, entry.n, outward, datagram, note=framed(""))

    # --- connections ------------------------------------------------------------------------------------------------

    def connect(self, station: Station, entry: Entry, host: tuple[str, int], note: str = "") -> Connection:
        """The SYN of a new connection."""
        port = FIRST_PORT + self.connections % PORTS
        own = station.address_for(host[0])
        self.connections += 1

        def emit(time: int, n: int, outward: bool, segment: bytes) -> None:
            ends = (own, host[0]) if outward else (host[0], own)
            self.send(station, entry.phone, ends, TCP, time, n, outward, segment, note=framed(note))

        first = self.connections << 16 & 0xFFFFFFFF
        made = Connection((own, port), host, entry.time, entry.n, emit, first, first ^ 0x80000000)
        made.ask(entry.time)
        return made

    def exchange(self, station: Station, entry: Entry, event: HttpRequested | HttpAnswered) -> None:
        """A request begins, or is over and can be told."""
        key = entry.phone, event.name
        if isinstance(event, HttpRequested):
            host = event.address, http.port_of(event)
            made = self.connect(station, entry, host, http.note_on(event))
            self.requests[key] = Fetching(event, made)
            return
        fetching = self.requests.pop(key, None)
        if fetching is not None:
            http.answer(fetching.connection, fetching.request, event, entry.time, entry.n)

    def stream(
        self, entry: Entry, event: StreamOpened | StreamSent | StreamReceived | StreamShut | StreamClosed
    ) -> None:
        """What happens on a stream that is open; one that is over has nothing on the wire any more."""
        key, time, n = (entry.phone, event.name), entry.time, entry.n
        connection = self.streams.get(key)
        if connection is None:
            return
        if isinstance(event, StreamOpened):
            connection.stand(time, n)
        elif isinstance(event, StreamSent):
            connection.say(time, n, event.payload)
        elif isinstance(event, StreamReceived):
            connection.hear(time, n, event.payload)
        else:
            del self.streams[key]
            end_stream(connection, event, time, n)

    # --- frames -----------------------------------------------------------------------------------------------------

    def send(
        self,
        station: Station,
        phone: int,
        ends: tuple[str, str],
        protocol: int,
        time: int,
        n: int,
        outward: bool,
        data: bytes,
        ttl: int = TTL,
        note: str = "",
    ) -> None:
        """Put ``data`` into packets and those into frames."""
        number = self.fragmented % 0xFFFF + 1
        pieces = list(packets(*ends, protocol, data, ttl=ttl, identification=number))
        self.fragmented += len(pieces) > 1
        frame = partial(station.outward, ends[1]) if outward else partial(station.inward, *ends)
        for piece in pieces:
            self.add(time, n, phone, outward, frame(piece), note)

    def add(self, time: int, n: int, phone: int, outward: bool, data: bytes, note: str = "") -> None:
        """One frame."""
        self.packets.append(Framed(time, n, phone, outward, data, f"event {n}{note}"))


def framed(note: str) -> str:
    """What the comment of a packet adds that is not in the log as it stands."""
    return f", framed by offhook{note}"


def end_stream(connection: Connection, event: StreamShut | StreamClosed, time: int, n: int) -> None:
    """How a stream ends, or never came to be. An unknown reason is one for which the world gave up."""
    if not connection.stands:
        if isinstance(event, StreamClosed) and event.reason == "refused":
            connection.refuse(time, n)
        else:
            connection.ask_in_vain(time)
    elif isinstance(event, StreamShut):
        connection.phone_closes(time, n)
    elif event.reason == "reset":
        connection.host_resets(time, n)
    elif event.reason == "":
        connection.host_closes(time, n)
    else:
        http.close(connection, event.reason, time, n)
