"""Servers that do what no real server would, byte by byte: ``python -m tools.lab.raw KIND ADDRESS PORT``.

By itself it is a program of one of the lab's servers; :class:`Raw` and :class:`Flood` start it as such.
"""

from __future__ import annotations

import socket
import socketserver
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from attrs import field, frozen
from attrs.validators import in_

from tools.lab.addresses import FILES, PHONE
from tools.lab.authority import Authority
from tools.lab.launch import Launch, Listens

ROOT = Path(__file__).resolve().parents[2]
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
FILE = b"<PANASIPPhoneConfig><Device/></PANASIPPhoneConfig>"
NOISE = bytes(range(256)) * 16
BOMB = 200 << 20
"""Bytes that the bomb unpacks to; packed, it is shorter than the longest file the phone takes."""
FLOOD_STEP = 0.01
"""Seconds between two bursts of a flood."""


def garbage(path: bytes) -> Iterator[bytes]:
    """No HTTP at all."""
    yield NOISE


def garbage_body(path: bytes) -> Iterator[bytes]:
    """A proper answer with nothing to read in it."""
    yield OK + b"Content-Length: %d\r\n\r\n" % len(NOISE) + NOISE


def drip(path: bytes) -> Iterator[bytes]:
    """One byte a second, from the status line on, for hours."""
    for byte in OK + b"Content-Length: 200000\r\n\r\n" + FILE.ljust(200_000):
        yield bytes((byte,))
        time.sleep(1)


def drip_body(path: bytes) -> Iterator[bytes]:
    """The head at once, then one byte a second, for hours."""
    yield OK + b"Content-Length: 200000\r\n\r\n"
    for byte in FILE.ljust(200_000):
        yield bytes((byte,))
        time.sleep(1)


def endless(path: bytes) -> Iterator[bytes]:
    """A body that does not end."""
    yield OK + b"\r\n"
    while True:
        yield b" " * 65_536


def endless_head(path: bytes) -> Iterator[bytes]:
    """Header fields that do not end."""
    yield OK
    while True:
        yield b"X-Filler: %s\r\n" % (b"y" * 4000)


def bomb(path: bytes) -> Iterator[bytes]:
    """Few bytes that unpack to very many."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    packed = b"".join(packer.compress(block) for _ in range(BOMB >> 20)) + packer.flush()
    yield OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


def cut_off(path: bytes) -> Iterator[bytes]:
    """A body that ends before its time."""
    yield OK + b"Content-Length: 100000\r\n\r\n" + FILE


def redirect_self(path: bytes) -> Iterator[bytes]:
    """A redirect to where it came from."""
    yield b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % path


def redirect_file(path: bytes) -> Iterator[bytes]:
    """A redirect to a file of the phone itself."""
    yield b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


KINDS: Mapping[str, Callable[[bytes], Iterator[bytes]]] = {
    made.__name__.replace("_", "-"): made
    for made in (
        *(garbage, garbage_body, drip, drip_body, endless, endless_head, bomb, cut_off, redirect_self, redirect_file),
    )
}
"""What a server sends back, by name; it is given the path that was asked for."""


class Answer(socketserver.StreamRequestHandler):
    """Read the head of the request and send what the server's kind says."""

    made: Callable[[bytes], Iterator[bytes]]

    def handle(self) -> None:
        """One request; a client that hangs up ends it."""
        with suppress(OSError):
            first = self.rfile.readline(4096).split()
            while self.rfile.readline(4096).strip():
                pass
            for chunk in type(self).made(first[1] if len(first) > 1 else b"/"):
                self.wfile.write(chunk)


class Threads(socketserver.ThreadingTCPServer):
    """A thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True


def serve(kind: str, address: str, port: int) -> None:
    """Answer for ever."""
    handler = type("Handler", (Answer,), {"made": staticmethod(KINDS[kind])})
    with Threads((address, port), handler) as server:
        server.serve_forever()


def flood(address: str, port: int, rate: int) -> None:
    """Send so many datagrams a second of nothing sensible, and SIP that begins well."""
    payloads = (NOISE[:512], b"NOTIFY sip:x SIP/2.0\r\nVia: ", b"SIP/2.0 200 OK\r\n\r\n", b"")
    burst = round(rate * FLOOD_STEP)
    started, sent = time.monotonic(), 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        while True:
            for _ in range(burst):
                with suppress(OSError):
                    out.sendto(payloads[sent % len(payloads)], (address, port))
                sent += 1
            time.sleep(max(0.0, started + sent / rate - time.monotonic()))


@frozen
class Raw:
    """The lab's own server of a kind, by HTTP."""

    kind: str = field(validator=in_(tuple(KINDS)))

    program = sys.executable

    def launch(self, folder: Path, authority: Authority) -> Launch:
        """This module as a program."""
        return Launch(words(self.kind, FILES, 80), listens=(Listens("tcp", 80, FILES),), environment=PATHS)


@frozen
class Flood:
    """Datagrams to a port of the phone. rate: a second."""

    port: int
    rate: int = 10_000

    program = sys.executable

    def launch(self, folder: Path, authority: Authority) -> Launch:
        """This module as a program. It listens nowhere."""
        return Launch(words("flood", PHONE, self.port, self.rate), environment=PATHS)


PATHS = {"PYTHONPATH": str(ROOT)}


def words(*arguments: str | int) -> tuple[str, ...]:
    """The arguments of Python that start this module."""
    return ("-m", "tools.lab.raw", *map(str, arguments))


def main(arguments: list[str]) -> None:
    """KIND ADDRESS PORT, or ``flood`` ADDRESS PORT RATE."""
    kind, address, *numbers = arguments
    if kind == "flood":
        flood(address, *map(int, numbers))
    else:
        serve(kind, address, int(numbers[0]))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(sys.argv[1:])
