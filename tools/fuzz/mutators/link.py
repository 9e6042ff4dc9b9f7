"""The way between the phone and the others: the link, the switch, and stations that are in the way."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from emulator.events import SECOND
from emulator.world.scenario import Chance, Duration, HostSpec, Outage
from tools.fuzz.mutators.draft import MOST, MS, Draft

WAYS = ("both", "both", "to-phone", "from-phone")


def conditions(draft: Draft) -> bool:
    """Slow, uneven, doubled, out of order, a little lossy. All that goes on in the calm, so it is never much."""
    dice = draft.dice
    changes: dict[str, Any] = dice.choice(
        (
            {"latency": Duration(dice.choice((0, 1, 20, 100, 300)) * MS)},
            {"jitter": Duration(dice.choice((1, 10, 50, 200)) * MS)},
            {"loss": Chance(dice.choice((5_000, 20_000, 30_000)))},
            {"duplicate": Chance(dice.choice((50_000, 500_000, 1_000_000)))},
            {"reorder": Chance(dice.choice((50_000, 300_000))), "reorder_by": Duration(dice.choice((5, 20, 200)) * MS)},
        )
    )
    draft.link = evolve(draft.link, **changes)
    return True


def outages(draft: Draft) -> bool:
    """Nothing passes for some time; or, as with heavy loss, for many short times."""
    dice = draft.dice
    made = []
    at = draft.when()
    long = dice.chance(500_000)
    for _ in range(dice.choice((1, 1, 2)) if long else dice.between(3, 10)):
        lasting = dice.choice((SECOND, 5 * SECOND, 20 * SECOND, 300 * SECOND) if long else (MS, 20 * MS, 300 * MS))
        made.append(Outage(Duration(at), Duration(at + 1 + dice.below(lasting)), dice.choice(WAYS)))
        at = draft.when() if long else Duration(at + dice.below(2 * SECOND))
    if len(draft.link.outage) + len(made) <= MOST:
        draft.link = evolve(draft.link, outage=(*draft.link.outage, *made))
    return True


def switch(draft: Draft) -> bool:
    """The switch tells of a voice VLAN, or nothing, or rubbish, at once or late. Servers are in that VLAN too."""
    base = draft.base
    if {0} != {0, *(s.vlan for s in base.dhcp), *(s.vlan for s in base.dhcpv6), *(s.vlan for s in base.pnp)}:
        return False
    dice = draft.dice
    draft.untag()
    draft.switch = evolve(
        draft.base.switch,
        lldp=dice.choice(("answer", "answer", "silent", "garbage")),
        cdp=dice.choice(("answer", "silent", "garbage")),
        lldp_vlan=dice.choice((0, 0, 20, 4094)),
        cdp_vlan=dice.choice((0, 0, 0, 30)),
        delay=Duration(dice.choice((0, 0, 1, 1_000, 4_999, 5_000, 6_000)) * MS),
    )
    return True


def stations(draft: Draft) -> bool:
    """Another station has the phone's address, or that of a server, for some time."""
    dice = draft.dice
    start, end = draft.window()
    address = dice.choice(("192.0.2.10", "192.0.2.10", "192.0.2.11", "192.0.2.50", "192.0.2.1"))
    mac = f"02000000000{dice.between(1, 3)}"
    delay = Duration(dice.choice((1, 1, 100, 900, 3_000)) * MS)
    draft.add("host", HostSpec(address, mac, 0, delay, Duration(start), Duration(end)))
    return True
