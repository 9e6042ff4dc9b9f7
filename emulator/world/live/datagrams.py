"""UDP: a socket for each address and port that a phone sends from; what comes to it is the phone's."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

import trio
from attrs import Factory, define

from emulator.events import DatagramLost, DatagramReceived, DatagramSent, Payload
from emulator.world.live.inbox import Inbox

LONGEST = 65_535
SIP_PORT = 5060
PNP_GROUP = "224.0.1.75"
"""RFC 3261 s.18.1.1: sip.mcast.net."""
MOST = 64
"""Sockets of one phone; beyond that the one that was used least recently is closed."""
BATCH = 50
"""Datagrams that are read in one go."""

Key = tuple[str, int]


@define(eq=False)
class Port:
    """An open socket. phones: who uses it, the last user last."""

    key: Key
    socket: socket.socket
    phones: dict[int, None]
    scope: trio.CancelScope = Factory(trio.CancelScope)


@define
class Datagrams:
    """The UDP sockets of all phones. device: the interface that they are bound to, "" for whichever has the address."""

    inbox: Inbox
    nursery: trio.Nursery
    device: str = ""
    ports: dict[Key, Port] = Factory(dict)

    def send(self, phone: int, event: DatagramSent) -> str:
        """Send a datagram; the reason if it cannot be sent, "" if it is on its way."""
        key = event.source, event.source_port
        try:
            port = self.ports.get(key) or self._open(key)
        except OSError as error:
            return "port-taken" if error.errno == errno.EADDRINUSE else "unreachable"
        self._used_by(port, phone)
        try:
            self._lifetime(port.socket, event)
            port.socket.sendto(event.payload, (event.destination, event.port))
        except BlockingIOError:
            return "queue-full"
        except OSError:
            return "unreachable"
        return ""

    def listen(self, phone: int, address: str) -> None:
        """A phone with this address can be told something by SIP at any time."""
        key = address, SIP_PORT
        with suppress(OSError):
            self._used_by(self.ports.get(key) or self._open(key), phone)

    def leave(self, phone: int) -> None:
        """A phone has lost its power or its address."""
        for port in list(self.ports.values()):
            if port.phones.pop(phone, 0) is None and not port.phones:
                self._close(port)

    def close(self) -> None:
        """Close every socket."""
        for port in list(self.ports.values()):
            self._close(port)

    def _open(self, key: Key) -> Port:
        made = socket.socket(socket.AF_INET6 if ":" in key[0] else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            if self.device:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.device.encode())
            made.bind(key)
        except BaseException:
            made.close()
            raise
        if key[1] == SIP_PORT and made.family == socket.AF_INET:
            self._join(made, key[0])
        port = Port(key, made, {})
        self.ports[key] = port
        self.nursery.start_soon(self._read, port)
        return port

    def _join(self, made: socket.socket, address: str) -> None:
        """The group of SIP plug and play (PROV-051), through the interface that has the address."""
        own = socket.inet_aton(address)
        with suppress(OSError):
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(PNP_GROUP) + own)

    def _lifetime(self, made: socket.socket, event: DatagramSent) -> None:
        if made.family != socket.AF_INET:
            return
        made.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, event.ttl)
        if event.destination.startswith("224."):
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, struct.pack("B", min(event.ttl, 255)))

    def _used_by(self, port: Port, phone: int) -> None:
        port.phones.pop(phone, None)
        port.phones[phone] = None
        # A port that was used just now comes last among those of its phone.
        self.ports[port.key] = self.ports.pop(port.key)
        own = [each for each in self.ports.values() if phone in each.phones and each.key[1] != SIP_PORT]
        for old in own[:-MOST]:
            old.phones.pop(phone)
            if not old.phones:
                self._close(old)

    def _close(self, port: Port) -> None:
        self.ports.pop(port.key, None)
        port.scope.cancel()
        trio.lowlevel.notify_closing(port.socket)
        port.socket.close()

    async def _read(self, port: Port) -> None:
        # A socket that was closed before this task began is not waited for: its number may be another's by then.
        with port.scope, suppress(trio.ClosedResourceError):
            while port.socket.fileno() != -1:
                await trio.lowlevel.wait_readable(port.socket)
                for source, payload in _arrived(port.socket):
                    received = DatagramReceived(source[0], source[1], *port.key, Payload(payload))
                    for phone in tuple(port.phones):
                        self.inbox.offer(phone, received, source[0], source[1])
                await self.inbox.room()


def _arrived(made: socket.socket) -> Iterator[tuple[tuple[str, int], bytes]]:
    """What waits in a socket, at most a batch; an ICMP error that it reports is of no use to a phone."""
    for _ in range(BATCH):
        try:
            payload, source = made.recvfrom(LONGEST)
        except BlockingIOError:
            return
        except OSError:
            continue
        yield (source[0], source[1]), payload


def lost(reason: str, event: DatagramSent) -> DatagramLost:
    """The note that a datagram did not leave this machine."""
    return DatagramLost(reason, False, event.destination, event.port)
