"""TCP connections of the phone: opened, written to, read from, closed.

A stream is an order of the family ``stream`` that stays open while its pieces come in, until the peer ends it
(:class:`StreamClosed`) or the phone does (:class:`StreamShut`).
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from emulator.events.base import Event, Payload, Role
from emulator.events.masking import hide_login


@frozen
class StreamRequested(Event):
    """Connect to a TCP port. A stream of the same name that is still open is forgotten.

    connect_limit: ns until the connection has to stand; idle_limit: ns without a byte either way on any of the
    phone's connections with that address, after which the world gives up (PROV-119).
    """

    role: ClassVar[Role] = Role.ORDER
    orders: ClassVar[str] = "stream"
    mark: ClassVar[str] = "→"
    name: str
    address: str
    port: int
    connect_limit: int
    idle_limit: int

    def _line(self) -> str:
        return f"TCP {self.name}: connect to {self.address}:{self.port}"


@frozen
class StreamSent(Event):
    """Bytes for the open stream ``name``."""

    role: ClassVar[Role] = Role.ORDER
    mark: ClassVar[str] = "→"
    name: str
    payload: Payload

    def _line(self) -> str:
        first = self.payload.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "replace")
        return f"TCP {self.name}: {hide_login(first)}"


@frozen
class StreamShut(Event):
    """The phone closes the stream ``name``; nothing of it comes in any more."""

    role: ClassVar[Role] = Role.ORDER
    mark: ClassVar[str] = "→"
    name: str

    def _line(self) -> str:
        return f"TCP {self.name}: closed by the phone"


@frozen
class StreamOpened(Event):
    """The connection stands."""

    role: ClassVar[Role] = Role.INPUT
    answers: ClassVar[str] = "stream"
    ends: ClassVar[bool] = False
    mark: ClassVar[str] = "←"
    name: str
    ordinal: int

    def _line(self) -> str:
        return f"TCP {self.name}: connected"


@frozen
class StreamReceived(Event):
    """The next bytes of the stream, in order; where one piece ends and the next begins means nothing."""

    role: ClassVar[Role] = Role.INPUT
    answers: ClassVar[str] = "stream"
    ends: ClassVar[bool] = False
    mark: ClassVar[str] = "←"
    name: str
    ordinal: int
    payload: Payload

    def _line(self) -> str:
        return f"TCP {self.name}: {len(self.payload):,} bytes"


@frozen
class StreamClosed(Event):
    """The stream is over, or never came to be.

    reason: "" if the peer closed it in an orderly way, else ``refused``, ``connect-timeout``, ``idle-timeout``,
    ``reset`` or another fixed code of the world.
    """

    role: ClassVar[Role] = Role.INPUT
    answers: ClassVar[str] = "stream"
    mark: ClassVar[str] = "←"
    name: str
    ordinal: int
    reason: str

    def _line(self) -> str:
        return f"TCP {self.name}: {self.reason or 'closed by the peer'}"
