"""``why``: from an event, a setting, a byte of the flash, the display or the outcome back to the outside inputs.

:func:`why` answers for a stored run; :func:`tools.why.graph.ancestors` gives all that an event comes from, of entries
that are at hand.
"""

from __future__ import annotations

from pathlib import Path

from emulator.log.store import LogError
from tools.locate import DATABASE, Located, located
from tools.why.chain import DEEPEST, Chain
from tools.why.graph import Link, ancestors, ancestors_of, is_outside, links, outside
from tools.why.model import Found, Node, Told, Why
from tools.why.reader import Reader
from tools.why.targets import find

__all__ = ["Link", "Node", "Told", "Why", "ancestors", "links", "outside", "why"]


def why(
    run: str,
    target: str | None = None,
    *,
    db: str | Path = DATABASE,
    phone: int = 0,
    secrets: bool = False,
    depth: int | None = None,
    whole: bool = False,
) -> Why:
    """Why something is so in ``RUN``, or just after event N of ``RUN@N``.

    target: ``setting:NAME``, ``flash:ADDRESS``, ``display``, ``display:TEXT`` or ``outcome``; None for event N, or the
    outcome if none is named. phone: of a run of many; an event tells its own. depth: the deepest ground that is told,
    and with ``whole``, which adds every ancestor, the most links back. secrets: show passwords. Raises LogError.
    """
    with located(run, db) as found:
        return answered(found, target, phone, secrets, depth, whole)


def answered(
    located_run: Located, target: str | None, phone: int, secrets: bool, depth: int | None, whole: bool
) -> Why:
    """:func:`why` for a run that was found."""
    info = located_run.info
    if not info.events:
        raise LogError(f"run {info.id} holds no events")
    at = located_run.event()
    if not 0 <= phone < info.header.phones:
        raise LogError(f"run {info.id} has phones 0 to {info.header.phones - 1}")
    reader = Reader(located_run.store, info)
    chain = Chain(reader, at, secrets, DEEPEST if depth is None else depth)
    if target is None and located_run.at is not None:
        entry = reader.get(at)
        if entry is None:
            raise LogError(f"run {info.id} has no event {at}; `offhook verify` says more")
        phone, asked = entry.phone, Found((), ((at, ""),))
    else:
        asked = find(chain, phone, at, "outcome" if target is None else target)
    nodes = list(chain.lines(asked.heads[0][0], asked.subject, asked.via))
    for n, link in asked.heads[1:]:
        nodes += chain.head(n, link)
    numbers = sorted({m for node in nodes for m in (*((node.entry.n,) if node.entry else ()), *node.also)})
    inputs = tuple(entry for m in numbers if (entry := reader.get(m)) is not None and is_outside(entry))
    graph = whole_graph(reader, asked, depth) if whole else ()
    named = target if target is not None else "outcome" if located_run.at is None else f"event {at}"
    return Why(info, named, at, phone, asked.answer, tuple(nodes), inputs, graph)


def whole_graph(reader: Reader, asked: Found, depth: int | None) -> tuple[Told, ...]:
    """Every ancestor of what was asked about, the newest first. depth: the most links back."""
    found: dict[int, list[Link]] = {}
    for n, _ in asked.heads:
        found.update(ancestors_of(reader.get, n, depth))
    entries = ((reader.get(n), near) for n, near in sorted(found.items(), reverse=True))
    return tuple(
        Told(entry, tuple((link.n, link.kind) for link in near)) for entry, near in entries if entry is not None
    )
