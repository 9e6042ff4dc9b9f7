"""A run as a Mermaid sequence diagram, which code forges and wikis draw.

Each provisioning run is a rectangle, each step and each outcome a note; an arrow has the number of its event. What
Mermaid may take for syntax is written as a number (``#59;``), so that nothing that a peer sent is more than text. A
diagram is as long as Mermaid draws, 50,000 characters; the last note says from where on the rest can be had.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, NamedTuple

from attrs import frozen

from emulator.log.progress import counted
from tools.browse import entries
from tools.exports.forms import Asked, Told
from tools.exports.ladder import Arrow, Item, Ladder
from tools.locate import Located, firmware_of
from tools.peers import EVERYBODY, Peer

LONGEST = 50_000
"""UTF-16 units of a diagram (``maxTextSize`` of Mermaid, where nobody has changed it)."""
LONGEST_LABEL = 120
"""Characters of a text; what is longer is cut off."""
RUN_COLOUR = "rgba(128, 160, 255, 0.12)"
_SYNTAX = re.compile(r"[^\w ,.:()/\[\]'+*=?!·→←…-]|(?<=styl)e|(?<=classDe)f", re.IGNORECASE)
"""What is written as a number: what is not known to be text, and a letter of two words that Mermaid looks for in every
line before it reads it."""


class Drawn(NamedTuple):
    """A diagram. items: how many of the ladder are in it; rest: the first event that is not, None if all are."""

    text: str
    items: int
    rest: int | None


def write(found: Located, out: BinaryIO, asked: Asked) -> Told:
    """Write the diagram of a run. Raises LogError, OSError."""
    info = found.info
    titles = {number: step.title for number, step in firmware_of(info).steps.items()}
    taken = counted(entries(found, found.event(), asked.phone, ()), asked.progress)
    ladder = Ladder(titles, asked.secrets)
    drawn = diagram(f"{info.header.name}: {info.header.title}", ladder.items(taken, asked.since), ladder.phones)
    note = "" if drawn.rest is None else f"mermaid draws no more than this; --from {drawn.rest} draws what follows"
    return Told(out.write(drawn.text.encode()), drawn.items, "arrows and notes", note=note)


def diagram(title: str, items: Iterable[Item], phones: Mapping[int, str]) -> Drawn:
    """The diagram of a ladder, as far as it goes into one. phones: names, filled while ``items`` are read."""
    shown: list[Item] = []
    size = 0
    for item in items:
        shown.append(item)
        size += sum(units(line) for line in body([item], Cast.of([item], phones)))
        if size > LONGEST:
            break
    keep = len(shown)
    while True:
        rest = shown[keep].n if keep < len(shown) else None
        text = "".join(f"{line}\n" for line in lines(title, shown[:keep], phones, rest))
        excess = units(text) - LONGEST
        if excess <= 0 or not keep:
            return Drawn(text, keep, rest)
        keep -= max(1, excess // LONGEST_LABEL)


def units(text: str) -> int:
    """Length as JavaScript counts it."""
    return len(text.encode("utf-16-le")) // 2


def lines(title: str, items: list[Item], phones: Mapping[int, str], rest: int | None) -> Iterator[str]:
    """The lines of a diagram."""
    cast = Cast.of(items, phones)
    yield "sequenceDiagram"
    yield f"title {escaped(title)}"
    yield from cast.declared()
    yield from body(items, cast)
    if rest is not None and items:
        yield f"Note over {cast.name(items[-1].phone)}: {escaped(f'cut off here, --from {rest} draws what follows')}"


def body(items: list[Item], cast: Cast) -> Iterator[str]:
    """Arrows and notes; a provisioning run that is drawn from its beginning is a rectangle, of one phone at a time."""
    within: int | None = None
    for item in items:
        phone = cast.name(item.phone)
        if isinstance(item, Arrow):
            yield arrow(item, phone, cast.name(item.peer))
            continue
        if item.opens and within is None:
            within = item.phone
            yield f"rect {RUN_COLOUR}"
        yield f"Note over {phone}: {escaped(item.text)}"
        if item.closes and within == item.phone:
            within = None
            yield "end"
    if within is not None:
        yield "end"


def arrow(item: Arrow, phone: str, peer: str) -> str:
    """One arrow: solid from the phone, dotted to it, with a cross if it was lost."""
    head = "x" if item.lost else ">>"
    way = f"{phone}-{head}{peer}" if item.outward else f"{peer}--{head}{phone}"
    return f"{way}: {escaped(item.label())}"


@frozen
class Cast:
    """The participants: their names in the diagram, and their texts. lone: of a role, its only peer with a place."""

    names: dict[Peer | int, str]
    lone: dict[str, Peer]
    phones: Mapping[int, str]

    @classmethod
    def of(cls, items: list[Item], phones: Mapping[int, str]) -> Cast:
        """Those who appear in ``items``, phones first."""
        places: dict[str, list[Peer]] = {}
        peers = dict.fromkeys(item.peer for item in items if isinstance(item, Arrow))
        for peer in peers:
            if peer.place != EVERYBODY:
                places.setdefault(peer.role, []).append(peer)
        lone = {role: found[0] for role, found in places.items() if len(found) == 1}
        parties: list[Peer | int] = list(dict.fromkeys(item.phone for item in items))
        parties += dict.fromkeys(lone.get(peer.role, peer) for peer in peers)
        return cls({party: f"p{number}" for number, party in enumerate(parties)}, lone, phones)

    def name(self, party: Peer | int) -> str:
        """How the diagram names a phone or a peer; what goes to a group goes to the only one there is, if it is one."""
        return self.names[self.lone.get(party.role, party) if isinstance(party, Peer) else party]

    def declared(self) -> Iterator[str]:
        """The lines that say who takes part."""
        for party, name in self.names.items():
            text = party.text() if isinstance(party, Peer) else self.phones.get(party, f"phone {party}")
            yield f"participant {name} as {escaped(text)}"


def escaped(text: str) -> str:
    """``text`` on one line, as nothing but text, cut off where it is too long."""
    if len(text) > LONGEST_LABEL:
        text = text[: LONGEST_LABEL - 1] + "…"
    return _SYNTAX.sub(lambda found: f"#{ord(found[0])};", text).strip() or "…"
