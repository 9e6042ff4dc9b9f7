"""Real peers on loopback for the tests of the live world: they say whatever a test wants, byte by byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from attrs import Factory, define

Talk = Callable[[socket.socket, "Peer"], None]
"""What a server does with one connection."""


@define
class Peer:
    """A TCP server in a thread. seen: what each connection has said; released: set when the test is over."""

    port: int
    seen: list[bytes] = Factory(list)
    released: threading.Event = Factory(threading.Event)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/"


@contextmanager
def serving(talk: Talk) -> Iterator[Peer]:
    """A server that does ``talk`` with every connection, on a port of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=300) as listener:
        peer = Peer(listener.getsockname()[1])
        threads: list[threading.Thread] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threads.append(threading.Thread(target=one, args=(connection,), daemon=True))
                    threads[-1].start()

        def one(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                talk(connection, peer)

        main = threading.Thread(target=accept, daemon=True)
        main.start()
        try:
            yield peer
        finally:
            peer.released.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            main.join(5)
            for each in threads:
                each.join(5)


def request_in(connection: socket.socket, peer: Peer) -> bytes:
    """The head of a request, as it came."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece:
            break
        data += piece
    peer.seen.append(data)
    return data


def files(bodies: dict[str, bytes], more: str = "") -> Talk:
    """A server of files by path: 200 or 404, a length, and the connection is closed. more: header lines."""

    def talk(connection: socket.socket, peer: Peer) -> None:
        _, _, rest = request_in(connection, peer).partition(b" ")
        path = rest.partition(b" ")[0].decode()
        body = bodies.get(path)
        if body is None:
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        else:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
            connection.sendall(head.encode() + body)

    return talk


def saying(*pieces: bytes, stay: bool = False) -> Talk:
    """A server that answers a request with these bytes, and then hangs up, or stays silent."""

    def talk(connection: socket.socket, peer: Peer) -> None:
        request_in(connection, peer)
        for piece in pieces:
            connection.sendall(piece)
        if stay:
            peer.released.wait(30)

    return talk
