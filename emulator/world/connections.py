"""TCP between phones and virtual servers: connections, their pieces in order, and how long nothing may come.

A lost segment is sent again and only costs time; nothing is lost, doubled or out of order. A server writes in pieces
of any size, and a piece passes the link as one segment would.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import attrs

from emulator.events import (
    Entry,
    Event,
    Payload,
    StreamClosed,
    StreamOpened,
    StreamReceived,
    StreamRequested,
    StreamSent,
    StreamShut,
)
from emulator.world.agenda import WORLD, Agenda
from emulator.world.link import Link
from emulator.world.servers.base import Close, Deliver, StreamServer


@attrs.define
class Connection:
    """One connection, or the attempt at one. n, ordinal, boot: of the phone's order.

    server: index, -1 before it is accepted. outward, inward: when the last segment of that direction arrives (ns);
    None once one cannot pass, and so nothing behind it either.
    """

    phone: int
    n: int
    ordinal: int
    boot: int
    order: StreamRequested
    server: int = -1
    outward: int | None = 0
    inward: int | None = 0


class Handshake(NamedTuple):
    """The first round trip of a connection is over."""

    connection: int


class ToServer(NamedTuple):
    """Bytes reach the server; None: the phone closed the connection."""

    connection: int
    payload: bytes | None


class ToPhone(NamedTuple):
    """Bytes reach the phone; text: the connection is over for this reason."""

    connection: int
    what: bytes | str


class Silence(NamedTuple):
    """Time to see whether anything passed."""

    connection: int


Happening = Handshake | ToServer | ToPhone | Silence


class Connections:
    """All connections of a world. heard: when a byte last passed between a phone and an address (ns)."""

    def __init__(self, link: Link, servers: Sequence[StreamServer]) -> None:
        self.link = link
        self.servers = list(servers)
        self.live: dict[int, Connection] = {}
        self.names: dict[tuple[int, str], int] = {}
        self.heard: dict[tuple[int, str], int] = {}
        self.count = 0

    def fork(self, link: Link) -> Connections:
        """Connections that go on from here, over ``link``."""
        twin = Connections(link, [server.fork() for server in self.servers])
        twin.live = {number: attrs.evolve(connection) for number, connection in self.live.items()}
        twin.names, twin.heard, twin.count = dict(self.names), dict(self.heard), self.count
        return twin

    # --- what phones order ------------------------------------------------------------------------------------------

    def request(self, agenda: Agenda, entry: Entry, event: StreamRequested, ordinal: int, boot: int, up: bool) -> None:
        """A phone connects. up: whether the host is; nothing answers for one that is not."""
        self.forget(self.names.get((entry.phone, event.name), 0))
        self.count += 1
        number, now = self.count, entry.time
        connection = Connection(entry.phone, entry.n, ordinal, boot, event)
        self.live[number] = connection
        self.names[entry.phone, event.name] = number
        delay = self.link.exchange(entry.phone, now, event.connect_limit) if up else None
        if delay is None:
            self.later(agenda, now + event.connect_limit, ToPhone(number, "connect-timeout"))
        else:
            self.later(agenda, now + delay, Handshake(number))

    def send(self, agenda: Agenda, entry: Entry, event: StreamSent | StreamShut) -> None:
        """A phone writes to a connection, or closes it."""
        number = self.names.get((entry.phone, event.name), 0)
        connection = self.live.get(number)
        if connection is None:
            return
        if isinstance(event, StreamShut):
            del self.names[entry.phone, event.name]
        else:
            self.note(connection, entry.time)
        connection.outward = self.arrival(connection, False, entry.time, connection.outward)
        if connection.outward is not None:
            payload = event.payload if isinstance(event, StreamSent) else None
            self.later(agenda, connection.outward, ToServer(number, payload))

    # --- what happens inside ----------------------------------------------------------------------------------------

    def happen(self, agenda: Agenda, now: int, what: Happening) -> None:
        """An item of the agenda that is for a connection; one that is over by then has none."""
        connection = self.live.get(what.connection)
        if connection is None:
            return
        if isinstance(what, Handshake):
            self.accept(agenda, now, what.connection, connection)
        elif isinstance(what, ToServer):
            self.reach_server(agenda, now, what, connection)
        elif isinstance(what, ToPhone):
            self.reach_phone(agenda, now, what, connection)
        else:
            self.listen(agenda, now, what.connection, connection)

    def accept(self, agenda: Agenda, now: int, number: int, connection: Connection) -> None:
        """The server that listens there takes the connection, or the host refuses it."""
        order = connection.order
        for index, server in enumerate(self.servers):
            if not server.serves(order.address, order.port) or not server.up(now):
                continue
            done = server.accept(number, order.port, now)
            if done is None:
                break
            connection.server = index
            connection.outward = connection.inward = now
            self.note(connection, now)
            self.tell(agenda, now, connection, StreamOpened(order.name, connection.ordinal))
            self.later(agenda, now + order.idle_limit, Silence(number))
            self.carry_out(agenda, now, done)
            return
        self.over(agenda, now, number, connection, "refused")

    def reach_server(self, agenda: Agenda, now: int, what: ToServer, connection: Connection) -> None:
        """Bytes, or the end, arrive at the server."""
        if what.payload is None:
            self.forget(what.connection)
        elif connection.server >= 0:
            server = self.servers[connection.server]
            self.carry_out(agenda, now, server.receive(what.connection, what.payload, now))

    def reach_phone(self, agenda: Agenda, now: int, what: ToPhone, connection: Connection) -> None:
        """Bytes, or the end, arrive at the phone."""
        if isinstance(what.what, str):
            self.over(agenda, now, what.connection, connection, what.what)
            return
        self.note(connection, now)
        order = connection.order
        self.tell(agenda, now, connection, StreamReceived(order.name, connection.ordinal, Payload(what.what)))

    def listen(self, agenda: Agenda, now: int, number: int, connection: Connection) -> None:
        """Give up a connection with whose host nothing was exchanged for too long; else look again in time."""
        order = connection.order
        until = self.heard[connection.phone, order.address] + order.idle_limit
        if now >= until:
            self.over(agenda, now, number, connection, "idle-timeout")
        else:
            self.later(agenda, until, Silence(number))

    def carry_out(self, agenda: Agenda, now: int, done: Iterable[Deliver | Close]) -> None:
        """What a server wants done with its connections."""
        for action in done:
            connection = self.live.get(action.connection)
            if connection is None:
                continue
            connection.inward = self.arrival(connection, True, now + action.delay, connection.inward)
            if connection.inward is not None:
                what = action.payload if isinstance(action, Deliver) else action.reason
                self.later(agenda, connection.inward, ToPhone(action.connection, what))

    def arrival(self, connection: Connection, inward: bool, sent: int, before: int | None) -> int | None:
        """When a segment arrives, never ahead of the one ``before`` it; None if it cannot pass in time."""
        delay = self.link.passage(connection.phone, inward, sent, connection.order.idle_limit)
        return None if before is None or delay is None else max(before, sent + delay)

    def later(self, agenda: Agenda, time: int, what: Happening) -> None:
        """Put something that happens to a connection on the agenda."""
        agenda.later(time, WORLD, what)

    def note(self, connection: Connection, now: int) -> None:
        """Something passed between the phone and the host."""
        self.heard[connection.phone, connection.order.address] = now

    def tell(self, agenda: Agenda, now: int, connection: Connection, event: Event) -> None:
        """The phone's input: caused by its order, and only for the power cycle of that."""
        agenda.later(now, connection.phone, event, connection.n, connection.boot)

    def over(self, agenda: Agenda, now: int, number: int, connection: Connection, reason: str) -> None:
        """The connection ends for the phone."""
        self.tell(agenda, now, connection, StreamClosed(connection.order.name, connection.ordinal, reason))
        self.forget(number)

    def forget(self, number: int) -> None:
        """Nothing more happens on a connection; its server is told."""
        connection = self.live.pop(number, None)
        if connection is None:
            return
        if connection.server >= 0:
            self.servers[connection.server].closed(number)
        key = (connection.phone, connection.order.name)
        if self.names.get(key) == number:
            del self.names[key]
