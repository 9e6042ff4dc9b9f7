"""TCP: the streams of the phones, on which they speak FTP themselves."""

from __future__ import annotations

import socket
from contextlib import suppress

import trio
from attrs import Factory, define

from emulator.events import SECOND, Entry, Payload, StreamClosed, StreamOpened, StreamReceived, StreamRequested
from emulator.world.live.inbox import Inbox
from emulator.world.live.pace import Pace

PIECE = 16_384
"""Bytes of a stream that are one input at most."""
WAITING = 1_000
"""Pieces that a phone may want to send before any of them has gone."""
PARTING = 1.0
"""Seconds in which what was ordered before the end, such as QUIT, has to go out."""

Name = tuple[int, str]
"""(phone, name of the stream)."""


@define(eq=False)
class Connection:
    """A stream that was asked for. order: what is to be sent; scope: of its task."""

    entry: Entry
    event: StreamRequested
    ordinal: int
    boot: int
    orders: trio.MemorySendChannel[bytes]
    sending: trio.MemoryReceiveChannel[bytes]
    scope: trio.CancelScope = Factory(trio.CancelScope)
    last: float = 0.0


@define
class TcpStreams:
    """The open streams of all phones."""

    inbox: Inbox
    nursery: trio.Nursery
    open: dict[Name, Connection] = Factory(dict)

    def request(self, entry: Entry, event: StreamRequested, ordinal: int, boot: int, source: str) -> None:
        """Connect from the address ``source``. A stream of the same name that is still open is forgotten."""
        name = entry.phone, event.name
        self.shut(*name)
        orders, sending = trio.open_memory_channel[bytes](WAITING)
        made = self.open[name] = Connection(entry, event, ordinal, boot, orders, sending)
        self.nursery.start_soon(self._live, name, made, source)

    def send(self, phone: int, stream: str, payload: bytes) -> None:
        """Bytes for an open stream; for one that has ended they go nowhere."""
        made = self.open.get((phone, stream))
        if made is not None:
            with suppress(trio.WouldBlock, trio.BrokenResourceError):
                made.orders.send_nowait(payload)

    def shut(self, phone: int, stream: str) -> None:
        """The phone closes a stream: what it has ordered still goes out, nothing comes in any more."""
        made = self.open.pop((phone, stream), None)
        if made is not None:
            made.orders.close()
            made.scope.deadline = trio.current_time() + PARTING

    def leave(self, phone: int) -> None:
        """A phone has lost its power or its address."""
        for name in [name for name in self.open if name[0] == phone]:
            self.open.pop(name).scope.cancel()

    async def _live(self, name: Name, made: Connection, source: str) -> None:
        reason = "cancelled"
        with made.scope:
            reason = await self._connected(made, source)
        if self.open.get(name) is made:
            del self.open[name]
            closed = StreamClosed(made.event.name, made.ordinal, reason)
            self.inbox.put(made.entry.phone, closed, made.entry.n, made.boot)

    async def _connected(self, made: Connection, source: str) -> str:
        event = made.event
        stream: trio.SocketStream | None = None
        with trio.move_on_after(event.connect_limit / SECOND):
            try:
                stream = await _connect(event.address, event.port, source)
            except ConnectionRefusedError:
                return "refused"
            except ConnectionResetError:
                return "reset"
            except OSError:
                return "unreachable"
        if stream is None:
            return "connect-timeout"
        self._put(made, StreamOpened(event.name, made.ordinal))
        reason = ""
        try:
            async with trio.open_nursery() as both:
                both.start_soon(self._send, made, stream, both.cancel_scope)
                reason = await self._receive(made, stream)
                both.cancel_scope.cancel()
        finally:
            await trio.aclose_forcefully(stream)
        return reason

    async def _send(self, made: Connection, stream: trio.SocketStream, both: trio.CancelScope) -> None:
        """Send what is ordered, until the phone closes the stream, which ends it."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for payload in made.sending:
                await stream.send_all(payload)
                made.last = trio.current_time()
            both.cancel()

    async def _receive(self, made: Connection, stream: trio.SocketStream) -> str:
        event = made.event
        pace = Pace(event.idle_limit, trio.current_time)
        while True:
            piece = None
            with trio.move_on_at(self._patience(made)):
                try:
                    piece = await stream.receive_some(PIECE)
                except trio.BrokenResourceError:
                    return "reset"
            if piece == b"":
                return ""
            if piece is None:
                if trio.current_time() >= self._patience(made):
                    return "idle-timeout"
                continue
            self._put(made, StreamReceived(event.name, made.ordinal, Payload(piece)))
            if self._data(made) and pace.too_slow(len(piece)):
                return "idle-timeout"
            await self.inbox.room()

    def _patience(self, made: Connection) -> float:
        """When to give up: an idle limit after the last byte either way on any of the phone's streams to that host."""
        return max(each.last for each in self._beside(made)) + made.event.idle_limit / SECOND

    def _data(self, made: Connection) -> bool:
        """Whether a stream carries a file and not a conversation: it is not the first one to its host."""
        return self._beside(made)[0] is not made

    def _beside(self, made: Connection) -> list[Connection]:
        """The streams of a phone to one host, oldest first, ``made`` among them."""
        ends = made.entry.phone, made.event.address
        return [c for (phone, _), c in self.open.items() if (phone, c.event.address) == ends] or [made]

    def _put(self, made: Connection, event: StreamOpened | StreamReceived) -> None:
        made.last = trio.current_time()
        phone = made.entry.phone
        if self.open.get((phone, event.name)) is made:
            self.inbox.put(phone, event, made.entry.n, made.boot)


async def _connect(address: str, port: int, source: str) -> trio.SocketStream:
    """A connection from the address ``source``. Raises OSError."""
    made = trio.socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if source:
            await made.bind((source, 0))
        await made.connect((address, port))
    except BaseException:
        made.close()
        raise
    return trio.SocketStream(made)
