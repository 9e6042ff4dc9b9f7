"""What servers get and what they give back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple, Protocol

from emulator.events import COMPLETE, Headers


@lru_cache(maxsize=1024)
def usual(address: str) -> str:
    """``address`` in the usual form, so that two spellings of an IPv6 address are equal; no address stays as it is."""
    try:
        return str(ip_address(address))
    except ValueError:
        return address


@lru_cache(maxsize=64)
def pool_limits(pool: str, family: int) -> tuple[int, int]:
    """First and last address of ``first-last``, or of a single address, of this family. Raises ValueError."""
    start, _, end = pool.partition("-")
    first, last = (ip_address(each.strip()) for each in (start, end or start))
    if {first.version, last.version} != {family}:
        raise ValueError(pool)
    return int(first), int(last)


class Datagram(NamedTuple):
    """A UDP datagram on the wire. phone: index of the phone at one end of it."""

    phone: int
    source: str
    source_port: int
    destination: str
    port: int
    payload: bytes


def otherwise(headers: Headers, others: Mapping[str, str]) -> Headers:
    """Header fields with ``others`` instead of those of the same name, or behind them; "" leaves one out."""
    return tuple((name, value) for name, value in {**dict(headers), **others}.items() if value)


class Send(NamedTuple):
    """A server sends ``datagram`` after ``delay`` ns; ``lost``: the world drops it, as the scenario demands."""

    delay: int
    datagram: Datagram
    lost: bool = False


class Wake(NamedTuple):
    """A server wants :meth:`DatagramServer.wake` called with ``token`` after ``delay`` ns."""

    delay: int
    token: str


class DatagramServer(Protocol):
    """A server that speaks UDP."""

    @property
    def vlan(self) -> int | None:
        """The VLAN it is in, 0 for the untagged LAN; None if it is reached by routing, from any VLAN."""

    def listens(self, destination: str, port: int, now: int) -> bool:
        """Whether a datagram to there is for this server, now. destination: in the :func:`usual` form."""

    def receive(self, datagram: Datagram, now: int) -> Iterable[Send | Wake]:
        """What the server does about ``datagram``."""

    def wake(self, token: str, now: int) -> Iterable[Send | Wake]:
        """What the server does when it is woken."""

    def fork(self) -> DatagramServer:
        """A server that goes on from here."""


class Deliver(NamedTuple):
    """A server writes ``payload`` to one of its connections after ``delay`` ns."""

    connection: int
    payload: bytes
    delay: int = 0


class Close(NamedTuple):
    """A server closes one of its connections after ``delay`` ns. reason: "" in an orderly way, or ``reset``."""

    connection: int
    delay: int = 0
    reason: str = ""


class StreamServer(Protocol):
    """A server that speaks TCP. A connection is a number that the world gives it."""

    def serves(self, address: str, port: int) -> bool:
        """Whether connections to there are for this server, however the address is spelt."""

    def up(self, now: int) -> bool:
        """Whether it runs now."""

    def accept(self, connection: int, port: int, now: int) -> Iterable[Deliver | Close] | None:
        """A client connected to ``port``: what the server does, or None if it refuses."""

    def receive(self, connection: int, payload: bytes, now: int) -> Iterable[Deliver | Close]:
        """What the server does about bytes from a client."""

    def closed(self, connection: int) -> None:
        """The client is gone, or was told that the server is."""

    def fork(self) -> StreamServer:
        """A server that goes on from here."""


class Request(NamedTuple):
    """A file request. scheme: http, https, tftp, ftp; target: path with query, for a proxy the whole URL; limit: bytes
    of body."""

    scheme: str
    address: str
    port: int
    target: str
    headers: Headers
    user: str
    password: str
    checks: bool
    limit: int
    idle_limit: int

    def header(self, name: str) -> str | None:
        """First header called ``name`` (any case), or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


class Answer(NamedTuple):
    """What comes back. status: HTTP status, TFTP error code or FTP reply code; delay: ns; end: how it ended."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    delay: int = 0
    end: str = COMPLETE


class FileService(Protocol):
    """A server that answers requests for files. It keeps no state, so forks of a world share it."""

    @property
    def address(self) -> str:
        """The address of its host, in the :func:`usual` form."""

    def serves(self, address: str, port: int, scheme: str) -> bool:
        """Whether requests to there are for this server."""

    def up(self, now: int) -> bool:
        """Whether it runs now."""

    def answer(self, request: Request, now: int) -> Answer:
        """Its answer to ``request``."""
