"""What an answer to "why" is made of: values, and nothing that reads or prints."""

from __future__ import annotations

from attrs import frozen

from emulator.events import Entry
from emulator.log.store import RunInfo


@frozen
class Node:
    """One sentence of a chain.

    entry: the event it is about, None where it stands for many that are left out; link: how it explains the line that
    it belongs to: "" for the target, ``cause``, ``because``, ``flash`` (it wrote what was read from the flash),
    ``implied`` (the other rests on it and does not say so), ``gap`` (events left out) or ``broken`` (a reference that
    leads nowhere); depth: 0 on the chain of causes, one more for each ground of a ground; also: numbers of other events
    that the sentence tells, the packet for example; shared: numbers of grounds that another line tells.
    """

    entry: Entry | None
    link: str
    depth: int
    sentence: str
    also: tuple[int, ...] = ()
    shared: tuple[int, ...] = ()


@frozen
class Found:
    """What a target is, before anything is explained. answer: sentences that stand above the chain; heads: (event,
    link) that the chain begins with, the first its target; subject: what of settings that were loaded is meant (see
    :mod:`tools.why.stored`); via: an event that the chain goes on with, instead of the cause of its target."""

    answer: tuple[str, ...]
    heads: tuple[tuple[int, str], ...]
    subject: str = ""
    via: int = 0


@frozen
class Told:
    """One event of the whole graph. links: (number, kind of link) of what it comes from."""

    entry: Entry
    links: tuple[tuple[int, str], ...]


@frozen
class Why:
    """Why something is so, in a run just after event ``at``.

    answer: what was asked, as sentences; nodes: the chain, in the order in which it is read; inputs: the outside inputs
    among the events told; graph: every ancestor, the newest first, if it was asked for.
    """

    info: RunInfo
    target: str
    at: int
    phone: int
    answer: tuple[str, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[Entry, ...]
    graph: tuple[Told, ...] = ()
