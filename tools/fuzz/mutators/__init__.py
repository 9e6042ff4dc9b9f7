"""Making stories: faults of many kinds, put into a story by dice, all of which stop at its calm.

Everything is said in the words of scenarios, so that each case can be written down and run as it stands. A server that
misbehaves ends at the calm, and the base's begins there, at the same address; the power comes back and the cable too;
bits that were flipped are right again; settings that keep a phone from its servers are gone. What goes on is a little
loss on the link, worn sectors, and what is planned for an input or a flash operation that has not come by then. A phone
has to bear all of that.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.world.scenario import Scenario
from tools.fuzz.dice import Dice
from tools.fuzz.model import Case
from tools.fuzz.mutators import (
    clock,
    dhcp,
    documents,
    exchange,
    files,
    firmwares,
    flash,
    link,
    messages,
    people,
    pnp,
    power,
    servers,
    sources,
)
from tools.fuzz.mutators.draft import Draft, begin
from tools.fuzz.mutators.ending import AFTER, finish
from tools.fuzz.mutators.splicing import splice
from tools.fuzz.mutators.survey import survey

__all__ = ["AFTER", "KINDS", "vary"]

Fault = Callable[[Draft], bool]
"""Puts something into a draft; False if the base has nothing that it could be put into."""

KINDS: dict[str, tuple[tuple[int, Fault], ...]] = {
    "dhcp": ((3, dhcp.server), (2, dhcp.second)),
    "options": ((1, dhcp.options),),
    "manual": ((1, sources.manual),),
    "leases": ((1, dhcp.leases),),
    "ipv6": ((1, dhcp.ipv6),),
    "pnp": ((3, pnp.responders), (1, pnp.worse)),
    "files": ((4, files.failing), (1, files.slow)),
    "redirects": ((1, files.redirects),),
    "logins": ((1, files.logins),),
    "protocols": ((1, files.protocols),),
    "firmware": ((3, firmwares.firmware), (1, people.answers)),
    "documents": ((1, documents.documents),),
    "conflicts": ((1, documents.conflicts),),
    "sizes": ((1, documents.sizes),),
    "encryption": ((1, documents.encryption),),
    "bulk": ((1, documents.bulk),),
    "packets": ((4, messages.packets), (1, messages.early)),
    "answers": ((4, messages.answers), (1, messages.streams)),
    "link": ((1, link.conditions),),
    "outages": ((1, link.outages),),
    "lan": ((1, link.switch), (1, link.stations)),
    "power": ((2, power.switched), (2, power.in_work)),
    "cuts": ((2, power.cuts), (1, power.resaved)),
    "flash": ((3, flash.image), (2, flash.flips), (1, flash.worn)),
    "stored": ((1, flash.stored),),
    "typing": ((1, people.typing),),
    "calls": ((1, people.calls),),
    "notify": ((1, people.notify),),
    "restarts": ((1, people.restarts),),
    "cable": ((1, people.cable),),
    "pages": ((1, exchange.pages_seen),),
    "reset": ((1, people.reset),),
    "timers": ((1, people.longer),),
    "clock": ((3, clock.servers), (1, clock.days)),
    "resync": ((1, clock.resync),),
    "syslog": ((1, servers.syslog),),
    "registrar": ((1, servers.registrar),),
    "redirection": ((1, servers.redirection),),
    "proxy": ((1, servers.proxy),),
    "readings": ((1, servers.readings),),
}
"""The kinds of faults by the name that ``--kind`` takes: what each does, with weights."""
ON = 200_000
"""Parts per million of the kinds that are switched on for a case."""
CHANCES = {
    **dict.fromkeys(("redirects", "documents", "conflicts", "firmware"), 350_000),
    **dict.fromkeys(("sizes", "bulk"), 60_000),
    **dict.fromkeys(("timers", "resync", "ipv6", "proxy", "encryption", "manual"), 90_000),
    **dict.fromkeys(("protocols", "registrar"), 150_000),
}
"""The same for kinds of which there is much to try, and for those whose cases take long."""
COUNTS = (1, 1, 1, 2, 2, 2, 3, 3, 4, 6)
"""How many faults a case gets."""


def vary(
    base: Scenario, parent: Case | None, other: Case | None, dice: Dice, kinds: frozenset[str] | None = None
) -> Case:
    """A case out of the base or a case of the corpus, with some faults more; with parts of another case, if given.

    kinds: names of :data:`KINDS` that may be used, None for all.
    """
    draft = begin(base, survey(base), parent, dice)
    draft.kinds = kinds
    names = [name for name in KINDS if kinds is None or name in kinds]
    on = [name for name in names if dice.chance(CHANCES.get(name, ON))] or names
    used = set(parent.kinds) if parent is not None else set[str]()
    if other is not None:
        splice(draft, other)
        used.update(other.kinds)
    for _ in range(dice.choice(COUNTS)):
        name = dice.choice(on)
        if dice.weighted(KINDS[name])(draft):
            used.add(name)
    return Case(finish(draft), draft.calm, tuple(sorted(used)))
