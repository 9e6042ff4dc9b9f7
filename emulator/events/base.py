"""What an event is, and the entry of the log that carries it.

Events are small frozen classes that hold only ``int``, ``bool``, ``str``, ``bytes``, ``None`` and fully typed tuples
of these, so nothing aliases the state of a phone. They say *what* happened. *When*, *to whom* and *why* is on the
:class:`Entry`, which the loop stamps.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, NamedTuple

import attrs

from emulator.events.masking import printable


class Role(Enum):
    """Which side of the phone an event stands on."""

    INPUT = "input"
    """Happened to the phone: a packet, an answer, a timer that is due, a key, the power."""
    ORDER = "order"
    """The phone asks its world to do something: send, fetch, wake it up."""
    FACT = "fact"
    """The phone's own record of what it read or decided. Nobody has to act on it."""


class Payload(bytes):
    """Bytes from or for the outside, usually text (SIP, XML).

    The log writes them as readable text under a lossless escape rule, or as a blob when they are long
    (:mod:`emulator.events.codec`).
    """

    __slots__ = ()


@attrs.frozen
class Event:
    """Base of every event.

    ``kind`` is the name in the log. A changed event class gets a new kind (``Name/2``) and an upcaster, so that old
    logs stay readable.
    """

    kind: ClassVar[str] = ""
    role: ClassVar[Role] = Role.FACT
    answers: ClassVar[str] = ""
    """For an input: the family of orders it answers (``timer``, ``http`` ...). It then has ``name`` and ``ordinal``."""
    ends: ClassVar[bool] = True
    """For an answer: whether its order is done with it. A stream goes on after it was opened, and after each piece."""
    orders: ClassVar[str] = ""
    """For an order that will be answered: its family. It then has ``name``."""
    mark: ClassVar[str] = " "
    """One character in front of the line in a timeline."""

    def __init_subclass__(cls) -> None:
        if "kind" not in cls.__dict__:
            cls.kind = cls.__name__

    def text(self) -> str:
        """One line for a person: without secrets, and whatever a peer sent, without control characters."""
        return printable(self._line())

    def _line(self) -> str:
        return ""


class Because(NamedTuple):
    """An event together with its grounds.

    ``grounds`` are the numbers of the entries whose facts the decision read from the state, also when the fact was
    that something is absent.
    """

    event: Event
    grounds: tuple[int, ...]


@attrs.define
class Entry:
    """One line of the log.

    n: number in the run, counted from 1 without gaps.
    time: when the phone took or made it, in ns of virtual time.
    due: for inputs, when it fell due; the phone may have been busy with its flash until ``time``. None for the rest.
    phone: index of the phone in its run.
    cause: number of the entry that triggered it, or None for an input that nothing in this run caused.
    because: numbers of the entries whose facts the decision read.
    """

    n: int
    time: int
    due: int | None
    phone: int
    cause: int | None
    because: tuple[int, ...]
    event: Event
